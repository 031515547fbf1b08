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
		}, nil)
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
	err := database.CopyTogether(t.Context(), []database.Copy{{From: db, To: to}}, nil)
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
	err = database.CopyTogether(t.Context(), []database.Copy{{From: db, To: to}}, nil)
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
	err := database.CopyTogether(t.Context(), []database.Copy{{From: db, To: filepath.Join(t.TempDir(), "donation.db")}}, nil)
	if !errors.Is(err, database.ErrNotSQLite) {
		t.Errorf("got %v", err)
	}
}

// Totals that are made again hold the write lock for minutes. A copy waits for them,
// says so, and keeps nobody else waiting.
func TestACopyWaitsForALongWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(service string) string { return "sqlite:" + filepath.Join(dir, service+".db") }
	open := func(service string) *database.DB {
		db := openAt(t, at(service), service, fund())
		err := db.Migrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		put(t, db, "water", 0)
		return db
	}
	donation, fundraiser := open("donation"), open("fundraiser")
	begun, end, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	// Of another process: its connections are its own.
	elsewhere := openAt(t, at("fundraiser"), "fundraiser", fund())
	go func() {
		written <- elsewhere.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE fund SET minor = 25_00`)
			close(begun)
			<-end
			return err
		})
	}()
	<-begun
	waits, copied := make(chan string, 100), make(chan error, 1)
	to := func(service string) string { return filepath.Join(dir, "copy-of-"+service+".db") }
	go func() {
		copied <- database.CopyTogether(t.Context(), []database.Copy{
			{From: donation, To: to("donation")}, {From: fundraiser, To: to("fundraiser")},
		}, func(service string) {
			select {
			case waits <- service:
			default: // it has been said often enough
			}
		})
	}()
	if service := <-waits; service != "fundraiser" {
		t.Errorf("it waits for %s", service)
	}
	add(t, openAt(t, at("donation"), "donation", fund()), "water", 10_00) // a gift comes in meanwhile
	close(end)
	err := errors.Join(<-written, <-copied)
	if err != nil {
		t.Fatal(err)
	}
	if got := sum(t, openAt(t, "sqlite:"+to("fundraiser"), "fundraiser", fund())); got != 25_00 {
		t.Errorf("the copy says %d, the write that it waited for 2500", got)
	}
	put(t, fundraiser, "food", 1) // no lock was left behind

	// Who is told to stop does not wait.
	stopped, stop := context.WithCancel(t.Context())
	stop()
	err = database.CopyTogether(stopped, []database.Copy{{From: donation, To: to("nobody")}}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
