// Package store keeps the books in SQLite or PostgreSQL, with one SQL text for
// both. It adds a batch with one statement per table, never changes or removes
// a row of the journal, and answers from one snapshot.
package store

import (
	"context"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/ledger/internal/app"
)

// Store implements app.Store. It is safe for concurrent use.
type Store struct {
	db *database.DB
}

// New returns the store of a migrated database.
func New(db *database.DB) *Store { return &Store{db: db} }

// InReadTx runs fn on one consistent snapshot.
func (s *Store) InReadTx(ctx context.Context, fn func(ctx context.Context, r app.Reader) error) error {
	return s.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return fn(ctx, reader{tx})
	})
}

// Bind makes a running transaction one that the use cases can write with, so
// that their effect commits together with what else is in it.
func Bind(tx *database.Tx) app.Tx { return writer{tx} }

// reader implements app.Reader in one transaction.
type reader struct {
	tx *database.Tx
}

// writer implements app.Tx in one transaction.
type writer struct {
	tx *database.Tx
}

// AfterCommit runs hook once the transaction is durable.
func (w writer) AfterCommit(hook func()) { w.tx.AfterCommit(hook) }
