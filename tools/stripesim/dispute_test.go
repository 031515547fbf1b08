package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// disputeOn is the newest dispute of a charge.
func (a *account) disputeOn(charge string) answer {
	a.t.Helper()
	rows := a.get("/v1/disputes?charge=" + charge).path("data").([]any)
	if len(rows) == 0 {
		a.t.Fatalf("%s is not disputed", charge)
	}
	return answer{body: rows[0].(map[string]any)}
}

// evidence submits words to the bank.
func (a *account) evidence(dispute, words string) answer {
	a.t.Helper()
	return a.post("/v1/disputes/"+dispute, url.Values{"evidence[uncategorized_text]": {words}, "submit": {"true"}})
}

func (r answer) row(path string, i int) map[string]any {
	rows, _ := r.path(path).([]any)
	if i >= len(rows) {
		return nil
	}
	return rows[i].(map[string]any)
}

func TestADisputeTakesTheMoneyAndAFee(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4000000000000259")
	d := a.disputeOn(charge)

	d.expect(t, map[string]any{
		"amount": 2500, "status": "needs_response", "reason": "fraudulent", "is_charge_refundable": false,
		"evidence_details.has_evidence": false, "evidence_details.submission_count": 0,
		"payment_method_details.card.brand": "visa", "payment_method_details.card.network_reason_code": "10.4",
	})
	taken := answer{body: d.row("balance_transactions", 0)}
	taken.expect(t, map[string]any{
		"amount": -2500, "fee": 1500, "net": -4000, "type": "adjustment", "reporting_category": "dispute",
		"source": d.text("id"), "currency": "eur",
	})
	if detail := taken.row("fee_details", 0); detail["amount"] != 1500.0 || detail["description"] != "Dispute fee" {
		t.Errorf("fee: %v", detail)
	}
	a.get("/v1/charges/"+charge).expect(t, map[string]any{"disputed": true, "amount_refunded": 0})
	want := []string{
		"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
		"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated",
	}
	if got := a.eventTypes(); !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}
	a.refund(charge, 100).expect(t, map[string]any{"error.code": "charge_disputed"})
	if r := a.get("/v1/balance_transactions/" + taken.text("id") + "?expand[]=source.charge"); r.text("source.charge.id") != charge {
		t.Errorf("source: %s", r.raw)
	}
}

func TestADisputeIsWon(t *testing.T) {
	t.Parallel()
	for knob, fee := range map[string]int{"off": 0, "on": -1500} {
		a := open(t, nil)
		a.knobs(`{"dispute_fee_returned": "` + knob + `"}`)
		charge := a.paidWith("4000000000002685")
		d := a.disputeOn(charge)
		events := len(a.eventTypes())

		staged := a.post("/v1/disputes/"+d.text("id"), url.Values{"evidence[product_description]": {"A gift"}, "submit": {"false"}})
		staged.expect(t, map[string]any{"status": "needs_response", "evidence_details.has_evidence": true, "evidence_details.submission_count": 0})
		sent := a.evidence(d.text("id"), "winning_evidence")
		sent.expect(t, map[string]any{
			"status": "under_review", "evidence_details.submission_count": 1,
			"evidence.product_description": "A gift", "evidence.uncategorized_text": "winning_evidence",
		})
		if again := a.evidence(d.text("id"), "more"); again.status != http.StatusBadRequest {
			t.Errorf("a second submission: %s", again.raw)
		}
		a.advance(wordDelay)

		won := a.get("/v1/disputes/" + d.text("id"))
		won.expect(t, map[string]any{"status": "won", "is_charge_refundable": true})
		back := answer{body: won.row("balance_transactions", 1)}
		back.expect(t, map[string]any{"amount": 2500, "fee": fee, "net": 2500 - fee, "reporting_category": "dispute_reversal", "type": "adjustment"})
		want := []string{"charge.dispute.updated", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_reinstated"}
		if got := a.since(events); !slices.Equal(got, want) {
			t.Errorf("events %v", got)
		}
		if r := a.refund(charge, 2500); r.status != http.StatusOK {
			t.Errorf("a won charge cannot be refunded: %s", r.raw)
		}
	}
}

func TestADisputeIsLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(a *account, id string){
		"by the words of the test": func(a *account, id string) { a.evidence(id, "losing_evidence"); a.advance(wordDelay) },
		"by giving up":             func(a *account, id string) { a.post("/v1/disputes/"+id+"/close", nil) },
		"by silence":               func(a *account, _ string) { a.advance((answerDays + 1) * day) },
		"by weak evidence":         func(a *account, id string) { a.evidence(id, "trust us"); a.advance(bankDays * day) },
		"by the bank":              func(a *account, id string) { a.control("/_sim/dispute/"+id, `{"outcome": "lost"}`) },
	} {
		a := open(t, nil)
		charge := a.paidWith("4000000000000259")
		id := a.disputeOn(charge).text("id")

		lose(a, id)

		lost := a.get("/v1/disputes/" + id)
		lost.expect(t, map[string]any{"status": "lost", "is_charge_refundable": false})
		if lost.row("balance_transactions", 1) != nil {
			t.Errorf("%s: money came back", name)
		}
		if types := a.eventTypes(); types[len(types)-1] != "charge.dispute.closed" {
			t.Errorf("%s: last event %s", name, types[len(types)-1])
		}
		if r := a.post("/v1/disputes/"+id+"/close", nil); r.status != http.StatusBadRequest {
			t.Errorf("%s: closed twice", name)
		}
		a.refund(charge, 100).expect(t, map[string]any{"error.code": "charge_disputed"})
	}
}

func TestAnInquiryMovesNoMoney(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4000000000001976")
	d := a.disputeOn(charge)
	d.expect(t, map[string]any{"status": "warning_needs_response", "is_charge_refundable": true})
	if rows := d.path("balance_transactions").([]any); len(rows) != 0 {
		t.Errorf("an inquiry moved money: %v", rows)
	}
	a.get("/v1/charges/"+charge).expect(t, map[string]any{"disputed": false})

	// A part is refunded; the rest becomes a chargeback.
	a.refund(charge, 1000)
	a.evidence(d.text("id"), "escalate_inquiry_evidence").expect(t, map[string]any{"status": "warning_under_review"})
	events := len(a.eventTypes())
	a.advance(wordDelay)
	after := a.get("/v1/disputes/" + d.text("id"))
	after.expect(t, map[string]any{"status": "needs_response", "amount": 1500, "evidence_details.submission_count": 0})
	if taken := after.row("balance_transactions", 0); taken["amount"] != -1500.0 {
		t.Errorf("withdrawn: %v", taken)
	}
	if got := a.since(events); !slices.Equal(got, []string{"charge.dispute.updated", "charge.dispute.funds_withdrawn", "charge.updated"}) {
		t.Errorf("events %v", got)
	}

	// Refunded in full, or left alone for four months, it is over without loss.
	second := a.paidWith("4000000000001976")
	a.post("/v1/refunds", url.Values{"charge": {second}})
	a.disputeOn(second).expect(t, map[string]any{"status": "warning_closed"})
	third := a.paidWith("4000000000001976")
	a.advance(inquiryDays * day)
	a.disputeOn(third).expect(t, map[string]any{"status": "warning_closed"})
}

func TestSeveralDisputesOfOneCharge(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidAs(giftOf(2501, "usd"), "4000000404000079")
	rows := a.get("/v1/disputes?charge=" + charge).path("data").([]any)
	sum := 0.0
	for _, row := range rows {
		sum += row.(map[string]any)["amount"].(float64)
	}
	if len(rows) != 2 || sum != 2501 {
		t.Errorf("%d disputes about %v", len(rows), sum)
	}
	if r := a.control("/_sim/dispute", `{"charge": "`+charge+`"}`); r.status != http.StatusBadRequest {
		t.Errorf("more was disputed than paid: %s", r.raw)
	}
}

func TestADisputeOfAnyCharge(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.knobs(`{"settlement": {"eur": {"to": "usd", "rate_micros": 1084200}}}`)
	charge := a.paidWith("4242424242424242")
	a.refund(charge, 500)

	made := a.control("/_sim/dispute", `{"charge": "`+charge+`", "reason": "duplicate"}`)

	made.expect(t, map[string]any{"amount": 2000, "currency": "eur", "reason": "duplicate"})
	answer{body: made.row("balance_transactions", 0)}.expect(t, map[string]any{
		"amount": -2168, "currency": "usd", "fee": 1500, "exchange_rate": 1.0842,
	})
	page := a.get("/_sim").raw
	if !strings.Contains(page, `action="/_sim/dispute/`+made.text("id")+`"`) || !strings.Contains(page, "20.00 EUR") {
		t.Error("the dashboard does not show the dispute")
	}
	form := a.post("/_sim/dispute/"+made.text("id"), url.Values{"outcome": {"won"}})
	if form.status != http.StatusSeeOther {
		t.Fatalf("form: %d", form.status)
	}
	a.get("/v1/disputes/"+made.text("id")).expect(t, map[string]any{"status": "won"})
	for path, document := range map[string]string{
		"/_sim/dispute":                    `{"charge": "ch_none"}`,
		"/_sim/dispute/" + made.text("id"): `{"outcome": "lost"}`,
		"/_sim/dispute/du_none":            `{"outcome": "lost"}`,
	} {
		if r := a.control(path, document); r.status != http.StatusBadRequest {
			t.Errorf("%s %s: %d", path, document, r.status)
		}
	}
	inquiry := a.post("/_sim/dispute", url.Values{"charge": {charge}, "inquiry": {"on"}, "reason": {"general"}})
	if inquiry.status != http.StatusSeeOther {
		t.Errorf("inquiry: %s", inquiry.raw)
	}
	a.disputeOn(charge).expect(t, map[string]any{"status": "warning_needs_response"})
}

func TestEvidenceThatIsWrong(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.disputeOn(a.paidWith("4000000000000259")).text("id")
	for name, form := range map[string]url.Values{
		"a file":        {"evidence[receipt]": {"file_123"}},
		"unknown":       {"evidence[colour]": {"red"}},
		"too long":      {"evidence[uncategorized_text]": {strings.Repeat("x", 20_001)}},
		"not a boolean": {"submit": {"perhaps"}},
	} {
		if r := a.post("/v1/disputes/"+id, form); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, r.status)
		}
	}
	if r := a.post("/v1/disputes/du_none", url.Values{}); r.status != http.StatusNotFound {
		t.Errorf("unknown dispute: %d", r.status)
	}
	a.post("/v1/disputes/"+id, url.Values{"metadata[case]": {"7"}}).expect(t, map[string]any{
		"status": "needs_response", "metadata.case": "7", "evidence_details.submission_count": 0,
	})
}
