package app

import (
	"context"
	"fmt"
)

// maxParked bounds one listing and one retry of everything.
const maxParked = 500

// Parked lists what could not be applied, oldest first.
func (a *App) Parked(ctx context.Context) ([]StripeEvent, error) {
	return a.parked(ctx, 0)
}

func (a *App) parked(ctx context.Context, seq int64) ([]StripeEvent, error) {
	var list []StripeEvent
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		list, err = tx.ParkedEvents(ctx, seq, maxParked)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is parked: %w", err)
	}
	return list, nil
}

// RetryParked applies one parked event again, or with seq 0 all of them, and
// answers how many were applied and how many are left in all. It fails with
// ErrNone when that one is not parked.
func (a *App) RetryParked(ctx context.Context, seq int64) (applied, left int, err error) {
	list, err := a.parked(ctx, seq)
	if err != nil {
		return 0, 0, err
	}
	if len(list) == 0 && seq != 0 {
		return 0, 0, ErrNone
	}
	if len(list) > 0 {
		err = a.process(ctx, list, EventParked)
		if err != nil {
			return 0, len(list), err
		}
	}
	again, err := a.parked(ctx, seq)
	if err != nil {
		return 0, 0, err
	}
	all, err := a.parked(ctx, 0)
	if err != nil {
		return 0, 0, err
	}
	return len(list) - len(again), len(all), nil
}
