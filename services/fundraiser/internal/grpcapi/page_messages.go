package grpcapi

import (
	"time"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

func pageState(s domain.State) fundraiserv1.FundraiserState {
	switch s {
	case domain.Draft:
		return fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT
	case domain.Live:
		return fundraiserv1.FundraiserState_FUNDRAISER_STATE_LIVE
	case domain.Paused:
		return fundraiserv1.FundraiserState_FUNDRAISER_STATE_PAUSED
	case domain.Closed:
		return fundraiserv1.FundraiserState_FUNDRAISER_STATE_CLOSED
	case domain.TakenDown:
		return fundraiserv1.FundraiserState_FUNDRAISER_STATE_TAKEN_DOWN
	}
	return fundraiserv1.FundraiserState_FUNDRAISER_STATE_UNSPECIFIED
}

// image is nil for no picture.
func image(i domain.Image) *fundraiserv1.Image {
	if i.ID == "" {
		return nil
	}
	message := &fundraiserv1.Image{ImageId: i.ID, Alt: i.Alt, Width: int32(i.Width), Height: int32(i.Height)}
	for _, width := range i.Widths {
		message.Widths = append(message.Widths, int32(width))
	}
	return message
}

func pageInput(in *fundraiserv1.FundraiserInput) domain.PageInput {
	return domain.PageInput{
		AppealSlug: in.GetAppealSlug(),
		Slug:       in.GetSlug(),
		Title:      in.GetTitle(),
		Owner:      in.GetOwnerName(),
		Goal:       in.GetGoalMinor(),
		Story:      in.GetStoryMarkdown(),
	}
}

func ownFundraiser(own app.OwnPage) *fundraiserv1.OwnFundraiser {
	return &fundraiserv1.OwnFundraiser{
		Fundraiser:      page(own.Page, own.Appeal.Slug, own.Closed),
		Appeal:          appeal(own.Appeal, own.AppealClosed),
		CreatedAt:       microsOf(own.Page.CreatedAt),
		PublishedAt:     microsOf(own.Page.PublishedAt),
		TakenDownReason: own.Page.Reason,
	}
}

// microsOf is 0 for what is not known.
func microsOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func supporter(s domain.Supporter) *fundraiserv1.Supporter {
	return &fundraiserv1.Supporter{
		SupporterId: s.ID,
		Email:       s.Email,
		DisplayName: s.DisplayName,
		Language:    s.Language,
		MailGifts:   s.MailGifts,
	}
}
