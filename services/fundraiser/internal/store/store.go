// Package store keeps the fundraiser service's tables in SQLite or PostgreSQL,
// with one SQL text for both. What it promises is written as tests in package
// apptest.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// Store is an app.Store. It is safe for use by several goroutines.
type Store struct {
	db  *database.DB
	log *feed.Log
	// changed holds at most one signal: "catalogue or totals changed".
	changed chan struct{}
}

// New returns a store that appends the service's events to log.
func New(db *database.DB, log *feed.Log) *Store {
	return &Store{db: db, log: log, changed: make(chan struct{}, 1)}
}

// InTx is app.Store's.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context, tx app.Tx) error) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return fn(ctx, s.Bind(tx))
	})
}

// InReadTx is app.Store's.
func (s *Store) InReadTx(ctx context.Context, fn func(ctx context.Context, tx app.Reader) error) error {
	return s.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return fn(ctx, s.Bind(tx))
	})
}

// Bind lets use cases run in a transaction that somebody else began, such as
// the consumer's, whose checkpoint then commits with the effect.
func (s *Store) Bind(tx *database.Tx) app.Tx { return &boundTx{tx: tx, log: s.log, signal: s.signal} }

type boundTx struct {
	tx     *database.Tx
	log    *feed.Log
	signal func() // after a commit that changed catalogue or totals
	// catalogueRevision is what this transaction raised it to, 0 if it did not.
	catalogueRevision int64
}

// Append is app.Tx's.
func (t *boundTx) Append(ctx context.Context, events ...envelope.Event) error {
	return t.log.Append(ctx, t.tx, events...)
}

// scanner is a row or rows.
type scanner interface{ Scan(into ...any) error }

// one reads the first row; false if there is none.
func one[T any](row *sql.Row, scan func(scanner) (T, error)) (T, bool, error) {
	found, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return *new(T), false, nil
	}
	return found, err == nil, err
}

// all reads every row and closes rows.
func all[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var found []T
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

// list is a JSON list in a text column. The database never looks inside.
type list[T any] struct{ items *[]T }

// Scan reads the column.
func (l list[T]) Scan(column any) error {
	text, ok := column.(string)
	if !ok {
		return fmt.Errorf("read list: the column holds %T", column)
	}
	err := json.Unmarshal([]byte(text), l.items)
	if err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	return nil
}

// encode writes a list; nil and empty are the same.
func encode[T any](items []T) string {
	if len(items) == 0 {
		return "null"
	}
	// Strings and integers always encode.
	text, _ := json.Marshal(items)
	return string(text)
}

// micros is a time as it is kept: unix microseconds, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
