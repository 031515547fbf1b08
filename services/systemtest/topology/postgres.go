package topology

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit/postgresql"
)

// postgres is one server with a database for each service. Services come over
// TCP with a password each; this process comes over a socket in a directory that
// nobody else enters.
type postgres struct {
	process
	// dir is beside the system's temporary files, because the server's user may not
	// be able to enter where the rest is.
	dir, addr string
	// lifeline is never written to. When this process ends, in whatever way, the
	// kernel closes it, and a shell at its other end removes dir.
	lifeline  io.Closer
	passwords map[string]string
}

// janitor removes the directory once the server has let go of it.
const janitor = `read -r _; cd /; tries=0
until rm -rf "$1" 2>/dev/null || [ "$tries" -gt 300 ]; do tries=$((tries + 1)); sleep 0.1; done`

// newPostgres makes the cluster's files. What was acknowledged must survive the
// server's death, but not the machine's: so no fsync, but commits are waited for.
func newPostgres(ctx context.Context, log, addr string) (_ *postgres, err error) {
	bin, err := postgresql.Binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "almoner-split-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	credential, err := postgresql.Unprivileged(dir)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", //nolint:gosec // found above
		"--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	p := &postgres{dir: dir, addr: addr, passwords: map[string]string{}}
	for _, service := range node.Databases() {
		for _, role := range rolesOf(service) {
			p.passwords[role] = rand.Text()
		}
	}
	p.process = process{
		name: "postgres", program: filepath.Join(bin, "postgres"), log: log, env: cmd.Env,
		args: []string{
			"-D", filepath.Join(dir, "data"), "-k", dir, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
			"-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "shared_buffers=64MB",
		},
		// Both stop without waiting for connections to go: fast, and at once.
		quit: syscall.SIGINT, orphaned: syscall.SIGQUIT, credential: credential,
		ready: func(ctx context.Context) error { return p.exec(ctx, "SELECT 1") },
	}
	return p, p.hireJanitor(credential)
}

func (p *postgres) hireJanitor(credential *syscall.Credential) error {
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", janitor, "almoner-janitor", p.dir) //nolint:gosec // the directory that was just made
	cmd.Dir, cmd.Env, cmd.Stdin = "/", []string{"PATH=/usr/bin:/bin"}, stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential}
	err = cmd.Start()
	if err != nil {
		return errors.Join(fmt.Errorf("keep the database's directory: %w", err), lifeline.Close())
	}
	p.lifeline = janitorsEnd{lifeline, cmd}
	return nil
}

// janitorsEnd lets the janitor work, and waits until it has.
type janitorsEnd struct {
	io.Closer
	cmd *exec.Cmd
}

func (e janitorsEnd) Close() error { return errors.Join(e.Closer.Close(), e.cmd.Wait()) }

// crash stops the server at once, without a checkpoint, and waits until it has.
func (p *postgres) crash() {
	r := p.ask(syscall.SIGQUIT)
	if r != nil {
		<-r.over
	}
}

// create makes a service's database and its roles: one that owns the tables, one
// that the service runs as, one that only reads.
func (p *postgres) create(ctx context.Context, service string) error {
	roles := rolesOf(service)
	for _, role := range roles {
		err := p.exec(ctx, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", role, p.passwords[role]))
		if err != nil {
			return fmt.Errorf("create role %s: %w", role, err)
		}
	}
	name := databaseOf(service)
	for _, statement := range []string{
		"CREATE DATABASE " + name + " OWNER " + roles[0],
		"REVOKE ALL ON DATABASE " + name + " FROM PUBLIC",
		"GRANT CONNECT ON DATABASE " + name + " TO " + strings.Join(roles, ", "),
	} {
		err := p.exec(ctx, statement)
		if err != nil {
			return fmt.Errorf("create the database of %s: %w", service, err)
		}
	}
	return nil
}

// rolesOf a service, the owner first.
func rolesOf(service string) []string {
	return []string{database.MigratorRole(service), database.AppRole(service), database.CheckerRole(service)}
}

func databaseOf(service string) string { return "almoner_" + service }

// url of a service's database as one of its roles.
func (p *postgres) url(service, role string) string {
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, p.passwords[role]), Host: p.addr, Path: "/" + databaseOf(service),
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

// exec runs a statement as the superuser.
func (p *postgres) exec(ctx context.Context, statement string) error {
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, "postgres://postgres@/postgres?host="+url.QueryEscape(p.dir)+"&port="+port)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// dump is a service's whole database as SQL.
func (p *postgres) dump(ctx context.Context, service string) ([]byte, error) {
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return nil, err
	}
	dump := filepath.Join(filepath.Dir(p.program), "pg_dump")
	cmd := exec.CommandContext(ctx, dump, "-h", p.dir, "-p", port, "-U", "postgres", databaseOf(service)) //nolint:gosec // PostgreSQL's own
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("dump the database of %s: %w\n%s", service, err, complaints.String())
	}
	return out, nil
}

// close removes the files of a server that has stopped.
func (p *postgres) close() error { return p.lifeline.Close() }
