package migrations_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger/migrations"
)

// first returns the migrations as they were before the books could be searched.
func first(t *testing.T) database.MigrationSet {
	t.Helper()
	set := migrations.Set()
	old := fstest.MapFS{}
	for _, name := range []string{"sqlite/0001_init.sql", "postgres/0001_init.sql"} {
		text, err := fs.ReadFile(set.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: text}
	}
	return database.MigrationSet{Name: set.Name, FS: old}
}

// Books that were kept before can be searched like those kept since, and are
// otherwise as they were.
func TestEntriesKeptBeforeAreFound(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/ledger.db" },
		"postgres": func(t *testing.T) string { return testkit.PostgreSQLURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := url(t)
			old := migrated(t, url, first(t))
			exec(t, old, `INSERT INTO journal_entry (organization_id, number, business_key, rule, rule_version, description, event_id, account_id,
					stripe_ids, donation_id, trace_id, occurred_at, posted_at, booked_on, previous_hash, hash) VALUES
				('relief', 1, 'charge:gross/1', 'gift', 1, 'Gift', 'event-1', 'acct_1', 'pi_1 ch_1', 'donation-1', 'trace-1', 1, 2, '2026-03-01', '', 'aa'),
				('relief', 2, 'txn:fee/1', 'fee', 1, 'Stripe fee', 'event-2', 'acct_1', 'pi_1 ch_1 txn_1', 'donation-1', 'trace-1', 1, 2, '2026-03-01', 'aa', 'bb'),
				('pacific', 1, 'txn/2', 'unknown', 1, 'Payout', 'event-3', 'acct_1', 'po_1', '', '', 1, 2, '2026-03-02', '', 'cc'),
				('pacific', 2, 'manual/1', 'manual', 1, 'By hand', '', 'acct_1', '', '', '', 1, 2, '2026-03-02', 'cc', 'dd'),
				('pacific', 3, 'txn/3', 'unknown', 1, 'One id for all', 'same', 'acct_1', 'same same', 'same', 'same', 1, 2, '2026-03-02', 'dd', 'ee')`)
			err := old.Close()
			if err != nil {
				t.Fatal(err)
			}

			db := migrated(t, url, migrations.Set())
			t.Cleanup(func() { _ = db.Close() })
			want := []string{
				"ch_1 relief 1", "ch_1 relief 2", "donation-1 relief 1", "donation-1 relief 2", "event-1 relief 1", "event-2 relief 2",
				"event-3 pacific 1", "pi_1 relief 1", "pi_1 relief 2", "po_1 pacific 1", "same pacific 3", "trace-1 relief 1", "trace-1 relief 2", "txn_1 relief 2",
			}
			if got := texts(t, db, `SELECT reference || ' ' || organization_id || ' ' || CAST(number AS TEXT) FROM entry_reference`); !slices.Equal(got, want) {
				t.Errorf("found by\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if got := texts(t, db, `SELECT hash FROM journal_entry`); !slices.Equal(got, []string{"aa", "bb", "cc", "dd", "ee"}) {
				t.Errorf("hashes became %v", got)
			}
			err = db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, `DELETE FROM entry_reference`)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "only added to") {
				t.Errorf("references were deleted: %v", err)
			}
		})
	}
}

func migrated(t *testing.T, url string, set database.MigrationSet) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: url, Service: "ledger", Migrations: []database.MigrationSet{set}})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(fmt.Errorf("migrate: %w", err))
	}
	return db
}

func exec(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// texts returns the rows of one text, sorted.
func texts(t *testing.T, db *database.DB, question string) []string {
	t.Helper()
	var found []string
	err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		found = nil
		rows, err := tx.QueryContext(ctx, question)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var text sql.NullString
			err := rows.Scan(&text)
			if err != nil {
				return err
			}
			found = append(found, text.String)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}
