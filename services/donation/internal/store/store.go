// Package store keeps the donation service's rows, in one SQL text for both
// engines. It decides nothing: rules are in domain, order and locks in app.
package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// Store is the app's Store on a database. It is safe for concurrent use.
type Store struct {
	db  *database.DB
	log *feed.Log
}

// New binds the store to the service's own database and event log.
func New(db *database.DB, log *feed.Log) *Store { return &Store{db: db, log: log} }

// InTx runs fn in a transaction that may write.
func (s *Store) InTx(ctx context.Context, fn func(context.Context, app.Tx) error) error {
	return s.db.InTx(ctx, func(ctx context.Context, t *database.Tx) error {
		return fn(ctx, &tx{Tx: t, log: s.log})
	})
}

// InReadTx runs fn on one consistent snapshot.
func (s *Store) InReadTx(ctx context.Context, fn func(context.Context, app.Tx) error) error {
	return s.db.InReadTx(ctx, func(ctx context.Context, t *database.Tx) error {
		return fn(ctx, &tx{Tx: t, log: s.log})
	})
}

// tx is the app's Tx on one of the database's.
type tx struct {
	*database.Tx
	log *feed.Log
}

// AppendEvents writes events into the service's log.
func (t *tx) AppendEvents(ctx context.Context, events ...envelope.Event) error {
	return t.log.Append(ctx, t.Tx, events...)
}

// EventPosition is 0 for an event that has no position yet, or does not exist.
func (t *tx) EventPosition(ctx context.Context, eventID string) (int64, error) {
	pos, err := t.log.Position(ctx, t.Tx, eventID)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return pos, err
}

// SalvagedEvent reads what an operator's recovery kept.
func (t *tx) SalvagedEvent(ctx context.Context, eventType, aggregateID string) (envelope.Event, error) {
	event, err := t.log.Salvaged(ctx, t.Tx, eventType, aggregateID)
	if errors.Is(err, sql.ErrNoRows) {
		return envelope.Event{}, app.ErrNone
	}
	return event, err
}

// FeedStatus reads the log in the caller's snapshot, so that sums and head are
// true at the same moment.
func (t *tx) FeedStatus(ctx context.Context) (head, unsequenced int64, err error) {
	status, err := t.log.StatusIn(ctx, t.Tx)
	return status.Head, status.Unsequenced, err
}

// all runs a query and reads every row with scan.
func all[T any](ctx context.Context, t *tx, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// one is all for a query that finds at most one row; app.ErrNone without it.
func one[T any](ctx context.Context, t *tx, scan func(row) (T, error), query string, args ...any) (T, error) {
	found, err := scan(t.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return found, app.ErrNone
	}
	return found, err
}

type row interface{ Scan(...any) error }

func scanText(r row) (string, error) {
	var text string
	err := r.Scan(&text)
	return text, err
}

func scanNumber(r row) (int64, error) {
	var number int64
	err := r.Scan(&number)
	return number, err
}

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}

func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

func setOf[T comparable](list []T) map[T]bool {
	set := make(map[T]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return set
}

// allIn is all for a list of keys, a piece at a time. text makes the query for so
// many keys, which are its first values; the others follow.
func allIn[T, K any](ctx context.Context, t *tx, scan func(row) (T, error), keys []K, text func(count int) string, others ...any) ([]T, error) {
	var list []T
	for piece := range database.Pieces(keys) {
		found, err := all(ctx, t, scan, text(len(piece)), append(anys(piece), others...)...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// unindexed is a column in a form that no engine looks up in an index. Rows that are
// found by a key are looked at for their state; an index of all rows in that state
// would be walked from one end to the other.
func unindexed(column string) string { return "(" + column + " || '')" }

// in is the list of an IN, from $first on.
func in(count, first int) string {
	var list strings.Builder
	for i := range count {
		list.WriteString(",$")
		list.WriteString(strconv.Itoa(first + i))
	}
	return "(" + strings.TrimPrefix(list.String(), ",") + ")"
}
