package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
)

func (m *membership) pause(behavior string) {
	m.t.Helper()
	r := m.post("/v1/subscriptions/"+m.plan, url.Values{"pause_collection[behavior]": {behavior}})
	if r.status != http.StatusOK {
		m.t.Fatalf("pause: %d %s", r.status, r.raw)
	}
}

func (m *membership) resume() {
	m.t.Helper()
	m.post("/v1/subscriptions/"+m.plan, url.Values{"pause_collection": {""}})
}

func (m *membership) waiting() []string {
	m.t.Helper()
	return m.get("/v1/invoiceitems?pending=true&customer=" + m.customer).ids()
}

// Nobody pays with their credit for a month that is given up.
func TestAPauseKeepsTheCredit(t *testing.T) {
	t.Parallel()
	for behavior, status := range map[string]string{"void": "void", "mark_uncollectible": "uncollectible"} {
		for shares, credit := range map[int]int64{1: -2000, 4: -500} {
			t.Run(behavior, func(t *testing.T) {
				t.Parallel()
				a := open(t, nil)
				m := a.membership(5)
				a.days(15)
				m.change(shares, atOnce())
				m.pause(behavior)
				said := a.get("/v1/invoices/upcoming?subscription=" + m.plan)

				a.days(31)

				given := m.latest()
				if given.text("status") != status || given.number("amount_due") != int64(shares)*1000 || m.balance() != credit {
					t.Errorf("paused: balance %d, %s", m.balance(), given.raw)
				}
				compare(m, said, given)
				m.resume()
				a.days(31)
				used := min(int64(shares)*1000, -credit)
				if r := m.latest(); r.text("status") != "paid" || r.number("starting_balance") != credit || m.balance() != credit+used {
					t.Errorf("resumed: balance %d, %s", m.balance(), r.raw)
				}
			})
		}
	}
}

func TestWhatWaitsOutlastsAPause(t *testing.T) {
	t.Parallel()
	for behavior, stay := range map[string]bool{"void": true, "mark_uncollectible": true, "keep_as_draft": false} {
		t.Run(behavior, func(t *testing.T) {
			t.Parallel()
			a := open(t, nil)
			m := a.membership(5)
			a.days(15)
			m.change(2, nil) // 15.00 of credit
			before := m.waiting()
			m.pause(behavior)
			a.days(31)
			if after := m.waiting(); slices.Equal(before, after) != stay {
				t.Errorf("before %v, after %v", before, after)
			}
			m.resume()
			a.days(31)
			if !stay {
				return // the draft that was kept has them
			}
			if r := m.latest(); r.number("amount_paid") != 500 || len(m.waiting()) != 0 {
				t.Errorf("resumed: %s", r.raw)
			}
		})
	}
}

func TestAPlanEndsInAPause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shares  int
		balance int64
	}{"with credit": {1, -500}, "with a charge": {3, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, nil)
			m := a.membership(2)
			a.days(15)
			m.change(c.shares, url.Values{"cancel_at_period_end": {"true"}})
			m.pause("void")
			said := a.get("/v1/invoices/upcoming?subscription=" + m.plan)

			a.days(16)

			if r := a.plan(m.plan); r.text("status") != "canceled" || m.balance() != c.balance || len(m.waiting()) != 0 {
				t.Errorf("ended: balance %d, %s", m.balance(), r.raw)
			}
			if c.balance == 0 {
				same(t, "no invoice", []string{said.text("error.code"), m.latest().text("billing_reason")},
					[]string{"invoice_upcoming_none", "subscription_create"})
				return
			}
			compare(m, said, m.latest())
		})
	}
}

func TestCreditEndsBeingLate(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(5)
	other := a.post("/v1/subscriptions", url.Values{
		"customer": {m.customer}, "items[0][price]": {m.shares}, "default_payment_method": {m.card("pm_card_visa")},
	}).text("id")
	m.post("/v1/subscriptions/"+other, url.Values{"default_payment_method": {m.card("pm_card_chargeCustomerFail")}})
	a.days(31)
	if r := a.plan(other); r.text("status") != "past_due" {
		t.Fatalf("late: %s", r.raw)
	}
	m.change(1, atOnce()) // some 39.00 of credit, for both plans

	var restarted answer
	events := a.newEvents(func() {
		restarted = a.post("/v1/subscriptions/"+other, url.Values{
			"billing_cycle_anchor": {"now"}, "proration_behavior": {"none"}, "expand[]": {"latest_invoice"},
		})
	})

	if restarted.text("status") != "active" || restarted.text("latest_invoice.status") != "paid" || restarted.number("latest_invoice.amount_paid") != 0 {
		t.Errorf("restarted: %s", restarted.raw)
	}
	same(t, "events", events[len(events)-3:], []string{"invoice.paid", "invoice.payment_succeeded", "customer.subscription.updated"})
	err := a.sim.CheckInvariants()
	if err != nil {
		t.Error(err)
	}
}
