package grpcapi

import (
	"context"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// GetPlan is the donor's view of a monthly plan.
func (s *Server) GetPlan(ctx context.Context, r *donationv1.GetPlanRequest) (*donationv1.GetPlanResponse, error) {
	page, err := s.app.PlanPage(ctx, r.GetPlanId(), r.GetToken())
	if err != nil {
		return nil, err
	}
	out := &donationv1.GetPlanResponse{Plan: plan(page.PlanView), Minimum: amount(page.Minimum)}
	if page.ChargedAfterEnd.Minor > 0 {
		out.ChargedAfterEnd = amount(page.ChargedAfterEnd)
	}
	for _, view := range page.Paid {
		out.Instalments = append(out.Instalments, donation(view))
	}
	return out, nil
}

// ChangePlan does what the donor asks for.
func (s *Server) ChangePlan(ctx context.Context, r *donationv1.ChangePlanRequest) (*donationv1.ChangePlanResponse, error) {
	request := app.PlanRequest{PlanID: r.GetPlanId(), RequestID: r.GetRequestId()}
	switch {
	case r.GetAmount() != nil:
		// An unknown currency stays the zero value: the error is put beside the field.
		currency, _ := money.ParseCurrency(r.GetAmount().GetGift().GetCurrency())
		request.Kind, request.CoverFees = app.ChangeAmount, r.GetAmount().GetCoverFees()
		request.Gift = money.Amount{Minor: r.GetAmount().GetGift().GetMinor(), Currency: currency}
	case r.GetResume():
		request.Kind = app.ChangeResume
	case r.GetCancel():
		request.Kind = app.ChangeCancel
	default:
		if _, paused := r.GetChange().(*donationv1.ChangePlanRequest_PauseMonths); paused {
			request.Kind, request.Months = app.ChangePause, int(r.GetPauseMonths())
		}
	}
	view, err := s.app.ChangeByDonor(ctx, r.GetToken(), request)
	if err != nil {
		return nil, err
	}
	return &donationv1.ChangePlanResponse{Plan: plan(view)}, nil
}

// OpenPlanPortal answers Stripe's page for another card.
func (s *Server) OpenPlanPortal(ctx context.Context, r *donationv1.OpenPlanPortalRequest) (*donationv1.OpenPlanPortalResponse, error) {
	url, err := s.app.OpenPortal(ctx, r.GetPlanId(), r.GetToken())
	if err != nil {
		return nil, err
	}
	return &donationv1.OpenPlanPortalResponse{Url: url}, nil
}

// SendPlanLinks answers the same whether there are plans or not.
func (s *Server) SendPlanLinks(ctx context.Context, r *donationv1.SendPlanLinksRequest) (*donationv1.SendPlanLinksResponse, error) {
	err := s.app.SendPlanLinks(ctx, r.GetEmail(), r.GetClientAddress(), r.GetLanguage())
	if err != nil {
		return nil, err
	}
	return &donationv1.SendPlanLinksResponse{}, nil
}

// ListPlans is for staff.
func (s *Server) ListPlans(ctx context.Context, r *donationv1.ListPlansRequest) (*donationv1.ListPlansResponse, error) {
	views, next, err := s.app.Plans(ctx, app.PlanSearch{
		Status: r.GetStatus(), Failed: r.GetPaymentFailed(), Ending: r.GetEnding(), Reference: r.GetReference(),
		PageToken: r.GetPageToken(), PageSize: int(r.GetPageSize()),
	})
	if err != nil {
		return nil, err
	}
	out := &donationv1.ListPlansResponse{NextPageToken: next}
	for _, view := range views {
		out.Plans = append(out.Plans, plan(view))
	}
	return out, nil
}

// CancelPlan ends a plan for its donor.
func (s *Server) CancelPlan(ctx context.Context, r *donationv1.CancelPlanRequest) (*donationv1.CancelPlanResponse, error) {
	person, _ := rpc.ActingPerson(ctx)
	view, err := s.app.CancelByStaff(ctx, app.PlanRequest{
		PlanID: r.GetPlanId(), RequestID: r.GetRequestId(), Kind: app.ChangeCancel, Staff: person.ID, Note: r.GetNote(),
	})
	if err != nil {
		return nil, err
	}
	return &donationv1.CancelPlanResponse{Plan: plan(view)}, nil
}

func plan(v app.PlanView) *donationv1.Plan {
	p := v.Plan
	at := p.First.Attribution
	return &donationv1.Plan{
		PlanId: p.ID, SubscriptionId: p.SubscriptionID, Status: string(p.Status), Gift: amount(p.Gift), Cover: amount(p.Cover),
		OrganizationId: at.OrganizationID, AppealId: at.AppealID, AppealSlug: p.First.AppealSlug, FundraiserId: at.FundraiserID,
		FundraiserSlug: p.First.FundraiserSlug, ProductName: p.First.ProductName, NextAt: p.NextAt, EndsAt: p.EndsAt,
		PausedUntil: p.PausedUntil, StartedAt: p.StartedAt, Instalments: int32(v.Instalments),
		RetryAt: p.RetryAt, PaymentFailed: p.Failed, FirstDonationId: p.First.ID, FundCode: at.FundCode,
		Ending: p.Ending(),
	}
}
