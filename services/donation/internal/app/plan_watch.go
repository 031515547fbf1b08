package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	plansPoll  = time.Second
	plansBatch = 50
	// missedSince is how far back a day's look for subscriptions goes that no plan
	// has: further than a day, in case the one before did not come to its end.
	missedSince = 3 * 24 * time.Hour
	missedDaily = 24 * time.Hour
)

// WatchPlans compares plans with Stripe, ends what is to be ended, and sends the
// letters about them, until ctx ends. With every webhook lost, what it finds is the
// same, later.
func (a *App) WatchPlans(ctx context.Context) {
	missed := a.Now()
	for ctx.Err() == nil {
		_, err := a.LookAtPlans(ctx)
		if err != nil && ctx.Err() == nil {
			a.Logger.WarnContext(ctx, "monthly plans could not be compared with Stripe", "error", err)
		}
		if now := a.Now(); !now.Before(missed) {
			missed = now.Add(missedDaily)
			err = a.FindMissedPlans(ctx)
			if err != nil && ctx.Err() == nil {
				a.Logger.WarnContext(ctx, "subscriptions could not be compared with monthly plans", "error", err)
			}
		}
		err = a.SendDueMails(ctx)
		if err != nil && ctx.Err() == nil {
			a.Logger.ErrorContext(ctx, "letters to donors could not be sent", "error", err)
		}
		a.wait(ctx, a.toPlans, plansPoll)
	}
}

// LookAtPlans looks at the plans that are due and answers how many that were.
func (a *App) LookAtPlans(ctx context.Context) (int, error) {
	var due []domain.Plan
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		due, err = tx.DuePlans(ctx, a.micros(), plansBatch)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read plans that are due: %w", err)
	}
	var failed error
	for _, p := range due {
		err = a.lookAtPlan(ctx, p)
		if err == nil {
			continue
		}
		failed = errors.Join(failed, fmt.Errorf("plan %s: %w", p.ID, err))
		// Left where it is it would be the first again, and the others never looked at.
		failed = errors.Join(failed, a.putOffPlan(ctx, p))
		if errors.Is(err, ErrStripeAway) || ctx.Err() != nil {
			break // the others would wait for it too
		}
	}
	return len(due), failed
}

func (a *App) putOffPlan(ctx context.Context, seen domain.Plan) error {
	return a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		locked, err := tx.LockPlans(ctx, []string{seen.ID}, nil)
		if err != nil || len(locked) == 0 || locked[0].CheckAt != seen.CheckAt {
			return err
		}
		p := locked[0]
		p.CheckAt = a.micros() + endingLook.Microseconds()
		return tx.UpdatePlans(ctx, []domain.Plan{p})
	})
}

func (a *App) lookAtPlan(ctx context.Context, p domain.Plan) error {
	if p.Ending() {
		return a.endPlan(ctx, p)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	asked := a.micros()
	found, err := a.Stripe.Subscription(ctx, p.SubscriptionID)
	if err != nil {
		return fmt.Errorf("look at its subscription: %w", err)
	}
	found.LookedAt = asked
	if p.Status.Over() && !found.Subscription.Status.Over() {
		a.Logger.ErrorContext(ctx, "a monthly plan has ended here and not at Stripe: it is ended there", "plan", p.ID)
		err = a.Stripe.CancelSubscription(ctx, "", p.SubscriptionID)
		if err != nil {
			return err
		}
	}
	result, err := a.ingest(ctx, found)
	if err != nil {
		return err
	}
	if result.state == EventParked {
		err = a.putOffPlan(ctx, p)
		if err != nil {
			return err
		}
	}
	return a.findMissedInvoices(ctx, p)
}

// endPlan carries out the end that was asked for.
func (a *App) endPlan(ctx context.Context, p domain.Plan) error {
	done, err := a.intents.take(ctx, p.ID)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, changeTime)
	defer cancel()
	var open []PlanChange
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		open, err = tx.OpenEnds(ctx, p.ID)
		return err
	})
	if err != nil {
		return err
	}
	if len(open) == 0 {
		// The wish is the plan's own; what it was asked with may have been lost.
		open = []PlanChange{{RequestID: p.ID, PlanID: p.ID, Kind: ChangeCancel, Attempt: 1}}
	}
	for _, c := range open {
		err = a.carryOut(ctx, p, c)
		if err != nil {
			return err
		}
	}
	return nil
}

// findMissedInvoices takes in instalments that no webhook told of.
func (a *App) findMissedInvoices(ctx context.Context, p domain.Plan) error {
	list, err := a.Stripe.InvoicesOf(ctx, p.SubscriptionID)
	if err != nil {
		return fmt.Errorf("list its invoices: %w", err)
	}
	var ids []string
	for _, found := range list {
		ids = append(ids, found.Invoice.ID)
	}
	var known map[string]bool
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		known, err = tx.KnownInvoices(ctx, ids)
		return err
	})
	if err != nil {
		return err
	}
	for _, found := range list {
		if known[found.Invoice.ID] || found.Invoice.Status != domain.InvoicePaid {
			continue
		}
		_, err = a.ingest(ctx, found)
		if err != nil {
			return err
		}
	}
	// What was parked of an invoice that brings no gift, nothing here names but the list.
	return a.retryParkedOf(ctx, append(objectsOf(list), p.SubscriptionID)...)
}

// FindMissedPlans looks for subscriptions that carry our mark and that no plan is
// linked with: of a confirmation that nothing told of, of a plan that was forgotten,
// which is put back, or of one that is not ours any more, which is parked.
func (a *App) FindMissedPlans(ctx context.Context) error {
	since := a.micros() - missedSince.Microseconds()
	var failed error
	for after, more := "", true; more; {
		var page []Found
		var err error
		page, more, err = a.Stripe.Subscriptions(ctx, since, after)
		if err != nil {
			return errors.Join(failed, fmt.Errorf("list subscriptions: %w", err))
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Subscription.ID
		for _, found := range page {
			err = a.takeMissedPlan(ctx, found)
			if err == nil {
				continue
			}
			// One that cannot be read must not keep those behind it from their donors.
			failed = errors.Join(failed, fmt.Errorf("subscription %s: %w", found.Subscription.ID, err))
			if errors.Is(err, ErrStripeAway) || ctx.Err() != nil {
				return failed
			}
		}
	}
	return failed
}

func (a *App) takeMissedPlan(ctx context.Context, found Found) error {
	if !found.Ours {
		return nil
	}
	linked := false
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		plans, err := tx.LockPlans(ctx, nil, []string{found.Subscription.ID})
		linked = len(plans) > 0
		return err
	})
	if err != nil || linked {
		return err
	}
	asked := a.micros()
	found, err = a.Stripe.Subscription(ctx, found.Subscription.ID)
	if err != nil {
		return fmt.Errorf("look at a subscription that no plan has: %w", err)
	}
	found.LookedAt = asked
	account, err := a.account(ctx)
	if err != nil {
		return err
	}
	_, err = a.recall(ctx, account, found)
	if err != nil {
		return err
	}
	_, err = a.ingest(ctx, found)
	return err
}
