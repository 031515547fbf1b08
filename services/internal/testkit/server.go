package testkit

import (
	"context"
	"os/exec"
	"syscall"
	"testing"
)

// PostgreSQLServer is a server of a test's own, which may be taken down and brought
// back. What it has committed it has, however it went down.
type PostgreSQLServer struct{ cluster *cluster }

// NewPostgreSQLServer starts one, until the test ends. See PostgreSQLURL for what
// happens without PostgreSQL.
func NewPostgreSQLServer(t testing.TB) *PostgreSQLServer {
	t.Helper()
	c, err := startCluster("on", "")
	need(t, err)
	t.Cleanup(func() { _ = c.lifeline.Close() })
	return &PostgreSQLServer{c}
}

// Standby starts a server that repeats what this one does, and may be read.
func (s *PostgreSQLServer) Standby(t testing.TB) *PostgreSQLServer {
	t.Helper()
	c, err := startCluster("on", s.cluster.dir)
	need(t, err)
	t.Cleanup(func() { _ = c.lifeline.Close() })
	return &PostgreSQLServer{c}
}

// Promote makes a standby a primary.
func (s *PostgreSQLServer) Promote(t testing.TB) {
	t.Helper()
	s.control(t, "-w", "promote")
}

// URL of one of its databases, as its superuser; "postgres" is always there.
func (s *PostgreSQLServer) URL(database string) string { return s.As("postgres", database) }

// As is the URL of one of its databases for a role. No password is asked for.
func (s *PostgreSQLServer) As(role, database string) string { return s.cluster.url(role, database) }

// Script has psql run a file, as its superuser.
func (s *PostgreSQLServer) Script(t testing.TB, file string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), s.cluster.bin+"/psql", "-X", "-d", s.URL("postgres"), "-f", file)
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("psql -f %s: %v\n%s", file, err, said)
	}
}

// Host is the folder of its socket, as URLs with several hosts name it.
func (s *PostgreSQLServer) Host() string { return s.cluster.dir }

// Exec runs statements as its superuser.
func (s *PostgreSQLServer) Exec(t testing.TB, statements string) {
	t.Helper()
	err := s.cluster.exec(context.Background(), statements)
	if err != nil {
		t.Fatal(err)
	}
}

// Stop takes the server down in the middle of everything, as a crash does.
func (s *PostgreSQLServer) Stop(t testing.TB) {
	t.Helper()
	s.control(t, "-m", "immediate", "-w", "stop")
}

// Start brings a stopped server back. It returns when the server answers, having
// recovered what it committed.
func (s *PostgreSQLServer) Start(t testing.TB) {
	t.Helper()
	// The options of its first start are in a file of its own making.
	s.control(t, "-m", "immediate", "-w", "-l", "server.log", "restart")
}

func (s *PostgreSQLServer) control(t testing.TB, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(context.Background(), s.cluster.bin+"/pg_ctl", append([]string{"-D", "data"}, arguments...)...)
	command.Dir = s.cluster.dir
	command.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.cluster.credential}
	err := command.Run()
	if err != nil {
		t.Fatalf("pg_ctl %v: %v", arguments, err)
	}
}
