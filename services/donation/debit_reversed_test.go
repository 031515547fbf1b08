package donation_test

import (
	"testing"

	"github.com/almoner/almoner/services/internal/testkit"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// Given a debit that was paid, when the bank takes its money back without a dispute, then
// the gift is lost as by one, whenever the balance was moved and whoever was away, and
// staff are told.
func TestADebitThatIsTakenBackWithoutADispute(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		world func(*testing.T) *world
		away  bool
	}{
		"its money came when it had succeeded": {banks, false},
		"its money was seen under way":         {early, false},
		"nobody was there":                     {early, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := story.world(t)
			d := w.debited(debitArrives)
			id := d.GetDonationId()
			if story.away {
				w.kill()
			}
			w.days(5)
			if !story.away {
				w.settled(id)
			}
			w.control("/_sim/debit", `{"payment_intent": "`+w.sim.Truth().PaymentIntents[0].ID+`", "reverse": true}`)
			if story.away {
				w.start()
			}
			w.moved("2")
			w.toldInAll(d, "DonationProcessing", "DonationSucceeded", "DonationDisputed 10000 inquiry false", "DonationDisputeClosed LOST 10000+0+0")
			sums := w.quiet().GetSums()
			if len(sums) != 1 || sums[0].GetGiftMinor() != 0 {
				t.Errorf("sums %v", sums)
			}
			got := w.donation(id)
			if got.GetState() != donationv1.State_STATE_SUCCEEDED || got.GetReturned().GetMinor() != 100_00 || len(got.GetDisputes()) != 1 ||
				got.GetDisputes()[0].GetReason() != "payment_failed" {
				t.Errorf("the gift is %v", got)
			}
			w.eventually("staff are told", func() bool { return testkit.Scrape(t, w.metrics)[`almoner_disputes{status="taken_back"}`] == 1 })
			if items := w.parked(); len(items) > 0 {
				t.Errorf("parked are %v", items)
			}
		})
	}
}
