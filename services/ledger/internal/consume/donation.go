package consume

import (
	"context"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// OnDonationSucceeded books the gross of gifts.
func (h Handlers) OnDonationSucceeded(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationSucceeded]) error {
	gifts, err := translate(items, gift)
	if err != nil {
		return err
	}
	return h.Poster.PostGifts(ctx, h.Bind(tx), gifts)
}

func gift(m *donationv1.DonationSucceeded) (domain.Gift, error) {
	given, err := amount("gift", m.GetGift())
	if err != nil {
		return domain.Gift{}, err
	}
	cover, err := amountOrZero("cover", m.GetCover(), given)
	if err != nil {
		return domain.Gift{}, err
	}
	return domain.Gift{
		DonationID:      m.GetDonationId(),
		AccountID:       m.GetAccountId(),
		ChargeID:        m.GetChargeId(),
		PaymentIntentID: m.GetPaymentIntentId(),
		Gift:            given,
		Cover:           cover,
		Attribution:     attribution(m.GetAttribution()),
		RecurringPlanID: m.GetRecurringPlanId(),
		Delayed:         m.GetDelayed(),
		PaidAt:          time.UnixMicro(m.GetPaidAt()).UTC(),
	}, nil
}

// OnBalanceTransactionRecorded books conversions, fees, the money of refunds,
// disputes and payouts, and what belongs to no gift.
func (h Handlers) OnBalanceTransactionRecorded(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.BalanceTransactionRecorded]) error {
	transactions, err := translate(items, transaction)
	if err != nil {
		return err
	}
	return h.Poster.PostTransactions(ctx, h.Bind(tx), transactions)
}

func transaction(m *donationv1.BalanceTransactionRecorded) (domain.Transaction, error) {
	moved, err := amount("amount", m.GetAmount())
	if err != nil {
		return domain.Transaction{}, err
	}
	fee, err := amountOrZero("fee", m.GetFee(), moved)
	if err != nil {
		return domain.Transaction{}, err
	}
	net, err := amountOrZero("net", m.GetNet(), moved)
	if err != nil {
		return domain.Transaction{}, err
	}
	// Without an object, or with one that has no amount, nothing was converted.
	source, err := amountOrZero("source amount", m.GetSourceAmount(), moved)
	if err != nil {
		return domain.Transaction{}, err
	}
	details, err := feeDetails(m.GetFeeDetails())
	if err != nil {
		return domain.Transaction{}, err
	}
	return domain.Transaction{
		ID:              m.GetTransactionId(),
		AccountID:       m.GetAccountId(),
		Category:        m.GetReportingCategory(),
		Amount:          moved,
		Fee:             fee,
		FeeDetails:      details,
		Net:             net,
		SourceID:        m.GetSourceId(),
		Source:          source,
		ChargeID:        m.GetChargeId(),
		PaymentIntentID: m.GetPaymentIntentId(),
		OrganizationID:  m.GetOrganizationId(),
		DonationID:      m.GetDonationId(),
		Foreign:         m.GetForeign(),
		Delayed:         m.GetDelayed(),
		Attribution:     attribution(m.GetAttribution()),
		CreatedAt:       time.UnixMicro(m.GetCreatedAt()).UTC(),
	}, nil
}

func feeDetails(list []*donationv1.FeeDetail) ([]domain.FeeDetail, error) {
	details := make([]domain.FeeDetail, 0, len(list))
	for _, m := range list {
		part, err := amount("fee detail", m.GetAmount())
		if err != nil {
			return nil, err
		}
		details = append(details, domain.FeeDetail{Type: m.GetType(), Amount: part, Description: m.GetDescription()})
	}
	return details, nil
}
