package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// glance says that found names the payment without telling about it.
	glance bool
}

// process reads, fetches and applies a batch. If the batch fails as a whole, its
// events are tried one by one, so that one bad event cannot stop the others.
func (a *App) process(ctx context.Context, batch []StripeEvent, from ...EventState) error {
	items, err := a.read(ctx, batch)
	if err != nil {
		return err
	}
	err = a.finish(ctx, items, from)
	if err == nil || len(items) == 1 || ctx.Err() != nil {
		return err
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
	return last
}

// read decides about every event what can be decided without a transaction.
func (a *App) read(ctx context.Context, batch []StripeEvent) ([]item, error) {
	_, err := a.account(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]item, len(batch))
	var fetch []*item
	for i := range batch {
		items[i].event = batch[i]
		if a.readOne(&items[i]) {
			fetch = append(fetch, &items[i])
		}
	}
	fetch, err = a.withoutPaid(ctx, fetch)
	if err != nil {
		return nil, err
	}
	slots := make(chan struct{}, fetches)
	var group sync.WaitGroup
	for _, it := range fetch {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			a.fetch(ctx, it)
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
	case !body || how == readObject || how == readNot:
		return true
	default:
		return a.readSealed(it, how)
	}
	return false
}

// readSealed reads the body as it was signed. A body that was sealed with
// another secret is as good as none: its object is fetched.
func (a *App) readSealed(it *item, how reading) (fetch bool) {
	raw, err := a.Seal.Open(it.event.EventID, it.event.Sealed)
	if err != nil {
		a.Logger.Error("a stored webhook cannot be opened; its object is fetched", "event", it.event.EventID, "error", err)
		return true
	}
	found, err := a.Stripe.Decode(raw, it.event.CreatedAt)
	if err != nil {
		a.Logger.Error("a stored webhook cannot be decoded", "event", it.event.EventID, "error", err)
		it.park(domain.NotDecodable)
		return false
	}
	it.found, it.glance = &found, how == readLater
	return it.glance && it.event.Attempts > 0
}

func (a *App) fetch(ctx context.Context, it *item) {
	found, err := a.fetchObject(ctx, it.event.ObjectID)
	switch {
	case errors.Is(err, ErrStripeUnknown):
		it.park(domain.ObjectUnknown)
	case errors.Is(err, errNoSuchKind):
		it.park(domain.NotDecodable)
	case err != nil:
		it.found, it.glance, it.later = nil, false, true
		it.event.NextAt = a.micros() + retryAfter(it.event.Attempts).Microseconds()
		a.Logger.WarnContext(ctx, "stripe could not be asked about a webhook", "event", it.event.EventID, "error", err)
	default:
		it.found, it.glance = &found, false
	}
}

// withoutPaid spares the call about sessions whose payment's own event came
// meanwhile.
func (a *App) withoutPaid(ctx context.Context, fetch []*item) ([]*item, error) {
	var intents []string
	for _, it := range fetch {
		if it.glance {
			intents = append(intents, it.found.Snapshot.Session.PaymentID)
		}
	}
	if len(intents) == 0 {
		return fetch, nil
	}
	paid := map[string]bool{}
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		gifts, err := tx.DonationsOfPayments(ctx, intents)
		for _, d := range gifts {
			paid[d.PaymentIntentID] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for paid sessions: %w", err)
	}
	return slices.DeleteFunc(fetch, func(it *item) bool {
		return it.glance && paid[it.found.Snapshot.Session.PaymentID]
	}), nil
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
				list = append(list, evidence{
					found: *items[i].found, receivedAt: items[i].event.ReceivedAt, glance: items[i].glance,
				})
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
	if e.State == EventPending {
		e.NextAt = a.micros() + waitForPayment.Microseconds()
	}
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
