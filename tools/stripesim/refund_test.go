package stripesim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// paidWith makes a gift of 25.00 EUR with a card and returns its charge.
func (a *account) paidWith(number string) string {
	a.t.Helper()
	return a.paidAs(gift(), number)
}

func (a *account) paidAs(form url.Values, number string) string {
	a.t.Helper()
	id := a.checkout(form)
	r := a.pay(id, number)
	if r.status != http.StatusSeeOther {
		a.t.Fatalf("pay: %d %s", r.status, r.raw)
	}
	return a.session(id).text("payment_intent.latest_charge.id")
}

func (a *account) refund(charge string, amount int64) answer {
	a.t.Helper()
	return a.post("/v1/refunds", url.Values{"charge": {charge}, "amount": {fmt.Sprint(amount)}})
}

// since returns the types of the events after the first n.
func (a *account) since(n int) []string { return a.eventTypes()[n:] }

func (a *account) advance(seconds int64) {
	a.t.Helper()
	r := a.control("/_sim/clock", fmt.Sprintf(`{"advance_seconds": %d}`, seconds))
	if r.status != http.StatusOK {
		a.t.Fatalf("clock: %s", r.raw)
	}
}

// expect compares properties of an answer, by their dotted paths.
func (r answer) expect(t *testing.T, want map[string]any) {
	t.Helper()
	for path, value := range want {
		if number, ok := value.(int); ok {
			value = float64(number)
		}
		if got := r.path(path); got != value {
			t.Errorf("%s is %v, want %v", path, got, value)
		}
	}
}

const day = 86_400

func TestAGiftIsRefundedInParts(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4242424242424242")
	events := len(a.eventTypes())

	first := a.post("/v1/refunds", url.Values{
		"charge": {charge}, "amount": {"1000"}, "reason": {"requested_by_customer"}, "metadata[refund_id]": {"ref_1"},
		"expand[]": {"balance_transaction", "charge"},
	})

	first.expect(t, map[string]any{
		"amount": 1000, "status": "succeeded", "reason": "requested_by_customer", "metadata.refund_id": "ref_1",
		"charge.amount_refunded": 1000, "charge.refunded": false,
		"balance_transaction.amount": -1000, "balance_transaction.fee": 0, "balance_transaction.net": -1000,
		"balance_transaction.type": "refund", "balance_transaction.reporting_category": "refund",
		"balance_transaction.source": first.text("id"), "balance_transaction.status": "available",
	})
	if _, has := first.body["failure_reason"]; has || !strings.HasPrefix(first.text("id"), "re_3") {
		t.Errorf("%s", first.raw)
	}
	want := []string{"refund.created", "charge.refunded", "refund.updated", "charge.refund.updated"}
	if got := a.since(events); !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}

	tooMuch := a.refund(charge, 2000)
	if tooMuch.status != http.StatusBadRequest || tooMuch.text("error.param") != "amount" || tooMuch.path("error.code") != nil ||
		tooMuch.text("error.message") != "Refund amount (€20.00) is greater than unrefunded amount on charge (€15.00)" {
		t.Errorf("too much: %s", tooMuch.raw)
	}
	rest := a.post("/v1/refunds", url.Values{"charge": {charge}})
	rest.expect(t, map[string]any{"amount": 1500})
	again := a.refund(charge, 1)
	again.expect(t, map[string]any{"error.code": "charge_already_refunded"})

	after := a.get("/v1/charges/" + charge + "?expand[]=refunds")
	after.expect(t, map[string]any{"amount_refunded": 2500, "refunded": true, "refunds.has_more": false})
	if rows := after.path("refunds.data").([]any); len(rows) != 2 || rows[0].(map[string]any)["id"] != rest.text("id") {
		t.Errorf("refunds of the charge: %v", rows)
	}
	if rows := a.get("/v1/refunds?charge=" + charge).path("data").([]any); len(rows) != 2 {
		t.Errorf("%d refunds are listed", len(rows))
	}
	if rows := a.get("/v1/balance_transactions?source=" + rest.text("id")).path("data").([]any); len(rows) != 1 {
		t.Errorf("%d transactions of a refund", len(rows))
	}
}

func TestRefundRequestsThatAreWrong(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4242424242424242")
	declined := a.checkout(gift())
	a.pay(declined, "4000000000000002")
	failed := a.session(declined)

	for name, test := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"nothing named":     {url.Values{}, 400, "parameter_missing"},
		"unknown charge":    {url.Values{"charge": {"ch_none"}}, 404, "resource_missing"},
		"unknown intent":    {url.Values{"payment_intent": {"pi_none"}}, 404, "resource_missing"},
		"no amount":         {url.Values{"charge": {charge}, "amount": {"0"}}, 400, "parameter_invalid_integer"},
		"negative":          {url.Values{"charge": {charge}, "amount": {"-5"}}, 400, "parameter_invalid_integer"},
		"reason of its own": {url.Values{"charge": {charge}, "reason": {"regret"}}, 400, ""},
		"not paid":          {url.Values{"charge": {failed.text("payment_intent.latest_charge.id")}}, 400, "charge_not_refundable"},
		"intent not paid":   {url.Values{"payment_intent": {failed.text("payment_intent.id")}}, 400, ""},
		"unknown parameter": {url.Values{"charge": {charge}, "colour": {"red"}}, 400, "parameter_unknown"},
		"two that differ":   {url.Values{"charge": {charge}, "payment_intent": {failed.text("payment_intent.id")}}, 400, ""},
	} {
		r := a.post("/v1/refunds", test.form)
		if r.status != test.status || r.text("error.code") != test.code || r.text("error.message") == "" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if got := a.get("/v1/refunds").path("data").([]any); len(got) != 0 {
		t.Errorf("%d refunds were made", len(got))
	}
	if r := a.get("/v1/refunds/re_none"); r.status != http.StatusNotFound {
		t.Errorf("unknown refund: %d", r.status)
	}
}

func TestARefundThatIsPendingFirst(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4000000000007726")
	made := a.refund(charge, 2500)
	made.expect(t, map[string]any{"status": "pending"})
	events := len(a.eventTypes())

	a.advance(refundDelay)

	a.get("/v1/refunds/"+made.text("id")).expect(t, map[string]any{"status": "succeeded"})
	if got := a.since(events); !slices.Equal(got, []string{"refund.updated", "charge.refund.updated"}) {
		t.Errorf("events %v", got)
	}
}

func TestARefundThatFailsAfterItSucceeded(t *testing.T) {
	t.Parallel()
	for knob, want := range map[string][]string{
		"on": {"refund.failed", "charge.refund.updated"}, "off": {"charge.refund.updated"},
	} {
		a := open(t, nil)
		a.knobs(`{"refund_failed_event": "` + knob + `"}`)
		charge := a.paidWith("4000000000005126")
		made := a.refund(charge, 2000)
		made.expect(t, map[string]any{"status": "succeeded"})
		events := len(a.eventTypes())

		a.advance(refundDelay)

		failed := a.get("/v1/refunds/" + made.text("id") + "?expand[]=failure_balance_transaction")
		failed.expect(t, map[string]any{
			"status": "failed", "failure_reason": "expired_or_canceled_card", "failure_balance_transaction.amount": 2000,
			"failure_balance_transaction.type": "refund_failure", "failure_balance_transaction.reporting_category": "refund_failure",
		})
		a.get("/v1/charges/"+charge).expect(t, map[string]any{"amount_refunded": 0, "refunded": false})
		if got := a.since(events); !slices.Equal(got, want) {
			t.Errorf("refund_failed_event %s: %v", knob, got)
		}
		// The money can be given back again, and then fails again.
		if r := a.refund(charge, 2500); r.status != http.StatusOK {
			t.Errorf("refunding again: %s", r.raw)
		}
	}
}

func TestARefundInAnotherCurrency(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.knobs(`{"settlement": {"eur": {"to": "usd", "rate_micros": 1084200}}}`)
	charge := a.paidWith("4242424242424242")
	a.knobs(`{"settlement": {"eur": {"to": "usd", "rate_micros": 1100000}}}`)

	// The rate of the day of the refund counts, and half a cent goes up.
	r := a.post("/v1/refunds", url.Values{"charge": {charge}, "amount": {"1005"}, "expand[]": {"balance_transaction"}})
	r.expect(t, map[string]any{
		"amount": 1005, "currency": "eur", "balance_transaction.amount": -1106, "balance_transaction.currency": "usd",
		"balance_transaction.exchange_rate": 1.1,
	})
	// Without a rate of its own it takes that of the charge.
	a.knobs(`{"reset": true}`)
	r = a.post("/v1/refunds", url.Values{"charge": {charge}, "amount": {"1000"}, "expand[]": {"balance_transaction"}})
	r.expect(t, map[string]any{"balance_transaction.amount": -1084, "balance_transaction.exchange_rate": 1.0842})
}

func TestMetadataOfARefundCanBeChanged(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	made := a.refund(a.paidWith("4242424242424242"), 500)
	events := len(a.eventTypes())

	changed := a.post("/v1/refunds/"+made.text("id"), url.Values{"metadata[ticket]": {"77"}})
	changed.expect(t, map[string]any{"metadata.ticket": "77", "status": "succeeded"})
	same := a.post("/v1/refunds/"+made.text("id"), url.Values{"metadata[ticket]": {"77"}})

	if got := a.since(events); same.status != http.StatusOK || !slices.Equal(got, []string{"refund.updated", "charge.refund.updated"}) {
		t.Errorf("events %v", got)
	}
	if r := a.post("/v1/refunds/"+made.text("id")+"/cancel", nil); r.status != http.StatusBadRequest || !strings.Contains(r.raw, "cannot be canceled") {
		t.Errorf("cancel: %s", r.raw)
	}
}

// Staff refund in Stripe's Dashboard, without asking the application.
func TestARefundInTheDashboard(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4242424242424242")

	made := a.control("/_sim/refund", `{"charge": "`+charge+`", "amount": 700, "reason": "duplicate"}`)
	made.expect(t, map[string]any{"amount": 700, "reason": "duplicate", "status": "succeeded"})
	form := a.post("/_sim/refund", url.Values{"charge": {a.get("/v1/charges/" + charge).text("payment_intent")}, "amount": {""}, "reason": {""}})
	if form.status != http.StatusSeeOther {
		t.Fatalf("form: %d %s", form.status, form.raw)
	}
	tooMuch := a.post("/_sim/refund", url.Values{"charge": {charge}, "amount": {"1"}})
	if tooMuch.status != http.StatusBadRequest || !strings.Contains(tooMuch.raw, "already been refunded") {
		t.Errorf("%d", tooMuch.status)
	}
	page := a.get("/_sim").raw
	if !strings.Contains(page, made.text("id")) || !strings.Contains(page, "18.00 EUR") {
		t.Error("the dashboard does not show the refunds")
	}
	events := a.sim.Truth().Refunds
	if len(events) != 2 || events[1].Amount != 1800 {
		t.Errorf("truth: %+v", events)
	}
}

// The clock may be turned by months at once: what falls due on the way happens
// on its day, and its events say so.
func TestWhatFallsDueHappensAtItsTime(t *testing.T) {
	t.Parallel()
	rec := newReceiver(t, nil)
	a := open(t, nil)
	a.listen(rec)
	charge := a.paidWith("4000000000005126")
	made := a.refund(charge, 2500)
	asked := made.number("created")

	a.advance(40 * day)

	a.settle()
	a.sim.mu.RLock()
	last := a.sim.state.events.byID[a.sim.state.events.order[len(a.sim.state.events.order)-1]]
	a.sim.mu.RUnlock()
	if last.Created != asked+refundDelay {
		t.Errorf("failed %d seconds after the request", last.Created-asked)
	}
	if got := rec.types(); !slices.Contains(got, "refund.failed") {
		t.Errorf("not delivered: %v", got)
	}
}
