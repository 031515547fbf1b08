package app

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// maxProductName is what fits on Stripe's page and its receipts.
const maxProductName = 200

// draft makes the gift that a form asks for under the terms of its target.
func (a *App) draft(ctx context.Context, form domain.Form, t *fundraiserv1.ResolveGiftResponse) (domain.Donation, []apperr.Field, error) {
	currency, err := money.ParseCurrency(t.GetCurrency())
	if err != nil {
		return domain.Donation{}, nil, fmt.Errorf("terms of the gift: %w", err)
	}
	attribution, err := attributionOf(t.GetAttribution())
	if err != nil {
		return domain.Donation{}, nil, err
	}
	cover, wrong := form.Price(domain.Terms{
		Currency: currency, Minimum: t.GetMinimumMinor(),
		Rate: money.Rate{PPM: t.GetCoverRatePpm()}, Fixed: t.GetCoverFixedMinor(),
	})
	planID := ""
	if form.Monthly {
		planID = uuid.NewString()
	}
	return domain.Donation{
		ID: uuid.NewString(), PlanID: planID, Gift: form.Gift, Cover: cover, CoverFees: form.CoverFees,
		Attribution: attribution, AppealSlug: t.GetAppealSlug(), FundraiserSlug: t.GetFundraiserSlug(),
		ProductName: productName(t), Visibility: form.Visibility, Livemode: a.cfg.Livemode,
		Traceparent: telemetry.Traceparent(ctx), CreatedAt: a.micros(), State: domain.Created,
	}, wrong, nil
}

// planOf is the plan that a monthly gift begins.
func (a *App) planOf(d domain.Donation, email string) domain.Plan {
	return domain.Plan{
		ID: d.PlanID, First: d, DonorKey: a.Links.DonorKey(email), Status: domain.PlanCreated, Gift: d.Gift, Cover: d.Cover,
	}
}

func productName(t *fundraiserv1.ResolveGiftResponse) string {
	name := []rune(t.GetAppealTitle() + " – " + t.GetOrganizationName())
	if len(name) > maxProductName {
		name = append(name[:maxProductName-1], '…')
	}
	return string(name)
}

func attributionOf(p *attributionv1.Attribution) (domain.Attribution, error) {
	class := domain.FundClass("")
	switch p.GetFundClass() {
	case attributionv1.FundClass_FUND_CLASS_UNRESTRICTED:
		class = domain.Unrestricted
	case attributionv1.FundClass_FUND_CLASS_RESTRICTED:
		class = domain.Restricted
	case attributionv1.FundClass_FUND_CLASS_UNSPECIFIED:
	}
	if class == "" || p.GetOrganizationId() == "" {
		// Booked like this the ledger would have to guess.
		return domain.Attribution{}, fmt.Errorf("attribution of the gift: organization %q, fund class %s",
			p.GetOrganizationId(), p.GetFundClass())
	}
	return domain.Attribution{
		OrganizationID: p.GetOrganizationId(), AppealID: p.GetAppealId(), FundCode: p.GetFundCode(), FundClass: class,
		FundraiserID: p.GetFundraiserId(), TeamID: p.GetTeamId(), ShareCode: p.GetShareCode(),
	}, nil
}
