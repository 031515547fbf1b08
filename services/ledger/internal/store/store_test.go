package store_test

import (
	"context"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/app/apptest"
	"github.com/almoner/almoner/services/ledger/internal/store"
	"github.com/almoner/almoner/services/ledger/migrations"
)

func sets() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

// unguard lists what takes the guards off the journal, per engine.
var unguard = map[database.Engine][]string{
	database.SQLite: {
		`DROP TRIGGER journal_entry_no_update`, `DROP TRIGGER journal_entry_no_delete`,
		`DROP TRIGGER posting_no_update`, `DROP TRIGGER posting_no_delete`,
	},
	database.PostgreSQL: {
		`DROP TRIGGER journal_entry_no_change ON journal_entry`, `DROP TRIGGER posting_no_change ON posting`,
	},
}

func books(t testing.TB, db *database.DB) apptest.Books {
	t.Helper()
	// The guards hold against the owner of the tables, too; the service's own role
	// does not even come to them.
	owner := testkit.Owner(t, db)
	exec := func(ctx context.Context, statement string, args ...any) error {
		return owner.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, statement, args...)
			return err
		})
	}
	return apptest.Books{
		Store: store.New(db),
		InTx: func(ctx context.Context, fn func(ctx context.Context, tx app.Tx) error) error {
			return db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return fn(ctx, store.Bind(tx)) })
		},
		Exec: exec,
		Unguard: func(t *testing.T) {
			t.Helper()
			for _, statement := range unguard[db.Engine()] {
				err := exec(t.Context(), statement)
				if err != nil {
					t.Fatal(err)
				}
			}
		},
	}
}

func TestOnSQLite(t *testing.T) {
	t.Parallel()
	apptest.Run(t, func(t *testing.T) apptest.Books { return books(t, testkit.SQLite(t, "ledger", sets()...)) })
}

func TestOnPostgreSQL(t *testing.T) {
	t.Parallel()
	apptest.Run(t, func(t *testing.T) apptest.Books { return books(t, testkit.PostgreSQL(t, "ledger", sets()...)) })
}
