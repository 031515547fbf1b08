package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	processBatch = 256
	// longestRest bounds the pause after a batch that was not a full one.
	longestRest = 25 * time.Millisecond
	// processPoll finds events that another process stored.
	processPoll = time.Second
	// waitForPayment is how long the payment's own event is waited for before
	// the object is fetched.
	waitForPayment = time.Second
	firstRetry     = time.Second
	longestRetry   = 10 * time.Minute
)

// Process takes stored events to donations until ctx ends. What was not done
// when the process died is found again at the start.
func (a *App) Process(ctx context.Context) {
	for ctx.Err() == nil {
		began := a.Now()
		handled, err := a.ProcessDue(ctx)
		if err != nil && ctx.Err() == nil {
			a.Logger.ErrorContext(ctx, "stored webhooks could not be processed", "error", err)
		}
		if err == nil && handled == processBatch {
			continue
		}
		// Every batch costs each service behind it a commit. Resting for as long as
		// it took doubles the gifts that share the next one, when they come fast, and
		// is not noticed by one that comes alone.
		if pause(ctx, min(a.Now().Sub(began), longestRest)) != nil {
			return
		}
		a.wait(ctx, a.toProcess, processPoll)
	}
}

// wait returns when the signal rings, the time is over, or ctx ends.
func (a *App) wait(ctx context.Context, s signal, long time.Duration) {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-s:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// ProcessDue processes one batch of events that are due, and answers how many
// that were.
func (a *App) ProcessDue(ctx context.Context) (int, error) {
	var batch []StripeEvent
	unlisted := false
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		batch, err = tx.PendingEvents(ctx, a.micros(), processBatch)
		if err != nil {
			return err
		}
		unlisted, err = tx.Unlisted(ctx)
		return err
	})
	if err == nil && unlisted {
		err = a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.ListEvents(ctx) })
		a.toProcess.ring()
	}
	if err != nil {
		return 0, fmt.Errorf("read stored webhooks: %w", err)
	}
	if len(batch) == 0 {
		return 0, nil
	}
	err = a.process(ctx, batch, EventPending)
	if err != nil {
		return 0, err
	}
	return len(batch), nil
}

// item is an event and what could be read of it.
type item struct {
	event StripeEvent
	found *Found
	// verdict is set when there is nothing to apply.
	verdict *ruling
	later   bool // the object could not be fetched: again at NextAt
	told    bool // no question is needed
	// glance says that found names the payment without telling about it.
	glance bool
}

// process reads and applies a batch. What Stripe signed is applied before Stripe
// is asked about the rest: it may hang, and gifts that need no question do not
// wait for it.
func (a *App) process(ctx context.Context, batch []StripeEvent, from ...EventState) error {
	_, err := a.account(ctx)
	if err != nil {
		return err
	}
	items, err := a.withBodies(ctx, batch)
	if err != nil {
		return err
	}
	var told, waiting []item
	for _, it := range items {
		if a.readOne(&it) {
			waiting = append(waiting, it)
		} else {
			told = append(told, it)
		}
	}
	failed := a.finishAll(ctx, told, from)
	if len(waiting) == 0 || ctx.Err() != nil {
		return failed
	}
	err = a.fetchAll(ctx, waiting)
	if err != nil {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, a.finishAll(ctx, waiting, from))
}

// withBodies reads the bodies that say enough.
func (a *App) withBodies(ctx context.Context, batch []StripeEvent) ([]item, error) {
	items := make([]item, len(batch))
	var closed []int64
	for i := range batch {
		items[i].event = batch[i]
		if a.believed(&batch[i]) {
			closed = append(closed, batch[i].Seq)
		}
	}
	if len(closed) == 0 {
		return items, nil
	}
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		bodies, err := tx.EventBodies(ctx, closed)
		for i := range items {
			items[i].event.Sealed = bodies[items[i].event.Seq]
		}
		return err
	})
	return items, err
}

// believed reports whether an event's own body says enough.
func (a *App) believed(e *StripeEvent) bool {
	how := readingOf(e.Type)
	return e.HasBody && e.APIVersion == a.cfg.APIVersion && (how == readBody || how == readLater)
}

// finishAll applies items together. If that fails they are applied one by one,
// so that one bad event cannot stop the others, and what fails alone is put off.
func (a *App) finishAll(ctx context.Context, items []item, from []EventState) error {
	if len(items) == 0 {
		return nil
	}
	err := a.finish(ctx, items, from)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if len(items) == 1 {
		a.postpone(ctx, items[0].event, err)
		return err
	}
	a.Logger.WarnContext(ctx, "a batch of webhooks failed and is tried one by one", "error", err)
	var last error
	for i := range items {
		err = a.finishAll(ctx, items[i:i+1], from)
		if err != nil {
			last = err
		}
	}
	return last
}

// readOne reads the body, and reports whether the object has to be fetched.
func (a *App) readOne(it *item) bool {
	e := &it.event
	switch {
	case e.Livemode != a.cfg.Livemode:
		it.park(domain.LivemodeDiffers)
	case e.AccountID != "" && e.AccountID != a.knownAccount():
		it.park(domain.AccountDiffers)
	case e.ObjectID == "":
		it.park(domain.NotDecodable)
	case !a.believed(e):
		return true
	case it.found != nil:
		return it.says(it.found) // it was read at the door
	default:
		return a.readSealed(it)
	}
	return false
}

// readSealed reads the body as it was signed. A body that was sealed with
// another secret is as good as none: its object is fetched.
func (a *App) readSealed(it *item) (fetch bool) {
	raw, err := a.Seal.Open(it.event.EventID, it.event.Sealed)
	if err != nil {
		a.Logger.Error("a stored webhook cannot be opened; its object is fetched", "event", it.event.EventID, "error", err)
		return true
	}
	_, found, err := a.Stripe.ReadEvent(raw)
	if err != nil || found == nil {
		a.Logger.Error("a stored webhook cannot be decoded", "event", it.event.EventID, "error", err)
		it.park(domain.NotDecodable)
		return false
	}
	return it.says(found)
}

// says notes what the body says, and reports whether the object has to be fetched
// all the same. Whatever the type: only a session can name a payment without
// telling of it.
func (it *item) says(found *Found) (fetch bool) {
	it.found, it.glance = found, readingOf(it.event.Type) == readLater && found.Snapshot.Session != nil
	if found.Invoice != nil && !found.Ours {
		it.glance = true // its subscription may carry our mark all the same
	}
	if p := found.Snapshot.Payment; p != nil && p.Status == domain.PaymentSucceeded && p.Delayable && p.ChargeID == "" {
		return true // its charge says how it is booked, and books are not written again
	}
	// What a refund or a dispute lacked, if anything, was its gift or another refund.
	return (it.glance || found.Return != nil) && it.event.Attempts > 0
}

func (it *item) evidence() evidence {
	return evidence{
		found: *it.found, about: kinds[it.event.Type].about, receivedAt: it.event.ReceivedAt, glance: it.glance,
	}
}

func (it *item) park(reason domain.Reason) {
	it.found = nil
	it.verdict = &ruling{state: EventParked, reason: reason}
}

// finish applies what was read and marks the events, in one transaction.
func (a *App) finish(ctx context.Context, items []item, from []EventState) error {
	account, err := a.account(ctx)
	if err != nil {
		return err
	}
	seqs := make([]int64, len(items))
	for i := range items {
		seqs[i] = items[i].event.Seq
	}
	var out outcome
	err = a.decide(ctx, account, func(ctx context.Context, tx Tx) error {
		// Another process may have taken some of them in the meantime.
		held, err := tx.LockEvents(ctx, seqs, from...)
		if err != nil {
			return err
		}
		mine := slices.DeleteFunc(slices.Clone(items), func(it item) bool { return !held[it.event.Seq] })
		out, err = a.rule(ctx, tx, account, mine)
		return err
	})
	if err != nil {
		return fmt.Errorf("apply webhooks: %w", err)
	}
	a.ruled(out)
	return nil
}

// outcome is what a batch came to, to be told once it is committed.
type outcome struct {
	rulings []ruling
	moved   bool
}

// rule applies what items say and writes what became of their events, in a
// transaction that locks the account. It may change the items.
func (a *App) rule(ctx context.Context, tx Tx, account string, items []item) (outcome, error) {
	var list []evidence
	var at []int
	for i := range items {
		if items[i].found != nil {
			list = append(list, items[i].evidence())
			at = append(at, i)
		}
	}
	rulings, err := a.apply(ctx, tx, account, list)
	if err != nil {
		return outcome{}, err
	}
	for i := range rulings {
		items[at[i]].verdict = &rulings[i]
	}
	out := outcome{rulings: rulings}
	marked := make([]StripeEvent, len(items))
	for i := range items {
		marked[i] = a.marked(items[i])
		out.moved = out.moved || movesBalance(items[i].event.Type)
	}
	marked, err = parkOnce(ctx, tx, marked)
	if err != nil {
		return outcome{}, err
	}
	return out, tx.FinishEvents(ctx, marked)
}

// ruled counts what was committed, and wakes who waits for it.
func (a *App) ruled(out outcome) {
	a.Metrics.ruled(out.rulings)
	a.heard(out.moved || slices.ContainsFunc(out.rulings, func(r ruling) bool { return r.paid }))
}

func (a *App) marked(it item) StripeEvent {
	e := it.event
	e.Attempts++
	if it.later || it.verdict == nil {
		e.State = EventPending
		return e
	}
	e.State, e.Reason, e.NextAt = it.verdict.state, it.verdict.reason, 0
	switch {
	case e.State != EventParked || it.found == nil || it.found.Return != nil:
	case e.Reason == domain.ChargedAfterEnd:
		e.ObjectID = it.found.Invoice.ID // whichever event told: the next one is another matter
	case paymentOf(*it.found) != "":
		e.ObjectID = paymentOf(*it.found) // a session's event is about its payment
	}
	if e.State == EventPending {
		e.NextAt = a.micros() + max(waitForPayment, retryAfter(e.Attempts-1)).Microseconds()
	}
	return e
}

// postpone keeps an event whose application failed, in the state that it has: it
// is tried again later and later, and stays visible as not done.
func (a *App) postpone(ctx context.Context, e StripeEvent, cause error) {
	a.Logger.ErrorContext(ctx, "a webhook could not be applied", "event", e.EventID, "type", e.Type, "error", cause)
	e.NextAt = a.micros() + retryAfter(e.Attempts).Microseconds()
	e.Attempts++
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		// Another process may have had more luck with it.
		held, err := tx.LockEvents(ctx, []int64{e.Seq}, e.State)
		if err != nil || !held[e.Seq] {
			return err
		}
		return tx.FinishEvents(ctx, []StripeEvent{e})
	})
	if err != nil {
		a.Logger.ErrorContext(ctx, "a webhook could not be postponed", "event", e.EventID, "error", err)
	}
}

func retryAfter(attempts int64) time.Duration {
	wait := firstRetry << min(attempts, 12)
	return min(wait, longestRetry)
}

func (a *App) knownAccount() string {
	a.known.Lock()
	defer a.known.Unlock()
	return a.known.account
}
