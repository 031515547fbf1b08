package console_test

import (
	"context"
	"slices"
	"strings"
	"sync"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

var noSuch = apperr.New(apperr.NotFound, "NO_SUCH", "There is none.")

// town is what the other services know of the gifts whose events the ledger got:
// servers behind the same checks of callers and roles as the real ones.
type town struct {
	donationv1.UnimplementedDonationServiceServer
	receiptv1.UnimplementedReceiptServiceServer
	fundraiserv1.UnimplementedFundraiserServiceServer
	fundraiserv1.UnimplementedCatalogueServiceServer

	mu       sync.Mutex
	gifts    []*donationv1.Donation
	atStripe map[string]int64
	refunds  []*donationv1.Refund
	disputes []*donationv1.Dispute
	plans    []*donationv1.Plan
	paidOut  []*donationv1.Payout
	refuses  error // what those who act are answered, if not nil
	heads    func(feed string) int64
	away     error // what everything answers, if not nil
	donor    string
}

func newTown() *town {
	return &town{atStripe: map[string]int64{}, donor: "Zoë <b>Müller</b>-O’Neill"}
}

func (o *town) record(e *donationv1.DonationSucceeded, transaction string, fee int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	currency := e.GetGift().GetCurrency()
	o.gifts = append(o.gifts, &donationv1.Donation{
		DonationId: e.GetDonationId(), State: donationv1.State_STATE_SUCCEEDED, Gift: e.GetGift(), Cover: e.GetCover(),
		OrganizationId: e.GetAttribution().GetOrganizationId(), AppealId: e.GetAttribution().GetAppealId(),
		FundraiserId: e.GetAttribution().GetFundraiserId(), PaymentIntentId: e.GetPaymentIntentId(), ChargeId: e.GetChargeId(),
		BalanceTransactionId: transaction, Fee: amount(fee, currency), Traceparent: "00-" + traceID + "-00f067aa0ba902b7-01",
		EventPos: int64(len(o.gifts)*2 + 1), CreatedAt: e.GetPaidAt(), PaidAt: e.GetPaidAt(), SucceededAt: e.GetPaidAt(),
	})
	o.atStripe[currency] += e.GetGift().GetMinor() + e.GetCover().GetMinor() - fee
}

func (o *town) find(fits func(*donationv1.Donation) bool) []*donationv1.Donation {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []*donationv1.Donation
	for _, gift := range o.gifts {
		if fits(gift) {
			found = append(found, gift)
		}
	}
	return found
}

func (o *town) GetDonation(_ context.Context, r *donationv1.GetDonationRequest) (*donationv1.GetDonationResponse, error) {
	found := o.find(func(d *donationv1.Donation) bool { return d.GetDonationId() == r.GetDonationId() })
	if len(found) == 0 {
		return nil, noSuch
	}
	left := found[0].GetGift().GetMinor() + found[0].GetCover().GetMinor()
	for _, r := range found[0].GetRefunds() {
		if r.GetStatus() != "failed" {
			left -= r.GetAmount().GetMinor()
		}
	}
	currency := found[0].GetGift().GetCurrency()
	return &donationv1.GetDonationResponse{Donation: found[0], Left: amount(left, currency), Alone: amount(min(left, alone), currency)}, o.away
}

func (o *town) FindDonations(_ context.Context, r *donationv1.FindDonationsRequest) (*donationv1.FindDonationsResponse, error) {
	return &donationv1.FindDonationsResponse{Donations: o.find(func(d *donationv1.Donation) bool {
		return slices.Contains([]string{d.GetDonationId(), d.GetPaymentIntentId(), d.GetChargeId(), d.GetBalanceTransactionId(), d.GetInvoiceId(), d.GetRecurringPlanId()}, r.GetReference()) && r.GetReference() != ""
	})}, o.away
}

func (o *town) GetDonor(context.Context, *donationv1.GetDonorRequest) (*donationv1.GetDonorResponse, error) {
	return &donationv1.GetDonorResponse{Name: o.donor, Email: "zoe@example.org", Language: "en"}, o.away
}

func (o *town) SumGifts(context.Context, *donationv1.SumGiftsRequest) (*donationv1.SumGiftsResponse, error) {
	answer := &donationv1.SumGiftsResponse{Head: o.heads("donation")}
	for _, currency := range []string{"EUR", "USD"} {
		sum := &donationv1.GiftSum{OrganizationId: harbour, Currency: currency}
		for _, gift := range o.find(func(d *donationv1.Donation) bool { return d.GetGift().GetCurrency() == currency }) {
			sum.GiftMinor += gift.GetGift().GetMinor()
			sum.CoverMinor += gift.GetCover().GetMinor()
			sum.Gifts++
		}
		answer.Sums = append(answer.Sums, sum)
	}
	return answer, o.away
}

func (o *town) GetStripeBalance(context.Context, *donationv1.GetStripeBalanceRequest) (*donationv1.GetStripeBalanceResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	answer := &donationv1.GetStripeBalanceResponse{}
	for _, currency := range []string{"EUR", "USD"} {
		answer.Balances = append(answer.Balances, &donationv1.StripeBalance{
			AccountId: "acct_harbour", Currency: currency, BalanceMinor: o.atStripe[currency],
		})
	}
	return answer, o.away
}

// caughtUp are the checkpoints of a consumer that has applied everything.
func (o *town) caughtUp(feeds ...string) []*feedv1.Checkpoint {
	var at []*feedv1.Checkpoint
	for _, feed := range feeds {
		at = append(at, &feedv1.Checkpoint{Feed: feed, Pos: o.heads(feed)})
	}
	return at
}

func (o *town) SumTotals(ctx context.Context, _ *fundraiserv1.SumTotalsRequest) (*fundraiserv1.SumTotalsResponse, error) {
	gifts, err := o.SumGifts(ctx, nil)
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.SumTotalsResponse{Head: o.heads("fundraiser"), Checkpoints: o.caughtUp("donation")}
	for _, sum := range gifts.GetSums() {
		answer.Sums = append(answer.Sums, &fundraiserv1.TotalSum{
			OrganizationId: harbour, OrganizationSlug: "harbour", Currency: sum.GetCurrency(), AppealsMinor: sum.GetGiftMinor(), DirectMinor: sum.GetGiftMinor(),
		})
	}
	return answer, nil
}

func (o *town) SumReceipts(ctx context.Context, _ *receiptv1.SumReceiptsRequest) (*receiptv1.SumReceiptsResponse, error) {
	gifts, err := o.SumGifts(ctx, nil)
	if err != nil {
		return nil, err
	}
	answer := &receiptv1.SumReceiptsResponse{Checkpoints: o.caughtUp("donation", "fundraiser")}
	for _, sum := range gifts.GetSums() {
		answer.Sums = append(answer.Sums, &receiptv1.ReceiptSum{
			OrganizationId: harbour, Currency: sum.GetCurrency(), ReceiptedMinor: sum.GetGiftMinor() + sum.GetCoverMinor(), Receipts: sum.GetGifts(),
		})
	}
	return answer, nil
}

func (o *town) GetReceiptLink(_ context.Context, r *receiptv1.GetReceiptLinkRequest) (*receiptv1.GetReceiptLinkResponse, error) {
	// Gifts of odd numbers have their receipt already.
	if strings.ContainsAny(r.GetDonationId()[len(r.GetDonationId())-1:], "02468") {
		return nil, noSuch
	}
	return &receiptv1.GetReceiptLinkResponse{
		Number: "REFUGE-2026-000007", Token: "dG9rZW4", IssuedAt: now.UnixMicro(), MailedAt: now.UnixMicro(),
		State: receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE,
	}, o.away
}

func (o *town) FindReceipt(_ context.Context, r *receiptv1.FindReceiptRequest) (*receiptv1.FindReceiptResponse, error) {
	if !strings.EqualFold(r.GetNumber(), "REFUGE-2026-000007") {
		return nil, noSuch
	}
	return &receiptv1.FindReceiptResponse{Number: r.GetNumber(), Token: "dG9rZW4", DonationId: giftID(7)}, o.away
}

func (o *town) ListAllAppeals(context.Context, *fundraiserv1.ListAllAppealsRequest) (*fundraiserv1.ListAllAppealsResponse, error) {
	appeal := func(id, title string) *fundraiserv1.EditableAppeal {
		return &fundraiserv1.EditableAppeal{AppealId: id, Input: &fundraiserv1.AppealInput{OrganizationId: harbour, Title: title}}
	}
	return &fundraiserv1.ListAllAppealsResponse{Appeals: []*fundraiserv1.EditableAppeal{
		appeal(flood, "Families fleeing the river floods, for whom boats, tents and clean water are needed tonight"), appeal(winter, "عطاء الشتاء"),
	}}, o.away
}

func (o *town) ListFunds(context.Context, *fundraiserv1.ListFundsRequest) (*fundraiserv1.ListFundsResponse, error) {
	return &fundraiserv1.ListFundsResponse{Funds: []*fundraiserv1.FundChanged{
		{FundId: "f1", OrganizationId: harbour, Code: "winter", Name: "Stoves & blankets"},
		{FundId: "f2", OrganizationId: lagoon, Code: "winter", Name: "Boats"},
	}}, o.away
}
