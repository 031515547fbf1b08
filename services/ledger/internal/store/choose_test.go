package store

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/migrations"
)

// Whatever a journal is filtered by, a page begins at its key in an index and
// comes out of it in order: nothing is read to be skipped, nothing is sorted.
func TestPagesAreFoundByKey(t *testing.T) {
	t.Parallel()
	db := testkit.SQLite(t, "ledger", migrations.Set(), feed.Migrations())
	for name, given := range map[string]struct {
		page app.EntryPage
		want string // how the leading table is searched
	}{
		"everything":                {app.EntryPage{}, "SEARCH k USING COVERING INDEX sqlite_autoindex_journal_entry_2 (organization_id=? AND number<?)"},
		"a rule":                    {app.EntryPage{Filter: app.EntryFilter{Rule: "fee"}}, "SEARCH k USING COVERING INDEX journal_entry_rule (organization_id=? AND rule=? AND number<?)"},
		"an account":                {app.EntryPage{Filter: app.EntryFilter{Account: "4000"}}, "SEARCH k USING COVERING INDEX posting_account (organization_id=? AND account=? AND number<?)"},
		"an account, its parts":     {app.EntryPage{Filter: app.EntryFilter{Account: "4100"}}, "SEARCH k USING PRIMARY KEY (organization_id=? AND number<?)"},
		"an account and a currency": {app.EntryPage{Filter: app.EntryFilter{Account: "4000", Currency: "EUR"}}, "SEARCH k USING COVERING INDEX posting_account (organization_id=? AND account=? AND number<?)"},
		"a currency and a rule":     {app.EntryPage{Filter: app.EntryFilter{Currency: "EUR", Rule: "fee"}}, "SEARCH k USING COVERING INDEX posting_currency (organization_id=? AND currency=? AND number<?)"},
		"a fund":                    {app.EntryPage{Filter: app.EntryFilter{Fund: "winter"}}, "SEARCH k USING COVERING INDEX posting_fund (organization_id=? AND fund=? AND number<?)"},
		"an appeal and a fund":      {app.EntryPage{Filter: app.EntryFilter{Appeal: "flood", Fund: "winter"}}, "SEARCH k USING COVERING INDEX posting_appeal (organization_id=? AND appeal_id=? AND number<?)"},
		"a page and all else": {
			app.EntryPage{Filter: app.EntryFilter{Fundraiser: "page", Account: "4100", Currency: "EUR", Rule: "gift", Fund: "winter", Appeal: "flood"}},
			"SEARCH k USING COVERING INDEX posting_fundraiser (organization_id=? AND fundraiser_id=? AND number<?)",
		},
		"a reference":               {app.EntryPage{Filter: app.EntryFilter{Reference: "pi_1"}}, "SEARCH k USING PRIMARY KEY (reference=? AND organization_id=? AND number<?)"},
		"a reference on an account": {app.EntryPage{Filter: app.EntryFilter{Reference: "pi_1", Account: "1100"}}, "SEARCH k USING PRIMARY KEY (reference=? AND organization_id=? AND number<?)"},
		"a donation":                {app.EntryPage{DonationID: "donation-1"}, "SEARCH k USING PRIMARY KEY (reference=? AND organization_id=? AND number<?)"},
	} {
		given.page.OrganizationID, given.page.After, given.page.NewestFirst, given.page.Limit = "relief", 5_000, true, 50
		plan := planOf(t, db, given.page)
		if plan[0] != given.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(plan, "\n"), given.want)
		}
		for _, step := range plan[1:] {
			if strings.Contains(step, "TEMP B-TREE") || strings.Contains(step, "SCAN") {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
}

// planOf returns how SQLite would find the keys of a page, step by step.
func planOf(t *testing.T, db *database.DB, page app.EntryPage) []string {
	t.Helper()
	var plan []string
	err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		keys, w, _, err := reader{tx}.choose(ctx, page)
		if err != nil {
			return err
		}
		plan, err = query(ctx, tx, func(rows *sql.Rows) (string, error) {
			var id, parent, unused int
			var step string
			err := rows.Scan(&id, &parent, &unused, &step)
			return step, err
		}, "EXPLAIN QUERY PLAN "+keys, w.args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
