package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	var held []Money
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		known, err = tx.KnownTransactions(ctx, ids)
		if err != nil {
			return err
		}
		held, err = tx.HeldForRisk(ctx, account)
		return err
	})
	if err != nil {
		return Holdings{}, fmt.Errorf("compare with imported transactions: %w", err)
	}
	h := Holdings{AccountID: account, Balances: reserved(balances, held), Missing: len(known) < len(ids)}
	if h.Missing {
		a.toImport.ring()
	}
	return h, nil
}

// reserved adds what is held against risk to what Stripe calls reserved, so that it is
// all that the books have in reserve. It is in the order of currencies.
func reserved(balances []Balance, held []Money) []Balance {
	for _, m := range held {
		at, found := slices.BinarySearchFunc(balances, m.Currency, func(b Balance, currency string) int { return strings.Compare(b.Currency, currency) })
		if !found {
			balances = slices.Insert(balances, at, Balance{Currency: m.Currency})
		}
		balances[at].Reserved += m.Minor
	}
	return balances
}

// stripeAway is for operators; donors are told something else.
func stripeAway(cause error) error {
	return apperr.Wrap(cause, apperr.Unavailable, "STRIPE_AWAY", "Stripe cannot be asked for its balance just now.")
}
