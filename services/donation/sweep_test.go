package donation_test

import (
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// No webhook ever comes. The money tells of gifts, refunds and disputes; of an
// inquiry, and of a dispute that was lost, nothing tells but Stripe's lists and
// the question how it stands.
func TestEveryWebhookIsDroppedAndAllIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	var started []*donationv1.StartCheckoutResponse
	for range 3 {
		r := form()
		r.CoverFees = true
		started = append(started, w.checkout(r))
		w.pay(started[len(started)-1].GetSessionId(), visa)
	}
	later := func(long time.Duration) {
		t.Helper()
		w.kill()
		w.clock.Advance(long)
		w.start() // looks at once
	}
	later(time.Minute)
	var gifts []*donationv1.Donation
	for _, s := range started {
		gifts = append(gifts, w.settled(s.GetDonationId()))
	}
	refunded, lost, asked := gifts[0], gifts[1], gifts[2]
	w.refundAtStripe(refunded, 40_00)
	lostID := w.disputeAtBank(lost, "")
	later(time.Minute)
	w.transactions(refunded, "refund", 1)
	w.transactions(lost, "dispute", 1)
	w.tells(refunded, "DonationRefunded 4000+0+0")
	w.tells(lost, "DonationDisputed 10330 inquiry false")

	w.disputeAtBank(asked, `, "inquiry": true`)
	w.verdict(lostID, "lost")
	later(7 * time.Hour)
	w.tells(asked, "DonationDisputed 10330 inquiry true")
	w.tells(lost, "DonationDisputed 10330 inquiry false", "DonationDisputeClosed LOST 10000+330+0")
	w.quiet()
	if got := w.donation(asked.GetDonationId()); got.GetState() != donationv1.State_STATE_SUCCEEDED || len(got.GetDisputes()) != 1 {
		t.Errorf("the gift that is asked about is %v", got)
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}
