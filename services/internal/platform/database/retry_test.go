package database_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestTheRetrySetIsRunAgainAndNothingElse(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t, "donation", fund())
	for code, runs := range map[string]int{
		"40001": 5, "40P01": 5, "55P03": 5,
		"23505": 1, "23514": 1, "42601": 1, "22003": 1,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			ran := 0
			err := db.InTx(t.Context(), func(context.Context, *database.Tx) error {
				ran++
				return fmt.Errorf("book the gift: %w", &pgconn.PgError{Code: code})
			})
			if ran != runs || err == nil {
				t.Errorf("run %d times, want %d; error %v", ran, runs, err)
			}
		})
	}
}

func TestARunAfterAFailureStartsAfresh(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, db *database.DB) {
		ran, hooks := 0, 0
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			ran++
			tx.AfterCommit(func() { hooks++ })
			_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', 100)`)
			if err != nil {
				return err
			}
			if ran < 3 {
				return &pgconn.PgError{Code: "40001"}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if sum(t, db) != 100 || hooks != 1 {
			t.Errorf("after three runs the sum is %d, hooks ran %d times", sum(t, db), hooks)
		}
	})
}

func TestADeadContextIsNotRetried(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t, "donation", fund())
	ctx, cancel := context.WithCancel(t.Context())
	ran := 0
	err := db.InTx(ctx, func(context.Context, *database.Tx) error {
		ran++
		cancel()
		return &pgconn.PgError{Code: "40001"}
	})
	if ran != 1 || err == nil {
		t.Errorf("run %d times, %v", ran, err)
	}
}

// Two transactions lock two rows in opposite order: PostgreSQL ends one of them,
// and it is run again.
func TestADeadlockEndsWell(t *testing.T) {
	t.Parallel()
	db := testkit.PostgreSQL(t, "donation", fund())
	put(t, db, "water", int64(0), "school", int64(0))
	firstHasWater, secondHasSchool := make(chan struct{}), make(chan struct{})
	give := func(mine, other string, has, wait chan struct{}) error {
		ran := 0
		return db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			ran++
			_, err := tx.ExecContext(ctx, `UPDATE fund SET minor = minor + 1 WHERE code = $1`, mine)
			if err != nil {
				return err
			}
			if ran == 1 {
				close(has)
				<-wait
			}
			_, err = tx.ExecContext(ctx, `UPDATE fund SET minor = minor + 1 WHERE code = $1`, other)
			return err
		})
	}
	second := make(chan error)
	go func() { second <- give("school", "water", secondHasSchool, firstHasWater) }()
	err := errors.Join(give("water", "school", firstHasWater, secondHasSchool), <-second)
	if err != nil {
		t.Fatal(err)
	}
	if sum(t, db) != 4 {
		t.Errorf("sum is %d, want 4", sum(t, db))
	}
}

// The server ends the session between the statement and the commit, as a
// restart does: nobody knows what happened, and the whole is run again.
func TestALostConnectionIsRunAgain(t *testing.T) {
	t.Parallel()
	db := testkit.PostgreSQL(t, "donation", fund())
	ran := 0
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		ran++
		var pid int
		err := tx.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&pid)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', 100)`)
		if err != nil || ran > 1 {
			return err
		}
		return db.InReadTx(context.WithoutCancel(t.Context()), func(ctx context.Context, other *database.Tx) error {
			_, err := other.ExecContext(ctx, `SELECT pg_terminate_backend($1, 5000)`, pid)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if ran != 2 || sum(t, db) != 100 {
		t.Errorf("run %d times, sum %d", ran, sum(t, db))
	}
}

// An operator's command and the service write to one SQLite file. Whoever comes
// second waits and is not refused.
func TestTwoProcessesShareAnSQLiteFile(t *testing.T) {
	t.Parallel()
	at := "sqlite:" + filepath.Join(t.TempDir(), "shared.db")
	service, operator := openAt(t, at, "fundraiser", fund()), openAt(t, at, "fundraiser", fund())
	err := service.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	holding, done := make(chan struct{}), make(chan error)
	go func() {
		<-holding
		done <- operator.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('school', 1)`)
			return err
		})
	}()
	err = service.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		close(holding)
		select { // long enough for the other one to be turned away, if it were
		case err := <-done:
			return fmt.Errorf("the operator did not wait: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('water', 1)`)
		return err
	})
	err = errors.Join(err, <-done)
	if err != nil {
		t.Fatal(err)
	}
	if sum(t, service) != 2 {
		t.Errorf("sum is %d", sum(t, service))
	}
}
