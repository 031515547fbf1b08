package topology

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// Config says what to start and where.
type Config struct {
	// Dir gets everything that is kept while it runs: logs, keys, stores. It is
	// made, or must be empty.
	Dir string
	// Root is the repository, for what deploy/ ships.
	Root string
	// Almoner, Stripesim and NATSServer are the built programs.
	Almoner, Stripesim, NATSServer string
	// Ended is told of each part that ended though nobody asked it to. It is called
	// from any goroutine; nil tells nobody.
	Ended func(part string, err error)
}

// Topology is everything that runs. Its methods may be called from any goroutine,
// but one part by one caller at a time.
type Topology struct {
	cfg       Config
	ports     ports
	authority *authority
	postgres  *postgres
	natsURLs  []string
	shared    shared
	stripe    string
	parts     map[string]*process
	// order in which parts were added: what others stand on comes first.
	order []string
}

// Open makes keys, databases and certificates, and starts what the services stand
// on: PostgreSQL, migrated, NATS and Stripe. The services themselves are not
// started. Close ends it all, also after a failed Open.
func Open(ctx context.Context, cfg Config) (_ *Topology, err error) {
	t := &Topology{cfg: cfg, parts: map[string]*process{}}
	t.shared = shared{
		secret: rand.Text() + rand.Text(), webhookSecret: "whsec_" + rand.Text(), keys: filepath.Join(cfg.Dir, "keys", "nats"),
		grpc: map[string]string{}, ops: map[string]string{}, http: map[string]string{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	for _, dir := range []string{"log", "keys", "mail", "operator"} {
		err = os.MkdirAll(filepath.Join(cfg.Dir, dir), 0o700)
		if err != nil {
			return nil, err
		}
	}
	t.authority, err = newAuthority(filepath.Join(cfg.Dir, "keys"))
	if err != nil {
		return nil, err
	}
	take := func() (string, error) { return t.ports.take(ctx) }
	addr, err := take()
	if err != nil {
		return nil, err
	}
	t.postgres, err = newPostgres(ctx, t.logFile("postgres"), addr)
	if err != nil {
		return nil, err
	}
	t.add(&t.postgres.process)
	err = t.keys(ctx)
	if err != nil {
		return nil, err
	}
	err = t.natsCluster(t.shared.keys, take)
	if err != nil {
		return nil, err
	}
	err = t.addresses(take)
	if err != nil {
		return nil, err
	}
	t.simulator()
	for _, service := range node.Databases() {
		err = t.service(service, service, take)
		if err != nil {
			return nil, err
		}
	}
	return t, t.ground(ctx)
}

// ground starts what the services stand on, together.
func (t *Topology) ground(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range t.order {
		if !slices.Contains(node.Databases(), name) {
			group.Go(func() error {
				err := t.Start(ctx, name)
				if err != nil || name != "postgres" {
					return err
				}
				err = t.databases(ctx)
				if err == nil {
					err = t.Migrate(ctx)
				}
				return err
			})
		}
	}
	return group.Wait()
}

// addresses are chosen before any process is made: they know each other's.
func (t *Topology) addresses(take func() (string, error)) error {
	for _, service := range node.Databases() {
		for _, target := range []struct {
			wanted bool
			addr   map[string]string
		}{{service != "web", t.shared.grpc}, {service == "web" || service == "donation", t.shared.http}} {
			if !target.wanted {
				continue
			}
			addr, err := take()
			if err != nil {
				return err
			}
			target.addr[service] = addr
		}
	}
	addr, err := take()
	t.stripe = addr
	return err
}

// keys has the program itself make what it believes in.
func (t *Topology) keys(ctx context.Context) error {
	persons, err := t.command(ctx, nil, "keys", "person")
	if err != nil {
		return err
	}
	t.shared.persons = map[string]string{}
	for line := range strings.Lines(persons) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		t.shared.persons[name] = value
	}
	_, err = t.command(ctx, nil, "keys", "nats", "--out", t.shared.keys)
	return err
}

// databases makes a database and roles for each service, without tables.
func (t *Topology) databases(ctx context.Context) error {
	for _, service := range node.Databases() {
		err := t.postgres.create(ctx, service)
		if err != nil {
			return err
		}
	}
	return nil
}

// Migrate has the program bring every database up to date, as the role that owns
// its tables, and give the services' roles their rights.
func (t *Topology) Migrate(ctx context.Context) error {
	env := []string{"ALMONER_DATA_DIR=" + filepath.Join(t.cfg.Dir, "operator")}
	for _, service := range node.Databases() {
		env = append(env, databaseVariable(service)+"="+t.postgres.url(service, database.MigratorRole(service)))
	}
	_, err := t.command(ctx, env, "migrate")
	return err
}

// Use has services that are started from here on, and commands, be another build
// of the program.
func (t *Topology) Use(almoner string) {
	for _, part := range t.parts {
		if part.program == t.cfg.Almoner {
			part.program = almoner
		}
	}
	t.cfg.Almoner = almoner
}

// Tell has services that are started from here on have more variables, instead of
// those that they were told before.
func (t *Topology) Tell(variables ...string) {
	for _, part := range t.parts {
		if part.program == t.cfg.Almoner {
			part.told = variables
		}
	}
}

func (t *Topology) simulator() {
	t.add(&process{
		name: "stripe", program: t.cfg.Stripesim, env: inherited(),
		args: []string{
			"--addr", t.stripe, "--store", filepath.Join(t.cfg.Dir, "stripe"),
			"--webhook-url", "http://" + t.shared.http["donation"] + webhookPath, "--webhook-secret", t.shared.webhookSecret,
		},
		ready: answers("http://" + t.stripe + "/_sim/truth"), quit: syscall.SIGTERM, orphaned: syscall.SIGKILL,
	})
}

// command runs an operator's command of the program and returns what it prints.
func (t *Topology) command(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.cfg.Almoner, args...) //nolint:gosec // our own program
	cmd.Env, cmd.Dir = append(inherited(), env...), t.cfg.Dir
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("almoner %s: %w\n%s", strings.Join(args, " "), err, complaints.String())
	}
	return string(out), nil
}

func (t *Topology) add(p *process) {
	p.log, p.ended = t.logFile(p.name), t.cfg.Ended
	t.parts[p.name] = p
	t.order = append(t.order, p.name)
}

func (t *Topology) logFile(part string) string { return filepath.Join(t.cfg.Dir, "log", part+".log") }

// Parts are the names of all that can be started, stopped and killed.
func (t *Topology) Parts() []string { return slices.Clone(t.order) }

// Begin starts parts without waiting until they are ready.
func (t *Topology) Begin(ctx context.Context, parts ...string) error {
	for _, name := range parts {
		err := t.parts[name].start(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// WaitReady waits until parts are ready, or ctx ends.
func (t *Topology) WaitReady(ctx context.Context, parts ...string) error {
	for _, name := range parts {
		err := t.parts[name].waitReady(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// WaitWell waits until services find nothing wrong: they have found each other and
// the broker, and events move.
func (t *Topology) WaitWell(ctx context.Context, services ...string) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for _, service := range services {
		for {
			health, err := get(ctx, t.Ops(service)+"/readyz")
			if err == nil && bytes.Contains(health, []byte(`"status":"ok"`)) {
				break
			}
			if err == nil {
				err = fmt.Errorf("it says %s", health)
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s is not well: %w (%w)", service, err, ctx.Err())
			case <-tick.C:
			}
		}
	}
	return nil
}

// Start starts parts together and waits until they are ready.
func (t *Topology) Start(ctx context.Context, parts ...string) error {
	err := t.Begin(ctx, parts...)
	if err != nil {
		return err
	}
	return t.WaitReady(ctx, parts...)
}

// Stop stops parts cleanly, one after the other. One that does not stop is killed,
// and that is an error.
func (t *Topology) Stop(parts ...string) error {
	var failures []error
	for _, name := range parts {
		failures = append(failures, t.parts[name].stop())
	}
	return errors.Join(failures...)
}

// Kill ends a part as a power cut would. PostgreSQL is stopped at once, without a
// checkpoint: its own processes would outlive a killed parent for a while.
func (t *Topology) Kill(part string) {
	if part == "postgres" {
		t.postgres.crash()
		return
	}
	t.parts[part].kill()
}

// Close stops everything in order: the services first, then what they stand on.
func (t *Topology) Close() error {
	err := os.Remove(t.EnvFile())
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	failures := []error{err}
	for _, name := range slices.Backward(t.order) {
		failures = append(failures, t.Stop(name))
	}
	if t.postgres != nil {
		failures = append(failures, t.postgres.close())
	}
	return errors.Join(failures...)
}

// Site is the address of what donors open.
func (t *Topology) Site() string { return "http://" + t.shared.http["web"] }

// Stripe is the address of the simulator.
func (t *Topology) Stripe() string { return "http://" + t.stripe }

// Ops is where a service tells of its health.
func (t *Topology) Ops(service string) string { return "http://" + t.shared.ops[service] }

// EnvFile is read by a shell before an operator's commands.
func (t *Topology) EnvFile() string { return filepath.Join(t.cfg.Dir, "env") }

// Logs of a part, of all its lives.
func (t *Topology) Logs(part string) (string, error) {
	content, err := os.ReadFile(t.logFile(part))
	return string(content), err
}

// Processes lists the parts with their process ids.
func (t *Topology) Processes() string {
	var list []string
	for _, name := range t.order {
		if pid := t.parts[name].pid(); pid != 0 {
			list = append(list, fmt.Sprintf("%s %d", name, pid))
		}
	}
	return strings.Join(list, ", ")
}

// Store is where a NATS server keeps its streams.
func (t *Topology) Store(server string) string { return filepath.Join(t.cfg.Dir, server) }

// Dump is all that a service's database holds, as SQL.
func (t *Topology) Dump(ctx context.Context, service string) ([]byte, error) {
	return t.postgres.dump(ctx, service)
}

// Add makes one more process for a service that nobody calls, web, and returns
// the address that it serves. Once it has been added it stays.
func (t *Topology) Add(ctx context.Context, name, service string) (address string, err error) {
	if t.parts[name] == nil {
		t.shared.http[name], err = t.ports.take(ctx)
		if err == nil {
			err = t.service(name, service, func() (string, error) { return t.ports.take(ctx) })
		}
	}
	return "http://" + t.shared.http[name], err
}

// NATS is how a service reaches the broker: the servers, the file that they are
// believed by, and the service's own key.
func (t *Topology) NATS(service string) (servers, authority, key string) {
	return strings.Join(t.natsURLs, ","), t.authority.file(), filepath.Join(t.shared.keys, service+".nk")
}
