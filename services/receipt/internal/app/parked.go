package app

import (
	"context"
	"fmt"
)

// ListParked returns what waits for staff, the longest parked first.
func (a *App) ListParked(ctx context.Context) ([]Parked, error) {
	var parked []Parked
	err := a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		parked, err = r.Parked(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what is parked: %w", err)
	}
	return parked, nil
}

// RetryParked puts one parked row of a queue back, or all of them when id is
// empty, and works off what is due before it returns.
func (a *App) RetryParked(ctx context.Context, queue Queue, id string) error {
	err := a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.Release(ctx, queue, id)
	})
	if err != nil {
		return fmt.Errorf("release what is parked: %w", err)
	}
	pass := map[Queue]func(context.Context) (bool, error){GiftQueue: a.IssueDue, DrawingQueue: a.DrawDue, MailQueue: a.SendDue,
		CorrectionQueue: a.CorrectDue, NoticeQueue: a.NotifyDue}[queue]
	for more := true; more; {
		more, err = pass(ctx)
		if err != nil {
			return fmt.Errorf("retry what was parked: %w", err)
		}
	}
	return nil
}
