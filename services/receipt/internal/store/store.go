// Package store keeps receipts in the service's database: one SQL text for
// SQLite and PostgreSQL. It promises what the suite in app/apptest checks.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// Store implements app.Store. It is safe for concurrent use.
type Store struct{ db *database.DB }

// New returns the store in a migrated database.
func New(db *database.DB) *Store { return &Store{db: db} }

// InTx runs fn in one transaction that writes.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context, tx app.Tx) error) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return fn(ctx, Bind(tx))
	})
}

// InReadTx runs fn on one consistent snapshot.
func (s *Store) InReadTx(ctx context.Context, fn func(ctx context.Context, r app.Reader) error) error {
	return s.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return fn(ctx, Bind(tx))
	})
}

// Bind is the store inside a transaction that somebody else runs: the feed's
// consumer moves its checkpoint in the same one.
func Bind(tx *database.Tx) app.Tx { return transaction{tx} }

// transaction answers and writes inside one transaction. AfterCommit is the
// database's own.
type transaction struct{ *database.Tx }

// collect runs a query and reads each of its rows.
func collect[T any](ctx context.Context, q database.Querier, read func(scan func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var items []T
	for rows.Next() {
		item, err := read(rows.Scan)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, rows.Err()
}

// moment is a column of unix microseconds; 0 is no time.
type moment struct{ at *time.Time }

// Scan reads the column into the time.
func (m moment) Scan(value any) error {
	var micro sql.NullInt64
	err := micro.Scan(value)
	if err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	*m.at = time.Time{}
	if micro.Int64 != 0 {
		*m.at = time.UnixMicro(micro.Int64).UTC()
	}
	return nil
}

// currency is a column with the code of several amounts' currency.
type currency struct{ of []*money.Amount }

// Scan reads the column into the amounts.
func (c currency) Scan(value any) error {
	var code sql.NullString
	err := code.Scan(value)
	if err != nil {
		return fmt.Errorf("read currency: %w", err)
	}
	parsed, err := money.ParseCurrency(code.String)
	if err != nil {
		return fmt.Errorf("read currency: %w", err)
	}
	for _, amount := range c.of {
		amount.Currency = parsed
	}
	return nil
}

// address is a column with a postal address, a line each.
type address struct{ lines *[]string }

// Scan reads the column into the lines.
func (a address) Scan(value any) error {
	var text sql.NullString
	err := text.Scan(value)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	*a.lines = nil
	if text.String != "" {
		*a.lines = strings.Split(text.String, "\n")
	}
	return nil
}

// numbered is a column with the number of a receipt, or nothing.
type numbered struct{ number *domain.Number }

// Scan reads the column into the number.
func (n numbered) Scan(value any) error {
	var text sql.NullString
	err := text.Scan(value)
	if err != nil {
		return fmt.Errorf("read number: %w", err)
	}
	*n.number = domain.Number{}
	if text.String == "" {
		return nil
	}
	parsed, ok := domain.ParseNumber(text.String)
	if !ok {
		return fmt.Errorf("read number: %.40q is none", text.String)
	}
	*n.number = parsed
	return nil
}

// texts turns strings into arguments.
func texts(list []string) []any {
	args := make([]any, len(list))
	for i, text := range list {
		args[i] = text
	}
	return args
}
