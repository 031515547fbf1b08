package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestAnEarlyFraudWarning(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4000000000005423")
	if types := a.eventTypes(); types[len(types)-1] != "radar.early_fraud_warning.created" {
		t.Fatalf("events %v", types)
	}
	list := a.get("/v1/radar/early_fraud_warnings?charge=" + charge + "&expand[]=data.charge")
	warning := answer{body: list.row("data", 0)}
	warning.expect(t, map[string]any{"actionable": true, "fraud_type": "misc", "charge.id": charge})
	path := "/v1/radar/early_fraud_warnings/" + warning.text("id")
	events := len(a.eventTypes())

	a.refund(charge, 1000)
	a.get(path).expect(t, map[string]any{"actionable": true})
	a.refund(charge, 1500)

	a.get(path).expect(t, map[string]any{"actionable": false})
	if got := a.since(events); got[len(got)-1] != "radar.early_fraud_warning.updated" {
		t.Errorf("events %v", got)
	}
	other := a.paidWith("4242424242424242")
	made := a.control("/_sim/fraud_warning", `{"charge": "`+other+`", "fraud_type": "made_with_stolen_card"}`)
	made.expect(t, map[string]any{"actionable": true, "fraud_type": "made_with_stolen_card"})
	a.control("/_sim/dispute", `{"charge": "`+other+`"}`)
	a.get("/v1/radar/early_fraud_warnings/"+made.text("id")).expect(t, map[string]any{"actionable": false})
	for _, document := range []string{`{"charge": "` + other + `"}`, `{"charge": "ch_none"}`, `{"charge": "` + charge + `", "fraud_type": "x"}`} {
		if r := a.control("/_sim/fraud_warning", document); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", document, r.status)
		}
	}
	if r := a.get("/v1/radar/early_fraud_warnings/issfr_none"); r.status != http.StatusNotFound {
		t.Errorf("unknown warning: %d", r.status)
	}
}

func TestAReview(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for name, test := range map[string]struct {
		act  func(review, charge string)
		want string
	}{
		"approved": {func(review, _ string) { a.post("/v1/reviews/"+review+"/approve", nil) }, "approved"},
		"refunded": {func(_, charge string) { a.refund(charge, 2500) }, "refunded"},
		"as fraud": {func(_, charge string) {
			a.post("/v1/refunds", url.Values{"charge": {charge}, "reason": {"fraudulent"}})
		}, "refunded_as_fraud"},
		"disputed": {func(_, charge string) { a.control("/_sim/dispute", `{"charge": "`+charge+`"}`) }, "disputed"},
	} {
		charge := a.paidWith("4000000000009235")
		events := len(a.eventTypes())
		paid := a.get("/v1/charges/" + charge + "?expand[]=review")
		paid.expect(t, map[string]any{
			"status": "succeeded", "outcome.type": "manual_review", "outcome.risk_level": "elevated",
			"review.open": true, "review.reason": "rule", "review.closed_reason": nil, "review.billing_zip": "10115",
		})
		review := paid.text("review.id")
		if a.get("/v1/payment_intents/"+paid.text("payment_intent")).text("review") != review {
			t.Errorf("%s: the payment intent does not name the review", name)
		}
		if rows := a.get("/v1/reviews").path("data").([]any); len(rows) != 1 {
			t.Errorf("%s: %d reviews are open", name, len(rows))
		}

		test.act(review, charge)

		a.get("/v1/reviews/"+review).expect(t, map[string]any{"open": false, "closed_reason": test.want, "reason": test.want})
		if got := a.since(events); !slices.Contains(got, "review.closed") {
			t.Errorf("%s: events %v", name, got)
		}
		if r := a.post("/v1/reviews/"+review+"/approve", nil); r.status != http.StatusBadRequest {
			t.Errorf("%s: approved when closed", name)
		}
	}
}

// Everything that Stripe may write on a statement can be made, known or not.
func TestTransactionsOfEveryCategory(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for category, kind := range otherTypes() {
		made := a.control("/_sim/transaction", `{"category": "`+category+`", "amount": -250, "currency": "EUR", "description": "Radar"}`)
		made.expect(t, map[string]any{"type": kind, "amount": -250, "net": -250, "currency": "eur", "source": nil, "description": "Radar"})
		if category == "reserve" {
			category = "risk_reserved_funds"
		}
		made.expect(t, map[string]any{"reporting_category": category})
		if rows := a.get("/v1/balance_transactions?limit=100&type=" + kind).path("data").([]any); len(rows) == 0 {
			t.Errorf("%s is not listed", kind)
		}
	}
	a.control("/_sim/transaction", `{"category": "moon_tax", "amount": 100, "fee": 30}`).expect(t, map[string]any{
		"type": "adjustment", "reporting_category": "moon_tax", "net": 70, "currency": "usd",
	})
	for _, document := range []string{
		`{"category": "refund", "amount": -100}`, `{"category": "fee", "amount": 0}`, `{"category": "Fee!", "amount": 1}`,
		`{"category": "fee", "amount": 1, "currency": "xxx"}`,
	} {
		if r := a.control("/_sim/transaction", document); r.status != http.StatusBadRequest || !strings.Contains(r.raw, "error") {
			t.Errorf("%s: %d", document, r.status)
		}
	}
}
