package testkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit/postgresql"
)

// cluster is a PostgreSQL server: the one of a test binary, or one of a test's own.
type cluster struct {
	dir, bin   string
	credential *syscall.Credential // whom the server runs as
	// lifeline is the write end of a pipe that the server's keeper reads. It is
	// never written to: when this process ends, in whatever way, the kernel closes
	// it, and the keeper stops the server and removes its files.
	lifeline io.Closer
	made     atomic.Int64
	// templates are what migrated databases are copied from.
	templates sync.Map // func() (string, error), by service and migrations

	mu sync.Mutex
	// known are the roles that exist.
	known map[string]bool
	// open are the databases that tests have open as a service.
	open map[*database.DB]Roles
}

// keeper is the shell script that runs the server. ICU's English collation is
// wanted because it differs from byte order: a query that forgot COLLATE "C"
// shows. fsync is off because nothing here has to survive a power cut.
const keeper = `
set -u
bin=$1 dir=$2 commits=$3 primary=$4
stop() { "$bin/pg_ctl" -D data -m immediate stop; cd / && rm -rf "$dir"; }
cd "$dir" || exit 1
init() {
	[ -z "$primary" ] || { "$bin/pg_basebackup" -D data -R -c fast --no-sync -h "$primary" -U postgres; return; }
	"$bin/initdb" -D data -U postgres -A trust -E UTF8 --no-sync "$@"
}
{
	init --locale=C --locale-provider=icu --icu-locale=en-US >init.log 2>&1 ||
		{ rm -rf data; init --locale=C >init.log 2>&1; } || { cp init.log failed; read -r _; stop; exit 1; }
	"$bin/pg_ctl" -D data -l server.log -W -o "-k '$dir' -c listen_addresses= -c fsync=off -c synchronous_commit=$commits \
		-c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB -c autovacuum=off" start
	read -r _
	stop
} >/dev/null 2>&1
`

// shared is a package variable because its life is the process's life: one
// cluster serves every test of the binary.
var shared = sync.OnceValues(func() (*cluster, error) { return startCluster("off", "") })

// PostgreSQLURL returns the URL of a new, empty database in the throwaway
// cluster of this test binary, as its superuser, dropped when the test ends.
// Without local PostgreSQL binaries the test is skipped, or fails when
// REQUIRE_POSTGRES=1.
func PostgreSQLURL(t testing.TB) string {
	t.Helper()
	c := needCluster(t)
	return c.url("postgres", c.create(t))
}

// layOut makes a service's database for as long as the test lasts.
func (c *cluster) layOut(t testing.TB, service, options string) Roles {
	t.Helper()
	name := c.name("test")
	err := c.owned(t.Context(), name, service, options)
	if err != nil {
		t.Fatalf("create database: %v", err)
	}
	c.dropAfter(t, name)
	migrator, app, checker := database.MigratorRole(service), database.AppRole(service), database.CheckerRole(service)
	return Roles{Migrator: c.url(migrator, name), App: c.url(app, name), Checker: c.url(checker, name), service: service}
}

// owned makes a database of a service's migrator.
func (c *cluster) owned(ctx context.Context, name, service, options string) error {
	migrator, app, checker := database.MigratorRole(service), database.AppRole(service), database.CheckerRole(service)
	err := c.roles(ctx, migrator, app, checker)
	if err != nil {
		return fmt.Errorf("create roles: %w", err)
	}
	return c.exec(ctx, "CREATE DATABASE "+name+" OWNER "+migrator+options,
		"REVOKE ALL ON DATABASE "+name+" FROM PUBLIC; GRANT CONNECT ON DATABASE "+name+" TO "+app+", "+checker)
}

func needCluster(t testing.TB) *cluster {
	t.Helper()
	c, err := shared()
	need(t, err)
	return c
}

func need(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		if os.Getenv("REQUIRE_POSTGRES") == "1" {
			t.Fatalf("REQUIRE_POSTGRES=1, but PostgreSQL cannot be started: %v", err)
		}
		t.Skipf("PostgreSQL cannot be started here: %v", err)
	}
}

// create makes an empty database for as long as the test lasts.
func (c *cluster) create(t testing.TB) string {
	t.Helper()
	name := c.name("test")
	err := c.exec(t.Context(), "CREATE DATABASE "+name)
	if err != nil {
		t.Fatalf("create database: %v", err)
	}
	c.dropAfter(t, name)
	return name
}

func (c *cluster) name(kind string) string { return fmt.Sprintf("%s_%d", kind, c.made.Add(1)) }

func (c *cluster) dropAfter(t testing.TB, name string) {
	t.Cleanup(func() {
		err := c.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		if err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
}

// roles makes those that are missing. They belong to the whole cluster.
func (c *cluster) roles(ctx context.Context, names ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		if c.known[name] {
			continue
		}
		err := c.exec(ctx, "CREATE ROLE "+name+" LOGIN")
		if err != nil {
			return err
		}
		c.known[name] = true
	}
	return nil
}

// note remembers whose an open database is, until the test ends.
func (c *cluster) note(t testing.TB, db *database.DB, roles Roles) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[db] = roles
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, db)
	})
}

func (c *cluster) noted(db *database.DB) Roles {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[db]
}

func (c *cluster) url(role, database string) string {
	return "postgres://" + role + "@/" + database + "?host=" + url.QueryEscape(c.dir)
}

func (c *cluster) exec(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, c.url("postgres", "postgres"))
	for _, statement := range statements {
		if err == nil {
			_, err = conn.Exec(ctx, statement)
		}
	}
	if conn != nil {
		err = errors.Join(err, conn.Close(ctx))
	}
	return err
}

// startCluster starts a server. commits is its synchronous_commit: "off" where
// nothing has to be there after a crash. With a primary, the folder of its socket,
// it follows that server.
func startCluster(commits, primary string) (*cluster, error) {
	bin, err := postgresql.Binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "almoner-postgres-")
	if err != nil {
		return nil, err
	}
	credential, err := postgresql.Unprivileged(dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	defer func() { _ = stdin.Close() }()
	// No output is attached: a pipe kept open by the server would make go test
	// wait for it.
	cmd := exec.Command("/bin/sh", "-c", keeper, "postgres-keeper", bin, dir, commits, primary)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.Stdin = stdin
	// In a group of its own, Ctrl-C on the test does not kill the keeper before
	// it has cleaned up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential}
	err = cmd.Start()
	if err != nil {
		_ = lifeline.Close()
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("start the cluster's keeper: %w", err)
	}
	c := &cluster{dir: dir, bin: bin, credential: credential, lifeline: lifeline, known: map[string]bool{}, open: map[*database.DB]Roles{}}
	err = c.ready()
	if err != nil {
		return nil, errors.Join(err, lifeline.Close())
	}
	return c, nil
}

// ready waits until the server answers.
func (c *cluster) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		failed, err := os.ReadFile(filepath.Join(c.dir, "failed"))
		if err == nil {
			return fmt.Errorf("initdb: %s", failed)
		}
		_, err = os.Stat(filepath.Join(c.dir, ".s.PGSQL.5432"))
		if err == nil {
			err = c.exec(ctx, "SELECT 1")
			if err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(c.dir, "server.log"))
			return fmt.Errorf("PostgreSQL does not answer: %s", log)
		case <-ticker.C:
		}
	}
}
