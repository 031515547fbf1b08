// Package grpcapi answers FundraiserService and SupporterService: it turns requests into use cases
// and what they return into messages, and decides nothing.
package grpcapi

import (
	"context"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
)

// Server implements FundraiserService. It is safe for use by several goroutines.
type Server struct {
	fundraiserv1.UnimplementedFundraiserServiceServer
	app   *app.App
	watch *app.Watch
}

// New returns a server of these use cases.
func New(uses *app.App, watch *app.Watch) *Server { return &Server{app: uses, watch: watch} }

// ListAppeals is FundraiserService's.
func (s *Server) ListAppeals(ctx context.Context, _ *fundraiserv1.ListAppealsRequest) (*fundraiserv1.ListAppealsResponse, error) {
	listing, err := s.app.ListAppeals(ctx)
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ListAppealsResponse{}
	for _, o := range listing.Organizations {
		answer.Organizations = append(answer.Organizations, organization(o))
	}
	for _, a := range listing.Appeals {
		answer.Appeals = append(answer.Appeals, appeal(a, false))
	}
	return answer, nil
}

// GetAppeal is FundraiserService's.
func (s *Server) GetAppeal(ctx context.Context, request *fundraiserv1.GetAppealRequest) (*fundraiserv1.GetAppealResponse, error) {
	found, err := s.app.GetAppeal(ctx, request.GetSlug())
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.GetAppealResponse{
		Appeal:       appeal(found.Appeal, found.Closed),
		Organization: organization(found.Organization),
		Recent:       gifts(found.Recent),
	}
	for _, p := range found.Pages {
		// Live pages of a closed appeal take no gifts either.
		answer.Fundraisers = append(answer.Fundraisers, page(p, found.Appeal.Slug, found.Closed))
	}
	return answer, nil
}

// GetFundraiser is FundraiserService's.
func (s *Server) GetFundraiser(ctx context.Context, request *fundraiserv1.GetFundraiserRequest) (*fundraiserv1.GetFundraiserResponse, error) {
	found, err := s.app.GetFundraiser(ctx, request.GetSlug())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.GetFundraiserResponse{
		Fundraiser:   page(found.Page, found.Appeal.Slug, found.Closed),
		Appeal:       appeal(found.Appeal, found.AppealClosed),
		Organization: organization(found.Organization),
		Recent:       gifts(found.Recent),
	}, nil
}

// ResolveGift is FundraiserService's.
func (s *Server) ResolveGift(ctx context.Context, request *fundraiserv1.ResolveGiftRequest) (*fundraiserv1.ResolveGiftResponse, error) {
	terms, err := s.app.ResolveGift(ctx, app.Target{
		AppealSlug: request.GetAppealSlug(),
		PageSlug:   request.GetFundraiserSlug(),
		FundCode:   request.GetFundCode(),
		ShareCode:  request.GetShareCode(),
	})
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ResolveGiftResponse{
		Attribution: &attributionv1.Attribution{
			OrganizationId: terms.Organization.ID,
			AppealId:       terms.Appeal.ID,
			FundCode:       terms.Fund.Code,
			FundClass:      app.FundClass(terms.Fund.Class),
			ShareCode:      terms.ShareCode,
		},
		Currency:         terms.Appeal.Currency.Code(),
		MinimumMinor:     terms.Appeal.Minimum,
		CoverRatePpm:     terms.Appeal.CoverRatePPM,
		CoverFixedMinor:  terms.Appeal.CoverFixed,
		AppealTitle:      terms.Appeal.Title,
		OrganizationName: terms.Organization.Name,
		AppealSlug:       terms.Appeal.Slug,
	}
	if terms.Page != nil {
		answer.Attribution.FundraiserId = terms.Page.ID
		answer.FundraiserSlug = terms.Page.Slug
	}
	return answer, nil
}

// GetHomeOrganization is FundraiserService's.
func (s *Server) GetHomeOrganization(ctx context.Context, _ *fundraiserv1.GetHomeOrganizationRequest) (*fundraiserv1.GetHomeOrganizationResponse, error) {
	id, err := s.app.HomeOrganization(ctx)
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.GetHomeOrganizationResponse{OrganizationId: id}, nil
}

// GetGift is FundraiserService's.
func (s *Server) GetGift(ctx context.Context, request *fundraiserv1.GetGiftRequest) (*fundraiserv1.GetGiftResponse, error) {
	found, err := s.app.GetGift(ctx, request.GetDonationId())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.GetGiftResponse{
		Gift:       gift(found.Gift),
		TotalMinor: found.TotalAfter,
		Pos:        found.Pos,
		CountedAt:  found.CountedAt.UnixMicro(),
	}, nil
}

// GetImage is FundraiserService's.
func (s *Server) GetImage(ctx context.Context, request *fundraiserv1.GetImageRequest) (*fundraiserv1.GetImageResponse, error) {
	file, err := s.app.Image(ctx, request.GetImageId(), int(request.GetWidth()))
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.GetImageResponse{ContentType: file.ContentType, Content: file.Content}, nil
}

// SumTotals is FundraiserService's.
func (s *Server) SumTotals(ctx context.Context, _ *fundraiserv1.SumTotalsRequest) (*fundraiserv1.SumTotalsResponse, error) {
	totals, err := s.app.SumTotals(ctx)
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.SumTotalsResponse{
		Head:        totals.Positions.Head,
		Unsequenced: totals.Positions.Unsequenced,
	}
	for _, sum := range totals.Sums {
		answer.Sums = append(answer.Sums, &fundraiserv1.TotalSum{
			OrganizationId:   sum.OrganizationID,
			OrganizationSlug: sum.OrganizationSlug,
			Currency:         sum.Currency,
			AppealsMinor:     sum.Appeals,
			PagesMinor:       sum.Pages,
			DirectMinor:      sum.Direct,
		})
	}
	for _, c := range totals.Positions.Checkpoints {
		answer.Checkpoints = append(answer.Checkpoints, &feedv1.Checkpoint{Feed: c.Feed, Epoch: c.Epoch, Pos: c.Pos})
	}
	return answer, nil
}
