package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

const (
	// importPause is the least between two passes. However many gifts come, there are
	// two calls a second and one for each hundred of them.
	importPause = 500 * time.Millisecond
	// importRush is that after a pass that brought a whole page. What comes meanwhile
	// are whole pages again, which are as many calls however they are asked for, and
	// the last gifts of a rush don't wait half a second for their fees.
	importRush = 100 * time.Millisecond
	wholePage  = 100
	// importEager is the pause while a gift waits for its fee, at first.
	importEager = 2 * time.Second
	// webhookHead is how long a payment's own webhook is given before the import
	// fetches the payment: the money is often seen first, and a call a gift is
	// more than Stripe allows.
	webhookHead = 3 * time.Second
	// Stripe orders by the second it created things in and may show one late, so a
	// pass begins a little before the newest known; the first pass of a process and
	// one a day look back further.
	overlapUsual = 10 * time.Second
	// lookBack is how long passes may go on from the newest known while there is
	// always more: in a rush, what came in ten seconds is hundreds of pages, and
	// reading them twice a second would be most of the work.
	lookBack     = 30 * time.Second
	overlapStart = 10 * time.Minute
	overlapDaily = 26 * time.Hour
	importDaily  = 24 * time.Hour
)

// Import brings the account's balance transactions until ctx ends: at once when
// something was paid, soon while a fee is missing, and now and then anyway.
func (a *App) Import(ctx context.Context) {
	next := importEager
	look := looks{daily: a.Now().Add(importDaily)}
	for ctx.Err() == nil {
		began := a.Now()
		overlap := look.overlap(began)
		count, err := a.ImportDue(ctx, overlap)
		if ctx.Err() == nil {
			a.imported.Store(&err)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			a.Logger.ErrorContext(ctx, "balance transactions could not be imported", "error", err)
			next = min(2*next, a.cfg.ImportEvery)
		case count > 0:
			next = importEager
		default:
			next = min(2*next, a.cfg.ImportEvery)
		}
		if err == nil {
			look.done(began, overlap, count)
		}
		if pause(ctx, restAfter(count)) != nil {
			return
		}
		a.wait(ctx, a.toImport, a.eager(ctx, next))
	}
}

// restAfter is how long nothing is asked after a pass that brought so many.
func restAfter(brought int) time.Duration {
	if brought >= wholePage {
		return importRush
	}
	return importPause
}

// looks decides how far back each pass looks.
type looks struct {
	back  time.Time // when the last pass that looked back began; zero at the start
	daily time.Time // when the next long look is due
	rush  bool      // the last pass found something new
}

func (l *looks) overlap(now time.Time) time.Duration {
	switch {
	case l.back.IsZero():
		return overlapStart
	case now.After(l.daily):
		return overlapDaily
	case l.rush && now.Sub(l.back) < lookBack:
		return 0
	}
	// What came since the last look may have been shown late as well.
	return overlapUsual + now.Sub(l.back)
}

// done notes a pass that succeeded; one that failed is made again as it was.
func (l *looks) done(began time.Time, overlap time.Duration, found int) {
	l.rush = found > 0
	if overlap == 0 {
		return
	}
	l.back = began
	if overlap == overlapDaily {
		l.daily = began.Add(importDaily)
	}
}

// ImportFault is why the newest look at Stripe's balance transactions failed; nil
// when it did not, or has not been made yet.
func (a *App) ImportFault() error {
	if fault := a.imported.Load(); fault != nil {
		return *fault
	}
	return nil
}

// eager shortens the pause to what it began with for as long as a fee is missing
// and grows from there.
func (a *App) eager(ctx context.Context, next time.Duration) time.Duration {
	missing := int64(0)
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		missing, err = tx.GiftsWithoutFee(ctx)
		return err
	})
	if err == nil && missing > 0 {
		return next
	}
	return a.cfg.ImportEvery
}

// ImportDue makes one pass and answers how many transactions were new. It reads
// towards the newest, a page at a time, and stores each page before it asks for
// the next: what is stored is the cursor, so a crash repeats at most a page.
func (a *App) ImportDue(ctx context.Context, overlap time.Duration) (int, error) {
	account, err := a.account(ctx)
	if err != nil {
		return 0, err
	}
	anchor := ""
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		anchor, err = tx.TransactionAnchor(ctx, account, overlap.Microseconds())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read the newest imported transaction: %w", err)
	}
	total := 0
	if anchor == "" {
		anchor, total, err = a.importOldest(ctx, account)
		if err != nil || anchor == "" {
			return total, err
		}
	}
	for more := true; more; {
		var page []Transaction
		page, more, err = a.Stripe.TransactionsBefore(ctx, anchor)
		if errors.Is(err, ErrStripeUnknown) {
			// Stripe has forgotten what it had told us (a simulator that was begun
			// anew): everything is read again; what is known is left alone.
			a.Logger.ErrorContext(ctx, "Stripe no longer knows an imported transaction", "transaction", anchor)
			anchor, _, err = a.importOldest(ctx, account)
			more = anchor != ""
		}
		if err != nil {
			return total, fmt.Errorf("list balance transactions: %w", err)
		}
		if len(page) == 0 {
			continue
		}
		added, whole, err := a.importPage(ctx, account, page)
		if err != nil {
			return total, err
		}
		total += added
		anchor = page[len(page)-1].ID
		if !whole {
			a.toImport.ring()
			break
		}
	}
	return total, nil
}

// importOldest walks back to the account's oldest page and stores it. It answers
// the newest id of that page, empty for an account without transactions.
func (a *App) importOldest(ctx context.Context, account string) (anchor string, added int, err error) {
	var oldest []Transaction
	for more, after := true, ""; more; {
		var page []Transaction
		page, more, err = a.Stripe.TransactionsAfter(ctx, after)
		if err != nil {
			return "", 0, fmt.Errorf("list balance transactions: %w", err)
		}
		if len(page) == 0 {
			break
		}
		oldest = page
		after = page[len(page)-1].ID
	}
	if len(oldest) == 0 {
		return "", 0, nil
	}
	slices.Reverse(oldest)
	added, whole, err := a.importPage(ctx, account, oldest)
	if err != nil {
		// Not rung: the whole list was walked, and the next try comes in its time.
		return "", added, err
	}
	if !whole {
		a.toImport.ring()
		return "", added, nil
	}
	return oldest[len(oldest)-1].ID, added, nil
}

// importPage finds out what each transaction belongs to and stores them with
// their events. It answers false when it stopped before one whose webhook is
// still expected: nothing behind that is stored, because what is stored is the
// cursor.
func (a *App) importPage(ctx context.Context, account string, page []Transaction) (added int, whole bool, err error) {
	page, gifts, err := a.unknown(ctx, page)
	if err != nil || len(page) == 0 {
		return 0, true, err
	}
	ready := a.upToExpected(page, gifts)
	if len(ready) == 0 {
		return 0, false, nil
	}
	whole = len(ready) == len(page)
	page = ready
	known, err := a.catchUp(ctx, account, page, gifts)
	if err != nil {
		return 0, false, err
	}
	page, gifts, waits := known.page, known.gifts, known.waits
	err = a.catchUpReturns(ctx, page, gifts)
	if err != nil {
		return 0, false, err
	}
	page, held := a.upToDoubted(page, gifts, waits)
	held = errors.Join(known.held, held)
	if len(page) == 0 {
		return 0, false, held
	}
	home := ""
	if slices.ContainsFunc(page, func(t Transaction) bool { return gifts[t.PaymentIntentID].ID == "" }) {
		home, err = a.homeOrganization(ctx)
		if err != nil {
			return 0, false, err
		}
	}
	added, err = a.record(ctx, account, page, gifts, waits, home)
	return added, whole && held == nil, errors.Join(err, held)
}

// upToExpected is the page up to the first transaction of a gift that we have
// not heard of and may hear of any moment. Stripe's clock may be far from ours;
// what is not just now by our clock is not waited for.
func (a *App) upToExpected(page []Transaction, gifts map[string]PaidGift) []Transaction {
	now := a.micros()
	for i, t := range page {
		_, known := gifts[t.PaymentIntentID]
		age := now - t.CreatedAt
		if (t.Ours || t.InvoiceID != "") && !known && age < webhookHead.Microseconds() && age > -webhookHead.Microseconds() {
			return page[:i]
		}
	}
	return page
}

// unknown leaves out what is imported already, and answers the paid gifts of the
// rest by payment intent.
func (a *App) unknown(ctx context.Context, page []Transaction) (fresh []Transaction, gifts map[string]PaidGift, err error) {
	ids := make([]string, len(page))
	for i, t := range page {
		ids[i] = t.ID
	}
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		known, err := tx.KnownTransactions(ctx, ids)
		if err != nil {
			return err
		}
		fresh = slices.DeleteFunc(slices.Clone(page), func(t Transaction) bool { return known[t.ID] })
		gifts, err = giftsIn(ctx, tx, fresh)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("compare with imported transactions: %w", err)
	}
	return fresh, gifts, nil
}

func giftsIn(ctx context.Context, tx Tx, page []Transaction) (map[string]PaidGift, error) {
	var intents []string
	for _, t := range page {
		if t.PaymentIntentID != "" {
			intents = append(intents, t.PaymentIntentID)
		}
	}
	gifts := map[string]PaidGift{}
	if len(intents) == 0 {
		return gifts, nil
	}
	slices.Sort(intents)
	list, err := tx.DonationsOfPayments(ctx, slices.Compact(intents))
	if err != nil {
		return nil, fmt.Errorf("find the gifts of transactions: %w", err)
	}
	for _, d := range list {
		gifts[d.PaymentIntentID] = d
	}
	return gifts, nil
}

// record stores a page, its events and the fees it tells, in one transaction.
// What belongs to no gift is booked with home. That is decided here and not
// before, under the lock that apply takes too: a gift that succeeds meanwhile has
// either been seen here, or sees there what was booked as foreign. The gifts that
// were found before are not asked for again: one that succeeded stays so.
func (a *App) record(ctx context.Context, account string, page []Transaction, seen map[string]PaidGift, waits waiting, home string) (int, error) {
	unseen := slices.DeleteFunc(slices.Clone(page), func(t Transaction) bool { return seen[t.PaymentIntentID].ID != "" })
	added := 0
	err := a.decide(ctx, account, func(ctx context.Context, tx Tx) error {
		gifts, err := giftsIn(ctx, tx, unseen)
		if err != nil {
			return err
		}
		maps.Copy(gifts, seen)
		underWay, err := waits.underWay(ctx, tx, page, gifts)
		if err != nil {
			return err
		}
		for i := range page {
			if d, is := underWay[page[i].PaymentIntentID]; is {
				gifts[page[i].PaymentIntentID] = moneyOf(d, page[i])
			}
			a.attribute(&page[i], account, gifts, home)
		}
		fresh, err := tx.InsertTransactions(ctx, page)
		if err != nil {
			return err
		}
		added = len(fresh)
		var events []envelope.Event
		var charged, moved []Transaction
		for _, t := range page {
			if !fresh[t.ID] {
				continue
			}
			event, err := recorded(t, gifts)
			if err != nil {
				return err
			}
			events = append(events, event)
			_, early := underWay[t.PaymentIntentID]
			switch {
			case early:
				moved = append(moved, t)
			case !t.Foreign && t.Category == categoryCharge:
				charged = append(charged, t)
			}
		}
		err = a.feesUnderWay(ctx, tx, moved, underWay)
		if err != nil {
			return err
		}
		err = a.keepFees(ctx, tx, charged, gifts)
		if err != nil || len(events) == 0 {
			return err
		}
		return tx.AppendEvents(ctx, events...)
	})
	if err != nil {
		return 0, fmt.Errorf("store balance transactions: %w", err)
	}
	return added, nil
}

// attribute says whose a transaction is.
func (a *App) attribute(t *Transaction, account string, gifts map[string]PaidGift, home string) {
	t.AccountID, t.ImportedAt = account, a.micros()
	d, ours := gifts[t.PaymentIntentID]
	t.Foreign = !ours
	t.DonationID, t.OrganizationID = d.ID, d.Attribution.OrganizationID
	if t.Foreign {
		t.OrganizationID = home
	}
}

func recorded(t Transaction, gifts map[string]PaidGift) (envelope.Event, error) {
	if t.Foreign {
		return balanceTransactionRecorded(t, nil)
	}
	d := gifts[t.PaymentIntentID]
	return balanceTransactionRecorded(t, &d)
}
