package database_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

func add(t *testing.T, db *database.DB, code string, minor int64) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE fund SET minor = minor + $1 WHERE code = $2`, minor, code)
		return err
	})
	if err != nil {
		t.Error(err) // may be another goroutine's
	}
}

// A gift is written by its producer first and by its consumer then. A copy in
// which the consumer knows more than the producer is a fork.
func TestCopiesAreOfOneMoment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(service string) *database.DB {
		db := openAt(t, "sqlite:"+filepath.Join(dir, service+".db"), service, fund())
		err := db.Migrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		put(t, db, "water", 0)
		return db
	}
	producer, consumer := open("donation"), open("ledger")

	// While the consumer cannot be read, the copying stands between its two
	// snapshots, and a gift has all the time to slip in.
	release := occupyReaders(t, consumer)
	copied := make(chan error, 1)
	to := func(service string) string { return filepath.Join(dir, "copy-of-"+service+".db") }
	go func() {
		copied <- database.CopyTogether(t.Context(), []database.Copy{
			{From: producer, To: to("donation")}, {From: consumer, To: to("ledger")},
		})
	}()
	given := make(chan struct{})
	go func() {
		defer close(given)
		for range 20 {
			add(t, producer, "water", 1)
			add(t, consumer, "water", 1)
		}
	}()
	select {
	case <-given: // nobody held them up; then the sums below differ
	case <-time.After(200 * time.Millisecond):
	}
	release()
	err := <-copied
	if err != nil {
		t.Fatal(err)
	}
	<-given
	first := sum(t, openAt(t, "sqlite:"+to("donation"), "donation", fund()))
	second := sum(t, openAt(t, "sqlite:"+to("ledger"), "ledger", fund()))
	if first-second != 0 && first-second != 1 {
		t.Errorf("the copies are of two moments: the producer says %d, the consumer %d", first, second)
	}
	if sum(t, producer) != 20 || sum(t, consumer) != 20 {
		t.Error("gifts were lost for the copying")
	}
}

// occupyReaders keeps every connection that reads from a database until release.
func occupyReaders(t *testing.T, db *database.DB) (release func()) {
	t.Helper()
	hold := make(chan struct{})
	var held, done sync.WaitGroup
	for range database.SQLiteReaders {
		held.Add(1)
		done.Go(func() {
			err := db.InReadTx(t.Context(), func(context.Context, *database.Tx) error {
				held.Done()
				<-hold
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	held.Wait()
	return func() { close(hold); done.Wait() }
}

func TestACopyStandsAlone(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t, "donation", fund())
	put(t, db, "water", 500)
	to := filepath.Join(t.TempDir(), "donation.db")
	err := database.CopyTogether(t.Context(), []database.Copy{{From: db, To: to}})
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(to + "?*")
	if err != nil || len(left) > 0 {
		t.Errorf("beside the copy there is %v, %v", left, err)
	}
	info, err := os.Stat(to)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy may be read by others: %v, %v", info, err)
	}
	err = database.CopyTogether(t.Context(), []database.Copy{{From: db, To: to}})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there: %v, want it left alone", err)
	}
	if got := sum(t, openAt(t, "sqlite:"+to, "donation", fund())); got != 500 {
		t.Errorf("the copy says %d", got)
	}
	put(t, db, "food", 1) // no lock was left behind
}

func TestAServersDatabaseIsNotCopied(t *testing.T) {
	t.Parallel()
	db := testkit.PostgreSQL(t, "donation")
	err := database.CopyTogether(t.Context(), []database.Copy{{From: db, To: filepath.Join(t.TempDir(), "donation.db")}})
	if !errors.Is(err, database.ErrNotSQLite) {
		t.Errorf("got %v", err)
	}
}
