// Package consume applies the events of other services: it turns them into the
// domain's words and hands them to a use case, in the consumer's transaction.
package consume

import (
	"context"
	"fmt"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// Donations applies the donation feed.
type Donations struct {
	app  *app.App
	bind func(*database.Tx) app.Tx
}

// NewDonations returns handlers that run use cases in the transaction that bind
// makes known to them.
func NewDonations(uses *app.App, bind func(*database.Tx) app.Tx) *Donations {
	return &Donations{app: uses, bind: bind}
}

// OnSucceeded counts gifts.
func (d *Donations) OnSucceeded(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationSucceeded]) error {
	gifts := make([]domain.Gift, 0, len(items))
	for _, item := range items {
		gift, err := read(item)
		if err != nil {
			return err
		}
		gifts = append(gifts, gift)
	}
	return d.app.CountGifts(ctx, d.bind(tx), gifts)
}

func read(item feed.Item[*donationv1.DonationSucceeded]) (domain.Gift, error) {
	m := item.Message
	currency, err := money.ParseCurrency(m.GetGift().GetCurrency())
	if err != nil {
		return domain.Gift{}, apperr.Wrap(fmt.Errorf("read gift at position %d: %w", item.Pos, err),
			apperr.InvalidArgument, "GIFT_WITHOUT_CURRENCY", "This gift has no currency that is known here.")
	}
	if m.GetDonationId() == "" {
		return domain.Gift{}, apperr.New(apperr.InvalidArgument, "GIFT_WITHOUT_ID", "This gift has no id.")
	}
	return domain.Gift{
		DonationID:     m.GetDonationId(),
		OrganizationID: m.GetAttribution().GetOrganizationId(),
		AppealID:       m.GetAttribution().GetAppealId(),
		PageID:         m.GetAttribution().GetFundraiserId(),
		// The goal counts the gift; what was added for the fee is not in it.
		Amount:     money.Amount{Minor: m.GetGift().GetMinor(), Currency: currency},
		Visibility: visibility(m.GetVisibility()),
		PaidAt:     m.GetPaidAt(),
		Pos:        item.Pos,
	}, nil
}

// visibility reads what the public may see. What a newer producer may come to
// say is shown to nobody until it is understood here.
func visibility(v donationv1.Visibility) domain.Visibility {
	switch v {
	case donationv1.Visibility_VISIBILITY_PUBLIC:
		return domain.Public
	case donationv1.Visibility_VISIBILITY_FIRST_NAME:
		return domain.FirstName
	default:
		return domain.Anonymous
	}
}
