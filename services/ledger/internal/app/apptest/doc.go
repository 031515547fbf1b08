// Package apptest says what a store of the books must do. It drives the use
// cases through the ports in package app, so whatever passes it can keep books.
package apptest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Books is one empty store with what the suite needs besides its port.
type Books struct {
	Store app.Store
	// InTx runs fn in a transaction that commits when fn returns nil.
	InTx func(ctx context.Context, fn func(ctx context.Context, tx app.Tx) error) error
	// Exec runs a statement behind the store's back.
	Exec func(ctx context.Context, statement string, args ...any) error
	// Unguard takes away what keeps the journal from being changed.
	Unguard func(t *testing.T)
}

// Run runs the suite. open returns an empty store; tests run in parallel.
func Run(t *testing.T, open func(t *testing.T) Books) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, bench){
		"entries come back as they were sealed":             entriesComeBack,
		"numbers have no gaps in each organization":         numbersHaveNoGaps,
		"writers at the same time wait for each other":      writersWait,
		"a fact has its effect once":                        onceOnly,
		"a transaction that fails leaves nothing":           nothingHalfDone,
		"a gift waits for its organization and its fund":    giftsWait,
		"a copy of a lower version is not taken":            copiesOnlyMoveForward,
		"one key is in one organization's books only":       keysAreUniqueEverywhere,
		"the journal refuses to be changed":                 journalIsAppendOnly,
		"tampering is found":                                tamperingIsFound,
		"days are the organization's":                       daysAreTheOrganizations,
		"a trial balance has opening, movement and closing": trialBalance,
		"entries are listed by number, page and donation":   listing,
		"nonsense is refused beside its field":              nonsense,
		"one entry and all books":                           oneEntry,
		"an account is read line by line":                   accountLines,
		"an overview has days, appeals and funds":           overview,
		"exports are in the order of days":                  exportOrder,
		"an export leaves out what is added meanwhile":      exportIsFixed,
		"organizations are found by id, address and code":   findingOrganizations,
		"sums are what the audit compares":                  sums,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBench(t, open(t)))
		})
	}
	// A year takes longest to write. What only reads it shares one.
	t.Run("in the books of a year", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, open(t))
		b.year(t)
		entries := b.all(t, relief)
		for name, test := range map[string]func(t *testing.T, b bench, entries []domain.Entry){
			"filters let through what they say":       filtering,
			"a filtered export declares what it uses": exportedAccounts,
			"an account's pages add up":               accountPages,
			"an overview ties to the trial balance":   overviewTies,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, b, entries)
			})
		}
	})
}

// bench is an empty store with the use cases on top and a clock that stands at
// noon of 20 March 2026.
type bench struct {
	Books
	poster *app.Poster
	books  *app.Books
}

var noon = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

func newBench(t *testing.T, books Books) bench {
	now := func() time.Time { return noon }
	return bench{
		Books:  books,
		poster: &app.Poster{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: now},
		books:  &app.Books{Store: books.Store, Now: now},
	}
}
