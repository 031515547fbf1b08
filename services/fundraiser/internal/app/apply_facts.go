package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// ApplyFacts takes what happened to gifts into their totals, in the consumer's
// transaction. A fact that is there already changes nothing, and the order of
// facts does not matter, not even whether they come before the gift's success.
//
// It applies all or none, and fails as CountGifts does.
func (a *App) ApplyFacts(ctx context.Context, tx Tx, facts []domain.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	// Locked first: whoever counts a gift meanwhile waits here, or is waited for.
	before, err := tx.LockTotals(ctx,
		distinct(facts, func(f domain.Fact) string { return f.AppealID }),
		distinct(facts, func(f domain.Fact) string { return f.PageID }))
	if err != nil {
		return fmt.Errorf("lock totals: %w", err)
	}
	donations := distinct(facts, func(f domain.Fact) string { return f.DonationID })
	gifts, err := tx.GiftsOf(ctx, donations)
	if err != nil {
		return err
	}
	known, err := tx.FactsOf(ctx, donations)
	if err != nil {
		return err
	}
	fresh := news(facts, known)
	var happenings []domain.Happening
	var added []domain.Fact
	for _, id := range donations {
		if len(fresh[id]) == 0 {
			continue
		}
		happening := domain.Happening{Known: known[id], Facts: fresh[id]}
		gift, counted := gifts[id]
		if counted {
			happening.Gift = &gift
		}
		happenings, added = append(happenings, happening), append(added, fresh[id]...)
	}
	if len(added) == 0 {
		return nil
	}
	after, returned, err := before.Happen(happenings)
	if err != nil {
		return countable(err)
	}
	err = tx.AddFacts(ctx, added)
	if err != nil {
		return err
	}
	err = tx.SetReturned(ctx, returned)
	if err != nil {
		return err
	}
	err = tx.SetTotals(ctx, after)
	if err != nil {
		return fmt.Errorf("write totals: %w", err)
	}
	return nil
}

// news are the facts that are not known, each once, by donation.
func news(facts []domain.Fact, known map[string][]domain.Fact) map[string][]domain.Fact {
	seen := map[domain.FactKey]bool{}
	for _, of := range known {
		for _, f := range of {
			seen[f.Key()] = true
		}
	}
	fresh := map[string][]domain.Fact{}
	for _, f := range facts {
		if !seen[f.Key()] {
			seen[f.Key()] = true
			fresh[f.DonationID] = append(fresh[f.DonationID], f)
		}
	}
	return fresh
}
