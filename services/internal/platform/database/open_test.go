package database_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// urls names a new, empty database on each engine.
func urls(t *testing.T) map[string]func(t *testing.T) string {
	t.Helper()
	return map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "a.db") },
		"postgres": func(t *testing.T) string { return testkit.PostgreSQLURL(t) },
	}
}

func openAt(t *testing.T, url, service string, sets ...database.MigrationSet) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: url, Service: service, Migrations: sets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func pending(t *testing.T, db *database.DB) bool {
	t.Helper()
	is, err := db.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return is
}

func TestOpeningDoesNotMigrate(t *testing.T) {
	t.Parallel()
	for name, url := range urls(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := url(t)
			db := openAt(t, at, "fundraiser", fund())
			if !pending(t, db) {
				t.Error("a new database has nothing pending")
			}
			if err := db.Ready(t.Context()); apperr.CodeOf(err) != apperr.FailedPrecondition {
				t.Errorf("a database without tables is ready: %v", err)
			}
			for range 2 { // the second time changes nothing
				err := db.Migrate(t.Context())
				if err != nil {
					t.Fatal(err)
				}
			}
			if pending(t, db) {
				t.Error("still pending after the migration")
			}
			if err := db.Ready(t.Context()); err != nil {
				t.Errorf("a migrated database is not ready: %v", err)
			}
			_ = db.Close()
			if err := db.Ready(t.Context()); apperr.CodeOf(err) != apperr.Unavailable {
				t.Errorf("a database that is gone is ready: %v", err)
			}
			db = openAt(t, at, "fundraiser", fund())
			put(t, db, "water", int64(1))
		})
	}
}

func TestSetsHaveHistoriesOfTheirOwn(t *testing.T) {
	t.Parallel()
	for name, url := range urls(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := url(t)
			err := openAt(t, at, "fundraiser", fund()).Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			page := database.MigrationSet{Name: "page", FS: fstest.MapFS{
				"sqlite/0001_init.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE page (slug TEXT PRIMARY KEY) STRICT;\n")},
				"postgres/0001_init.sql": {Data: []byte("-- +goose Up\nCREATE TABLE page (slug TEXT PRIMARY KEY);\n")},
			}}
			newer := openAt(t, at, "fundraiser", fund(), page)
			if !pending(t, newer) {
				t.Error("the second set, also starting at 0001, counts as applied")
			}
			err = newer.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if pending(t, newer) {
				t.Error("still pending")
			}
		})
	}
}

func TestAnotherServicesDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, url := range urls(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := url(t)
			err := openAt(t, at, "ledger").Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = database.Open(t.Context(), database.Config{URL: at, Service: "receipt"})
			if err == nil || !strings.Contains(err.Error(), "belongs to ledger, not to receipt") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOfTwoClaimsAtOnceOneWins(t *testing.T) {
	t.Parallel()
	for name, url := range urls(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := url(t)
			ledger, receipt := openAt(t, at, "ledger"), openAt(t, at, "receipt")
			var wg sync.WaitGroup
			var errs [2]error
			for i, db := range []*database.DB{ledger, receipt} {
				wg.Go(func() { errs[i] = db.Migrate(t.Context()) })
			}
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("ledger got %v, receipt got %v", errs[0], errs[1])
			}
		})
	}
}

func TestProcessesMigrateTogether(t *testing.T) {
	t.Parallel()
	for name, url := range urls(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := url(t)
			var wg sync.WaitGroup
			for range 3 {
				db := openAt(t, at, "fundraiser", fund())
				wg.Go(func() {
					err := db.Migrate(t.Context())
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestAWrongURLIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "sqlite:", "sqlite::memory:", "mysql://root:hunter2@db/ledger",
		"postgres://ledger:hunter2@127.0.0.1:notaport/ledger",
		"sqlite:" + filepath.Join(t.TempDir(), "missing", "ledger.db"),
	} {
		_, err := database.Open(t.Context(), database.Config{URL: url, Service: "ledger"})
		if err == nil {
			t.Errorf("%q was opened", url)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in %q", err)
		}
	}
}

// An administrator made transactions repeatable reads by default. Who waited for a
// lock must see what its holder did all the same.
func TestWhoWaitedForALockSeesWhatWasDone(t *testing.T) {
	t.Parallel()
	address := testkit.PostgreSQLURL(t)
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	db, err := database.Open(t.Context(), database.Config{
		URL:     address + separator + "default_transaction_isolation=repeatable%20read",
		Service: "donation", Migrations: []database.MigrationSet{fund()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, "water", int64(100))
	err = db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		var before, after int64
		err := tx.QueryRowContext(ctx, `SELECT minor FROM fund WHERE code = 'water'`+tx.ForUpdate()).Scan(&before)
		if err != nil {
			return err
		}
		put(t, db, "school", int64(50)) // another connection commits meanwhile
		err = tx.QueryRowContext(ctx, `SELECT CAST(SUM(minor) AS BIGINT) FROM fund`).Scan(&after)
		if before != 100 || after != 150 {
			t.Errorf("saw %d, then %d", before, after)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
