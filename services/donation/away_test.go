package donation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// Fifty open gifts that Stripe will not answer about do not keep the one behind
// them from being looked at.
func TestGiftsThatCannotBeCheckedStepAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	bad := map[string]bool{}
	for range 50 {
		bad[w.checkout(form()).GetSessionId()] = true
	}
	w.clock.Advance(time.Minute)
	last := w.checkout(form())
	w.stripe.change(func(g *gate) {
		g.refuse = func(path string) bool { return bad[strings.TrimPrefix(path, "/v1/checkout/sessions/")] }
	})
	w.kill()
	w.clock.Advance(3 * time.Hour)
	w.start() // looks at once
	w.eventually("the fifty are put off", func() bool {
		return w.rows(`SELECT COUNT(*) FROM donation WHERE check_at > $1`, w.clock.Now().UnixMicro()) == 50
	})
	w.kill()
	w.start()
	w.eventually("the one behind them has expired", func() bool {
		return w.donation(last.GetDonationId()).GetState() == donationv1.State_STATE_EXPIRED
	})
}

// Stripe's API hangs while twenty webhooks wait that it has to be asked about.
// The gift whose webhook says all is not kept waiting, and Stripe is not asked
// twenty times in vain.
func TestHangingStripeDelaysOnlyWhatNeedsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	otherVersion := func(body map[string]any) { body["api_version"] = "2025-03-31.basil" }
	for i := range 20 {
		id := fmt.Sprintf("evt_asked_%02d", i)
		w.deliver(paidEvent(id, fmt.Sprintf("pi_asked_%02d", i), started.GetDonationId(), otherVersion), webhookSecret, w.clock.Now())
	}
	w.deliver(paidEvent("evt_told", "pi_told", started.GetDonationId(), func(body map[string]any) { body["livemode"] = true }),
		webhookSecret, w.clock.Now())
	w.eventually("all are parked", func() bool { return len(w.parked()) == 21 })

	hung := make(chan struct{})
	w.stripe.change(func(g *gate) { g.hung, g.asked = hung, map[string]bool{} })
	w.change(`UPDATE stripe_event SET livemode = 0 WHERE state = 'parked'`)
	w.change(`INSERT INTO stripe_due (seq, attempts, next_at) SELECT seq, 0, 0 FROM stripe_event WHERE state = 'parked'`)
	w.change(`UPDATE stripe_event SET state = 'done', reason = '' WHERE state = 'parked'`)
	w.eventually("the gift is paid while Stripe hangs", func() bool {
		return w.donation(started.GetDonationId()).GetState() == donationv1.State_STATE_SUCCEEDED
	})
	close(hung)
	w.eventually("the others are put off", func() bool {
		return w.rows(`SELECT COUNT(*) FROM stripe_due WHERE attempts = 1 AND next_at > $1`, w.clock.Now().UnixMicro()) == 20
	})
	if asked := w.stripe.objects("/v1/payment_intents/"); asked > 4 {
		t.Errorf("Stripe was asked about %d payments after it had not answered", asked)
	}
	w.stripe.change(func(g *gate) { g.hung = nil })
	w.quiet()
}

// A webhook that no database takes, alone in its batch, is tried again later
// and later, not every second for ever.
func TestPoisonAloneIsPutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	w.change(`CREATE TRIGGER poison BEFORE UPDATE ON donation WHEN new.state = 'succeeded'
		BEGIN SELECT RAISE(ABORT, 'the disk has a bad sector'); END`)
	w.deliver(paidEvent("evt_poison", "pi_poison", started.GetDonationId(), nil), webhookSecret, w.clock.Now())
	putOff := func(attempts int) func() bool {
		return func() bool {
			return w.rows(`SELECT COUNT(*) FROM stripe_due WHERE attempts = $1 AND next_at > $2`,
				attempts, w.clock.Now().UnixMicro()) == 1
		}
	}
	w.eventually("it is put off", putOff(1))
	w.clock.Advance(10 * time.Minute)
	w.eventually("it is put off again", putOff(2))
	w.change(`DROP TRIGGER poison`)
	w.clock.Advance(10 * time.Minute)
	w.eventually("it is applied", func() bool {
		return w.donation(started.GetDonationId()).GetState() == donationv1.State_STATE_SUCCEEDED
	})
}
