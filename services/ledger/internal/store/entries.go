package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func scanEntry(rows *sql.Rows) (domain.Entry, error) {
	var e domain.Entry
	var stripeIDs string
	var occurredAt, postedAt int64
	err := rows.Scan(&e.OrganizationID, &e.Number, &e.Key, &e.Rule.Name, &e.Rule.Version, &e.Description, &e.EventID, &e.AccountID,
		&stripeIDs, &e.DonationID, &e.TraceID, &occurredAt, &postedAt, &e.BookedOn, &e.PreviousHash, &e.Hash)
	if stripeIDs != "" {
		e.StripeIDs = strings.Split(stripeIDs, " ")
	}
	e.OccurredAt, e.PostedAt = time.UnixMicro(occurredAt).UTC(), time.UnixMicro(postedAt).UTC()
	return e, err
}

// Entries returns entries ordered by organization and number.
func (r reader) Entries(ctx context.Context, page app.EntryPage) ([]domain.Entry, error) {
	keys, w, found, err := r.choose(ctx, page)
	if err != nil || !found {
		return nil, err
	}
	order := "in_books, numbered"
	if page.NewestFirst {
		order = "in_books DESC, numbered DESC"
	}
	return r.page(ctx, keys, order, w.args)
}

// EntriesByDay returns entries of a span ordered by booking day and number.
func (r reader) EntriesByDay(ctx context.Context, span app.Span, filter app.EntryFilter, after app.DayCursor, limit int) ([]domain.Entry, error) {
	// The span's beginning is a cursor too. With both as conditions, SQLite
	// would start every page at the beginning and skip what it has given.
	if after.Day < span.From {
		after = app.DayCursor{Day: span.From, Number: 0}
	}
	var w where
	w.add("c.organization_id = ?", span.OrganizationID)
	w.add("(c.booked_on, c.number) > (?, ?)", after.Day, after.Number)
	w.add("c.booked_on <= ?", span.To)
	w.add("c.number <= ?", span.Until)
	w.exists("c", filter)
	keys := `SELECT c.organization_id AS in_books, c.number AS numbered FROM journal_entry c WHERE ` + w.text() + `
		ORDER BY c.booked_on, c.number LIMIT ` + w.bind(limit)
	return r.page(ctx, keys, "booked_on, numbered", w.args)
}

// entryKey is the primary key of an entry.
type entryKey struct {
	organizationID string
	number         int64
}

// keyedPosting is a posting with its entry's key.
type keyedPosting struct {
	entryKey
	domain.Posting
}

func scanPosting(rows *sql.Rows) (keyedPosting, error) {
	var p keyedPosting
	var account, currency string
	err := rows.Scan(&p.organizationID, &p.number, &account, &currency, &p.Amount.Minor,
		&p.Fund, &p.Appeal, &p.Fundraiser, &p.Team, &p.Channel, &p.Item)
	p.Account = domain.Account(account)
	p.Amount.Currency = knownCurrency(currency)
	return p, err
}

// knownCurrency is the currency of a code, or none for a code that nobody could
// have posted: then the entry's hash does not fit any more, which is what
// walking the chain must say, instead of failing to read.
func knownCurrency(code string) money.Currency {
	currency, err := money.ParseCurrency(code)
	if err != nil || currency.Code() != code {
		return money.Currency{}
	}
	return currency
}

// page reads the entries of the keys that a query chooses, and then their lines
// by the same query: two statements, however long the page is, whose texts the
// engines prepare once.
func (r reader) page(ctx context.Context, keys, order string, args []any) ([]domain.Entry, error) {
	entries, err := query(ctx, r.tx, scanEntry, `SELECT `+entryColumns+` FROM (`+keys+`) k
		JOIN journal_entry ON organization_id = in_books AND number = numbered ORDER BY `+order, args...)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, nil
	}
	byKey := make(map[entryKey]*domain.Entry, len(entries))
	for i := range entries {
		byKey[entryKey{entries[i].OrganizationID, entries[i].Number}] = &entries[i]
	}
	postings, err := query(ctx, r.tx, scanPosting,
		`SELECT organization_id, number, account, currency, minor, fund, appeal_id, fundraiser_id, team_id, channel, item
		FROM (`+keys+`) k JOIN posting ON organization_id = in_books AND number = numbered
		ORDER BY organization_id, number, line`, args...)
	if err != nil {
		return nil, fmt.Errorf("read postings: %w", err)
	}
	for _, p := range postings {
		entry := byKey[p.entryKey]
		entry.Postings = append(entry.Postings, p.Posting)
	}
	return entries, nil
}
