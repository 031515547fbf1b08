package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
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
// gifts' order. One question for all of them is the usual way. Who is not in its
// answer is asked for alone, and so is everybody when it was answered with a
// fault: that may be one gift's, and the others shall not wait for it. When
// donation is away nothing more is asked.
func (a *App) askDonors(ctx context.Context, gifts []DueGift) []answer {
	answers := make([]answer, len(gifts))
	known, err := a.askTogether(ctx, gifts)
	if away(err) {
		for i := range answers {
			answers[i].err = err
		}
		return answers
	}
	free := make(chan struct{}, questions)
	var all sync.WaitGroup
	for i, gift := range gifts {
		donor, told := known[gift.DonationID]
		if told {
			answers[i].donor = donor
			continue
		}
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			answers[i].donor, answers[i].err = a.askDonor(ctx, gift.Gift)
		})
	}
	all.Wait()
	return answers
}

// away tells whether nobody can be asked. An older donation that does not know the
// question is not away.
func away(err error) bool {
	if err == nil || apperr.Public(err).Reason == "NOT_IMPLEMENTED" {
		return false
	}
	code := apperr.CodeOf(err)
	return code == apperr.Unavailable || code == apperr.DeadlineExceeded
}

// askTogether returns the donors that one question tells of, by donation.
func (a *App) askTogether(ctx context.Context, gifts []DueGift) (map[string]domain.Donor, error) {
	if len(gifts) == 1 {
		return nil, nil // its question belongs to its own trace
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request := &donationv1.GetDonorsRequest{}
	for _, gift := range gifts {
		request.DonationIds = append(request.DonationIds, gift.DonationID)
	}
	reply, err := a.donors.GetDonors(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("ask for %d donors: %w", len(gifts), err)
	}
	known := make(map[string]domain.Donor, len(gifts))
	for _, d := range reply.GetDonors() {
		known[d.GetDonationId()] = domain.Donor{Name: d.GetName(), Email: d.GetEmail(), Language: d.GetLanguage()}
	}
	return known, nil
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
