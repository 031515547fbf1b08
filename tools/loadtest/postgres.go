package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that the program uses, named "pgx"
)

const (
	// pgbenchScale is how many times 100,000 accounts pgbench has.
	pgbenchScale = 20
	// pgbenchClients is how many of its transactions run at once.
	pgbenchClients = 32
)

// postgres is a throwaway server with PostgreSQL's own defaults, so that what is
// committed is on the disk. It is reached by a socket in its folder.
type postgres struct {
	dir, bin   string
	credential *syscall.Credential // PostgreSQL refuses to run as root
}

// startPostgres makes a cluster and starts its server.
func startPostgres(ctx context.Context, dir string) (*postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errors.Join(errors.New("no PostgreSQL in /usr/lib/postgresql"), err)
	}
	s := &postgres{dir: dir, bin: filepath.Dir(slices.MaxFunc(found, byVersion))}
	err = os.MkdirAll(dir, 0o700)
	if err != nil {
		return nil, fmt.Errorf("make the server's folder: %w", err)
	}
	if os.Geteuid() == 0 {
		err = s.unprivileged()
		if err != nil {
			return nil, fmt.Errorf("run PostgreSQL as another user than root: %w", err)
		}
	}
	err = s.run(ctx, "initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
	if err != nil {
		return nil, err
	}
	return s, s.run(ctx, "pg_ctl", "-D", "data", "-w", "-l", "server.log", "-o", "-k '"+dir+"' -c listen_addresses=", "start")
}

// byVersion compares paths of initdb by the version in them: 15 is newer than 9.6.
func byVersion(one, other string) int {
	version := func(path string) (major, minor int) {
		name := filepath.Base(filepath.Dir(filepath.Dir(path)))
		before, after, _ := strings.Cut(name, ".")
		major, _ = strconv.Atoi(before) // what is no number is the oldest
		minor, _ = strconv.Atoi(after)
		return major, minor
	}
	major, minor := version(one)
	otherMajor, otherMinor := version(other)
	return cmp.Or(cmp.Compare(major, otherMajor), cmp.Compare(minor, otherMinor))
}

func (s *postgres) unprivileged() error {
	who, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	// The folder above it is this process's own, and must be passed through.
	return errors.Join(os.Chown(s.dir, int(uid), int(gid)), os.Chmod(filepath.Dir(s.dir), 0o711)) //nolint:gosec // passed through, not read
}

// run runs one of PostgreSQL's own programs as the server's user.
func (s *postgres) run(ctx context.Context, name string, args ...string) error {
	command := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...) //nolint:gosec // the installed server's
	command.Dir = s.dir
	command.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential}
	// Not a pipe: the server would keep it open.
	log, err := os.Create(filepath.Join(filepath.Dir(s.dir), name+".log"))
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	defer func() { _ = log.Close() }()
	command.Stdout, command.Stderr = log, log
	err = command.Run()
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("run %s: %w\n%s", name, err, said)
	}
	return nil
}

func (s *postgres) stop() error {
	return s.run(context.Background(), "pg_ctl", "-D", "data", "-w", "-m", "fast", "stop")
}

func (s *postgres) url(role, database string) string {
	return "postgres://" + role + "@/" + database + "?host=" + url.QueryEscape(s.dir)
}

// variables are where the services' databases are, for the role that a service has
// with a suffix.
func (s *postgres) variables(suffix string) []string {
	var list []string
	for _, service := range append(services(), "web") {
		name := "almoner_" + service
		list = append(list, "ALMONER_"+strings.ToUpper(service)+"_DATABASE_URL="+s.url(name+suffix, name))
	}
	return list
}

// lay makes roles, databases and tables, as an operator does.
func (s *postgres) lay(ctx context.Context, p plan) error {
	script, err := filepath.Abs(filepath.Join(p.source, "..", "deploy", "postgres", "roles.sql"))
	if err != nil {
		return err
	}
	psql := exec.CommandContext(ctx, filepath.Join(s.bin, "psql"), "-X", "-d", s.url("postgres", "postgres"), "-f", script) //nolint:gosec // the installed server's
	migrate := exec.CommandContext(ctx, p.program, "migrate")                                                               //nolint:gosec // the program that is measured
	migrate.Env = append(append(os.Environ(), "ALMONER_DATA_DIR="+filepath.Join(p.dir, "gifts")), s.variables("_migrator")...)
	for _, command := range []*exec.Cmd{psql, migrate} {
		said, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("lay out the databases: %w\n%s", err, said)
		}
	}
	return nil
}

// books opens the services' databases to read while the program works.
func (s *postgres) books() (*books, error) {
	b := &books{db: map[string]*sql.DB{}, alone: serverAlone(), marks: marks{
		// Rows have no numbers here; these are kept by the program itself. All gifts
		// go to one organization, so its chain is the longest, and the only one.
		giftsCounted:   `SELECT CAST(COALESCE(SUM(gifts), 0) AS BIGINT) FROM appeal_total`,
		entriesBooked:  `SELECT COALESCE(MAX(number), 0) FROM chain_head`,
		receiptsIssued: `SELECT CAST(COALESCE(SUM(last_sequence), 0) AS BIGINT) FROM receipt_series`,
		giftsBehind:    `SELECT number, donation_id FROM journal_entry WHERE number > $1 AND rule = 'gift' ORDER BY number`,
	}}
	for _, service := range services() {
		db, err := sql.Open("pgx", s.url("postgres", "almoner_"+service))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open the books of %s: %w", service, err), b.close())
		}
		db.SetMaxOpenConns(1)
		b.db[service] = db
	}
	return b, nil
}

// pgbenchInit fills pgbench's tables.
func (s *postgres) pgbenchInit(ctx context.Context) error {
	return errors.Join(
		s.run(ctx, "createdb", "-h", s.dir, "-U", "postgres", "pgbench"),
		s.run(ctx, "pgbench", "-h", s.dir, "-U", "postgres", "-i", "-q", "-s", strconv.Itoa(pgbenchScale), "pgbench"))
}

// pgbench is how many of its small transactions the server commits in a second (an
// update, a question and an insert each, with nothing else to do), and how long it
// computes for one.
func (s *postgres) pgbench(ctx context.Context, period time.Duration) (tps float64, each time.Duration, err error) {
	before, err := s.computed()
	if err != nil {
		return 0, 0, err
	}
	err = s.run(ctx, "pgbench", "-h", s.dir, "-U", "postgres", "-n", "-N", "-M", "prepared", "-j", "2",
		"-c", strconv.Itoa(pgbenchClients), "-T", strconv.Itoa(int(period.Seconds())), "pgbench")
	if err != nil {
		return 0, 0, err
	}
	after, err := s.computed()
	if err != nil {
		return 0, 0, err
	}
	said, err := os.ReadFile(filepath.Join(filepath.Dir(s.dir), "pgbench.log"))
	if err != nil {
		return 0, 0, fmt.Errorf("read what pgbench said: %w", err)
	}
	tps, err = readTPS(said)
	if err != nil {
		return 0, 0, err
	}
	return tps, time.Duration(float64(after-before) / (tps * period.Seconds())), nil
}

func readTPS(said []byte) (float64, error) {
	found := regexp.MustCompile(`(?m)^tps = ([0-9.]+)`).FindSubmatch(said)
	if found == nil {
		return 0, fmt.Errorf("pgbench told no tps:\n%s", said)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// computed is the processor time of the server with all that it has started, and
// nothing where there is none.
func (s *postgres) computed() (time.Duration, error) {
	if s == nil {
		return 0, nil
	}
	lock, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("find the server: %w", err)
	}
	first, _, _ := strings.Cut(string(lock), "\n")
	server, err := strconv.Atoi(first)
	if err != nil {
		return 0, fmt.Errorf("find the server: %w", err)
	}
	sum, ended, err := cpuTimes(server)
	if err != nil {
		return 0, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", server, server))
	if err != nil {
		return 0, fmt.Errorf("find the server's processes: %w", err)
	}
	for field := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("find the server's processes: %w", err)
		}
		// One that ends just now is counted the next time.
		took, err := cpuTime(pid)
		if err == nil {
			sum += took
		}
	}
	return sum + ended, nil
}
