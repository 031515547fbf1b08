package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/app/apptest"
	"github.com/almoner/almoner/services/receipt/internal/store"
	"github.com/almoner/almoner/services/receipt/migrations"
)

func sets() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

func TestStore(t *testing.T) {
	t.Parallel()
	for _, test := range apptest.Tests() {
		t.Run(test.Name, func(t *testing.T) {
			t.Parallel()
			testkit.EachEngine(t, "receipt", sets(), func(t *testing.T, db *database.DB) {
				test.Run(t, store.New(db))
			})
		})
	}
}

// Whoever has the database's password still cannot quietly change a receipt.
func TestDatabaseRefusesToChangeReceipts(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, "receipt", sets(), func(t *testing.T, db *database.DB) {
		owner := testkit.Owner(t, db) // the service's own role does not even come to the guards
		run := func(statement string) error {
			return owner.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, statement)
				return err
			})
		}
		const columns = `(number, version, organization_id, code, year, sequence, donation_id, profile, organization_legal_name,
			organization_address, organization_registration, organization_contact, donor_name, donor_email, gift_minor, cover_minor,
			currency, fund_name, received_on, issued_on, payment_reference, language, issued_at, trace_id) `
		const values = columns + `VALUES ('REFUGE-2026-000001', 1, 'org', 'REFUGE', 2026, 1, 'donation-1', 'generic', 'Refuge Aid', '', '', '',
			'Amina', 'amina@example.org', 10000, 330, 'EUR', 'Water', '2026-11-04', '2026-11-04', 'pi_1', 'en', 1, '')`
		err := run(`INSERT INTO receipt ` + values)
		if err != nil {
			t.Fatalf("insert a receipt: %v", err)
		}

		forbidden := []string{
			`UPDATE receipt SET donor_name = 'Someone else'`,
			`UPDATE receipt SET gift_minor = gift_minor + 1 WHERE number = 'REFUGE-2026-000001'`,
			`DELETE FROM receipt`,
			`UPDATE receipt_pdf SET sha256 = 'ff'`,
			`DELETE FROM receipt_pdf`,
			`UPDATE receipt_ending SET state = 'replaced'`,
			`DELETE FROM receipt_ending`,
		}
		file := `VALUES ('REFUGE-2026-000001', '00', ` + map[database.Engine]string{database.SQLite: `x'00'`, database.PostgreSQL: `'\x00'`}[db.Engine()] + `, 1)`
		err = run(`INSERT INTO receipt_pdf ` + file)
		if err != nil {
			t.Fatalf("insert a file: %v", err)
		}
		err = run(`INSERT INTO receipt_ending (number, state, replaced_by, ended_at) VALUES ('REFUGE-2026-000001', 'void', '', 1)`)
		if err != nil {
			t.Fatalf("end the receipt: %v", err)
		}
		if db.Engine() == database.SQLite {
			forbidden = append(forbidden,
				`INSERT OR REPLACE INTO receipt `+strings.Replace(values, "Amina", "Mallory", 1),
				`INSERT OR REPLACE INTO receipt_pdf `+strings.Replace(file, "'00'", "'ff'", 1))
		} else {
			forbidden = append(forbidden, `TRUNCATE receipt CASCADE`, `TRUNCATE receipt_pdf`)
		}
		for _, statement := range forbidden {
			err := run(statement)
			if err == nil || !strings.Contains(err.Error(), " is never ") {
				t.Errorf("%s: %v, want the database's refusal", statement, err)
			}
		}

		var name string
		err = db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT donor_name FROM receipt`).Scan(&name)
		})
		if err != nil || name != "Amina" {
			t.Errorf("the receipt now says %q, %v", name, err)
		}
	})
}

// Receipts that were issued before there were PDFs get theirs, and no second
// mail.
func TestOlderReceiptsAreDueToBeDrawn(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "receipt.db")
	open := func(set database.MigrationSet) *database.DB {
		db, err := database.Open(t.Context(), database.Config{URL: url, Service: "receipt", Migrations: []database.MigrationSet{set, feed.Migrations()}})
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		err = db.Migrate(t.Context())
		if err != nil {
			t.Fatalf("migrate: %v", err)
		}
		return db
	}
	first := fstest.MapFS{}
	for _, name := range []string{"sqlite/0001_init.sql", "postgres/0001_init.sql"} {
		content, err := migrations.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		first[name] = &fstest.MapFile{Data: content}
	}
	older := open(database.MigrationSet{Name: "receipt", FS: first})
	err := older.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO receipt VALUES ('REFUGE-2026-000001', 1, 'org', 'REFUGE', 2026, 1, 'donation-1', 'generic', 'Refuge Aid', '', '', '',
			'Amina', 'amina@example.org', 10000, 330, 'EUR', 'Water', '2026-11-04', '2026-11-04', 'pi_1', 'en', 1, '')`)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO receipt_mail (number, mailed_at) VALUES ('REFUGE-2026-000001', 7)`)
		return err
	})
	err = errors.Join(err, older.Close())
	if err != nil {
		t.Fatalf("issue: %v", err)
	}

	db := open(migrations.Set())
	t.Cleanup(func() { _ = db.Close() })
	err = store.New(db).InReadTx(t.Context(), func(ctx context.Context, r app.Reader) error {
		drawings, err := r.DueDrawings(ctx, time.Now(), 10)
		if err != nil || len(drawings) != 1 || drawings[0].Receipt.Document.DonorName != "Amina" {
			t.Errorf("due PDFs %+v, %v", drawings, err)
		}
		mails, err := r.DueMails(ctx, time.Now(), 10)
		if err != nil || len(mails) != 0 {
			t.Errorf("due mails %+v, %v", mails, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
