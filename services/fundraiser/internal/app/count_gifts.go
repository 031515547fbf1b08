package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// CountGifts counts a batch of gifts in the consumer's transaction: the same
// few statements whether it is one gift or five hundred, to one page or to two
// hundred. A donation that is there already counts nothing.
//
// It counts all or none. A gift for an appeal or page not known here fails with
// envelope.ErrNotYet; one that can never be counted with a permanent error.
func (a *App) CountGifts(ctx context.Context, tx Tx, gifts []domain.Gift) error {
	gifts = domain.Once(gifts)
	if len(gifts) == 0 {
		return nil
	}
	before, err := tx.LockTotals(ctx,
		distinct(gifts, func(g domain.Gift) string { return g.AppealID }),
		distinct(gifts, func(g domain.Gift) string { return g.PageID }))
	if err != nil {
		return fmt.Errorf("lock totals: %w", err)
	}
	after, counted, err := before.Fold(gifts)
	if err != nil {
		return countable(err)
	}
	added, err := tx.AddGifts(ctx, counted, a.now())
	if err != nil {
		return fmt.Errorf("add gifts: %w", err)
	}
	if len(added) < len(gifts) {
		// Some were counted before. That is rare (the checkpoint is the first
		// wall, this is the second), so the totals after each are folded for
		// all first and put right only now.
		fresh := slices.DeleteFunc(gifts, func(g domain.Gift) bool { return !added[g.DonationID] })
		after, counted, err = before.Fold(fresh)
		if err != nil {
			return countable(err)
		}
		err = tx.SetTotalsAfter(ctx, counted)
		if err != nil {
			return fmt.Errorf("correct totals after gifts: %w", err)
		}
	}
	after, err = withKnown(ctx, tx, after, counted)
	if err != nil {
		return err
	}
	err = tx.SetTotals(ctx, after)
	if err != nil {
		return fmt.Errorf("write totals: %w", err)
	}
	return a.makeMailsDue(ctx, tx, counted)
}

// withKnown adds what was known of gifts before their success: most of the time
// nothing, or that they were processing.
func withKnown(ctx context.Context, tx Tx, totals domain.Totals, counted []domain.CountedGift) (domain.Totals, error) {
	ids := make([]string, len(counted))
	for i, g := range counted {
		ids[i] = g.DonationID
	}
	known, err := tx.FactsOf(ctx, ids)
	if err != nil || len(known) == 0 {
		return totals, err
	}
	var happenings []domain.Happening
	for _, g := range counted {
		if len(known[g.DonationID]) > 0 {
			happenings = append(happenings, domain.Happening{New: &g.Gift, Known: known[g.DonationID]})
		}
	}
	moved, returned, err := totals.Happen(happenings)
	if err != nil {
		return domain.Totals{}, countable(err)
	}
	err = tx.SetReturned(ctx, returned)
	if err != nil {
		return domain.Totals{}, err
	}
	maps.Copy(totals.Appeals, moved.Appeals)
	maps.Copy(totals.Pages, moved.Pages)
	return totals, nil
}

// countable tells a consumer what to do with a gift that cannot be counted:
// wait for the missing fact, or set it aside for staff.
func countable(err error) error {
	var unknown domain.UnknownError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w: %w", envelope.ErrNotYet, err)
	}
	return apperr.Wrap(err, apperr.FailedPrecondition, "GIFT_NOT_COUNTABLE", "This gift does not fit the appeal that it names.")
}

// distinct are the ids that gifts or facts name, each once and sorted, so that
// whoever locks rows does it in one order.
func distinct[T any](items []T, id func(T) string) []string {
	var ids []string
	for _, item := range items {
		if id(item) != "" {
			ids = append(ids, id(item))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
