package systemtest

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// On PostgreSQL as deploy/postgres lays it out, the migrator makes the tables, the services run without any right
// to change them, and the audit needs no more than to read.
func TestRolesThatMayDoNoMoreThanTheyMust(t *testing.T) {
	t.Parallel()
	server := testkit.NewPostgreSQLServer(t)
	for range 2 { // the second time changes nothing
		server.Script(t, "../../deploy/postgres/roles.sql")
	}
	// What the program asks for with each connection, a pooler may drop.
	pooled := filepath.Join(t.TempDir(), "pooled.sql")
	err := os.WriteFile(pooled, []byte(`\set ON_ERROR_STOP on
SELECT 1 / (COUNT(*) = 15)::int FROM pg_roles WHERE rolname LIKE 'almoner\_%' AND rolcanlogin
	AND rolconfig @> ARRAY['lock_timeout=10s', 'idle_in_transaction_session_timeout=60s', 'random_page_cost=1.1'];
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	server.Script(t, pooled)
	variables := map[string][]string{}
	for _, service := range node.Databases() {
		name, own := "ALMONER_"+strings.ToUpper(service)+"_DATABASE_URL=", "almoner_"+service
		variables["migrate"] = append(variables["migrate"], name+server.As(own+"_migrator", own))
		variables["run"] = append(variables["run"], name+server.As(own, own))
		variables["audit"] = append(variables["audit"], name+server.As(own+"_checker", own))
		for _, other := range node.Databases() {
			db, err := database.Open(t.Context(), database.Config{URL: server.As(own, "almoner_"+other), Service: service})
			if (err == nil) != (other == service) {
				t.Errorf("%s opens the database of %s: %v", service, other, err)
			}
			if err == nil {
				_ = db.Close()
			}
		}
	}
	dir, logs := t.TempDir(), &lockedBuffer{}
	migrating, err := node.LoadConfig(append(variables["migrate"], "ALMONER_DATA_DIR="+dir))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // an upgrade that changes nothing grants the same again
		err = node.Migrate(t.Context(), migrating, node.NewLogger(logs, 0))
		if err != nil {
			t.Fatal(err)
		}
	}

	i := start(t, dir, logs, variables["run"]...)
	gave := give(t, i.operator())

	checking, err := node.LoadConfig(variables["audit"])
	if err != nil {
		t.Fatal(err)
	}
	asChecker := i.cfg
	asChecker.DatabaseURLs = maps.Clone(checking.DatabaseURLs)
	report := agree(t, operator(t, asChecker))
	if len(report.Rows) != len(gave.Audit.Rows) || report.Rows[0] != gave.Audit.Rows[0] {
		t.Errorf("the checker finds %+v, the service %+v", report.Rows, gave.Audit.Rows)
	}
	if said := logs.String(); strings.Contains(said, "permission denied") || !strings.Contains(said, "almoner_ledger_checker") {
		t.Errorf("something was refused, or nothing granted:\n%s", said)
	}
}
