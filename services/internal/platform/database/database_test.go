package database_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fund is a small table of the field: funds and what was given to them.
func fund() database.MigrationSet {
	return database.MigrationSet{Name: "fund", FS: fstest.MapFS{
		"sqlite/0001_init.sql": {Data: []byte(`-- +goose Up
CREATE TABLE fund (code TEXT PRIMARY KEY, minor INTEGER NOT NULL) STRICT;
`)},
		"postgres/0001_init.sql": {Data: []byte(`-- +goose Up
CREATE TABLE fund (code TEXT COLLATE "C" PRIMARY KEY, minor BIGINT NOT NULL);
`)},
	}, Grants: database.Grants{"fund": "SELECT, INSERT, UPDATE"}}
}

func eachEngine(t *testing.T, fn func(t *testing.T, db *database.DB)) {
	t.Helper()
	testkit.EachEngine(t, "fundraiser", []database.MigrationSet{fund()}, fn)
}

// put writes funds with one statement and fails the test when that fails.
func put(t *testing.T, db *database.DB, funds ...any) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES `+database.Placeholders(len(funds)/2, 2), funds...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sum(t *testing.T, db *database.DB) (minor int64) {
	t.Helper()
	err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(minor), 0) AS BIGINT) FROM fund`).Scan(&minor)
	})
	if err != nil {
		t.Fatal(err)
	}
	return minor
}

func TestWhatFailsLeavesNoTrace(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		refused := errors.New("refused")
		hooked := false
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.AfterCommit(func() { hooked = true })
			_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', 100)`)
			if err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		if sum(t, db) != 0 || hooked {
			t.Errorf("sum %d, hook run: %v", sum(t, db), hooked)
		}
	})
}

func TestAPanicRollsBack(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		func() {
			defer func() { _ = recover() }()
			_ = db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, _ = tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', 100)`)
				panic("a bug in a handler")
			})
		}()
		put(t, db, "school", int64(7)) // on SQLite this would hang if the writer were still held
		if sum(t, db) != 7 {
			t.Errorf("sum is %d", sum(t, db))
		}
	})
}

func TestHooksRunOnceAfterTheCommit(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		var seen []int64
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.AfterCommit(func() { seen = append(seen, sum(t, db)) })
			undone := tx.Savepoint(ctx, func(context.Context) error {
				tx.AfterCommit(func() { seen = append(seen, -1) })
				return errors.New("undone")
			})
			if undone == nil {
				return errors.New("the savepoint hid its error")
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', 100)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) != 1 || seen[0] != 100 {
			t.Errorf("hooks saw %v, want the committed 100, once", seen)
		}
	})
}

func TestASavepointUndoesOnlyItself(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		put(t, db, "water", int64(100))
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE fund SET minor = minor + 1`)
			if err != nil {
				return err
			}
			err = tx.Savepoint(ctx, func(ctx context.Context) error {
				// A nested one that succeeds goes down with the outer one.
				err := tx.Savepoint(ctx, func(ctx context.Context) error {
					_, err := tx.ExecContext(ctx, `UPDATE fund SET minor = minor + 10`)
					return err
				})
				if err != nil {
					return err
				}
				_, err = tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', 5)`)
				return err
			})
			if !database.IsUniqueViolation(err) {
				t.Errorf("the doubled code gave %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if sum(t, db) != 101 {
			t.Errorf("sum is %d, want 101", sum(t, db))
		}
	})
}

func TestUniqueViolationIsOnlyThat(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', NULL)`)
			return err
		})
		if err == nil || database.IsUniqueViolation(err) || !database.IsRefused(err) {
			t.Errorf("a missing amount gave %v", err)
		}
	})
}

func TestATransactionInsideATransactionIsRefused(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		err := db.InTx(t.Context(), func(ctx context.Context, _ *database.Tx) error {
			return db.InTx(ctx, func(context.Context, *database.Tx) error { return nil })
		})
		if err == nil || !strings.Contains(err.Error(), "inside a transaction") {
			t.Errorf("got %v, on SQLite it would have waited for itself", err)
		}
	})
}

func TestAReadTransactionCannotWrite(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', 1)`)
			return err
		})
		if err == nil {
			t.Error("it wrote")
		}
	})
}

func TestAReadTransactionSeesOneMoment(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		put(t, db, "water", int64(100))
		err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			var before, after int64
			err := tx.QueryRowContext(ctx, `SELECT minor FROM fund`).Scan(&before)
			if err != nil {
				return err
			}
			put(t, db, "school", int64(50)) // another connection commits meanwhile
			err = tx.QueryRowContext(ctx, `SELECT CAST(SUM(minor) AS BIGINT) FROM fund`).Scan(&after)
			if before != 100 || after != 100 {
				t.Errorf("saw %d, then %d", before, after)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestWritersDoNotLoseUpdates(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		put(t, db, "water", int64(0))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
						var minor int64
						err := tx.QueryRowContext(ctx, `SELECT minor FROM fund WHERE code = $1`+tx.ForUpdate(), "water").Scan(&minor)
						if err != nil {
							return err
						}
						_, err = tx.ExecContext(ctx, `UPDATE fund SET minor = $1 WHERE code = $2`, minor+1, "water")
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if sum(t, db) != 80 {
			t.Errorf("sum is %d after 80 additions of 1", sum(t, db))
		}
	})
}

func TestOneStatementUpdatesManyRows(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		put(t, db, "water", int64(100), "school", int64(200), "food", int64(300))
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `WITH v(code, d) AS (VALUES `+database.CastPlaceholders(2, "TEXT", "BIGINT")+`)
				UPDATE fund SET minor = minor + v.d FROM v WHERE fund.code = v.code`,
				"water", int64(11), "food", int64(-22))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if sum(t, db) != 589 {
			t.Errorf("sum is %d", sum(t, db))
		}
	})
}

func TestALockIsHeldByOne(t *testing.T) {
	t.Parallel()
	db := testkit.PostgreSQL(t, "donation")
	first, err := db.TryLock(t.Context(), "relay donation")
	if err != nil || first == nil {
		t.Fatalf("got %v, %v", first, err)
	}
	second, err := db.TryLock(t.Context(), "relay donation")
	if err != nil || second != nil {
		t.Fatalf("a second one got %v, %v", second, err)
	}
	err = first.Check(t.Context())
	if err != nil {
		t.Error(err)
	}
	first.Release()
	second, err = db.TryLock(t.Context(), "relay donation")
	if err != nil || second == nil {
		t.Fatalf("after its release: %v, %v", second, err)
	}
	second.Release()
}

func TestSQLiteFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	// A folder name that would be cut off if the path were not escaped.
	dir := filepath.Join(t.TempDir(), "50%? of #1")
	err := os.Mkdir(dir, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "donation.db")
	db, err := database.Open(t.Context(), database.Config{URL: "sqlite:" + path, Service: "donation", Migrations: []database.MigrationSet{fund()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(file), info.Mode())
		}
	}
}

func TestSQLiteIsDurable(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t, "donation")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
			var got string
			err := tx.QueryRowContext(ctx, `PRAGMA `+pragma).Scan(&got)
			if err != nil || got != want {
				t.Errorf("%s is %q, want %q (%v)", pragma, got, want, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
