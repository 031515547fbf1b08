package systemtest

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

func rebuild(t *testing.T, o *node.Operator, service string, onlyCheck bool) (result feed.Rebuilt, differences []string) {
	t.Helper()
	result, err := o.Rebuild(t.Context(), service, onlyCheck)
	if err != nil {
		t.Fatal(err)
	}
	return result, result.Before.Differences(&result.After)
}

// behind opens a database behind its service's back.
func behind(t *testing.T, i *instance, service string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(i.cfg.DataDir, service+".db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func ask(t *testing.T, i *instance, service, query string) (answer string) {
	t.Helper()
	err := behind(t, i, service).QueryRowContext(t.Context(), query).Scan(&answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func tamper(t *testing.T, i *instance, service string, statements ...string) {
	t.Helper()
	db := behind(t, i, service)
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Whatever was made from events can be made again, beside the instance that goes
// on; and who changed it by hand is found, entry by entry.
func TestWhatEventsMadeCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir(), &lockedBuffer{})
	o := i.operator()
	give(t, o)

	for _, service := range []string{"fundraiser", "ledger", "receipt"} {
		result, differences := rebuild(t, o, service, false)
		if len(differences) != 0 || result.Before.Hash() != result.After.Hash() || result.Before.Keys() == 0 {
			t.Errorf("%s: of %d, %v differ", service, result.Before.Keys(), differences)
		}
	}
	agree(t, o)
	if left, _ := filepath.Glob(filepath.Join(i.cfg.DataDir, "almoner-rebuild-*")); len(left) > 0 {
		t.Errorf("the work left %v", left)
	}

	// A total that somebody "corrected", and a gift that they took out.
	tamper(t, i, "fundraiser",
		`UPDATE appeal_total SET settled_minor = settled_minor + 1 WHERE appeal_id = (SELECT appeal_id FROM gift LIMIT 1)`,
		`DELETE FROM gift WHERE donation_id = (SELECT donation_id FROM gift ORDER BY pos LIMIT 1)`)
	checked, differences := rebuild(t, o, "fundraiser", true)
	if len(differences) != 2 {
		t.Errorf("the spoilt totals show in %v", differences)
	}
	again, _ := rebuild(t, o, "fundraiser", true)
	if again.Before.Hash() != checked.Before.Hash() {
		t.Error("looking changed what was looked at")
	}
	rebuild(t, o, "fundraiser", false)
	_, differences = rebuild(t, o, "fundraiser", true)
	if len(differences) != 0 {
		t.Errorf("after rebuilding, %v still differ", differences)
	}
	agree(t, o)

	// Books are never written again: the difference is named and left.
	tamper(t, i, "ledger", `DROP TRIGGER posting_no_update`,
		`UPDATE posting SET fund = 'elsewhere' WHERE (organization_id, number) = (SELECT organization_id, number FROM journal_entry WHERE rule = 'gift' ORDER BY business_key LIMIT 1)`)
	key := ask(t, i, "ledger", `SELECT MIN(business_key) FROM journal_entry WHERE rule = 'gift'`)
	for range 2 {
		_, differences = rebuild(t, o, "ledger", false)
		if len(differences) != 1 || differences[0] != key {
			t.Errorf("the changed entry is %s; found %v", key, differences)
		}
	}

	_, err := o.Rebuild(t.Context(), "donation", false)
	if !errors.Is(err, node.ErrNothingToRebuild) || !strings.Contains(err.Error(), "donation") {
		t.Errorf("donation, which makes the events: %v", err)
	}
}
