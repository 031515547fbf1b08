package stripesim

import (
	"net/http"
	"sync/atomic"
	"testing"
)

// A receiver that listens for drafts and cannot take them holds up every renewal:
// until it can, or for three days.
func TestAReceiverThatFailsHoldsARenewalUp(t *testing.T) {
	t.Parallel()
	for name, recovers := range map[string]bool{"until it answers": true, "for three days": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, nil)
			var broken atomic.Bool
			broken.Store(true)
			r := newReceiver(t, func(_ int, r received) int {
				if broken.Load() && r.eventType() == "invoice.created" {
					return http.StatusInternalServerError
				}
				return http.StatusOK
			})
			a.listen(r)
			m := a.membership(1)
			a.days(30)
			a.eventually("the draft's webhook has failed", func() bool { return a.heldUp(m.latest().text("id")) })

			a.advance(47 * 3600)
			held := m.latest()
			if held.text("status") != "draft" || held.number("next_payment_attempt")-held.number("created") != 48*3600 {
				t.Fatalf("held: %s", held.raw)
			}
			if recovers {
				broken.Store(false)
				a.settleBy(m.latest().text("id"))
				a.advance(3600)
			} else {
				a.advance(25*3600 - 1)
				if still := m.latest(); still.text("status") != "draft" {
					t.Errorf("a second before: %s", still.raw)
				}
				a.advance(1)
			}
			if paid := m.latest(); paid.text("status") != "paid" {
				t.Errorf("then: %s", paid.raw)
			}
		})
	}
}

// settleBy turns the clock until the webhook about a draft was taken.
func (a *account) settleBy(invoice string) {
	a.t.Helper()
	a.eventually("the webhook is taken", func() bool {
		if a.heldUp(invoice) {
			a.advance(60)
		}
		return !a.heldUp(invoice)
	})
}

func (a *account) heldUp(invoice string) bool {
	a.sim.mu.RLock()
	defer a.sim.mu.RUnlock()
	return a.sim.state.heldUp(invoice)
}

// Whoever does not listen for drafts may fail as long as they like.
func TestAReceiverOfOtherEventsHoldsNothingUp(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	r := newReceiver(t, func(int, received) int { return http.StatusInternalServerError })
	_, err := a.sim.EnsureWebhookEndpoint(r.url, []string{"customer.subscription.updated", "invoice.paid"}, APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	m := a.membership(1)
	a.days(30)
	a.eventually("a webhook has failed", func() bool { return len(r.all()) > 0 })
	a.advance(3600)
	if paid := m.latest(); paid.text("status") != "paid" || paid.text("billing_reason") != "subscription_cycle" {
		t.Errorf("paid: %s", paid.raw)
	}
}
