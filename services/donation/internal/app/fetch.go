package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	// fetches bounds how many calls to Stripe run at once.
	fetches = 4
	// fetchTime bounds one of them, repetitions included: what comes meanwhile is
	// processed after it.
	fetchTime = 10 * time.Second
)

// fetchAll reads the objects of events whose body is not enough. After one question
// that Stripe did not answer it is not asked the others: they would take as long
// each, and new webhooks wait behind them.
func (a *App) fetchAll(ctx context.Context, waiting []item) error {
	list := make([]*item, len(waiting))
	for i := range waiting {
		list[i] = &waiting[i]
	}
	list, err := a.withoutPaid(ctx, list)
	if err != nil {
		return err
	}
	var away atomic.Bool
	slots := make(chan struct{}, fetches)
	var group sync.WaitGroup
	for _, it := range list {
		slots <- struct{}{}
		if away.Load() {
			a.putOff(it)
			<-slots
			continue
		}
		group.Go(func() {
			defer func() { <-slots }()
			if !a.fetch(ctx, it) {
				away.Store(true)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// fetch reads the object as it is now. It answers false when Stripe is away.
func (a *App) fetch(ctx context.Context, it *item) bool {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	asked := a.micros()
	found, err := a.fetchObject(ctx, it.event.ObjectID)
	found.LookedAt = asked
	switch {
	case errors.Is(err, ErrStripeUnknown):
		it.park(domain.ObjectUnknown)
	case errors.Is(err, errNoSuchKind):
		it.park(domain.NotDecodable)
	case err != nil:
		a.putOff(it)
		a.Logger.WarnContext(ctx, "stripe could not be asked about a webhook", "event", it.event.EventID, "error", err)
	default:
		it.found, it.glance = &found, false
	}
	return !errors.Is(err, ErrStripeAway)
}

func (a *App) putOff(it *item) {
	it.found, it.glance, it.later = nil, false, true
	it.event.NextAt = a.micros() + retryAfter(it.event.Attempts).Microseconds()
}

// withoutPaid spares the call about sessions whose payment's own event came
// meanwhile.
func (a *App) withoutPaid(ctx context.Context, fetch []*item) ([]*item, error) {
	var intents []string
	for _, it := range fetch {
		if it.glance && it.found.Snapshot.Session != nil {
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
		return it.glance && it.found.Snapshot.Session != nil && paid[it.found.Snapshot.Session.PaymentID]
	}), nil
}

var errNoSuchKind = errors.New("no kind of object that a gift has")

func (a *App) fetchObject(ctx context.Context, id string) (Found, error) {
	switch kindOf(id) {
	case "cs":
		return a.Stripe.Session(ctx, id)
	case "pi":
		return a.Stripe.PaymentIntent(ctx, id)
	case "sub":
		return a.Stripe.Subscription(ctx, id)
	case "in":
		return a.Stripe.Invoice(ctx, id)
	case "re", "pyr", "dp", "du", "ch", "py":
		return a.fetchReturn(ctx, id)
	case "po":
		return a.fetchPayout(ctx, id)
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
