package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// atOnceTime bounds applying on the way in: something may hold a gift, and the
	// 200 that Stripe waits for is for storing.
	atOnceTime = 3 * time.Second
	// turnTime is how long the account is waited for there. Usually it is held for
	// a commit; should its holder have frozen, others do the waiting. It is longer than
	// a large commit takes on a busy machine: what is put on the list instead costs
	// twice, and holds the account for those that come next.
	turnTime = 250 * time.Millisecond
)

// errTaken says that somebody else is deciding about the account just now.
var errTaken = errors.New("the account is being decided about")

// takeIn stores webhooks. Most of them say all that there is to know, and are
// applied in the transaction that stores them. The others are put on the list of
// what is due, and so is everything when the account is not free or applying does
// not succeed: whether we have a webhook never depends on what it says.
func (a *App) takeIn(ctx context.Context, items []item, waiting *awaited) error {
	if a.anyTold(items) {
		err := a.applyAtOnce(ctx, items, waiting)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errTaken) {
			a.Logger.WarnContext(ctx, "webhooks could not be applied as they came; they are stored and tried again", "error", err)
		}
	}
	events := make([]StripeEvent, len(items))
	for i := range items {
		events[i] = items[i].event
	}
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.StoreEvents(ctx, events)
		return err
	})
	if err == nil {
		a.toProcess.ring()
	}
	return err
}

// anyTold reads what came, and reports whether there is something to apply.
func (a *App) anyTold(items []item) bool {
	if a.knownAccount() == "" {
		return false
	}
	any := false
	for i := range items {
		it := &items[i]
		if it.event.State == EventPending && (it.found != nil || !a.believed(&it.event)) {
			it.told = !a.readOne(it)
		}
		any = any || it.told
	}
	return any
}

// applyAtOnce stores events and applies what they tell. It fails with errTaken, and
// stores nothing, when the account is not free. Sessions that came before their
// payment are done with it.
func (a *App) applyAtOnce(ctx context.Context, items []item, waiting *awaited) error {
	ctx, cancel := context.WithTimeout(ctx, atOnceTime)
	defer cancel()
	account := a.knownAccount()
	done, err := a.accountSoon(ctx, account)
	if err != nil {
		return err
	}
	defer done()
	events := make([]StripeEvent, len(items))
	for i := range items {
		events[i] = items[i].event
		if items[i].told {
			events[i].State = EventDone // as nearly all will be
		}
	}
	before := waiting.take(items)
	var out outcome
	var told []item
	due := false
	err = a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		free, err := tx.TryLockAccount(ctx, account)
		if err != nil {
			return err
		}
		if !free {
			return errTaken
		}
		fresh, err := tx.StoreEvents(ctx, events)
		if err != nil {
			return err
		}
		told, err = a.stillDue(ctx, tx, before)
		if err != nil {
			return err
		}
		due = false
		for _, it := range items {
			seq, isNew := fresh[it.event.Key()]
			if isNew && it.told {
				it.event.Seq, it.event.Stored = seq, EventDone
				told = append(told, it)
			}
			due = due || isNew && it.event.State == EventPending && !it.told
		}
		out, err = a.rule(ctx, tx, account, told)
		return err
	})
	if err != nil {
		return fmt.Errorf("apply webhooks: %w", err)
	}
	a.ruled(out)
	waiting.keep(told)
	if due {
		a.toProcess.ring()
	}
	return nil
}

func (a *App) accountSoon(ctx context.Context, account string) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	done, err = a.accounts.take(ctx, account)
	if err != nil {
		return nil, errTaken
	}
	return done, nil
}

// stillDue leaves out what somebody has dealt with meanwhile.
func (a *App) stillDue(ctx context.Context, tx Tx, items []item) ([]item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	seqs := make([]int64, len(items))
	for i := range items {
		seqs[i] = items[i].event.Seq
	}
	held, err := tx.LockEvents(ctx, seqs, EventPending)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return !held[it.event.Seq] }), nil
}
