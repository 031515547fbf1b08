package donation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// A payment's webhook was of an unknown gift, and a refund of it brought the gift back.
// The process dies before anybody looks at what is parked: its next life does.
func TestWhatWasParkedOfAForgottenGiftIsTriedAgainInTheNextLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(generous())
	w.forget(w.dbURL)
	w.blind(true)
	w.pay(started.GetSessionId(), visa)
	w.quiet()
	payment := w.sim.Truth().Sessions[0].PaymentIntent
	w.one(payment, unknownGift)
	w.control("/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": 500}`, payment))
	w.eventually("the refund has brought its gift", func() bool {
		w.clock.Advance(time.Second)
		return w.rows(`SELECT COUNT(*) FROM refund`) == 1
	})
	w.one(payment, unknownGift)
	w.kill()
	w.blind(false)
	w.start()
	w.eventually("nothing is parked", func() bool { return len(w.parked()) == 0 })
	w.settled(started.GetDonationId())
	if got := w.kinds(); got["DonationSucceeded"] != 1 || got["DonationRefunded"] != 1 {
		t.Errorf("events %v", got)
	}
}

// A forgotten monthly gift is put back, and Stripe does not answer which invoices it
// has. What was parked about one that failed names nothing that is known otherwise.
func TestWhatWasParkedOfAForgottenPlanIsTriedAgainAtTheNextLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.importEvery = 100 * time.Millisecond
	restore := w.backUp()
	p, token := w.begun(visa)
	w.stripe.change(func(g *gate) {
		g.refuse = func(path string) bool {
			return path == "/v1/invoices" || path == "/v1/subscriptions" || path == "/v1/balance_transactions"
		}
	})
	restore()
	w.control("/_sim/subscriptions/"+p.GetSubscriptionId()+"/fail_next", `{"attempts": 1}`)
	w.renew(p)
	w.quiet()
	w.eventually("what is about an unknown plan is parked", func() bool {
		for _, item := range w.parked() {
			if strings.HasPrefix(item.GetAggregateId(), "in_") && strings.Contains(item.GetReason(), "no such monthly plan") {
				return true
			}
		}
		return false
	})
	w.stripe.change(func(g *gate) { g.refuse = func(path string) bool { return path == "/v1/invoices" } })
	w.clock.Advance(time.Minute)
	w.eventually("the plan is known again", func() bool {
		answer, err := w.web.ListPlans(t.Context(), &donationv1.ListPlansRequest{Reference: p.GetPlanId()})
		return err == nil && len(answer.GetPlans()) == 1
	})
	w.blind(false)
	w.eventually("nothing is parked", func() bool {
		w.clock.Advance(time.Hour)
		return len(w.parked()) == 0
	})
	w.eventually("the donor sees what was paid", func() bool { return len(w.page(p, token).GetInstalments()) > 0 })
}
