package grpcapi

import (
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
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
