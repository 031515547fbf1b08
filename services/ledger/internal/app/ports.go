package app

import (
	"context"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Store keeps the books. The suite in apptest says what an implementation must
// do.
type Store interface {
	// InReadTx runs fn on one consistent snapshot. fn may be run again.
	InReadTx(ctx context.Context, fn func(ctx context.Context, r Reader) error) error
}

// Reader answers questions inside a transaction.
type Reader interface {
	// Organizations returns all that have been seen, ordered by code and id.
	Organizations(ctx context.Context) ([]domain.Organization, error)
	// Head returns the newest entry of an organization; number 0 if it has none.
	Head(ctx context.Context, organizationID string) (domain.Head, error)

	// Entries returns entries ordered by organization and number, downwards when
	// the newest come first.
	Entries(ctx context.Context, page EntryPage) ([]domain.Entry, error)
	// EntriesByDay returns entries of a span ordered by booking day and number.
	EntriesByDay(ctx context.Context, span Span, filter EntryFilter, after DayCursor, limit int) ([]domain.Entry, error)
	// AccountsIn returns the accounts and currencies that the entries of a span
	// move, ordered by account and currency.
	AccountsIn(ctx context.Context, span Span, filter EntryFilter) ([]AccountCurrency, error)
	// Balances adds up every account of a span, with what came before it as the
	// opening, ordered by account and currency.
	Balances(ctx context.Context, span Span) ([]Balance, error)

	// AccountLines returns the lines of an account after a place, ordered by day,
	// number and line, without their balances.
	AccountLines(ctx context.Context, account AccountSpan, after LineCursor, limit int) ([]AccountLine, error)
	// AccountBalance adds up an account until a place, or until the span begins if
	// that is later, and until the span ends.
	AccountBalance(ctx context.Context, account AccountSpan, after LineCursor) (opening, closing int64, err error)
	// Currencies returns those in which anything was ever posted to an account.
	Currencies(ctx context.Context, organizationID string, account domain.Account) ([]money.Currency, error)
	// Movements adds up a span's lines on accounts from 4000 on, in any order;
	// Credited counts those of these rules.
	Movements(ctx context.Context, span Span, rules []string) ([]Movement, error)
	// FirstDay returns the day of the first entry by day, empty without any.
	FirstDay(ctx context.Context, organizationID string) (string, error)

	// Chained returns the ids of all organizations that are known or have
	// anything in the books, in order.
	Chained(ctx context.Context) ([]string, error)
	// StrayPosting returns the lowest number whose postings do not belong to the
	// entry of that number (there is none, or they repeat its day, rule or Stripe
	// account wrongly); 0 if there is no such posting.
	StrayPosting(ctx context.Context, organizationID string) (int64, error)

	// Income adds up the postings of these rules on accounts from 4000 on.
	Income(ctx context.Context, rules []string) ([]AccountSum, error)
	// Clearing adds up these accounts per Stripe account.
	Clearing(ctx context.Context, accounts []domain.Account) ([]ClearingSum, error)
	// Imbalance adds up all postings per currency.
	Imbalance(ctx context.Context) ([]money.Amount, error)
	// OpenItems adds up these accounts per item and returns what is not zero.
	OpenItems(ctx context.Context, accounts []domain.Account) ([]OpenItem, error)
	// OpenAges counts those items, and tells since when the oldest has been open.
	// An account without any is not there.
	OpenAges(ctx context.Context, accounts []domain.Account) ([]OpenAge, error)
	// SumPostings adds up the postings of an organization's entries with numbers
	// above one and up to another, by currency.
	SumPostings(ctx context.Context, organizationID string, above, upTo int64) ([]money.Amount, error)
	// Checkpoints returns how far the consumed feeds are applied.
	Checkpoints(ctx context.Context) ([]Checkpoint, error)
}

// Tx is one transaction that writes.
type Tx interface {
	// SaveOrganizations keeps each organization unless a copy of the same or a
	// higher version is there. Ids must not repeat.
	SaveOrganizations(ctx context.Context, organizations []domain.Organization) error
	// SaveFunds does the same for funds. Ids must not repeat.
	SaveFunds(ctx context.Context, funds []domain.Fund) error
	// OrganizationsByID returns those of the ids that have been seen.
	OrganizationsByID(ctx context.Context, ids []string) (map[string]domain.Organization, error)
	// KnownFunds returns those of the keys that have been seen.
	KnownFunds(ctx context.Context, keys []domain.FundKey) (map[domain.FundKey]bool, error)

	// LockHeads returns the newest entry of each organization and keeps others
	// from adding to its chain until the commit.
	LockHeads(ctx context.Context, organizationIDs []string) (map[string]domain.Head, error)
	// KnownKeys returns those of the business keys that have an entry.
	KnownKeys(ctx context.Context, keys []string) (map[string]bool, error)
	// AddEntries adds entries, for ever, and moves the heads to them.
	AddEntries(ctx context.Context, entries []domain.Entry, heads []domain.Head) error

	// AfterCommit runs hook once what was written is durable.
	AfterCommit(hook func())
}

// Span is the part of one organization's books between two days, both
// included, as it was when the newest entry had the number Until.
type Span struct {
	OrganizationID string
	From, To       string // YYYY-MM-DD
	Until          int64
}

// DayCursor is a place in the order of days and numbers.
type DayCursor struct {
	Day    string
	Number int64
}

// AccountCurrency is an account in one currency.
type AccountCurrency struct {
	Account  domain.Account
	Currency money.Currency
}

// Balance is an account over a span, in minor units; debit positive, but
// Credits positive too.
type Balance struct {
	AccountCurrency
	Opening, Debits, Credits, Closing int64
}

// AccountSum is what one account of one organization adds up to.
type AccountSum struct {
	OrganizationID string
	AccountCurrency
	Minor int64 // debit positive
}

// ClearingSum is what one account adds up to for one Stripe account.
type ClearingSum struct {
	AccountID string
	AccountCurrency
	Minor int64 // debit positive
}

// OpenItem is what one Stripe object has left on an account.
type OpenItem struct {
	OrganizationID string
	AccountCurrency
	Item  string
	Minor int64 // debit positive
}

// Checkpoint is how far a feed is applied.
type Checkpoint struct {
	Feed  string
	Epoch int64
	Pos   int64
}
