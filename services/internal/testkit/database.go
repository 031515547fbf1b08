package testkit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// SQLite returns a migrated database in the test's temporary folder, closed
// when the test ends.
func SQLite(t testing.TB, service string, sets ...database.MigrationSet) *database.DB {
	t.Helper()
	return Open(t, SQLiteURL(t, service, sets...), service, sets...)
}

// SQLiteURL returns where a migrated database lies in the test's temporary folder,
// for tests that open it themselves.
func SQLiteURL(t testing.TB, service string, sets ...database.MigrationSet) string {
	t.Helper()
	content, err := migrated(service, sets)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), service+".db")
	err = os.WriteFile(path, content, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// originals are what migrated SQLite databases are copied from: each migration is
// parsed and synced to disk, which takes longer than most tests do afterwards. It is
// a package variable because a test binary makes each of them once.
var originals sync.Map // func() ([]byte, error), by service and migrations

// migrated returns the file of a database that was just migrated.
func migrated(service string, sets []database.MigrationSet) ([]byte, error) {
	key, err := fingerprint(service, "sqlite", sets)
	if err != nil {
		return nil, err
	}
	made, _ := originals.LoadOrStore(key, sync.OnceValues(func() ([]byte, error) { return migrate(service, sets) }))
	content, ok := made.(func() ([]byte, error))
	if !ok {
		return nil, fmt.Errorf("an original is a %T", made)
	}
	return content()
}

// fingerprint is the same for what makes the same database on an engine. Sets of one
// name need not be the same: a test of migrations writes its own.
func fingerprint(service, engine string, sets []database.MigrationSet) (string, error) {
	key := service
	for _, set := range sets {
		sum := sha256.New()
		err := fs.WalkDir(set.FS, engine, func(path string, file fs.DirEntry, err error) error {
			if err != nil || file.IsDir() {
				return err
			}
			content, err := fs.ReadFile(set.FS, path)
			fmt.Fprintf(sum, "%s %d %s", path, len(content), content)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("read the migrations of %s: %w", set.Name, err)
		}
		key += fmt.Sprintf(" %s %x %q %q", set.Name, sum.Sum(nil), set.Grants, set.Checked)
	}
	return key, nil
}

func migrate(service string, sets []database.MigrationSet) (content []byte, err error) {
	dir, err := os.MkdirTemp("", "almoner-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, service+".db")
	// Of no test: what one of them is interrupted in is the others' as well.
	ctx := context.Background()
	db, err := database.Open(ctx, database.Config{URL: "sqlite:" + path, Service: service, Migrations: sets})
	if err != nil {
		return nil, err
	}
	err = errors.Join(db.Migrate(ctx), db.Close())
	if err != nil {
		return nil, err
	}
	// Who closes last writes everything into the one file.
	_, err = os.Stat(path + "-wal")
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not all of the database: %w", path, err)
	}
	return os.ReadFile(path)
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
// with it that the service's own role could not cause. With its sets it can be migrated.
func Owner(t testing.TB, db *database.DB, sets ...database.MigrationSet) *database.DB {
	t.Helper()
	if db.Engine() == database.SQLite {
		return db
	}
	roles := needCluster(t).noted(db)
	if roles.Migrator == "" {
		t.Fatal("it is not known whose database that is")
	}
	return Open(t, roles.Migrator, roles.service, sets...)
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
	c := needCluster(t)
	template, err := c.template(service, sets)
	if err != nil {
		t.Fatal(err)
	}
	return c.layOut(t, service, " TEMPLATE "+template)
}

// template returns a migrated database that others are copied from, which nobody is
// connected to. It is there as long as the cluster is.
func (c *cluster) template(service string, sets []database.MigrationSet) (name string, err error) {
	key, err := fingerprint(service, "postgres", sets)
	if err != nil {
		return "", err
	}
	made, _ := c.templates.LoadOrStore(key, sync.OnceValues(func() (string, error) {
		// Of no test: what one of them is interrupted in is the others' as well.
		ctx := context.Background()
		name := c.name("template")
		err := c.owned(ctx, name, service, "")
		if err != nil {
			return "", err
		}
		db, err := database.Open(ctx, database.Config{URL: c.url(database.MigratorRole(service), name), Service: service, Migrations: sets})
		if err != nil {
			return "", err
		}
		return name, errors.Join(db.Migrate(ctx), db.Close())
	}))
	get, ok := made.(func() (string, error))
	if !ok {
		return "", fmt.Errorf("a template is a %T", made)
	}
	return get()
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
