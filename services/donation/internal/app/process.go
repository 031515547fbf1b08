package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	processBatch = 256
	// processPoll finds events that another process stored.
	processPoll = time.Second
	// fetches bounds how many calls to Stripe run at once.
	fetches = 4
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
		handled, err := a.ProcessDue(ctx)
		if err != nil && ctx.Err() == nil {
			a.Logger.ErrorContext(ctx, "stored webhooks could not be processed", "error", err)
		}
		if err == nil && handled == processBatch {
			continue
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
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		batch, err = tx.PendingEvents(ctx, a.micros(), processBatch)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read stored webhooks: %w", err)
	}
	if len(batch) == 0 {
		return 0, nil
	}
	_, err = a.process(ctx, batch, EventPending)
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
	later   bool // the object has to be fetched first, at NextAt
}

// process reads, fetches and applies a batch. If the batch fails as a whole, its
// events are tried one by one, so that one bad event cannot stop the others.
func (a *App) process(ctx context.Context, batch []StripeEvent, from ...EventState) ([]item, error) {
	items, err := a.read(ctx, batch)
	if err != nil {
		return nil, err
	}
	err = a.finish(ctx, items, from)
	if err == nil || len(items) == 1 || ctx.Err() != nil {
		return items, err
	}
	a.Logger.WarnContext(ctx, "a batch of webhooks failed and is tried one by one", "error", err)
	var last error
	for i := range items {
		err = a.finish(ctx, items[i:i+1], from)
		if err != nil {
			last = err
			a.postpone(ctx, items[i].event, err)
		}
	}
	return items, last
}

// read decides about every event what can be decided without a transaction.
func (a *App) read(ctx context.Context, batch []StripeEvent) ([]item, error) {
	_, err := a.account(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]item, len(batch))
	slots := make(chan struct{}, fetches)
	var group sync.WaitGroup
	for i := range batch {
		items[i].event = batch[i]
		fetch := a.readOne(&items[i])
		if !fetch {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			a.fetch(ctx, &items[i])
		})
	}
	group.Wait()
	return items, ctx.Err()
}

// readOne reads the body, and reports whether the object has to be fetched.
func (a *App) readOne(it *item) bool {
	e := &it.event
	how := readingOf(e.Type)
	body := e.APIVersion == a.cfg.APIVersion && len(e.Sealed) > 0
	switch {
	case e.Livemode != a.cfg.Livemode:
		it.park(domain.LivemodeDiffers)
	case e.AccountID != "" && e.AccountID != a.knownAccount():
		it.park(domain.AccountDiffers)
	case e.ObjectID == "":
		it.park(domain.NotDecodable)
	case how == readLater && e.Attempts == 0 && body:
		it.later = true
		e.NextAt = a.micros() + waitForPayment.Microseconds()
	case how != readBody || !body:
		return true
	default:
		a.readSealed(it)
	}
	return false
}

func (a *App) readSealed(it *item) {
	raw, err := a.Seal.Open(it.event.EventID, it.event.Sealed)
	if err == nil {
		var found Found
		found, err = a.Stripe.Decode(raw, it.event.CreatedAt)
		it.found = &found
	}
	if err != nil {
		a.Logger.Error("a stored webhook cannot be read", "event", it.event.EventID, "error", err)
		it.park(domain.NotDecodable)
	}
}

func (a *App) fetch(ctx context.Context, it *item) {
	known, err := a.alreadyPaid(ctx, it.event)
	if err == nil && known {
		it.verdict = &ruling{state: EventDone}
		return
	}
	found, err := a.fetchObject(ctx, it.event.ObjectID)
	switch {
	case errors.Is(err, ErrStripeUnknown):
		it.park(domain.ObjectUnknown)
	case errors.Is(err, errNoSuchKind):
		it.park(domain.NotDecodable)
	case err != nil:
		it.later = true
		it.event.NextAt = a.micros() + retryAfter(it.event.Attempts).Microseconds()
		a.Logger.WarnContext(ctx, "stripe could not be asked about a webhook", "event", it.event.EventID, "error", err)
	default:
		it.found = &found
	}
}

// alreadyPaid spares the call when the payment's own event came meanwhile.
func (a *App) alreadyPaid(ctx context.Context, e StripeEvent) (bool, error) {
	if readingOf(e.Type) != readLater {
		return false, nil
	}
	var d domain.Donation
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		d, err = tx.DonationOfSession(ctx, e.ObjectID)
		return err
	})
	if err != nil {
		return false, err
	}
	// Another attempt's session may have been paid as well: that is a second
	// payment, and worth the call.
	return d.State == domain.Succeeded && d.SessionID == e.ObjectID, nil
}

var errNoSuchKind = errors.New("no kind of object that a gift has")

func (a *App) fetchObject(ctx context.Context, id string) (Found, error) {
	switch kindOf(id) {
	case "cs":
		return a.Stripe.Session(ctx, id)
	case "pi":
		return a.Stripe.PaymentIntent(ctx, id)
	}
	return Found{}, errNoSuchKind
}

func kindOf(objectID string) string {
	for i := range len(objectID) {
		if objectID[i] == '_' {
			return objectID[:i]
		}
	}
	return ""
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
	paid, moved := false, false
	err = a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		paid, moved = false, false
		seqs := make([]int64, len(items))
		for i := range items {
			seqs[i] = items[i].event.Seq
		}
		// Another process may have taken some of them in the meantime.
		held, err := tx.LockEvents(ctx, seqs, from...)
		if err != nil {
			return err
		}
		var list []evidence
		var at []int
		for i := range items {
			if held[items[i].event.Seq] && items[i].found != nil {
				list = append(list, evidence{found: *items[i].found, receivedAt: items[i].event.ReceivedAt})
				at = append(at, i)
			}
		}
		rulings, err := a.apply(ctx, tx, account, list)
		if err != nil {
			return err
		}
		for i, r := range rulings {
			items[at[i]].verdict = &rulings[i]
			paid = paid || r.paid
		}
		var done []StripeEvent
		for i := range items {
			if held[items[i].event.Seq] {
				done = append(done, a.marked(items[i]))
				moved = moved || movesBalance(items[i].event.Type)
			}
		}
		return tx.FinishEvents(ctx, done)
	})
	if err != nil {
		return fmt.Errorf("apply webhooks: %w", err)
	}
	a.heard(paid || moved)
	return nil
}

func (a *App) marked(it item) StripeEvent {
	e := it.event
	e.Attempts++
	if it.later || it.verdict == nil {
		e.State = EventPending
		return e
	}
	e.State, e.Reason, e.NextAt = it.verdict.state, it.verdict.reason, 0
	return e
}

// postpone keeps an event whose application failed; it is tried again later and
// later, and stays visible as not done.
func (a *App) postpone(ctx context.Context, e StripeEvent, cause error) {
	a.Logger.ErrorContext(ctx, "a webhook could not be applied", "event", e.EventID, "type", e.Type, "error", cause)
	e.NextAt = a.micros() + retryAfter(e.Attempts).Microseconds()
	e.Attempts++
	e.State = EventPending
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
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
