package testkit

import (
	"path/filepath"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// SQLite returns a migrated database in the test's temporary folder, closed
// when the test ends.
func SQLite(t testing.TB, service string, sets ...database.MigrationSet) *database.DB {
	t.Helper()
	db := Open(t, "sqlite:"+filepath.Join(t.TempDir(), service+".db"), service, sets...)
	err := db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// PostgreSQL returns a migrated database of its own in the throwaway cluster,
// opened as the role that the service runs as: what the code does and its grants
// do not name is refused here as it is in production. See PostgreSQLURL for what
// happens without PostgreSQL.
func PostgreSQL(t testing.TB, service string, sets ...database.MigrationSet) *database.DB {
	t.Helper()
	roles := PostgreSQLRoles(t, service, sets...)
	db := Open(t, roles.App, service, sets...)
	needCluster(t).note(t, db, roles)
	return db
}

// Owner returns the database that PostgreSQL, SQLite or EachEngine returned as
// who may change anything in it: the migrator, on PostgreSQL. Faults are laid
// with it that the service's own role could not cause.
func Owner(t testing.TB, db *database.DB) *database.DB {
	t.Helper()
	if db.Engine() == database.SQLite {
		return db
	}
	roles := needCluster(t).noted(db)
	if roles.Migrator == "" {
		t.Fatal("it is not known whose database that is")
	}
	return Open(t, roles.Migrator, roles.service)
}

// Roles are the URLs of one PostgreSQL database, one for each role.
type Roles struct {
	// Migrator owns the database and its tables.
	Migrator string
	// App is whom the service runs as.
	App string
	// Checker audits.
	Checker string

	service string
}

// PostgreSQLRoles returns a migrated database of its own in the throwaway
// cluster, as an operator lays it out: three roles, of which none is privileged.
func PostgreSQLRoles(t testing.TB, service string, sets ...database.MigrationSet) Roles {
	t.Helper()
	roles := EmptyPostgreSQLRoles(t, service)
	migrator := Open(t, roles.Migrator, service, sets...)
	err := migrator.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return roles
}

// Open opens a database as it is, until the test ends.
func Open(t testing.TB, url, service string, sets ...database.MigrationSet) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: url, Service: service, Migrations: sets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := db.Close()
		if err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

// EachEngine runs fn on SQLite and on PostgreSQL, each time with a database of
// its own, as parallel subtests.
func EachEngine(t *testing.T, service string, sets []database.MigrationSet, fn func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, SQLite(t, service, sets...))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, PostgreSQL(t, service, sets...))
	})
}
