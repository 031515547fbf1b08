package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

const (
	// questions is how many donors are asked for at once: enough to hide the
	// network, too few to be felt by donors who are giving.
	questions = 8
	// patience bounds one question, so that a donation service that hangs is
	// the same as one that is away.
	patience = 3 * time.Second
)

// answer is what donation said about one donor.
type answer struct {
	donor domain.Donor
	err   error
}

// askDonors asks donation who gave each gift, and returns the answers in the
// gifts' order.
func (a *App) askDonors(ctx context.Context, gifts []DueGift) []answer {
	answers := make([]answer, len(gifts))
	free := make(chan struct{}, questions)
	var all sync.WaitGroup
	for i, gift := range gifts {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			answers[i].donor, answers[i].err = a.askDonor(ctx, gift.Gift)
		})
	}
	all.Wait()
	return answers
}

func (a *App) askDonor(ctx context.Context, gift domain.Gift) (domain.Donor, error) {
	// The question belongs to the gift's trace, not to the batch's.
	ctx, cancel := context.WithTimeout(telemetry.ContextWithTraceparent(ctx, gift.Traceparent), patience)
	defer cancel()
	reply, err := a.donors.GetDonor(ctx, &donationv1.GetDonorRequest{DonationId: gift.DonationID})
	if err != nil {
		return domain.Donor{}, fmt.Errorf("ask for donor of %s: %w", gift.DonationID, err)
	}
	return domain.Donor{Name: reply.GetName(), Email: reply.GetEmail(), Language: reply.GetLanguage()}, nil
}
