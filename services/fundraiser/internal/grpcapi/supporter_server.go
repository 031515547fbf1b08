package grpcapi

import (
	"context"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// SupporterServer implements SupporterService. It is safe for use by several
// goroutines.
type SupporterServer struct {
	fundraiserv1.UnimplementedSupporterServiceServer
	app *app.Supporters
}

// NewSupporterServer returns a server of these use cases.
func NewSupporterServer(uses *app.Supporters) *SupporterServer { return &SupporterServer{app: uses} }

// acting is the id of the account that the caller acts for. The roles of a
// method see to it that there is one.
func acting(ctx context.Context) (string, error) {
	person, ok := rpc.ActingPerson(ctx)
	if !ok || person.ID == "" {
		return "", apperr.New(apperr.Unauthenticated, "SIGN_IN", "Please sign in.")
	}
	return person.ID, nil
}

// EnsureSupporter is SupporterService's.
func (s *SupporterServer) EnsureSupporter(ctx context.Context, request *fundraiserv1.EnsureSupporterRequest) (*fundraiserv1.EnsureSupporterResponse, error) {
	id, err := s.app.EnsureSupporter(ctx, request.GetEmail(), request.GetLanguage())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.EnsureSupporterResponse{SupporterId: id}, nil
}

// GetSupporter is SupporterService's.
func (s *SupporterServer) GetSupporter(ctx context.Context, _ *fundraiserv1.GetSupporterRequest) (*fundraiserv1.GetSupporterResponse, error) {
	id, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	account, err := s.app.Supporter(ctx, id)
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.GetSupporterResponse{Supporter: supporter(account)}, nil
}

// UpdateSupporter is SupporterService's.
func (s *SupporterServer) UpdateSupporter(ctx context.Context, request *fundraiserv1.UpdateSupporterRequest) (*fundraiserv1.UpdateSupporterResponse, error) {
	id, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	account, err := s.app.UpdateSupporter(ctx, id, request.GetDisplayName(), request.GetLanguage(), request.GetMailGifts())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.UpdateSupporterResponse{Supporter: supporter(account)}, nil
}

// SaveDraft is SupporterService's.
func (s *SupporterServer) SaveDraft(ctx context.Context, request *fundraiserv1.SaveDraftRequest) (*fundraiserv1.SaveDraftResponse, error) {
	id, err := s.app.SaveDraft(ctx, request.GetIntentId(), pageInput(request.GetInput()))
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.SaveDraftResponse{FundraiserId: id}, nil
}

// SetDraftPhoto is SupporterService's.
func (s *SupporterServer) SetDraftPhoto(ctx context.Context, request *fundraiserv1.SetDraftPhotoRequest) (*fundraiserv1.SetDraftPhotoResponse, error) {
	kept, err := s.app.SetDraftPhoto(ctx, request.GetFundraiserId(), request.GetPhoto().GetContent(), request.GetPhoto().GetAlt())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.SetDraftPhotoResponse{Image: image(kept)}, nil
}

// GetDraft is SupporterService's.
func (s *SupporterServer) GetDraft(ctx context.Context, request *fundraiserv1.GetDraftRequest) (*fundraiserv1.GetDraftResponse, error) {
	draft, err := s.app.GetDraft(ctx, request.GetFundraiserId())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.GetDraftResponse{Draft: ownFundraiser(draft)}, nil
}

// ClaimDraft is SupporterService's.
func (s *SupporterServer) ClaimDraft(ctx context.Context, request *fundraiserv1.ClaimDraftRequest) (*fundraiserv1.ClaimDraftResponse, error) {
	id, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	claimed, err := s.app.ClaimDraft(ctx, id, request.GetFundraiserId())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.ClaimDraftResponse{Fundraiser: ownFundraiser(claimed)}, nil
}

// ListOwnFundraisers is SupporterService's.
func (s *SupporterServer) ListOwnFundraisers(ctx context.Context, _ *fundraiserv1.ListOwnFundraisersRequest) (*fundraiserv1.ListOwnFundraisersResponse, error) {
	id, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	pages, err := s.app.ListOwn(ctx, id)
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ListOwnFundraisersResponse{}
	for _, own := range pages {
		answer.Fundraisers = append(answer.Fundraisers, ownFundraiser(own))
	}
	return answer, nil
}

// GetOwnFundraiser is SupporterService's.
func (s *SupporterServer) GetOwnFundraiser(ctx context.Context, request *fundraiserv1.GetOwnFundraiserRequest) (*fundraiserv1.GetOwnFundraiserResponse, error) {
	id, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	desk, err := s.app.GetOwn(ctx, id, request.GetFundraiserId())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.GetOwnFundraiserResponse{
		Fundraiser:   ownFundraiser(desk.OwnPage),
		Recent:       gifts(desk.Recent),
		Organization: organization(desk.Organization),
	}, nil
}

// SaveFundraiser is SupporterService's.
func (s *SupporterServer) SaveFundraiser(ctx context.Context, request *fundraiserv1.SaveFundraiserRequest) (*fundraiserv1.SaveFundraiserResponse, error) {
	id, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	var saved app.OwnPage
	if request.GetFundraiserId() == "" {
		saved, err = s.app.BeginPage(ctx, id, request.GetIntentId(), pageInput(request.GetInput()))
	} else {
		saved, err = s.app.SavePage(ctx, id, request.GetFundraiserId(), request.GetVersion(), pageInput(request.GetInput()))
	}
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.SaveFundraiserResponse{Fundraiser: ownFundraiser(saved)}, nil
}

// SetPhoto is SupporterService's.
func (s *SupporterServer) SetPhoto(ctx context.Context, request *fundraiserv1.SetPhotoRequest) (*fundraiserv1.SetPhotoResponse, error) {
	id, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := s.app.SetPhoto(ctx, id, request.GetFundraiserId(), request.GetPhoto().GetContent(), request.GetPhoto().GetAlt())
	if err != nil {
		return nil, err
	}
	return &fundraiserv1.SetPhotoResponse{Image: image(kept)}, nil
}

// ChangeFundraiserState is SupporterService's.
func (s *SupporterServer) ChangeFundraiserState(ctx context.Context, request *fundraiserv1.ChangeFundraiserStateRequest) (*fundraiserv1.ChangeFundraiserStateResponse, error) {
	id, err := acting(ctx)
	if err != nil {
		return nil, err
	}
	action, known := actions()[request.GetAction()]
	if !known {
		return nil, apperr.Invalid(apperr.Field{Name: "action", Reason: "ACTION_UNKNOWN", Message: "Say what to do with the page."})
	}
	changed, err := s.app.ChangeState(ctx, id, request.GetFundraiserId(), action)
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ChangeFundraiserStateResponse{}
	if changed != nil {
		answer.Fundraiser = ownFundraiser(*changed)
	}
	return answer, nil
}

func actions() map[fundraiserv1.FundraiserAction]domain.Action {
	return map[fundraiserv1.FundraiserAction]domain.Action{
		fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_PUBLISH: domain.Publish,
		fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_PAUSE:   domain.Pause,
		fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_RESUME:  domain.Resume,
		fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_CLOSE:   domain.Close,
		fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_DISCARD: domain.Discard,
	}
}
