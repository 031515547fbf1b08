package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// AccountsIn returns the accounts and currencies that the entries of a span move.
func (r reader) AccountsIn(ctx context.Context, span app.Span, filter app.EntryFilter) ([]app.AccountCurrency, error) {
	var w where
	from, entry := `posting p`, "p"
	if !filter.IsEmpty() {
		// A line that the filter lets through brings the other lines of its entry.
		from, entry = `journal_entry e JOIN posting p ON p.organization_id = e.organization_id AND p.number = e.number`, "e"
	}
	w.span(entry, span)
	w.exists(entry, filter)
	return query(ctx, r.tx, func(rows *sql.Rows) (app.AccountCurrency, error) {
		var account, currency string
		err := rows.Scan(&account, &currency)
		return accountCurrency(account, currency), err
	}, `SELECT DISTINCT p.account, p.currency FROM `+from+` WHERE `+w.text()+` ORDER BY p.account, p.currency`, w.args...)
}

func accountCurrency(account, currency string) app.AccountCurrency {
	return app.AccountCurrency{Account: domain.Account(account), Currency: knownCurrency(currency)}
}

// Balances adds up every account of a span. An account that nothing has moved
// up to the last day is not there; one that only has an opening is.
func (r reader) Balances(ctx context.Context, span app.Span) ([]app.Balance, error) {
	// Sums are cast because PostgreSQL adds up BIGINT as NUMERIC; one that does
	// not fit is an error on both engines, never a wrong balance.
	return query(ctx, r.tx, func(rows *sql.Rows) (app.Balance, error) {
		var b app.Balance
		var account, currency string
		err := rows.Scan(&account, &currency, &b.Opening, &b.Debits, &b.Credits, &b.Closing)
		b.AccountCurrency = accountCurrency(account, currency)
		return b, err
	}, `SELECT account, currency,
			CAST(SUM(CASE WHEN booked_on < $2 THEN minor ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN booked_on >= $2 AND minor > 0 THEN minor ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN booked_on >= $2 AND minor < 0 THEN -minor ELSE 0 END) AS BIGINT),
			CAST(SUM(minor) AS BIGINT)
		FROM posting WHERE organization_id = $1 AND booked_on <= $3
		GROUP BY account, currency ORDER BY account, currency`, span.OrganizationID, span.From, span.To)
}

// Chained returns the organizations that are known or have anything in the
// books: postings of an organization that nobody knows must not escape.
func (r reader) Chained(ctx context.Context) ([]string, error) {
	return query(ctx, r.tx, oneText, `SELECT id FROM organization
		UNION SELECT organization_id FROM chain_head
		UNION SELECT organization_id FROM journal_entry
		UNION SELECT organization_id FROM posting
		ORDER BY 1`)
}

// StrayPosting returns the lowest number whose postings do not belong to the
// entry of that number: there is none, or the posting repeats it wrongly.
func (r reader) StrayPosting(ctx context.Context, organizationID string) (int64, error) {
	var number int64
	err := r.tx.QueryRowContext(ctx, `SELECT COALESCE(MIN(p.number), 0) FROM posting p
		LEFT JOIN journal_entry e ON e.organization_id = p.organization_id AND e.number = p.number
		WHERE p.organization_id = $1 AND (e.number IS NULL OR e.booked_on <> p.booked_on OR e.rule <> p.rule OR e.account_id <> p.account_id)`, organizationID).Scan(&number)
	return number, err
}

// Income adds up the postings of these rules on accounts from 4000 on.
func (r reader) Income(ctx context.Context, rules []string) ([]app.AccountSum, error) {
	return query(ctx, r.tx, func(rows *sql.Rows) (app.AccountSum, error) {
		var sum app.AccountSum
		var account, currency string
		err := rows.Scan(&sum.OrganizationID, &account, &currency, &sum.Minor)
		sum.AccountCurrency = accountCurrency(account, currency)
		return sum, err
	}, `SELECT organization_id, account, currency, CAST(SUM(minor) AS BIGINT) FROM posting
		WHERE account >= '4000' AND account < '5000' AND rule IN `+database.Placeholders(1, len(rules))+`
		GROUP BY organization_id, account, currency
		ORDER BY organization_id, account, currency`, anyOf(rules)...)
}

// Clearing adds up these accounts per Stripe account.
func (r reader) Clearing(ctx context.Context, accounts []domain.Account) ([]app.ClearingSum, error) {
	return query(ctx, r.tx, func(rows *sql.Rows) (app.ClearingSum, error) {
		var sum app.ClearingSum
		var account, currency string
		err := rows.Scan(&sum.AccountID, &account, &currency, &sum.Minor)
		sum.AccountCurrency = accountCurrency(account, currency)
		return sum, err
	}, `SELECT account_id, account, currency, CAST(SUM(minor) AS BIGINT) FROM posting
		WHERE account IN `+database.Placeholders(1, len(accounts))+`
		GROUP BY account_id, account, currency
		ORDER BY account_id, account, currency`, anyOf(accounts)...)
}

// Imbalance adds up all postings per currency.
func (r reader) Imbalance(ctx context.Context) ([]money.Amount, error) {
	return query(ctx, r.tx, func(rows *sql.Rows) (money.Amount, error) {
		var amount money.Amount
		var currency string
		err := rows.Scan(&currency, &amount.Minor)
		amount.Currency = knownCurrency(currency)
		return amount, err
	}, `SELECT currency, CAST(SUM(minor) AS BIGINT) FROM posting GROUP BY currency ORDER BY currency`)
}

// OpenItems adds up these accounts per item and returns what is not zero. Every
// posting on them names its item, or it could not have been drafted.
func (r reader) OpenItems(ctx context.Context, accounts []domain.Account) ([]app.OpenItem, error) {
	return query(ctx, r.tx, func(rows *sql.Rows) (app.OpenItem, error) {
		var item app.OpenItem
		var account, currency string
		err := rows.Scan(&item.OrganizationID, &account, &currency, &item.Item, &item.Minor)
		item.AccountCurrency = accountCurrency(account, currency)
		return item, err
	}, `SELECT organization_id, account, currency, item, CAST(SUM(minor) AS BIGINT) FROM posting
		WHERE item <> '' AND account IN `+database.Placeholders(1, len(accounts))+`
		GROUP BY organization_id, account, currency, item HAVING SUM(minor) <> 0
		ORDER BY organization_id, account, currency, item`, anyOf(accounts)...)
}

// OpenAges counts what OpenItems would return, by account.
func (r reader) OpenAges(ctx context.Context, accounts []domain.Account) ([]app.OpenAge, error) {
	return query(ctx, r.tx, func(rows *sql.Rows) (app.OpenAge, error) {
		var open app.OpenAge
		var account string
		var since int64
		err := rows.Scan(&account, &open.Items, &since)
		open.Account, open.Oldest = domain.Account(account), time.UnixMicro(since).UTC()
		return open, err
	}, `WITH open (account, organization_id, number) AS (
			SELECT account, organization_id, MIN(number) FROM posting
			WHERE item <> '' AND account IN `+database.Placeholders(1, len(accounts))+`
			GROUP BY organization_id, account, currency, item HAVING SUM(minor) <> 0
		) SELECT open.account, COUNT(*), MIN(e.posted_at) FROM open
		JOIN journal_entry e ON e.organization_id = open.organization_id AND e.number = open.number
		GROUP BY open.account ORDER BY open.account`, anyOf(accounts)...)
}

// SumPostings adds up a stretch of an organization's journal by currency.
func (r reader) SumPostings(ctx context.Context, organizationID string, above, upTo int64) ([]money.Amount, error) {
	return query(ctx, r.tx, func(rows *sql.Rows) (money.Amount, error) {
		var amount money.Amount
		var currency string
		err := rows.Scan(&currency, &amount.Minor)
		amount.Currency = knownCurrency(currency)
		return amount, err
	}, `SELECT currency, CAST(SUM(minor) AS BIGINT) FROM posting
		WHERE organization_id = $1 AND number > $2 AND number <= $3 GROUP BY currency ORDER BY currency`, organizationID, above, upTo)
}
