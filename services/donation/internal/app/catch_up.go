package app

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// invoicePatience is how long money waits for its invoice to be called paid, which
// Stripe does within seconds: nothing behind it is imported meanwhile.
const invoicePatience = time.Hour

// caught is a page of which all is known that can be.
type caught struct {
	// page ends before a transaction that has to wait, and held says why.
	page  []Transaction
	held  error
	gifts map[string]PaidGift
	// waits are payments that are no money yet.
	waits waiting
}

// catchUp takes in payments whose webhook has not come, or never will: money
// that is on the account and carries our metadata is a gift of ours. One that the
// database forgot is put back first. What cannot be one (unknown donation, second
// payment) is parked by ingest and its transaction is booked as foreign.
func (a *App) catchUp(ctx context.Context, account string, page []Transaction, gifts map[string]PaidGift) (caught, error) {
	missing := false
	c := caught{page: page, gifts: gifts, waits: waiting{}}
	for i, t := range page {
		_, known := gifts[t.PaymentIntentID]
		_, fetched := c.waits[t.PaymentIntentID]
		if (!t.Ours && t.InvoiceID == "" && !afterDelay(t)) || known || fetched || t.PaymentIntentID == "" {
			continue
		}
		found, err := a.paidBy(ctx, t)
		if errors.Is(err, ErrStripeUnknown) {
			continue
		}
		if err != nil {
			return c, fmt.Errorf("fetch the payment of transaction %s: %w", t.ID, err)
		}
		if a.awaitsInvoice(t, found) {
			c.page, c.held = page[:i], fmt.Errorf("transaction %s waits: %w", t.ID, errInvoiceOpen)
			break
		}
		recalled, err := a.recall(ctx, account, found)
		if err != nil {
			return c, err
		}
		_, err = a.ingest(ctx, found)
		if err == nil && recalled {
			err = a.retryParkedOf(ctx, t.PaymentIntentID)
		}
		if err == nil {
			err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error { return c.waits.keep(ctx, tx, account, found) })
		}
		if err != nil {
			return c, err
		}
		missing = true
	}
	if !missing {
		return c, nil
	}
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		c.gifts, err = giftsIn(ctx, tx, page)
		return err
	})
	return c, err
}

// paidBy fetches what tells what a charge was for: its invoice if it has one, which is
// the only thing that knows of our plan.
func (a *App) paidBy(ctx context.Context, t Transaction) (Found, error) {
	if t.InvoiceID == "" {
		return a.Stripe.PaymentIntent(ctx, t.PaymentIntentID)
	}
	return a.invoice(ctx, t.InvoiceID)
}

func (a *App) invoice(ctx context.Context, id string) (Found, error) {
	asked := a.micros()
	found, err := a.Stripe.Invoice(ctx, id)
	found.LookedAt = asked
	return found, err
}

// errInvoiceOpen says that a transaction is left where it is. What is booked as
// foreign stays so: the instalment could not become a gift any more.
var errInvoiceOpen = errors.New("it was charged for an invoice of a monthly plan that Stripe does not call paid yet")

// awaitsInvoice reports whether money that was charged for an invoice of ours waits
// until that is paid. It may come first, but never by long.
func (a *App) awaitsInvoice(t Transaction, found Found) bool {
	return found.Ours && found.Invoice != nil && found.Invoice.Pending() && a.micros()-t.CreatedAt < invoicePatience.Microseconds()
}

// catchUpReturns takes in refunds and disputes that no webhook has told of, or not as
// far as their money tells: what moves money for a gift is known before it is booked.
func (a *App) catchUpReturns(ctx context.Context, page []Transaction, gifts map[string]PaidGift) error {
	var list []Return
	for _, t := range page {
		switch {
		case gifts[t.PaymentIntentID].ID == "":
		case t.Return != nil:
			list = append(list, *t.Return)
		case reverses(t, gifts[t.PaymentIntentID]):
			list = append(list, reversed(t))
		}
	}
	list, err := a.unheard(ctx, list)
	if err != nil {
		return err
	}
	return a.takeReturns(ctx, list)
}
