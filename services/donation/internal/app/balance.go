package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/internal/apperr"
)

// Holdings is what Stripe says it holds, and whether we know of all that led to it.
type Holdings struct {
	AccountID string
	Balances  []Balance
	// Missing means that Stripe has a balance transaction that is not imported.
	Missing bool
}

// Holdings asks Stripe; Unavailable when it cannot be reached.
func (a *App) Holdings(ctx context.Context) (Holdings, error) {
	account, err := a.account(ctx)
	if err != nil {
		return Holdings{}, stripeAway(err)
	}
	// The balance first: what moves after it shows up as missing below, and the
	// audit waits instead of seeing a difference.
	balances, err := a.Stripe.Balance(ctx)
	if err != nil {
		return Holdings{}, stripeAway(err)
	}
	newest, _, err := a.Stripe.TransactionsAfter(ctx, "")
	if err != nil {
		return Holdings{}, stripeAway(err)
	}
	ids := make([]string, 0, len(newest))
	for _, t := range newest {
		ids = append(ids, t.ID)
	}
	var known map[string]bool
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		known, err = tx.KnownTransactions(ctx, ids)
		return err
	})
	if err != nil {
		return Holdings{}, fmt.Errorf("compare with imported transactions: %w", err)
	}
	h := Holdings{AccountID: account, Balances: balances, Missing: len(known) < len(ids)}
	if h.Missing {
		a.toImport.ring()
	}
	return h, nil
}

// stripeAway is for operators; donors are told something else.
func stripeAway(cause error) error {
	return apperr.Wrap(cause, apperr.Unavailable, "STRIPE_AWAY", "Stripe cannot be asked for its balance just now.")
}
