package consume

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// OnDonationRefunded has receipts voided or replaced.
func (h Handlers) OnDonationRefunded(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationRefunded]) error {
	return receive(ctx, h, tx, items, func(m *donationv1.DonationRefunded) (domain.Change, error) {
		return changeOf(m, domain.Refunded, m.GetRefundId(), m.GetReduction(), m.GetLossShift())
	})
}

// OnDonationRefundFailed has receipts reinstated.
func (h Handlers) OnDonationRefundFailed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationRefundFailed]) error {
	return receive(ctx, h, tx, items, func(m *donationv1.DonationRefundFailed) (domain.Change, error) {
		return changeOf(m, domain.RefundFailed, m.GetRefundId(), m.GetReduction(), m.GetLossShift())
	})
}

// OnDonationDisputed has receipts held. A question of the donor's bank is no
// dispute.
func (h Handlers) OnDonationDisputed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationDisputed]) error {
	var disputes []feed.Item[*donationv1.DonationDisputed]
	for _, item := range items {
		if !item.Message.GetInquiry() {
			disputes = append(disputes, item)
		}
	}
	return receive(ctx, h, tx, disputes, func(m *donationv1.DonationDisputed) (domain.Change, error) {
		return changeOf(m, domain.DisputeOpened, m.GetDisputeId())
	})
}

// OnDonationDisputeClosed has receipts voided, replaced or no longer held.
func (h Handlers) OnDonationDisputeClosed(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationDisputeClosed]) error {
	return receive(ctx, h, tx, items, func(m *donationv1.DonationDisputeClosed) (domain.Change, error) {
		return changeOf(m, domain.DisputeDecided, m.GetDisputeId(), m.GetReduction())
	})
}

func receive[M proto.Message](ctx context.Context, h Handlers, tx *database.Tx, items []feed.Item[M], read func(M) (domain.Change, error)) error {
	changes := make([]domain.Change, 0, len(items))
	for _, item := range items {
		change, err := read(item.Message)
		if err != nil {
			return unusable(item.ID, err)
		}
		changes = append(changes, change)
	}
	return h.app.ReceiveChanges(ctx, h.bind(tx), changes)
}

// aftermath is what all these events say.
type aftermath interface {
	GetDonationId() string
	GetAmount() *moneyv1.Money
}

// changeOf adds up what all reductions of an event take: to a receipt it is the same
// whether money went back as a refund or was lost.
func changeOf(m aftermath, kind domain.ChangeKind, object string, reductions ...*donationv1.Reduction) (domain.Change, error) {
	whole, err := amount(m.GetAmount())
	if err != nil {
		return domain.Change{}, fmt.Errorf("amount: %w", err)
	}
	none := money.Amount{Currency: whole.Currency}
	change := domain.Change{DonationID: m.GetDonationId(), Kind: kind, Object: object, Gift: none, Cover: none}
	for _, r := range reductions {
		change.Gift, err = less(change.Gift, r.GetGift())
		if err != nil {
			return domain.Change{}, fmt.Errorf("part of the gift: %w", err)
		}
		change.Cover, err = less(change.Cover, r.GetCover())
		if err != nil {
			return domain.Change{}, fmt.Errorf("part of the cover: %w", err)
		}
	}
	return change, change.Validate()
}

// less adds one part to a sum. What takes nothing may say so by leaving it out.
func less(sum money.Amount, part *moneyv1.Money) (money.Amount, error) {
	if part == nil {
		return sum, nil
	}
	more, err := amount(part)
	if err != nil {
		return money.Amount{}, err
	}
	return sum.Add(more)
}
