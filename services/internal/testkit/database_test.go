package testkit_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// drawer is a set of migrations that makes one table.
func drawer(table string) database.MigrationSet {
	return database.MigrationSet{Name: "drawer", FS: fstest.MapFS{
		"sqlite/0001_init.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE " + table + " (id TEXT PRIMARY KEY) STRICT;\n")},
		"postgres/0001_init.sql": {Data: []byte("-- +goose Up\nCREATE TABLE " + table + " (id TEXT PRIMARY KEY);\n")},
	}, Grants: database.Grants{table: "INSERT"}}
}

// Databases are copied from one that was migrated once: a copy is what its own
// migrations make, and nobody else writes into it.
func TestACopyIsWhatItsMigrationsMake(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"coin", "note", "coin"} {
		testkit.EachEngine(t, "ledger", []database.MigrationSet{drawer(table)}, func(t *testing.T, db *database.DB) {
			err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO "+table+" VALUES ('one')")
				return err
			})
			if err != nil {
				t.Errorf("the first %s: %v", table, err)
			}
			// It is as good as migrated: nothing is done again.
			err = testkit.Owner(t, db, drawer(table)).Migrate(t.Context())
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// What a service may do is part of its migrations, and differs between copies as they do.
func TestACopyHasTheRightsOfItsOwnMigrations(t *testing.T) {
	t.Parallel()
	for _, may := range []string{"SELECT, INSERT", "SELECT"} {
		set := drawer("coin")
		set.Grants = database.Grants{"coin": may}
		db := testkit.PostgreSQL(t, "ledger", set)
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO coin VALUES ('one')")
			return err
		})
		if (err == nil) != (may == "SELECT, INSERT") {
			t.Errorf("with %s: %v", may, err)
		}
	}
}
