package testkit

import (
	"path/filepath"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// SQLite returns a migrated database in the test's temporary folder, closed
// when the test ends.
func SQLite(t testing.TB, service string, sets ...database.MigrationSet) *database.DB {
	t.Helper()
	return open(t, database.Config{
		URL:        "sqlite:" + filepath.Join(t.TempDir(), service+".db"),
		Service:    service,
		Migrations: sets,
	})
}

// PostgreSQL returns a migrated database of its own in the throwaway cluster.
// See PostgreSQLURL for what happens without PostgreSQL.
func PostgreSQL(t testing.TB, service string, sets ...database.MigrationSet) *database.DB {
	t.Helper()
	return open(t, database.Config{URL: PostgreSQLURL(t), Service: service, Migrations: sets})
}

// EachEngine runs fn on SQLite and on PostgreSQL, each time with a database of
// its own, as parallel subtests.
func EachEngine(t *testing.T, service string, sets []database.MigrationSet, fn func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, SQLite(t, service, sets...))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, PostgreSQL(t, service, sets...))
	})
}

func open(t testing.TB, cfg database.Config) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := db.Close()
		if err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return db
}
