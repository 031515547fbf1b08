package node

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

var updatePrivileges = flag.Bool("update-privileges", false, "write testdata/privileges.golden anew")

// connect opens one plain connection: what is tried here is tried past all of our
// own code.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func texts(t *testing.T, conn *pgx.Conn, query string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const ownTables = `SELECT CAST(relname AS TEXT) FROM pg_class
	WHERE relnamespace = CAST('public' AS REGNAMESPACE) AND relkind = 'r' ORDER BY relname COLLATE "C"`

// Who may do what with which table, as PostgreSQL itself tells it. A column in
// brackets is the only one that may be changed, or read.
func TestPrivilegesAreTheseAndNoOthers(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, service := range Databases() {
		roles := testkit.PostgreSQLRoles(t, service, migrationSets()[service]...)
		owner := connect(t, roles.Migrator)
		tables := texts(t, owner, ownTables)
		for _, role := range []string{database.AppRole(service), database.CheckerRole(service)} {
			for _, table := range tables {
				may := texts(t, owner, `SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
					WHERE has_table_privilege($1, CAST($2 AS TEXT), p)`, role, table)
				for _, some := range []string{"SELECT", "UPDATE"} {
					columns := texts(t, owner, `SELECT CAST(attname AS TEXT) FROM pg_attribute
						WHERE attrelid = CAST(CAST($2 AS TEXT) AS REGCLASS) AND attnum > 0 AND NOT attisdropped
							AND has_column_privilege($1, CAST($2 AS TEXT), attname, $3) ORDER BY attnum`, role, table, some)
					if !slices.Contains(may, some) && len(columns) > 0 {
						may = append(may, some+" ("+strings.Join(columns, ", ")+")")
					}
				}
				lines = append(lines, fmt.Sprintf("%-28s %-22s %s", role, table, strings.Join(may, ", ")))
				if role == database.AppRole(service) && len(may) == 0 {
					t.Errorf("nothing is granted on %s of %s: a line is missing beside its migrations", table, service)
				}
			}
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	got := strings.Join(lines, "\n") + "\n"
	const golden = "testdata/privileges.golden"
	if *updatePrivileges {
		err := errors.Join(os.MkdirAll("testdata", 0o750), os.WriteFile(golden, []byte(got), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("who may do what has changed (go test ./services/internal/node -args -update-privileges):\n%s", got)
	}
}

// refused runs a statement and requires that PostgreSQL forbids it, which is
// another thing than failing.
func refused(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), statement)
	var postgres *pgconn.PgError
	if !errors.As(err, &postgres) || postgres.Code != "42501" {
		t.Errorf("%s: %v, want it to be forbidden", statement, err)
	}
}

// What a service must never do is refused by the database, also to who holds the
// service's password and has none of its code.
func TestPostgreSQLRefusesWhatIsNotGranted(t *testing.T) {
	t.Parallel()
	onlyAddedTo := map[string][]string{
		"ledger": {"journal_entry", "posting", "entry_reference"}, "receipt": {"receipt", "receipt_pdf"},
		"donation": {"donor", "balance_transaction"}, "fundraiser": {"change"}, "web": {"staff_change"},
	}
	// Whoever checks the books learns nobody's name and cannot become anybody.
	hidden := map[string][]string{
		"donation":   {"email FROM donor", "url FROM attempt", "note FROM refund", "url FROM plan_mail", "note FROM plan_change"},
		"fundraiser": {"email FROM supporter"},
		"receipt":    {"donor_name FROM receipt", "donor_email FROM receipt", "content FROM receipt_pdf", "* FROM receipt"},
		"web":        {"data FROM session", "token_hash FROM sign_in_link", "client FROM draft_begun"},
	}
	all := map[string]testkit.Roles{}
	for _, service := range Databases() {
		all[service] = testkit.PostgreSQLRoles(t, service, migrationSets()[service]...)
	}
	for _, service := range Databases() {
		t.Run(service, func(t *testing.T) {
			owner, app, checker := connect(t, all[service].Migrator), connect(t, all[service].App), connect(t, all[service].Checker)
			tables := texts(t, owner, ownTables)
			column := func(table string) string {
				return texts(t, owner, `SELECT CAST(attname AS TEXT) FROM pg_attribute
					WHERE attrelid = CAST(CAST($1 AS TEXT) AS REGCLASS) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)[0]
			}
			for _, table := range onlyAddedTo[service] {
				refused(t, app, `DELETE FROM `+table)
				refused(t, app, `UPDATE `+table+` SET `+column(table)+` = DEFAULT`)
			}
			if slices.Contains(tables, "event") {
				refused(t, app, `DELETE FROM event`)
				for _, column := range texts(t, owner, `SELECT CAST(attname AS TEXT) FROM pg_attribute
					WHERE attrelid = CAST('event' AS REGCLASS) AND attnum > 0 AND attname NOT IN ('pos', 'chain')`) {
					refused(t, app, `UPDATE event SET `+column+` = DEFAULT`)
				}
				_, err := app.Exec(t.Context(), `UPDATE event SET pos = 1, chain = '' WHERE seq = -1`)
				if err != nil {
					t.Errorf("an event cannot be given its position: %v", err)
				}
			}
			for _, table := range tables {
				for _, statement := range []string{
					`TRUNCATE ` + table + ` CASCADE`, `DROP TABLE ` + table + ` CASCADE`, `ALTER TABLE ` + table + ` ADD COLUMN extra BIGINT`,
					`ALTER TABLE ` + table + ` DISABLE TRIGGER ALL`, `CREATE INDEX ON ` + table + ` (` + column(table) + `)`,
				} {
					refused(t, app, statement)
				}
				for _, statement := range []string{
					`INSERT INTO ` + table + ` DEFAULT VALUES`, `DELETE FROM ` + table, `TRUNCATE ` + table + ` CASCADE`,
					`UPDATE ` + table + ` SET ` + column(table) + ` = DEFAULT`,
				} {
					refused(t, checker, statement)
				}
			}
			for _, secret := range hidden[service] {
				refused(t, checker, `SELECT `+secret)
			}
			for _, statement := range []string{
				`CREATE TABLE mine (id BIGINT)`, `CREATE TEMPORARY TABLE mine (id BIGINT)`, `CREATE SCHEMA mine`,
				`CREATE FUNCTION mine() RETURNS BIGINT LANGUAGE sql AS 'SELECT 1'`, `CREATE ROLE mine`, `CREATE DATABASE mine`,
				`SET session_replication_role = replica`, `SET ROLE ` + database.MigratorRole(service),
			} {
				refused(t, app, statement)
				refused(t, checker, statement)
			}
			for _, other := range Databases() {
				if other == service {
					continue
				}
				elsewhere, err := pgx.ParseConfig(all[service].App)
				if err != nil {
					t.Fatal(err)
				}
				elsewhere.Database = connect(t, all[other].Migrator).Config().Database
				_, err = pgx.ConnectConfig(t.Context(), elsewhere)
				var postgres *pgconn.PgError
				if !errors.As(err, &postgres) || postgres.Code != "42501" {
					t.Errorf("%s comes into the database of %s: %v", service, other, err)
				}
			}
		})
	}
}
