package receipt_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/testkit"
)

func euros(minor int64) *moneyv1.Money { return &moneyv1.Money{Minor: minor, Currency: "EUR"} }

func takes(gift, cover int64) *donationv1.Reduction {
	return &donationv1.Reduction{Gift: euros(gift), Cover: euros(cover), Excess: euros(0)}
}

// What happens to a gift's money after it was given comes through the real feed, and
// is done once: what is receipted follows each fact, also when the service is stopped
// between it and its effect.
func TestReceiptsFollowWhatTheFeedTellsOfTheirGift(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.boot()
	w.open(p)
	gift := w.give(1, "Amina Diallo")
	first := p.awaitMail(gift)

	version := int64(1)
	for _, step := range []struct {
		what     string
		fact     proto.Message
		receipts int64 // what is receipted afterwards, in cents
		held     bool
	}{
		{"a part goes back", &donationv1.DonationRefunded{
			DonationId: gift, RefundId: "re_1", Amount: euros(40_00), Reduction: takes(40_00, 0),
		}, 63_30, false},
		{"the bank asks", &donationv1.DonationDisputed{DonationId: gift, DisputeId: "dp_1", Amount: euros(63_30), Inquiry: true}, 63_30, false},
		{"the bank takes the rest", &donationv1.DonationDisputed{DonationId: gift, DisputeId: "dp_1", Amount: euros(63_30)}, 63_30, true},
		{"and gives it back", &donationv1.DonationDisputeClosed{
			DonationId: gift, DisputeId: "dp_1", Amount: euros(63_30), Outcome: donationv1.DisputeOutcome_DISPUTE_OUTCOME_WON, Reduction: takes(0, 0),
		}, 63_30, false},
		{"the refund did not arrive", &donationv1.DonationRefundFailed{
			DonationId: gift, RefundId: "re_1", Amount: euros(40_00), Reduction: takes(-40_00, 0),
		}, 103_30, false},
		{"all of it goes back", &donationv1.DonationRefunded{
			DonationId: gift, RefundId: "re_2", Amount: euros(103_30), Reduction: takes(100_00, 3_30),
		}, 0, false},
	} {
		version++
		w.clock.Advance(time.Minute)
		w.tell("donation", gift, version, step.fact)
		p.stop()
		p = w.boot()
		receipted := func() int64 {
			for _, sum := range p.sums().GetSums() {
				return sum.GetReceiptedMinor()
			}
			return 0
		}
		testkit.Eventually(t, func() bool {
			sums := p.sums()
			reached := false
			for _, at := range sums.GetCheckpoints() {
				reached = reached || at.GetFeed() == "donation" && at.GetPos() == version
			}
			return reached && sums.GetReceiptsDue() == 0 && sums.GetMailsDue() == 0
		})
		if got := receipted(); got != step.receipts || p.link(gift).GetHeld() != step.held {
			t.Errorf("%s: %d are receipted, held is %t", step.what, got, p.link(gift).GetHeld())
		}
		if items := p.parked(); len(items) != 0 {
			t.Errorf("%s: parked are %v", step.what, items)
		}
	}
	last, err := p.receipt.GetReceipt(t.Context(), &receiptv1.GetReceiptRequest{Number: first.GetNumber(), Token: first.GetToken()})
	if err != nil || last.GetState() == receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE {
		t.Errorf("the first receipt is %v, %v", last.GetState(), err)
	}
}
