package systemtest

import (
	"fmt"
	"testing"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/node"
)

// A donor goes to the bank when the gift's money has long been paid out, and is given
// right: Stripe's balance is below zero until the next gifts have made up for it. The
// books say the same at each moment.
func TestADisputeIsLostAfterThePayout(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), &lockedBuffer{})
	o := operator(t, s.config())
	leaveAfterPaying(t, s, "once")
	eventually(t, "the gift is found", func() bool { return gifts(t, o) == 1 })
	var made moved
	control(t, s, "/_sim/payout", `{"include_pending": true}`, &made)
	if len(made.Payouts) != 1 {
		t.Fatalf("payouts %v", made.Payouts)
	}
	control(t, s, "/_sim/payout/"+made.Payouts[0].ID, `{"status": "paid"}`, nil)
	if left := balance(t, s, agree(t, o)); left != 0 {
		t.Fatalf("when all is paid out there are %d left", left)
	}

	var dispute struct {
		ID string `json:"id"`
	}
	control(t, s, "/_sim/dispute", fmt.Sprintf(`{"payment_intent": %q}`, moves(t, s).Charges[0].PaymentIntent), &dispute)
	control(t, s, "/_sim/dispute/"+dispute.ID, `{"outcome": "lost"}`, nil)
	eventually(t, "the gift is lost", func() bool { return givenMinor(t, o) == 0 })
	short := balance(t, s, agree(t, o))
	if short >= 0 {
		t.Errorf("a gift that was paid out is taken back, and there are %d left", short)
	}

	for range 2 {
		leaveAfterPaying(t, s, "once")
	}
	eventually(t, "two gifts are given", func() bool { return givenMinor(t, o) > 0 && gifts(t, o) == 3 })
	if left := balance(t, s, agree(t, o)); left <= short {
		t.Errorf("%d were missing, and %d are there after two more gifts", short, left)
	}
}

// givenMinor is what is left of all gifts, in the one currency of the story.
func givenMinor(t *testing.T, o *node.Operator) (sum int64) {
	t.Helper()
	answer, err := donationv1.NewDonationServiceClient(o.Conn()).SumGifts(t.Context(), &donationv1.SumGiftsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range answer.GetSums() {
		sum += of.GetGiftMinor()
	}
	return sum
}

// balance is what Stripe has for the charity, in the one currency of the story; the
// books say so too.
func balance(t *testing.T, s system, report audit.Report) (sum int64) {
	t.Helper()
	for _, txn := range moves(t, s).Transactions {
		sum += txn.Net
	}
	for _, row := range report.Stripe {
		if row.Ledger == sum {
			return sum
		}
	}
	if sum != 0 || len(report.Stripe) != 0 {
		t.Errorf("the books say %+v of Stripe's %d", report.Stripe, sum)
	}
	return sum
}
