package store_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/app/apptest"
	"github.com/almoner/almoner/services/donation/internal/store"
	"github.com/almoner/almoner/services/donation/migrations"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

func sets() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

func on(db *database.DB) app.Store { return store.New(db, feed.NewLog(db, "donation")) }

func TestStoreOnSQLite(t *testing.T) {
	t.Parallel()
	apptest.Conform(t, func(t *testing.T) app.Store { return on(testkit.SQLite(t, "donation", sets()...)) })
}

func TestStoreOnPostgreSQL(t *testing.T) {
	t.Parallel()
	apptest.Conform(t, func(t *testing.T) app.Store { return on(testkit.PostgreSQL(t, "donation", sets()...)) })
}

func TestBothEnginesHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	names := func(engine string) []string {
		entries, err := os.ReadDir("../../migrations/" + engine)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}
	if !slices.Equal(names("sqlite"), names("postgres")) {
		t.Errorf("SQLite has %v, PostgreSQL %v", names("sqlite"), names("postgres"))
	}
}

// A database that had webhooks waiting before the list of what is due was made.
func TestWhatWasPendingBeforeIsStillDue(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { pendingBefore(t, "sqlite:"+t.TempDir()+"/donation.db") })
	t.Run("postgres", func(t *testing.T) { pendingBefore(t, testkit.PostgreSQLURL(t)) })
}

// upTo are the migrations of an earlier version.
func upTo(t *testing.T, last string) database.MigrationSet {
	t.Helper()
	old := fstest.MapFS{}
	for _, engine := range []string{"sqlite", "postgres"} {
		entries, err := os.ReadDir("../../migrations/" + engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			text, err := os.ReadFile("../../migrations/" + engine + "/" + entry.Name())
			if err != nil {
				t.Fatal(err)
			}
			if entry.Name() <= last {
				old[engine+"/"+entry.Name()] = &fstest.MapFile{Data: text}
			}
		}
	}
	return database.MigrationSet{Name: "donation", FS: old}
}

func migratedTo(t *testing.T, url string, set database.MigrationSet) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{
		URL: url, Service: "donation", Migrations: []database.MigrationSet{set, feed.Migrations()},
	})
	if err == nil {
		err = db.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func pendingBefore(t *testing.T, url string) {
	t.Helper()
	db := migratedTo(t, url, upTo(t, "0002_search.sql"))
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO stripe_event (account_id, event_id, type, object_id, api_version, livemode,
				created_at, received_at, state, reason, attempts, next_at, sealed) VALUES
			('', 'evt_waits', 'payment_intent.succeeded', 'pi_1', '2023-10-16', 0, 1, 2, 'pending', '', 3, 50, $1),
			('', 'evt_was', 'payment_intent.succeeded', 'pi_2', '2023-10-16', 0, 1, 2, 'done', '', 1, 0, $2),
			('', 'evt_odd', 'payment_intent.succeeded', 'pi_3', '2023-10-16', 0, 1, 2, 'parked', 'it cannot be decoded', 1, 0, $3)`,
			[]byte("sealed"), []byte{}, []byte("sealed"))
		return err
	})
	err = errors.Join(err, db.Close())
	if err != nil {
		t.Fatal(err)
	}
	db = migratedTo(t, url, migrations.Set())
	err = on(db).InReadTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		early, err := tx.PendingEvents(ctx, 49, 10)
		list, dueErr := tx.PendingEvents(ctx, 50, 10)
		if len(early) != 0 || len(list) != 1 || list[0].EventID != "evt_waits" || list[0].Attempts != 3 || !list[0].HasBody {
			t.Errorf("due at 49 %v, at 50 %+v", early, list)
		}
		parked, parkedErr := tx.ParkedEvents(ctx, 0, 10)
		if len(parked) != 1 || parked[0].EventID != "evt_odd" {
			t.Errorf("parked %+v", parked)
		}
		done, countErr := tx.CountEvents(ctx, app.EventDone)
		if done != 1 {
			t.Errorf("%d are done", done)
		}
		return errors.Join(err, dueErr, parkedErr, countErr)
	})
	err = errors.Join(err, db.Close())
	if err != nil {
		t.Fatal(err)
	}
}

// A process of the version before the list was made, beside one of this version.
func TestWhatAnEarlierVersionStoresBesideIsListed(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { storedBeside(t, testkit.SQLite(t, "donation", sets()...)) })
	t.Run("postgres", func(t *testing.T) { storedBeside(t, testkit.PostgreSQL(t, "donation", sets()...)) })
}

func storedBeside(t *testing.T, db *database.DB) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO stripe_event (account_id, event_id, type, object_id, api_version, livemode,
				created_at, received_at, state, reason, attempts, next_at, sealed) VALUES
			('', 'evt_beside', 'payment_intent.succeeded', 'pi_1', '2023-10-16', 0, 1, 2, 'pending', '', 2, 50, $1),
			('', 'evt_was', 'payment_intent.succeeded', 'pi_2', '2023-10-16', 0, 1, 2, 'done', '', 1, 0, $2)`,
			[]byte("sealed"), []byte{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	store := on(db)
	look := func(when string, unlisted bool, listed ...string) {
		t.Helper()
		err := store.InReadTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
			found, err := tx.Unlisted(ctx)
			list, dueErr := tx.PendingEvents(ctx, 50, 10)
			var ids []string
			for _, e := range list {
				ids = append(ids, e.EventID)
				if e.Attempts != 2 || e.NextAt != 50 || !e.HasBody {
					t.Errorf("%s: %+v", when, e)
				}
			}
			count, countErr := tx.CountEvents(ctx, app.EventPending)
			if found != unlisted || !slices.Equal(ids, listed) || count != 1 {
				t.Errorf("%s: unlisted %v, listed %v, %d are undone", when, found, ids, count)
			}
			return errors.Join(err, dueErr, countErr)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look("stored beside", true)
	for range 2 {
		err = store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error { return tx.ListEvents(ctx) })
		if err != nil {
			t.Fatal(err)
		}
		look("put on the list", false, "evt_beside")
	}
}
