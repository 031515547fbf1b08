package systemtest

import (
	"maps"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/testkit"
)

// On PostgreSQL the migrator makes the tables, the services run without any right
// to change them, and the audit needs no more than to read.
func TestRolesThatMayDoNoMoreThanTheyMust(t *testing.T) {
	t.Parallel()
	variables := map[string][]string{}
	for _, service := range node.Databases() {
		roles := testkit.EmptyPostgreSQLRoles(t, service)
		name := "ALMONER_" + strings.ToUpper(service) + "_DATABASE_URL="
		variables["migrate"] = append(variables["migrate"], name+roles.Migrator)
		variables["run"] = append(variables["run"], name+roles.App)
		variables["audit"] = append(variables["audit"], name+roles.Checker)
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
