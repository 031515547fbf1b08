package database

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Grants say what a service's own code may do with each of its tables, by table,
// as PostgreSQL's GRANT says it: "SELECT, INSERT, UPDATE (pos)". What is not
// named is refused by the database itself, whatever the code does.
type Grants map[string]string

// platformGrants are for the tables that every database has besides those of its
// migration sets.
func (db *DB) platformGrants() Grants {
	own := Grants{"almoner_database": "SELECT"}
	for _, set := range db.sets {
		own[historyTable(set)] = "SELECT"
	}
	return own
}

// AppRole is the PostgreSQL role that a service runs as.
func AppRole(service string) string { return "almoner_" + service }

// MigratorRole is the PostgreSQL role that owns a service's tables.
func MigratorRole(service string) string { return "almoner_" + service + "_migrator" }

// CheckerRole is the PostgreSQL role that audits a service's books.
func CheckerRole(service string) string { return "almoner_" + service + "_checker" }

// grant gives the roles of the service what its migrations say, and takes away
// what they do not. A role that does not exist is said and left: who runs
// everything as one role has none of them.
func (db *DB) grant(ctx context.Context) error {
	checker := db.platformGrants()
	app := db.platformGrants()
	for _, set := range db.sets {
		maps.Copy(app, set.Grants)
		for table := range set.Grants {
			checker[table] = "SELECT"
		}
		maps.Copy(checker, set.Checked)
	}
	for _, to := range []struct {
		role   string
		grants Grants
	}{{AppRole(db.service), app}, {CheckerRole(db.service), checker}} {
		given := ""
		err := db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
			var exists, self bool
			err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1), current_user = $1`, to.role).Scan(&exists, &self)
			switch {
			case err != nil:
				return err
			case self:
				// It owns the tables; taking its own rights would stop the next migration.
				given = "nothing is withheld from it: it is the role that migrates"
				return nil
			case !exists:
				given = "it does not exist, nothing was granted to it"
				return nil
			}
			given = "granted"
			// Two that change one table's rights at once fail in the catalogue.
			_, err = tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(ownerLock))
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, to.grants.statements(to.role))
			return err
		})
		if err != nil {
			return fmt.Errorf("grant to %s: %w", to.role, err)
		}
		db.logger.InfoContext(ctx, "privileges", "service", db.service, "role", to.role, "result", given)
	}
	return nil
}

// statements are sent as one text: some forty round trips are spared.
func (g Grants) statements(role string) string {
	var b strings.Builder
	name := pgx.Identifier{role}.Sanitize()
	for _, table := range slices.Sorted(maps.Keys(g)) {
		on := " ON TABLE " + pgx.Identifier{table}.Sanitize()
		b.WriteString("REVOKE ALL" + on + " FROM " + name + ";\n")
		if g[table] != "" {
			b.WriteString("GRANT " + g[table] + on + " TO " + name + ";\n")
		}
	}
	return b.String()
}
