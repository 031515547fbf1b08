package consume

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// OnProcessing counts gifts that are not money yet, apart.
func (d *Donations) OnProcessing(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationProcessing]) error {
	return apply(ctx, d, tx, items, func(m *donationv1.DonationProcessing) []told {
		return []told{{domain.Processing, "", m.GetGift()}}
	})
}

// OnFailed takes back what was processing.
func (d *Donations) OnFailed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationFailed]) error {
	return apply(ctx, d, tx, items, func(m *donationv1.DonationFailed) []told {
		return []told{{domain.Failed, "", m.GetGift()}}
	})
}

// OnRefunded takes what goes back to donors out of totals.
func (d *Donations) OnRefunded(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationRefunded]) error {
	return apply(ctx, d, tx, items, func(m *donationv1.DonationRefunded) []told {
		return shifting(told{domain.Refunded, m.GetRefundId(), part(m.GetReduction(), m.GetAmount())}, domain.LossShifted, m.GetLossShift())
	})
}

// OnRefundFailed takes it in again.
func (d *Donations) OnRefundFailed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationRefundFailed]) error {
	return apply(ctx, d, tx, items, func(m *donationv1.DonationRefundFailed) []told {
		return shifting(told{domain.RefundFailed, m.GetRefundId(), part(m.GetReduction(), m.GetAmount())}, domain.LossShiftedBack, m.GetLossShift())
	})
}

// OnDisputed notes what is disputed. A question of the donor's bank is no dispute:
// no money has moved.
func (d *Donations) OnDisputed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationDisputed]) error {
	var disputes []feed.Item[*donationv1.DonationDisputed]
	for _, item := range items {
		if !item.Message.GetInquiry() {
			disputes = append(disputes, item)
		}
	}
	return apply(ctx, d, tx, disputes, func(m *donationv1.DonationDisputed) []told {
		return []told{{domain.DisputeOpened, m.GetDisputeId(), m.GetAmount()}}
	})
}

// OnDisputeClosed takes what was lost out of totals.
func (d *Donations) OnDisputeClosed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationDisputeClosed]) error {
	return apply(ctx, d, tx, items, func(m *donationv1.DonationDisputeClosed) []told {
		return []told{{domain.DisputeDecided, m.GetDisputeId(), part(m.GetReduction(), m.GetAmount())}}
	})
}

// told is what an event says beside the gift that it is about.
type told struct {
	kind   domain.FactKind
	object string
	amount *moneyv1.Money
}

// shifting is a refund, with what it changes about what was lost, if anything.
func shifting(refund told, kind domain.FactKind, shift *donationv1.Reduction) []told {
	if shift.GetGift().GetMinor() == 0 {
		return []told{refund}
	}
	return []told{refund, {kind, refund.object, shift.GetGift()}}
}

// part is what a reduction takes from the gift: the goal never counted the cover.
// Where it takes nothing it may be left out, and is in the currency of the whole.
func part(r *donationv1.Reduction, whole *moneyv1.Money) *moneyv1.Money {
	if r.GetGift() == nil {
		return &moneyv1.Money{Currency: whole.GetCurrency()}
	}
	return r.GetGift()
}

// about is what all these events say of the gift.
type about interface {
	proto.Message
	GetDonationId() string
	GetAttribution() *attributionv1.Attribution
}

func apply[M about](ctx context.Context, d *Donations, tx *database.Tx, items []feed.Item[M], tell func(M) []told) error {
	facts := make([]domain.Fact, 0, len(items))
	for _, item := range items {
		if item.Message.GetDonationId() == "" {
			return apperr.New(apperr.InvalidArgument, "GIFT_WITHOUT_ID", "What happened is about no gift.")
		}
		for _, t := range tell(item.Message) {
			currency, err := money.ParseCurrency(t.amount.GetCurrency())
			if err != nil {
				return apperr.Wrap(fmt.Errorf("read fact at position %d: %w", item.Pos, err),
					apperr.InvalidArgument, "GIFT_WITHOUT_CURRENCY", "What happened to this gift has no currency that is known here.")
			}
			facts = append(facts, domain.Fact{
				DonationID:     item.Message.GetDonationId(),
				Kind:           t.kind,
				Object:         t.object,
				OrganizationID: item.Message.GetAttribution().GetOrganizationId(),
				AppealID:       item.Message.GetAttribution().GetAppealId(),
				PageID:         item.Message.GetAttribution().GetFundraiserId(),
				Amount:         money.Amount{Minor: t.amount.GetMinor(), Currency: currency},
				Pos:            item.Pos,
			})
		}
	}
	return d.app.ApplyFacts(ctx, d.bind(tx), facts)
}
