package consume

import (
	"context"
	"fmt"
	"time"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// OnDonationRefunded books what is owed to donors.
func (h Handlers) OnDonationRefunded(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationRefunded]) error {
	refunds, err := translate(items, func(m *donationv1.DonationRefunded) (domain.Refund, error) {
		return refund(m, m.GetRefundedAt())
	})
	if err != nil {
		return err
	}
	return h.Poster.PostRefunds(ctx, h.Bind(tx), refunds)
}

// OnDonationRefundFailed takes back what did not reach donors.
func (h Handlers) OnDonationRefundFailed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationRefundFailed]) error {
	refunds, err := translate(items, func(m *donationv1.DonationRefundFailed) (domain.Refund, error) {
		return refund(m, m.GetFailedAt())
	})
	if err != nil {
		return err
	}
	return h.Poster.PostFailedRefunds(ctx, h.Bind(tx), refunds)
}

// OnDonationDisputeClosed books what was lost. A dispute that was won moves
// nothing here: its money comes back with a balance transaction.
func (h Handlers) OnDonationDisputeClosed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationDisputeClosed]) error {
	var lost []app.Received[domain.LostDispute]
	for _, item := range items {
		switch item.Message.GetOutcome() {
		case donationv1.DisputeOutcome_DISPUTE_OUTCOME_LOST:
		case donationv1.DisputeOutcome_DISPUTE_OUTCOME_WON, donationv1.DisputeOutcome_DISPUTE_OUTCOME_INQUIRY_CLOSED:
			continue
		default:
			// Whether money is gone must not be guessed.
			return unusable(item.ID, fmt.Errorf("dispute %s ended as %s", item.Message.GetDisputeId(), item.Message.GetOutcome()))
		}
		found, err := translate([]feed.Item[*donationv1.DonationDisputeClosed]{item}, lostDispute)
		if err != nil {
			return err
		}
		lost = append(lost, found...)
	}
	return h.Poster.PostLostDisputes(ctx, h.Bind(tx), lost)
}

// reducing is what all events say that reduce a gift.
type reducing interface {
	GetAmount() *moneyv1.Money
	GetReduction() *donationv1.Reduction
	GetAttribution() *attributionv1.Attribution
}

// refundMessage is what the two events about a refund have in common.
type refundMessage interface {
	GetDonationId() string
	GetAccountId() string
	GetRefundId() string
	GetChargeId() string
	GetPaymentIntentId() string
	GetLossShift() *donationv1.Reduction
	reducing
}

func refund(m refundMessage, at int64) (domain.Refund, error) {
	all, parts, err := reduced(m)
	if err != nil {
		return domain.Refund{}, err
	}
	shift, err := returned(m.GetLossShift(), all)
	if err != nil {
		return domain.Refund{}, fmt.Errorf("what losses take otherwise: %w", err)
	}
	return domain.Refund{
		DonationID:      m.GetDonationId(),
		AccountID:       m.GetAccountId(),
		RefundID:        m.GetRefundId(),
		ChargeID:        m.GetChargeId(),
		PaymentIntentID: m.GetPaymentIntentId(),
		Amount:          all,
		Returned:        parts,
		LossShift:       shift,
		Attribution:     attribution(m.GetAttribution()),
		OccurredAt:      time.UnixMicro(at).UTC(),
	}, nil
}

func lostDispute(m *donationv1.DonationDisputeClosed) (domain.LostDispute, error) {
	all, parts, err := reduced(m)
	if err != nil {
		return domain.LostDispute{}, err
	}
	return domain.LostDispute{
		DonationID:  m.GetDonationId(),
		AccountID:   m.GetAccountId(),
		DisputeID:   m.GetDisputeId(),
		ChargeID:    m.GetChargeId(),
		Amount:      all,
		Returned:    parts,
		Attribution: attribution(m.GetAttribution()),
		ClosedAt:    time.UnixMicro(m.GetClosedAt()).UTC(),
	}, nil
}

// reduced reads an amount and the parts of the gift that it takes.
func reduced(m reducing) (all money.Amount, parts domain.Returned, err error) {
	all, err = amount("amount", m.GetAmount())
	if err != nil {
		return money.Amount{}, domain.Returned{}, err
	}
	parts, err = returned(m.GetReduction(), all)
	return all, parts, err
}

// returned reads parts of a gift. What is left out is nothing, in the currency of
// the whole.
func returned(r *donationv1.Reduction, whole money.Amount) (parts domain.Returned, err error) {
	parts.Gift, err = amountOrZero("part of the gift", r.GetGift(), whole)
	if err != nil {
		return domain.Returned{}, err
	}
	parts.Cover, err = amountOrZero("part of the cover", r.GetCover(), whole)
	if err != nil {
		return domain.Returned{}, err
	}
	parts.Excess, err = amountOrZero("part beyond the gift", r.GetExcess(), whole)
	if err != nil {
		return domain.Returned{}, err
	}
	return parts, nil
}
