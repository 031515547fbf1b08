package stripesim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const instantCard = "4000000000000077" // its money is available at once

// payouts are all payouts, newest first.
func (a *account) payouts() []any {
	a.t.Helper()
	return a.get("/v1/payouts?limit=100").path("data").([]any)
}

// contents lists the transactions of a payout, page by page.
func (a *account) contents(payout string) []map[string]any {
	a.t.Helper()
	var out []map[string]any
	after := ""
	for {
		page := a.get("/v1/balance_transactions?limit=2&payout=" + payout + after)
		for _, row := range page.path("data").([]any) {
			out = append(out, row.(map[string]any))
		}
		if more, _ := page.path("has_more").(bool); !more {
			return out
		}
		after = "&starting_after=" + out[len(out)-1]["id"].(string)
	}
}

// Every night what is available is paid out, in each currency by itself.
func TestPayoutsEveryDay(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *Config) { c.PayoutSchedule = "daily" })
	a.paidWith(instantCard) // a foreign card: 2500, fee 3 % and 25
	refunded := a.paidWith(instantCard)
	a.refund(refunded, 500)
	a.paidAs(giftOf(4000, "usd"), instantCard)
	a.paidWith("4242424242424242") // pending for days
	events := len(a.eventTypes())

	a.advance(12 * 3600) // Monday noon to midnight

	rows := a.payouts()
	if len(rows) != 2 {
		t.Fatalf("%d payouts", len(rows))
	}
	usd, eur := answer{body: rows[0].(map[string]any)}, answer{body: rows[1].(map[string]any)}
	eur.expect(t, map[string]any{
		"amount": 2*2400 - 500, "currency": "eur", "status": "pending", "automatic": true, "method": "standard", "type": "bank_account",
		"reconciliation_status": "in_progress", "description": "STRIPE PAYOUT", "failure_code": nil,
	})
	usd.expect(t, map[string]any{"amount": 4000 - 146, "currency": "usd"})
	if want := time.Date(2026, 4, 16, 0, 0, 0, 0, time.UTC).Unix(); eur.number("arrival_date") != want {
		t.Errorf("arrives %d", eur.number("arrival_date"))
	}

	a.advance(3 * day)

	id := eur.text("id")
	paid := a.get("/v1/payouts/" + id + "?expand[]=balance_transaction&expand[]=destination")
	paid.expect(t, map[string]any{
		"status": "paid", "reconciliation_status": "completed", "balance_transaction.type": "payout",
		"balance_transaction.reporting_category": "payout", "balance_transaction.amount": -4300,
		"balance_transaction.status": "available", "destination.object": "bank_account",
	})
	want := []string{
		"payout.created", "payout.created", "payout.updated", "payout.updated",
		"payout.paid", "payout.reconciliation_completed", "payout.paid", "payout.reconciliation_completed",
	}
	if got := a.since(events); !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}
	sum, own := 0.0, 0
	contents := a.contents(id)
	for _, txn := range contents {
		if txn["source"] == id {
			own++
			continue
		}
		sum += txn["net"].(float64)
	}
	if len(contents) != 4 || own != 1 || sum != 4300 {
		t.Errorf("%d transactions, %d its own, the others make %v", len(contents), own, sum)
	}
	truth := a.sim.Truth()
	if truth.PaidOut["eur"] != 4300 || truth.Available["eur"]+truth.Pending["eur"] != 2400 || len(truth.Contents[id]) != 4 {
		t.Errorf("truth: %+v", truth)
	}
}

func TestAPayoutThatFails(t *testing.T) {
	t.Parallel()
	for knob, want := range map[string][]string{
		"payout_fails":      {"payout.created", "payout.updated", "payout.failed", "payout.reconciliation_completed"},
		"payout_fails_late": {"payout.created", "payout.updated", "payout.paid", "payout.reconciliation_completed", "payout.failed"},
	} {
		a := open(t, nil)
		a.knobs(`{"` + knob + `": 1}`)
		a.paidWith(instantCard)
		events := len(a.eventTypes())
		made := answer{body: a.control("/_sim/payout", "").row("payouts", 0)}

		a.advance(10 * day)

		failed := a.get("/v1/payouts/" + made.text("id") + "?expand[]=failure_balance_transaction")
		failed.expect(t, map[string]any{
			"status": "failed", "failure_code": "account_closed", "failure_balance_transaction.type": "payout_failure",
			"failure_balance_transaction.reporting_category": "payout_reversal", "failure_balance_transaction.amount": 2400,
			"failure_balance_transaction.source": made.text("id"),
		})
		if got := a.since(events); !slices.Equal(got, want) {
			t.Errorf("%s: events %v", knob, got)
		}
		// The next one pays the same money again.
		next := answer{body: a.control("/_sim/payout", `{"currency": "EUR"}`).row("payouts", 0)}
		next.expect(t, map[string]any{"amount": 2400})
		if rows := a.contents(next.text("id")); len(rows) != 2 || rows[1]["type"] != "payout_failure" {
			t.Errorf("%s: the next payout has %v", knob, rows)
		}
	}
}

func TestPayoutsByHand(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.paidWith(instantCard)
	ask := func(amount int64) answer {
		return a.post("/v1/payouts", url.Values{"amount": {fmt.Sprint(amount)}, "currency": {"eur"}, "metadata[run]": {"7"}})
	}
	tooMuch := ask(2401)
	tooMuch.expect(t, map[string]any{"error.code": "balance_insufficient", "error.param": "amount"})
	made := ask(1000)
	made.expect(t, map[string]any{
		"status": "pending", "automatic": false, "reconciliation_status": "not_applicable", "metadata.run": "7", "description": nil,
	})
	listed := a.get("/v1/balance_transactions?payout=" + made.text("id"))
	if listed.status != http.StatusBadRequest || listed.text("error.message") != "Balance transaction history can only be filtered on automatic transfers, not manual." {
		t.Errorf("contents of a manual payout: %s", listed.raw)
	}
	canceled := a.post("/v1/payouts/"+made.text("id")+"/cancel", url.Values{"expand[]": {"failure_balance_transaction"}})
	canceled.expect(t, map[string]any{
		"status": "canceled", "failure_balance_transaction.type": "payout_cancel", "failure_balance_transaction.reporting_category": "payout_reversal",
	})
	if r := a.post("/v1/payouts/"+made.text("id")+"/cancel", nil); r.status != http.StatusBadRequest {
		t.Errorf("canceled twice: %s", r.raw)
	}
	if r := ask(2400); r.status != http.StatusOK {
		t.Errorf("the money did not come back: %s", r.raw)
	}
	a.advance(5 * day)
	types := a.eventTypes()
	if got := types[len(types)-2:]; !slices.Equal(got, []string{"payout.updated", "payout.paid"}) {
		t.Errorf("events %v", got)
	}
	if rows := a.get("/v1/payouts?status=paid").path("data").([]any); len(rows) != 1 {
		t.Errorf("%d payouts are paid", len(rows))
	}
	for name, form := range map[string]url.Values{
		"no amount":   {"currency": {"eur"}},
		"no currency": {"amount": {"100"}},
		"nothing":     {"amount": {"0"}, "currency": {"eur"}},
		"instant":     {"amount": {"100"}, "currency": {"eur"}, "method": {"instant"}},
		"elsewhere":   {"amount": {"100"}, "currency": {"eur"}, "destination": {"ba_none"}},
		"half forint": {"amount": {"150"}, "currency": {"huf"}},
	} {
		if r := a.post("/v1/payouts", form); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, r.status)
		}
	}
}

// A dispute after the payout leaves the account with less than nothing; what
// comes later fills that up before anything is paid out.
func TestANegativeBalance(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith(instantCard)
	a.control("/_sim/payout", "")
	a.control("/_sim/dispute", `{"charge": "`+charge+`"}`)

	balance := answer{body: a.get("/v1/balance").row("available", 0)}
	balance.expect(t, map[string]any{"amount": -4000, "currency": "eur"})
	a.paidWith(instantCard)
	if r := a.control("/_sim/payout", ""); r.status != http.StatusBadRequest || !strings.Contains(r.raw, "no money is available") {
		t.Errorf("paid out of debt: %s", r.raw)
	}
	a.paidWith(instantCard)
	made := answer{body: a.control("/_sim/payout", "").row("payouts", 0)}
	made.expect(t, map[string]any{"amount": 2*2400 - 4000})
}

func TestPayoutsOnTheDashboard(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.paidWith("4242424242424242")
	if r := a.control("/_sim/payout", ""); r.status != http.StatusBadRequest {
		t.Errorf("pending money was paid out: %s", r.raw)
	}
	form := a.post("/_sim/payout", url.Values{"currency": {""}, "include_pending": {"on"}})
	if form.status != http.StatusSeeOther {
		t.Fatalf("form: %s", form.raw)
	}
	id := a.payouts()[0].(map[string]any)["id"].(string)
	if page := a.get("/_sim").raw; !strings.Contains(page, `action="/_sim/payout/`+id+`"`) || !strings.Contains(page, "automatic, 2 transactions") {
		t.Error("the dashboard does not show the payout")
	}
	a.control("/_sim/payout/"+id, `{"status": "paid"}`).expect(t, map[string]any{"status": "paid", "reconciliation_status": "completed"})
	if r := a.control("/_sim/payout/"+id, `{"status": "in_transit"}`); r.status != http.StatusBadRequest {
		t.Errorf("back to the bank: %s", r.raw)
	}
	a.control("/_sim/payout/"+id, `{"status": "failed"}`).expect(t, map[string]any{"status": "failed"})
	if r := a.control("/_sim/payout/po_none", `{"status": "paid"}`); r.status != http.StatusBadRequest {
		t.Errorf("unknown payout: %d", r.status)
	}
}

// The schedule can be turned on and off, and a restart keeps to the configured
// one without paying anything twice.
func TestThePayoutScheduleAcrossARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	daily := func(c *Config) { c.Dir, c.PayoutSchedule = dir, "daily" }
	a := prepare(t, daily)
	a.paidWith(instantCard)
	a.advance(day)
	a.paidWith(instantCard)
	if got := len(a.payouts()); got != 1 {
		t.Fatalf("%d payouts before the restart", got)
	}
	b := a.reopenAs(dir, daily)
	b.advance(3 * day)
	rows := b.payouts()
	if len(rows) != 2 {
		t.Fatalf("%d payouts after it", len(rows))
	}
	first := answer{body: rows[1].(map[string]any)}
	first.expect(t, map[string]any{"status": "paid"})
	b.knobs(`{"payout_schedule": "manual"}`)
	b.paidWith(instantCard)
	b.advance(3 * day)
	if got := len(b.payouts()); got != 2 {
		t.Errorf("%d payouts with the schedule off", got)
	}
	if r := b.control("/_sim/knobs", `{"payout_schedule": "hourly"}`); r.status != http.StatusBadRequest {
		t.Errorf("an unknown schedule: %s", r.raw)
	}
	b.knobs(`{"reset": true}`)
	b.advance(day)
	if got := len(b.payouts()); got != 3 {
		t.Errorf("%d payouts with the schedule on again", got)
	}
}
