package grpcapi

import (
	"context"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// CatalogueServer implements CatalogueService. It is safe for use by several
// goroutines.
type CatalogueServer struct {
	fundraiserv1.UnimplementedCatalogueServiceServer
	app   *app.App
	logos *app.Logos
}

// NewCatalogue returns a server of these use cases.
func NewCatalogue(uses *app.App, logos *app.Logos) *CatalogueServer {
	return &CatalogueServer{app: uses, logos: logos}
}

// ListOrganizations is CatalogueService's.
func (s *CatalogueServer) ListOrganizations(ctx context.Context, _ *fundraiserv1.ListOrganizationsRequest) (*fundraiserv1.ListOrganizationsResponse, error) {
	organizations, err := s.app.ListOrganizations(ctx)
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ListOrganizationsResponse{}
	for _, o := range organizations {
		answer.Organizations = append(answer.Organizations, editableOrganization(o))
	}
	return answer, nil
}

// UpdateOrganization is CatalogueService's.
func (s *CatalogueServer) UpdateOrganization(ctx context.Context, request *fundraiserv1.UpdateOrganizationRequest) (*fundraiserv1.UpdateOrganizationResponse, error) {
	person, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := s.app.UpdateOrganization(ctx, person, request.GetOrganizationId(), request.GetVersion(), app.OrganizationInput{
		Name:         request.GetName(),
		LegalName:    request.GetLegalName(),
		Address:      request.GetAddress(),
		Registration: request.GetRegistration(),
		TimeZone:     request.GetTimeZone(),
		Mission:      request.GetMission(),
		ContactEmail: request.GetContactEmail(),
	})
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.UpdateOrganizationResponse{Organization: editableOrganization(changed)}, nil
}

// SetOrganizationLogo is CatalogueService's.
func (s *CatalogueServer) SetOrganizationLogo(ctx context.Context, request *fundraiserv1.SetOrganizationLogoRequest) (*fundraiserv1.SetOrganizationLogoResponse, error) {
	person, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := s.logos.Set(ctx, person, request.GetOrganizationId(), request.GetContent())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.SetOrganizationLogoResponse{Organization: editableOrganization(changed)}, nil
}

// ListAllAppeals is CatalogueService's.
func (s *CatalogueServer) ListAllAppeals(ctx context.Context, _ *fundraiserv1.ListAllAppealsRequest) (*fundraiserv1.ListAllAppealsResponse, error) {
	appeals, err := s.app.ListAllAppeals(ctx)
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ListAllAppealsResponse{}
	for _, a := range appeals {
		answer.Appeals = append(answer.Appeals, editableAppeal(a))
	}
	return answer, nil
}

// GetAppealForEdit is CatalogueService's.
func (s *CatalogueServer) GetAppealForEdit(ctx context.Context, request *fundraiserv1.GetAppealForEditRequest) (*fundraiserv1.GetAppealForEditResponse, error) {
	found, err := s.app.AppealForEdit(ctx, request.GetAppealId())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.GetAppealForEditResponse{Appeal: editableAppeal(found)}, nil
}

// SaveAppeal is CatalogueService's.
func (s *CatalogueServer) SaveAppeal(ctx context.Context, request *fundraiserv1.SaveAppealRequest) (*fundraiserv1.SaveAppealResponse, error) {
	person, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	saved, err := s.app.SaveAppeal(ctx, person, request.GetAppealId(), request.GetVersion(), appealInput(request.GetInput()))
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.SaveAppealResponse{Appeal: editableAppeal(saved)}, nil
}

// ChangeAppealState is CatalogueService's.
func (s *CatalogueServer) ChangeAppealState(ctx context.Context, request *fundraiserv1.ChangeAppealStateRequest) (*fundraiserv1.ChangeAppealStateResponse, error) {
	person, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := s.app.ChangeAppealState(ctx, person, request.GetAppealId(), appealAction(request.GetAction()))
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.ChangeAppealStateResponse{Appeal: editableAppeal(changed)}, nil
}

// ListFunds is CatalogueService's.
func (s *CatalogueServer) ListFunds(ctx context.Context, _ *fundraiserv1.ListFundsRequest) (*fundraiserv1.ListFundsResponse, error) {
	funds, err := s.app.ListFunds(ctx)
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ListFundsResponse{}
	for _, f := range funds {
		answer.Funds = append(answer.Funds, editableFund(f))
	}
	return answer, nil
}

// SaveFund is CatalogueService's.
func (s *CatalogueServer) SaveFund(ctx context.Context, request *fundraiserv1.SaveFundRequest) (*fundraiserv1.SaveFundResponse, error) {
	person, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	saved, err := s.app.SaveFund(ctx, person, domain.Fund{
		ID:             request.GetFund().GetFundId(),
		OrganizationID: request.GetFund().GetOrganizationId(),
		Code:           request.GetFund().GetCode(),
		Name:           request.GetFund().GetName(),
		Class:          fundClass(request.GetFund().GetFundClass()),
		Version:        request.GetFund().GetVersion(),
	})
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.SaveFundResponse{Fund: editableFund(saved)}, nil
}

// ListFundraisers is CatalogueService's.
func (s *CatalogueServer) ListFundraisers(ctx context.Context, request *fundraiserv1.ListFundraisersRequest) (*fundraiserv1.ListFundraisersResponse, error) {
	pages, next, err := s.app.ListPages(ctx, request.GetAfter(), int(request.GetLimit()))
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ListFundraisersResponse{Next: next}
	for _, p := range pages {
		answer.Fundraisers = append(answer.Fundraisers, page(p.Page, p.Appeal.Slug, p.Closed))
	}
	return answer, nil
}

// TakeDownFundraiser is CatalogueService's.
func (s *CatalogueServer) TakeDownFundraiser(ctx context.Context, request *fundraiserv1.TakeDownFundraiserRequest) (*fundraiserv1.TakeDownFundraiserResponse, error) {
	person, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := s.app.TakeDown(ctx, person, request.GetFundraiserId(), request.GetReason(), request.GetRestore())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.TakeDownFundraiserResponse{Fundraiser: page(changed.Page, changed.Appeal.Slug, changed.Closed)}, nil
}

// ListChanges is CatalogueService's.
func (s *CatalogueServer) ListChanges(ctx context.Context, request *fundraiserv1.ListChangesRequest) (*fundraiserv1.ListChangesResponse, error) {
	changes, more, err := s.app.ListChanges(ctx, request.GetBefore(), int(request.GetLimit()))
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ListChangesResponse{More: more}
	for _, c := range changes {
		answer.Changes = append(answer.Changes, change(c))
	}
	return answer, nil
}
