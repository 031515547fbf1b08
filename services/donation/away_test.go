package donation_test

import (
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
