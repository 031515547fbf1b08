package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

// parkedPage is how many parked events are read, and tried again, at a time.
const parkedPage = 500

// Parked lists what could not be applied, oldest first and without bodies.
func (a *App) Parked(ctx context.Context) ([]StripeEvent, error) {
	var list []StripeEvent
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		list = nil
		for after := int64(0); ; {
			page, err := tx.ParkedEvents(ctx, after, parkedPage)
			if err != nil || len(page) == 0 {
				return err
			}
			list = append(list, page...)
			after = page[len(page)-1].Seq
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read what is parked: %w", err)
	}
	return list, nil
}

// RetryParked applies one parked event again, or with seq 0 all of them but those that
// a person has to close one by one, and answers how many were applied and how many are left in all. It fails with
// ErrNone when that one is not parked. What fails is left as it is, and the
// others are tried all the same.
func (a *App) RetryParked(ctx context.Context, seq int64) (applied, left int, err error) {
	if seq != 0 {
		applied, err = a.retryOne(ctx, seq)
	} else {
		applied, err = a.retryAll(ctx)
	}
	if err != nil {
		return applied, 0, err
	}
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		count, err := tx.CountEvents(ctx, EventParked)
		left = int(count)
		return err
	})
	if err != nil {
		return applied, 0, fmt.Errorf("count what is parked: %w", err)
	}
	return applied, left, nil
}

func (a *App) retryOne(ctx context.Context, seq int64) (int, error) {
	var event StripeEvent
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		event, err = tx.ParkedEvent(ctx, seq)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read what is parked: %w", err)
	}
	return a.retry(ctx, []StripeEvent{event})
}

func (a *App) retryAll(ctx context.Context) (applied int, failed error) {
	for after := int64(0); ; {
		var page []StripeEvent
		err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
			var err error
			page, err = tx.ParkedEvents(ctx, after, parkedPage)
			return err
		})
		if err != nil {
			return applied, errors.Join(failed, fmt.Errorf("read what is parked: %w", err))
		}
		if len(page) == 0 {
			return applied, failed
		}
		after = page[len(page)-1].Seq
		// These had their effect: to try one again says that its donor was asked, which
		// nobody says of all at once.
		page = slices.DeleteFunc(page, func(e StripeEvent) bool { return e.Reason == domain.ChargedAfterEnd })
		count, err := a.retry(ctx, page)
		applied += count
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			return applied, failed
		}
	}
}

// retry answers how many of a page were applied.
func (a *App) retry(ctx context.Context, page []StripeEvent) (int, error) {
	failed := a.process(ctx, page, EventParked)
	seqs := make([]int64, len(page))
	for i, e := range page {
		seqs[i] = e.Seq
	}
	applied := 0
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		over, err := tx.LockEvents(ctx, seqs, EventDone, EventIgnored)
		applied = len(over)
		return err
	})
	return applied, errors.Join(failed, err)
}
