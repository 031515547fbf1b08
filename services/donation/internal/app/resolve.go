package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	resolvePoll  = 15 * time.Second
	resolveBatch = 50
	// forgotten is how long a gift may be without a session before nobody is
	// coming back for it.
	forgotten    = time.Hour
	longestAside = 24 * time.Hour
	// bodyLife is how long raw webhook bodies, which hold personal data, are kept.
	bodyLife     = 90 * 24 * time.Hour
	forgetBodies = time.Hour
)

// Resolve asks Stripe about gifts of which nothing was heard, until ctx ends: it
// finds what a lost webhook would have told. It also forgets old webhook bodies.
func (a *App) Resolve(ctx context.Context) {
	forget := a.Now()
	for ctx.Err() == nil {
		_, err := a.ResolveDue(ctx)
		if err != nil && ctx.Err() == nil {
			a.Logger.WarnContext(ctx, "open gifts could not be checked", "error", err)
		}
		if now := a.Now(); !now.Before(forget) {
			forget = now.Add(forgetBodies)
			err = a.forgetBodies(ctx)
			if err != nil && ctx.Err() == nil {
				a.Logger.WarnContext(ctx, "old webhook bodies could not be forgotten", "error", err)
			}
		}
		if pause(ctx, resolvePoll) != nil {
			return
		}
	}
}

// ResolveDue checks the gifts that are due and answers how many that were.
func (a *App) ResolveDue(ctx context.Context) (int, error) {
	var due []domain.Donation
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		due, err = tx.DueDonations(ctx, a.micros(), resolveBatch)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read open gifts: %w", err)
	}
	var failed error
	for _, d := range due {
		err := a.resolveOne(ctx, d)
		if err != nil {
			failed = errors.Join(failed, err)
		}
		switch {
		case err == nil:
		case errors.Is(err, ErrStripeAway), ctx.Err() != nil:
			return len(due), failed // the others would wait for it too
		default:
			// Left where it is it would be among the first again, and with a batch
			// of its kind no other gift would ever be looked at.
			failed = errors.Join(failed, a.checkIn(ctx, d, a.stepAside(d)))
		}
	}
	return len(due), failed
}

func (a *App) resolveOne(ctx context.Context, d domain.Donation) error {
	if d.SessionID == "" {
		return a.settleUnheard(ctx, d)
	}
	found, err := a.Stripe.Session(ctx, d.SessionID)
	if errors.Is(err, ErrStripeUnknown) {
		return a.giveUp(ctx, settle{donation: d, mine: true})
	}
	if err != nil {
		return fmt.Errorf("ask about donation %s: %w", d.ID, err)
	}
	result, err := a.ingest(ctx, found)
	if err != nil {
		return err
	}
	if result.state == EventDone {
		return nil // its next check was set with it
	}
	return a.checkLater(ctx, d)
}

// settleUnheard ends a gift that never got a session, once nobody is trying any more.
func (a *App) settleUnheard(ctx context.Context, d domain.Donation) error {
	if d.CreatedAt+forgotten.Microseconds() > a.micros() {
		return a.checkLater(ctx, d)
	}
	return a.changeDue(ctx, d, func(d domain.Donation) domain.Donation {
		expired, err := d.Expire()
		if err != nil {
			return d
		}
		expired.CheckAt = 0
		return expired
	})
}

func (a *App) checkLater(ctx context.Context, d domain.Donation) error {
	return a.checkIn(ctx, d, checkOpen)
}

func (a *App) checkIn(ctx context.Context, d domain.Donation, wait time.Duration) error {
	return a.changeDue(ctx, d, func(d domain.Donation) domain.Donation {
		d.CheckAt = a.micros() + wait.Microseconds()
		return d
	})
}

// stepAside is how long a gift that could not be checked waits: as long as it is
// old, so that the pauses double without being counted.
func (a *App) stepAside(d domain.Donation) time.Duration {
	age := time.Duration(a.micros()-d.CreatedAt) * time.Microsecond
	return min(max(age, checkOpen), longestAside)
}

// changeDue changes a gift unless something was heard about it meanwhile.
func (a *App) changeDue(ctx context.Context, seen domain.Donation, change func(domain.Donation) domain.Donation) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		locked, err := tx.LockDonations(ctx, []string{seen.ID})
		if err != nil {
			return err
		}
		if len(locked) == 0 || locked[0] != seen {
			return nil
		}
		return tx.UpdateDonations(ctx, []domain.Donation{change(locked[0])})
	})
	if err != nil {
		return fmt.Errorf("update an open gift: %w", err)
	}
	return nil
}

func (a *App) forgetBodies(ctx context.Context) error {
	return a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.ForgetBodies(ctx, a.micros()-bodyLife.Microseconds())
	})
}
