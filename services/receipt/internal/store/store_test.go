package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt/internal/app/apptest"
	"github.com/almoner/almoner/services/receipt/internal/store"
	"github.com/almoner/almoner/services/receipt/migrations"
)

func sets() []database.MigrationSet {
	return []database.MigrationSet{{Name: "receipt", FS: migrations.FS}, feed.Migrations()}
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
		run := func(statement string) error {
			return db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, statement)
				return err
			})
		}
		const values = `VALUES ('REFUGE-2026-000001', 1, 'org', 'REFUGE', 2026, 1, 'donation-1', 'generic', 'Refuge Aid', '', '', '',
			'Amina', 'amina@example.org', 10000, 330, 'EUR', 'Water', '2026-11-04', '2026-11-04', 'pi_1', 'en', 1, '')`
		err := run(`INSERT INTO receipt ` + values)
		if err != nil {
			t.Fatalf("insert a receipt: %v", err)
		}

		forbidden := []string{
			`UPDATE receipt SET donor_name = 'Someone else'`,
			`UPDATE receipt SET gift_minor = gift_minor + 1 WHERE number = 'REFUGE-2026-000001'`,
			`DELETE FROM receipt`,
		}
		if db.Engine() == database.SQLite {
			forbidden = append(forbidden, `INSERT OR REPLACE INTO receipt `+strings.Replace(values, "Amina", "Mallory", 1))
		} else {
			forbidden = append(forbidden, `TRUNCATE receipt CASCADE`)
		}
		for _, statement := range forbidden {
			err := run(statement)
			if err == nil || !strings.Contains(err.Error(), "a receipt is never") {
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
