package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

// importFirst is how long a payout waits whose transactions are not imported yet.
const importFirst = 5 * time.Second

// errNotImported says that a payout holds a transaction that the import has not
// brought; it is on its way.
var errNotImported = errors.New("what is in it is not all imported yet")

// applyPayouts merges what was heard of payouts into what is known, in the caller's
// transaction, which has locked the account.
func (a *App) applyPayouts(ctx context.Context, tx Tx, account string, list []evidence) ([]ruling, error) {
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.found.Payout.Payout.ID
	}
	known, err := tx.PayoutsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look for payouts: %w", err)
	}
	rulings := make([]ruling, len(list))
	changed := map[string]domain.Payout{}
	var agreed []string
	for i, e := range list {
		news := e.found.Payout
		before := known[news.Payout.ID]
		if before.ID != "" && before.AccountID != account {
			rulings[i] = ruling{state: EventParked, reason: domain.AccountDiffers}
			continue
		}
		fact := news.Payout
		fact.AccountID = account
		next := before.Hear(fact, news.Listing, a.micros())
		if next != before {
			known[next.ID], changed[next.ID] = next, next
		}
		rulings[i] = ruling{state: EventDone}
		switch {
		case next.Difference != 0:
			rulings[i] = ruling{state: EventParked, reason: domain.PayoutDiffers}
		case before.Difference != 0:
			agreed = append(agreed, next.ID)
		}
		if next.CheckAt > 0 && next.CheckAt <= a.micros() {
			a.toSweep.ring()
		}
	}
	payouts := make([]domain.Payout, 0, len(changed))
	for _, p := range changed {
		payouts = append(payouts, p)
	}
	err = tx.SavePayouts(ctx, payouts)
	if err != nil {
		return nil, err
	}
	return rulings, solved(ctx, tx, agreed)
}

// solved ends what was parked about payouts that add up now.
func solved(ctx context.Context, tx Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	parked, err := tx.ParkedOf(ctx, ids)
	if err != nil {
		return fmt.Errorf("look for what is parked about payouts: %w", err)
	}
	var done []StripeEvent
	for _, e := range parked {
		if e.Reason == domain.PayoutDiffers {
			e.State = EventDone
			done = append(done, e)
		}
	}
	return tx.FinishEvents(ctx, done)
}

// takePayouts applies what was heard of payouts by another route than a webhook.
func (a *App) takePayouts(ctx context.Context, news []PayoutNews) error {
	if len(news) == 0 {
		return nil
	}
	account, err := a.account(ctx)
	if err != nil {
		return err
	}
	list := make([]evidence, len(news))
	for i := range news {
		list[i] = evidence{found: Found{Payout: &news[i]}, about: aboutPayout}
	}
	err = a.decide(ctx, account, func(ctx context.Context, tx Tx) error {
		rulings, err := a.apply(ctx, tx, account, list)
		if err != nil {
			return err
		}
		for i, r := range rulings {
			if r.state != EventParked {
				continue
			}
			err = a.parkFound(ctx, tx, list[i].found, r.reason)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("apply payouts: %w", err)
	}
	return nil
}

// takePayoutPage is takePayouts for a page of Stripe's list.
func (a *App) takePayoutPage(ctx context.Context, page []domain.Payout) error {
	news := make([]PayoutNews, len(page))
	for i := range page {
		news[i].Payout = page[i]
	}
	return a.takePayouts(ctx, news)
}

func payoutMade(p domain.Payout) (int64, string) { return p.CreatedAt, p.ID }

// fetchPayout reads a payout as it is now. What is in it is listed by the sweep, for
// that may take long; but a payout that did not add up is what staff want looked at
// again.
func (a *App) fetchPayout(ctx context.Context, id string) (Found, error) {
	p, err := a.Stripe.Payout(ctx, id)
	if err != nil {
		return Found{}, fmt.Errorf("fetch payout %s: %w", id, err)
	}
	news := PayoutNews{Payout: p}
	known, err := a.knownPayout(ctx, id)
	if err == nil && known.Difference != 0 && p.Complete {
		news.Listing, err = a.listPayout(ctx, p)
	}
	return Found{Payout: &news}, err
}

// knownPayout is the zero value when there is none.
func (a *App) knownPayout(ctx context.Context, id string) (domain.Payout, error) {
	var known domain.Payout
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		known, err = tx.Payout(ctx, id)
		return err
	})
	if err != nil && !errors.Is(err, ErrNone) {
		return domain.Payout{}, fmt.Errorf("read payout %s: %w", id, err)
	}
	return known, nil
}

// SweepPayouts asks about payouts that are due, and takes in what is in them.
func (a *App) SweepPayouts(ctx context.Context) error {
	var due []domain.Payout
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		due, err = tx.DuePayouts(ctx, a.micros(), sweepBatch)
		return err
	})
	if err != nil {
		return fmt.Errorf("read payouts that are due: %w", err)
	}
	if len(due) == sweepBatch {
		a.toSweep.ring() // there may be more
	}
	var failed error
	for _, p := range due {
		err = a.askAboutPayout(ctx, p)
		failed = errors.Join(failed, err)
		if errors.Is(err, ErrStripeAway) || ctx.Err() != nil {
			return failed // the others would wait for it too
		}
	}
	return failed
}

func (a *App) askAboutPayout(ctx context.Context, known domain.Payout) error {
	p, err := a.Stripe.Payout(ctx, known.ID)
	news := PayoutNews{Payout: p}
	if err == nil && known.Hear(p, nil, a.micros()).Unlisted() {
		news.Listing, err = a.listPayout(ctx, p)
	}
	switch {
	case errors.Is(err, errNotImported):
		return a.putOffPayout(ctx, known.ID, importFirst)
	case err != nil:
		// What comes behind has its turn too.
		return errors.Join(fmt.Errorf("ask about payout %s: %w", known.ID, err), a.putOffPayout(ctx, known.ID, time.Hour))
	}
	return a.takePayouts(ctx, []PayoutNews{news})
}

func (a *App) putOffPayout(ctx context.Context, id string, long time.Duration) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.PutOffPayout(ctx, id, a.micros()+long.Microseconds())
	})
	if err != nil {
		return fmt.Errorf("put off the next question about payout %s: %w", id, err)
	}
	return nil
}

// listPayout takes in Stripe's list of what is in a payout, page by page, and adds
// it up. A crash in the middle leaves the payout unlisted: it begins again.
func (a *App) listPayout(ctx context.Context, p domain.Payout) (*domain.Listing, error) {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.EmptyPayout(ctx, p.ID) })
	if err != nil {
		return nil, fmt.Errorf("empty payout %s: %w", p.ID, err)
	}
	listing := &domain.Listing{}
	for more, after := true, ""; more; {
		var page []Transaction
		page, more, err = a.Stripe.PayoutTransactions(ctx, p.ID, after)
		if err != nil {
			return nil, fmt.Errorf("list what is in payout %s: %w", p.ID, err)
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].ID
		var inside []Transaction
		for _, t := range page {
			// The payout itself is on its list. One that came back is too, on the list of
			// the payout that sends it again: there it counts.
			if t.SourceID == p.ID {
				continue
			}
			inside = append(inside, t)
			if t.Net.Currency == p.Currency {
				listing.Sum += t.Net.Minor
			}
		}
		err = a.putInPayout(ctx, p.ID, inside)
		if err != nil {
			return nil, err
		}
	}
	return listing, nil
}

// putInPayout marks transactions as paid out. What the import has not brought yet is
// imported first, in its own order: what it stores is where it goes on from.
func (a *App) putInPayout(ctx context.Context, id string, list []Transaction) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	oldest := list[0].CreatedAt
	for i, t := range list {
		ids[i], oldest = t.ID, min(oldest, t.CreatedAt)
	}
	put := func() error {
		return a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			known, err := tx.KnownTransactions(ctx, ids)
			if err != nil {
				return err
			}
			if len(known) < len(ids) {
				return errNotImported
			}
			return tx.PutInPayout(ctx, id, ids)
		})
	}
	err := put()
	if errors.Is(err, errNotImported) {
		// Those that are missing may be among the newest, or have been shown late.
		_, err = a.ImportDue(ctx, max(0, a.Now().Sub(time.UnixMicro(oldest)))+overlapDaily)
		if err == nil {
			err = put()
		}
	}
	if err != nil {
		return fmt.Errorf("put transactions in payout %s: %w", id, err)
	}
	return nil
}
