package grpcapi

import (
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

func organization(o domain.Organization) *fundraiserv1.Organization {
	return &fundraiserv1.Organization{
		OrganizationId: o.ID,
		Slug:           o.Slug,
		Code:           o.Code,
		Name:           o.Name,
		LegalName:      o.LegalName,
		Registration:   o.Registration,
		Country:        o.Country,
		TimeZone:       o.TimeZone,
		Mission:        o.Mission,
		ContactEmail:   o.ContactEmail,
		Logo:           image(o.Logo),
	}
}

func appeal(a app.Appeal, closed bool) *fundraiserv1.Appeal {
	message := &fundraiserv1.Appeal{
		AppealId:        a.ID,
		Slug:            a.Slug,
		OrganizationId:  a.OrganizationID,
		Kind:            kind(a.Kind),
		Title:           a.Title,
		Summary:         a.Summary,
		StoryMarkdown:   a.Story,
		Currency:        a.Currency.Code(),
		SuggestedMinor:  a.Suggested,
		MinimumMinor:    a.Minimum,
		GoalMinor:       a.Goal,
		GoalCount:       a.GoalCount,
		GoalUnit:        a.GoalUnit,
		UnitCostMinor:   a.UnitCost,
		Closed:          closed,
		Totals:          totals(a.Total),
		CoverRatePpm:    a.CoverRatePPM,
		CoverFixedMinor: a.CoverFixed,
	}
	for _, f := range a.Funds {
		message.Funds = append(message.Funds, &fundraiserv1.Fund{Code: f.Code, Name: f.Name, FundClass: app.FundClass(f.Class)})
	}
	return message
}

func page(p app.Page, appealSlug string, closed bool) *fundraiserv1.Fundraiser {
	return &fundraiserv1.Fundraiser{
		FundraiserId:  p.ID,
		Slug:          p.Slug,
		AppealSlug:    appealSlug,
		Title:         p.Title,
		OwnerName:     p.Owner,
		StoryMarkdown: p.Story,
		GoalMinor:     p.Goal,
		Closed:        closed,
		Totals:        totals(p.Total),
		State:         pageState(p.State),
		Photo:         image(p.Photo),
		Version:       p.Version,
	}
}

func totals(t domain.Total) *fundraiserv1.Totals {
	return &fundraiserv1.Totals{
		SettledMinor: t.Settled, Gifts: t.Gifts, AsOf: t.AsOf,
		ProcessingMinor: t.Processing, RefundedMinor: t.Refunded, DisputedMinor: t.Disputed, LostMinor: t.Lost,
	}
}

func gifts(recent []domain.Gift) []*fundraiserv1.Gift {
	messages := make([]*fundraiserv1.Gift, 0, len(recent))
	for _, g := range recent {
		messages = append(messages, gift(g))
	}
	return messages
}

func gift(g domain.Gift) *fundraiserv1.Gift {
	return &fundraiserv1.Gift{
		DonationId: g.DonationID,
		GiftMinor:  g.Amount.Minor,
		Currency:   g.Amount.Currency.Code(),
		Visibility: visibility(g.Visibility),
		PaidAt:     g.PaidAt,

		ReturnedMinor: g.Returned,
	}
}

func kind(k domain.Kind) fundraiserv1.AppealKind {
	switch k {
	case domain.Standing:
		return fundraiserv1.AppealKind_APPEAL_KIND_STANDING
	case domain.Crisis:
		return fundraiserv1.AppealKind_APPEAL_KIND_CRISIS
	case domain.Campaign:
		return fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN
	}
	return fundraiserv1.AppealKind_APPEAL_KIND_UNSPECIFIED
}

func visibility(v domain.Visibility) donationv1.Visibility {
	switch v {
	case domain.Public:
		return donationv1.Visibility_VISIBILITY_PUBLIC
	case domain.FirstName:
		return donationv1.Visibility_VISIBILITY_FIRST_NAME
	case domain.Anonymous:
		return donationv1.Visibility_VISIBILITY_ANONYMOUS
	}
	return donationv1.Visibility_VISIBILITY_UNSPECIFIED
}
