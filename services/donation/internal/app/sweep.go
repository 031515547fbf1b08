package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	sweepPoll  = 15 * time.Second
	sweepBatch = 50
	// sweepLists is how often Stripe's lists are compared with what is known.
	sweepLists = time.Hour
	// listOverlap is how far back a comparison begins before what was seen last, and
	// listFirst how far the first one looks: Stripe keeps events for 30 days.
	listOverlap = 26 * time.Hour
	listFirst   = 30 * 24 * time.Hour
	// payoutsFirst is all payouts: their transactions are imported from the account's
	// first day on.
	payoutsFirst = 100 * 365 * 24 * time.Hour
	// deliveryTime is how long an event is on its way before it counts as lost.
	deliveryTime = 5 * time.Minute
)

// Sweep finds what webhooks lost, until ctx ends: refunds that Stripe gave no answer
// about, refunds, disputes and payouts that went on unheard, those that nothing told
// of, and events that could not be delivered. It also takes in what is in payouts, and
// tries again what was parked before its gift was known.
func (a *App) Sweep(ctx context.Context) {
	lists := a.Now()
	for ctx.Err() == nil {
		err := a.SweepDue(ctx)
		if now := a.Now(); !now.Before(lists) {
			lists = now.Add(sweepLists)
			err = errors.Join(err, a.SweepLists(ctx), a.retryKnown(ctx))
		}
		err = errors.Join(err, a.SweepPayouts(ctx))
		if err != nil && ctx.Err() == nil {
			a.Logger.WarnContext(ctx, "refunds, disputes and payouts could not all be checked", "error", err)
		}
		a.wait(ctx, a.toSweep, sweepPoll)
	}
}

// SweepDue asks about the refunds and disputes that are due.
func (a *App) SweepDue(ctx context.Context) error {
	var refunds []domain.Refund
	var disputes []domain.Dispute
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		refunds, err = tx.DueRefunds(ctx, a.micros(), sweepBatch)
		if err != nil {
			return err
		}
		disputes, err = tx.DueDisputes(ctx, a.micros(), sweepBatch)
		return err
	})
	if err != nil {
		return fmt.Errorf("read refunds and disputes that are due: %w", err)
	}
	var failed error
	for _, r := range refunds {
		err = a.sweepRefund(ctx, r)
		failed = errors.Join(failed, err)
		if errors.Is(err, ErrStripeAway) || ctx.Err() != nil {
			return failed // the others would wait for it too
		}
	}
	for _, d := range disputes {
		err = a.askAboutReturn(ctx, d.ID)
		failed = errors.Join(failed, err, a.checkedDispute(ctx, d))
		if errors.Is(err, ErrStripeAway) || ctx.Err() != nil {
			return failed
		}
	}
	return failed
}

func (a *App) sweepRefund(ctx context.Context, r domain.Refund) error {
	if r.Status != domain.RefundAsked {
		err := a.askAboutReturn(ctx, r.ID)
		return errors.Join(err, a.checkedRefund(ctx, r))
	}
	done, err := a.refunds.take(ctx, r.RequestID)
	if err != nil {
		return fmt.Errorf("wait for a request for a refund: %w", err)
	}
	defer done()
	r, err = a.requestedRefund(ctx, r.RequestID)
	if err != nil || r.Status != domain.RefundAsked {
		return err
	}
	return a.askRefund(ctx, r)
}

// askAboutReturn takes in how far a refund or a dispute has come.
func (a *App) askAboutReturn(ctx context.Context, id string) error {
	r, err := a.Stripe.Return(ctx, id)
	if err != nil {
		return fmt.Errorf("ask about %s: %w", id, err)
	}
	return a.takeReturns(ctx, []Return{r})
}

// checkedRefund and checkedDispute put off the next question, if there was no news,
// also when Stripe would not answer: what comes behind has its turn too.
func (a *App) checkedRefund(ctx context.Context, r domain.Refund) error {
	return a.changeAftermath(ctx, r.Donation, func(of *domain.Aftermath) {
		for i := range of.Refunds {
			if of.Refunds[i] == r {
				of.Refunds[i].CheckAt = a.micros() + checkPending.Microseconds()
			}
		}
	})
}

func (a *App) checkedDispute(ctx context.Context, d domain.Dispute) error {
	return a.changeAftermath(ctx, d.Donation, func(of *domain.Aftermath) {
		for i := range of.Disputes {
			if of.Disputes[i] == d {
				of.Disputes[i].CheckAt = a.micros() + checkDispute.Microseconds()
			}
		}
	})
}

func (a *App) changeAftermath(ctx context.Context, donationID string, change func(*domain.Aftermath)) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		after, err := readAftermaths(ctx, tx, []string{donationID})
		if err != nil {
			return err
		}
		if of := after.of(donationID); of != nil {
			change(of)
		}
		return a.keepAftermaths(ctx, tx, after)
	})
	if err != nil {
		return fmt.Errorf("put off the next question about a refund or a dispute: %w", err)
	}
	return nil
}

// SweepLists compares Stripe's newest refunds, disputes, payouts and undelivered
// events with what is known, and takes in what is not.
func (a *App) SweepLists(ctx context.Context) error {
	return errors.Join(
		sweepList(ctx, a, "refunds", listFirst, a.Stripe.RefundsSince, returnMade, a.takeUnheard),
		sweepList(ctx, a, "disputes", listFirst, a.Stripe.DisputesSince, returnMade, a.takeUnheard),
		sweepList(ctx, a, "payouts", payoutsFirst, a.Stripe.PayoutsSince, payoutMade, a.takePayoutPage),
		sweepList(ctx, a, "undelivered_events", listFirst, a.Stripe.UndeliveredEvents, eventMade, a.takeUndelivered),
	)
}

// made answers when an element of a list was made, in unix microseconds, and its id.
type made[T any] func(T) (at int64, id string)

func returnMade(r Return) (int64, string) {
	switch {
	case r.Dispute != nil:
		return r.Dispute.CreatedAt, r.ObjectID
	case len(r.Refunds) > 0:
		return r.Refunds[0].MadeAt, r.ObjectID
	}
	return 0, r.ObjectID
}

func eventMade(e StripeEvent) (int64, string) { return e.CreatedAt * 1_000_000, e.EventID }

// sweepList pages through one list, newest first, the first time so far back. How far
// it was read is noted only once all of it was taken in: a crash reads it again.
func sweepList[T any](
	ctx context.Context, a *App, name string, first time.Duration,
	list func(ctx context.Context, since int64, after string) ([]T, bool, error), when made[T], take func(context.Context, []T) error,
) error {
	account, err := a.account(ctx)
	if err != nil {
		return err
	}
	seen := int64(0)
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		seen, err = tx.SeenUntil(ctx, account, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("read how far the list of %s was read: %w", name, err)
	}
	since := a.Now().Add(-first).Unix()
	if seen > 0 {
		since = time.UnixMicro(seen).Add(-listOverlap).Unix()
	}
	newest := seen
	for more, after := true, ""; more; {
		var page []T
		page, more, err = list(ctx, since, after)
		if err != nil {
			return fmt.Errorf("list %s: %w", name, err)
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			at, id := when(page[i])
			newest, after = max(newest, at), id
		}
		err = take(ctx, page)
		if err != nil {
			return err
		}
	}
	if newest == seen {
		return nil
	}
	return a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveSeenUntil(ctx, account, name, newest) })
}

func (a *App) takeUnheard(ctx context.Context, page []Return) error {
	page, err := a.unheard(ctx, page)
	if err != nil {
		return err
	}
	return a.takeReturns(ctx, page)
}

// takeUndelivered stores events as if they had come, without their bodies: what the
// list shows is not signed, and may be written in another version. Their objects are
// fetched.
func (a *App) takeUndelivered(ctx context.Context, page []StripeEvent) error {
	now := a.Now()
	var lost []StripeEvent
	moved := false
	for _, e := range page {
		moved = moved || movesBalance(e.Type)
		if readingOf(e.Type) == readNot || time.Unix(e.CreatedAt, 0).After(now.Add(-deliveryTime)) {
			continue
		}
		e.State, e.ReceivedAt = EventPending, now.UnixMicro()
		lost = append(lost, e)
	}
	if moved {
		a.toImport.ring()
	}
	if len(lost) == 0 {
		return nil
	}
	count := 0
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		fresh, err := tx.StoreEvents(ctx, lost)
		count = len(fresh)
		return err
	})
	if err != nil {
		return fmt.Errorf("store events that were not delivered: %w", err)
	}
	if count > 0 {
		a.Logger.WarnContext(ctx, "events that Stripe could not deliver were found", "count", count)
		a.toProcess.ring()
	}
	return nil
}
