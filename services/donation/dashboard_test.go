package donation_test

import (
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

func TestRefundsMadeInStripesDashboard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"duplicate": 1.0, "order": {"mode": "shuffle", "window": 8}}`)
	d := w.given(visa)
	w.refundAtStripe(d, 40_00)
	w.refundAtStripe(d, 63_30)
	w.tells(d, "DonationRefunded 4000+0+0", "DonationRefunded 6000+330+0")
	w.transactions(d, "refund", 2)
	sums := w.quiet().GetSums()
	if len(sums) != 1 || sums[0].GetGiftMinor() != 0 || sums[0].GetCoverMinor() != 0 || sums[0].GetGifts() != 1 {
		t.Errorf("sums %v", sums)
	}
	got := w.donation(d.GetDonationId())
	if got.GetReturned().GetMinor() != 103_30 || len(got.GetRefunds()) != 2 || got.GetPaymentMethod() != "card" ||
		got.GetState() != donationv1.State_STATE_SUCCEEDED {
		t.Errorf("the gift is %v", got)
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
	for _, refund := range got.GetRefunds() {
		found, err := w.web.FindDonations(t.Context(), &donationv1.FindDonationsRequest{Reference: refund.GetRefundId()})
		if err != nil || len(found.GetDonations()) != 1 || found.GetDonations()[0].GetDonationId() != d.GetDonationId() {
			t.Errorf("%s leads to %v, %v", refund.GetRefundId(), found, err)
		}
	}
	checkPersonalData(t, w)
}

func TestARefundThatIsPendingAndOneThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow, failing := w.given(slowRefund), w.given(failedRefund)
	w.refundAtStripe(slow, 10_00)
	w.refundAtStripe(failing, 103_30)
	w.tells(slow, "DonationRefunded 1000+0+0")
	w.tells(failing, "DonationRefunded 10000+330+0")
	w.clock.Advance(10 * time.Second)
	w.control("/_sim/clock", `{"advance_seconds": 1}`)
	w.tells(failing, "DonationRefunded 10000+330+0", "DonationRefundFailed -10000+-330+0")
	w.eventually("the slow one is done", func() bool { return w.donation(slow.GetDonationId()).GetRefunds()[0].GetStatus() == "succeeded" })
	w.tells(slow, "DonationRefunded 1000+0+0")
	w.transactions(failing, "refund", 1)
	w.transactions(failing, "refund_failure", 1)
	got := w.donation(failing.GetDonationId())
	if got.GetReturned().GetMinor() != 0 || got.GetRefunds()[0].GetStatus() != "failed" || got.GetRefunds()[0].GetFailureReason() != "expired_or_canceled_card" {
		t.Errorf("the gift whose refund failed is %v", got)
	}
	list, err := w.web.ListRefunds(t.Context(), &donationv1.ListRefundsRequest{Failed: true})
	if err != nil || len(list.GetRefunds()) != 1 || list.GetRefunds()[0].GetDonationId() != failing.GetDonationId() {
		t.Errorf("failed are %v, %v", list, err)
	}
}

func TestADisputeIsWonAndOneIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"duplicate": 1.0, "order": {"mode": "shuffle", "window": 4}}`)
	won, lost := w.given(visa), w.given(visa)
	w.refundAtStripe(lost, 40_00)
	wonID, lostID := w.disputeAtBank(won, ""), w.disputeAtBank(lost, "")
	w.tells(won, "DonationDisputed 10330 inquiry false")
	w.tells(lost, "DonationRefunded 4000+0+0", "DonationDisputed 6330 inquiry false")
	open, err := w.web.ListDisputes(t.Context(), &donationv1.ListDisputesRequest{Open: true, PageSize: 1})
	if err != nil || len(open.GetDisputes()) != 1 || open.GetNextPageToken() == "" || open.GetDisputes()[0].GetEvidenceDueAt() == 0 {
		t.Errorf("open are %v, %v", open, err)
	}
	second, err := w.web.ListDisputes(t.Context(), &donationv1.ListDisputesRequest{PageSize: 1, PageToken: open.GetNextPageToken()})
	if err != nil || len(second.GetDisputes()) != 1 || second.GetDisputes()[0].GetDisputeId() == open.GetDisputes()[0].GetDisputeId() {
		t.Errorf("the second page has %v, %v", second, err)
	}
	w.verdict(wonID, "won")
	w.verdict(lostID, "lost")
	w.tells(won, "DonationDisputed 10330 inquiry false", "DonationDisputeClosed WON 0+0+0")
	w.tells(lost, "DonationRefunded 4000+0+0", "DonationDisputed 6330 inquiry false", "DonationDisputeClosed LOST 6000+330+0")
	w.transactions(won, "dispute", 1)
	w.transactions(won, "dispute_reversal", 1)
	w.transactions(lost, "dispute", 1)
	w.quiet()
	if got := w.donation(lost.GetDonationId()); got.GetReturned().GetMinor() != 103_30 || got.GetDisputes()[0].GetStatus() != "lost" {
		t.Errorf("the gift that was lost is %v", got)
	}
	if got := w.donation(won.GetDonationId()); got.GetReturned().GetMinor() != 0 || got.GetDisputes()[0].GetStatus() != "won" {
		t.Errorf("the gift that was won is %v", got)
	}
	found, err := w.web.FindDonations(t.Context(), &donationv1.FindDonationsRequest{Reference: wonID})
	if err != nil || len(found.GetDonations()) != 1 {
		t.Errorf("%s leads to %v, %v", wonID, found, err)
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}

func TestAnInquiryMovesNoMoneyUntilItIsADispute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked, taken := w.given(visa), w.given(visa)
	askedID, takenID := w.disputeAtBank(asked, `, "inquiry": true`), w.disputeAtBank(taken, `, "inquiry": true`)
	w.tells(asked, "DonationDisputed 10330 inquiry true")
	w.tells(taken, "DonationDisputed 10330 inquiry true")
	w.verdict(askedID, "closed")
	w.verdict(takenID, "escalate")
	w.tells(asked, "DonationDisputed 10330 inquiry true", "DonationDisputeClosed INQUIRY_CLOSED 0+0+0")
	w.tells(taken, "DonationDisputed 10330 inquiry true", "DonationDisputed 10330 inquiry false")
	// Stripe refuses to refund what is disputed, and so it is not asked.
	before := w.stripe.count("POST /v1/refunds")
	_, err := w.request("finance@example.org", ask(taken, 10_00))
	refusedBeside(t, err, "DISPUTED")
	if asked := w.stripe.count("POST /v1/refunds") - before; asked != 0 {
		t.Errorf("Stripe was asked %d times", asked)
	}
}
