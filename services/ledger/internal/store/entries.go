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
func (r reader) Entries(ctx context.Context, filter app.EntryFilter) ([]domain.Entry, error) {
	conditions, args := []string{"number > $1"}, []any{filter.After}
	restrict := func(column, value string) {
		if value != "" {
			args = append(args, value)
			conditions = append(conditions, fmt.Sprintf("%s = $%d", column, len(args)))
		}
	}
	restrict("organization_id", filter.OrganizationID)
	restrict("donation_id", filter.DonationID)
	if filter.DonationID != "" {
		// Says what the index on donations is restricted to, or it is not used.
		conditions = append(conditions, "donation_id <> ''")
	}
	args = append(args, filter.Limit)
	return r.page(ctx, fmt.Sprintf(`%s ORDER BY organization_id, number LIMIT $%d`, strings.Join(conditions, " AND "), len(args)), args)
}

// EntriesByDay returns entries of a span ordered by booking day and number.
func (r reader) EntriesByDay(ctx context.Context, span app.Span, after app.DayCursor, limit int) ([]domain.Entry, error) {
	// The span's beginning is a cursor too. With both as conditions, SQLite
	// would start every page at the beginning and skip what it has given.
	if after.Day < span.From {
		after = app.DayCursor{Day: span.From, Number: 0}
	}
	return r.page(ctx, `organization_id = $1 AND (booked_on, number) > ($2, $3) AND booked_on <= $4 AND number <= $5
		ORDER BY booked_on, number LIMIT $6`,
		[]any{span.OrganizationID, after.Day, after.Number, span.To, span.Until, limit})
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

// page reads the entries that condition (with its order and limit) chooses, and
// then their lines by the same condition: two statements, however long the page
// is, whose texts the engines prepare once.
func (r reader) page(ctx context.Context, condition string, args []any) ([]domain.Entry, error) {
	entries, err := query(ctx, r.tx, scanEntry, `SELECT `+entryColumns+` FROM journal_entry WHERE `+condition, args...)
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
		`SELECT p.organization_id, p.number, p.account, p.currency, p.minor, p.fund, p.appeal_id, p.fundraiser_id, p.team_id, p.channel, p.item
		FROM (SELECT organization_id, number FROM journal_entry WHERE `+condition+`) e
		JOIN posting p ON p.organization_id = e.organization_id AND p.number = e.number
		ORDER BY p.organization_id, p.number, p.line`, args...)
	if err != nil {
		return nil, fmt.Errorf("read postings: %w", err)
	}
	for _, p := range postings {
		entry := byKey[p.entryKey]
		entry.Postings = append(entry.Postings, p.Posting)
	}
	return entries, nil
}
