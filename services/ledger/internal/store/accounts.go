package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// AccountLines returns the lines of an account after a place.
func (r reader) AccountLines(ctx context.Context, account app.AccountSpan, after app.LineCursor, limit int) ([]app.AccountLine, error) {
	after = beginning(account.Span, after)
	return query(ctx, r.tx, func(rows *sql.Rows) (app.AccountLine, error) {
		var l app.AccountLine
		err := rows.Scan(&l.Place.Day, &l.Place.Number, &l.Place.Line, &l.Rule, &l.Minor, &l.Fund, &l.Description, &l.DonationID)
		return l, err
	}, `SELECT p.booked_on, p.number, p.line, p.rule, p.minor, p.fund, e.description, e.donation_id
		FROM posting p JOIN journal_entry e ON e.organization_id = p.organization_id AND e.number = p.number
		WHERE p.organization_id = $1 AND p.account = $2 AND p.currency = $3
			AND (p.booked_on, p.number, p.line) > ($4, $5, $6) AND p.booked_on <= $7
		ORDER BY p.booked_on, p.number, p.line LIMIT $8`,
		account.OrganizationID, string(account.Account), account.Currency.Code(), after.Day, after.Number, after.Line, account.To, limit)
}

// beginning is the later of a place and the beginning of the span, which is a
// place too: with both as conditions, SQLite would start every page at the
// beginning and skip what it has given.
func beginning(span app.Span, after app.LineCursor) app.LineCursor {
	if after.Day < span.From {
		return app.LineCursor{Day: span.From}
	}
	return after
}

// AccountBalance adds up an account until a place and until its span ends, from
// the index alone and in one walk, so that every page costs the same.
func (r reader) AccountBalance(ctx context.Context, account app.AccountSpan, after app.LineCursor) (opening, closing int64, err error) {
	after = beginning(account.Span, after)
	err = r.tx.QueryRowContext(ctx, `SELECT
			CAST(COALESCE(SUM(CASE WHEN (booked_on, number, line) <= ($4, $5, $6) THEN minor ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(minor), 0) AS BIGINT)
		FROM posting WHERE organization_id = $1 AND account = $2 AND currency = $3 AND booked_on <= $7`,
		account.OrganizationID, string(account.Account), account.Currency.Code(), after.Day, after.Number, after.Line, account.To,
	).Scan(&opening, &closing)
	return opening, closing, err
}

// Currencies returns the currencies of an account, stepping from one to the next
// through the index.
func (r reader) Currencies(ctx context.Context, organizationID string, account domain.Account) ([]money.Currency, error) {
	return query(ctx, r.tx, func(rows *sql.Rows) (money.Currency, error) {
		code, err := oneText(rows)
		return knownCurrency(code), err
	}, `WITH RECURSIVE found (currency) AS (
			SELECT MIN(currency) FROM posting WHERE organization_id = $1 AND account = $2
			UNION ALL
			SELECT (SELECT MIN(p.currency) FROM posting p WHERE p.organization_id = $1 AND p.account = $2 AND p.currency > found.currency)
			FROM found WHERE found.currency IS NOT NULL
		)
		SELECT currency FROM found WHERE currency IS NOT NULL ORDER BY currency`, organizationID, string(account))
}

// Movements adds up a span's lines on the accounts of income and expenses, from
// the index alone.
func (r reader) Movements(ctx context.Context, span app.Span, rules []string) ([]app.Movement, error) {
	n := len(rules)
	return query(ctx, r.tx, func(rows *sql.Rows) (app.Movement, error) {
		var m app.Movement
		var account, currency string
		err := rows.Scan(&m.Day, &account, &currency, &m.Appeal, &m.Fund, &m.Debits, &m.Credits, &m.Credited)
		m.AccountCurrency = accountCurrency(account, currency)
		return m, err
	}, `SELECT booked_on, account, currency, appeal_id, fund,
			CAST(SUM(CASE WHEN minor > 0 THEN minor ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN minor < 0 THEN -minor ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN minor < 0 AND rule IN `+database.Placeholders(1, n)+` THEN 1 ELSE 0 END) AS BIGINT)
		FROM posting
		WHERE organization_id = `+fmt.Sprintf(`$%d AND booked_on >= $%d AND booked_on <= $%d`, n+1, n+2, n+3)+` AND account >= '4000'
		GROUP BY booked_on, account, currency, appeal_id, fund`,
		append(anyOf(rules), span.OrganizationID, span.From, span.To)...)
}

// FirstDay returns the day of the first entry by day.
func (r reader) FirstDay(ctx context.Context, organizationID string) (string, error) {
	var day string
	err := r.tx.QueryRowContext(ctx,
		`SELECT COALESCE(MIN(booked_on), '') FROM journal_entry WHERE organization_id = $1`, organizationID).Scan(&day)
	return day, err
}
