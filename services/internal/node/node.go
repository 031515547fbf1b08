package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/lifecycle"
	"github.com/almoner/almoner/services/internal/platform/natsserver"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/web"
	"github.com/almoner/almoner/tools/stripesim"
)

// StripeAPIVersion is the version that every request and webhook is pinned to.
const StripeAPIVersion = stripesim.APIVersion

// NewLogger writes lines for people.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return telemetry.NewLogger(w, telemetry.Text, level)
}

// Logger is that of a process that runs: in production, lines are collected and
// searched by machines.
func (c Config) Logger(w io.Writer, level slog.Level) *slog.Logger {
	if c.Environment == production {
		return telemetry.NewLogger(w, telemetry.JSON, level)
	}
	return NewLogger(w, level)
}

// Node is one process with the services of its target.
type Node struct {
	cfg     Config
	logger  *slog.Logger
	closers closers
	// Listeners are nil where the target has nothing to serve on them.
	site, ops, grpc net.Listener
	// simulator and its listener are nil when Stripe is real.
	simulator *stripesim.Server
	checkout  net.Listener
	observed  *observed
	parts     *parts
	databases map[string]*database.DB
	stopping  atomic.Bool
}

// closers close what was opened, the last first.
type closers []func() error

func (c *closers) add(name string, closer func() error) {
	*c = append(*c, func() error {
		err := closer()
		if err != nil {
			return fmt.Errorf("close %s: %w", name, err)
		}
		return nil
	})
}

func (c *closers) close() error {
	var failures []error
	for _, closer := range slices.Backward(*c) {
		failures = append(failures, closer())
	}
	*c = nil
	return errors.Join(failures...)
}

// Open takes the data directory, opens databases, NATS, listeners and the
// simulator, and puts the services together. It starts none of them. Close
// gives everything back, also after a failed Open.
func Open(ctx context.Context, cfg Config, logger *slog.Logger) (_ *Node, err error) {
	n := &Node{cfg: cfg, logger: logger, databases: map[string]*database.DB{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.closers.close())
		}
	}()
	err = n.cfg.prepare()
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(n.cfg.DataDir)
	if err != nil {
		return nil, err
	}
	n.closers.add("lock", lock.Close)
	clearRooms(ctx, n.cfg.DataDir, rebuildRooms, time.Now(), logger)
	if n.cfg.runs("donation", "receipt") {
		n.cfg.SecretKey, err = secretKey(n.cfg.SecretKey, n.cfg.DataDir, true)
		if err != nil {
			return nil, err
		}
	}
	certificates, err := n.cfg.certificates(time.Now, logger)
	if err != nil {
		return nil, err
	}
	err = n.listen(ctx)
	if err != nil {
		return nil, err
	}
	n.observed, err = observe(ctx, n.cfg, logger, &n.closers)
	if err != nil {
		return nil, err
	}
	n.databases, err = openDatabases(ctx, n.cfg, logger, n.observed, &n.closers)
	if err != nil {
		return nil, err
	}
	err = n.bringUpToDate(ctx)
	if err != nil {
		return nil, err
	}
	connect, err := n.openNATS()
	if err != nil {
		return nil, err
	}
	stripe, err := n.openStripe(ctx)
	if err != nil {
		return nil, err
	}
	n.parts, err = wire(n.cfg, logger, ground{
		databases: n.databases, seen: n.observed, connect: connect, stripe: stripe, certificates: certificates,
	}, &n.closers)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// bringUpToDate migrates SQLite files, which belong to this process alone: nobody
// else does it. A database server is migrated by `almoner migrate`, by a role that
// may; without that nothing here could work.
func (n *Node) bringUpToDate(ctx context.Context) error {
	for _, service := range n.cfg.services() {
		if n.databases[service].Engine() == database.PostgreSQL {
			err := n.databases[service].Ready(ctx)
			if err != nil {
				return err
			}
			continue
		}
		err := n.databases[service].Migrate(ctx)
		if err != nil {
			return fmt.Errorf("migrate %s: %w", service, err)
		}
	}
	return nil
}

// listen takes the addresses early: a second process on the same port should
// fail before it has touched a database.
func (n *Node) listen(ctx context.Context) error {
	var config net.ListenConfig
	take := func(variable, addr string) (net.Listener, error) {
		listener, err := config.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
		// A server closes its listener itself; what never ran is closed here.
		n.closers.add("listener", func() error {
			err := listener.Close()
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		})
		return listener, nil
	}
	for _, address := range []struct {
		variable, addr string
		needed         bool
		listener       *net.Listener
	}{
		{"ALMONER_HTTP_ADDR", n.cfg.HTTPAddr, n.cfg.runs("donation", "web"), &n.site},
		{"ALMONER_OPS_ADDR", n.cfg.OpsAddr, n.cfg.OpsAddr != "" && n.cfg.OpsAddr != n.cfg.HTTPAddr, &n.ops},
		{"ALMONER_GRPC_ADDR", n.cfg.GRPCAddr, n.cfg.GRPCAddr != "", &n.grpc},
		{"ALMONER_STRIPESIM_ADDR", n.cfg.StripesimAddr, n.cfg.simulated(), &n.checkout},
	} {
		if !address.needed {
			continue
		}
		var err error
		*address.listener, err = take(address.variable, address.addr)
		if err != nil {
			return err
		}
	}
	if n.cfg.BaseURL == "" && n.cfg.runs("web") {
		n.cfg.BaseURL = "http://" + n.site.Addr().String()
	}
	return nil
}

func (n *Node) openNATS() (connector, error) {
	if n.cfg.NATSURL != "" || !n.cfg.runs(Services()...) {
		return dialNATS(n.cfg, n.logger), nil
	}
	embedded, err := natsserver.Start(natsserver.Config{Dir: filepath.Join(n.cfg.DataDir, "nats"), Logger: n.logger})
	if err != nil {
		return nil, err
	}
	n.closers.add("embedded NATS", embedded.Close)
	return embedded.Connect, nil
}

// openStripe opens the simulator and sets its endpoint up, or takes the
// configured account.
func (n *Node) openStripe(ctx context.Context) (stripeAccount, error) {
	if !n.cfg.simulated() {
		account := configuredAccount(n.cfg)
		if !n.cfg.runs("donation") {
			return account, nil
		}
		err := account.checkEndpoint(ctx)
		if errors.Is(err, errNoEndpoint) {
			return stripeAccount{}, ConfigError{err}
		}
		if err != nil {
			// That Stripe is away is no reason to turn webhooks away later.
			n.logger.WarnContext(ctx, "whether the webhook secret is the account's was not found out", "error", err)
		}
		return account, nil
	}
	simulator, err := stripesim.Open(stripesim.Config{
		Dir: simulatorDir(n.cfg), BaseURL: n.SimulatorURL(), Logger: n.logger.With("part", "stripesim"),
	})
	if err != nil {
		return stripeAccount{}, fmt.Errorf("open simulator: %w", err)
	}
	n.closers.add("simulator", simulator.Close)
	n.simulator = simulator
	return simulatedAccount(simulator, n.SimulatorURL(), "http://"+n.site.Addr().String()+webhookPath)
}

// BaseURL of the site.
func (n *Node) BaseURL() string { return n.cfg.BaseURL }

// Address is where the site listens, empty without one; behind a proxy, that is
// not where browsers find it.
func (n *Node) Address() string { return addressOf(n.site) }

// OpsAddress is where the process tells how it is.
func (n *Node) OpsAddress() string {
	if n.ops == nil {
		return n.Address()
	}
	return addressOf(n.ops)
}

// GRPCAddress is where other processes ask this one, empty if nowhere.
func (n *Node) GRPCAddress() string { return addressOf(n.grpc) }

func addressOf(listener net.Listener) string {
	if listener == nil {
		return ""
	}
	return listener.Addr().String()
}

// SimulatorURL is where the embedded simulator answers; empty without one.
func (n *Node) SimulatorURL() string {
	if n.checkout == nil {
		return ""
	}
	return "http://" + n.checkout.Addr().String()
}

// Run runs the services of the target until ctx ends, and stops within 30 seconds.
func (n *Node) Run(ctx context.Context) error {
	err := n.loadSample(ctx)
	if err != nil {
		return err
	}
	var group lifecycle.Group
	add := func(name string, run func(context.Context) error) {
		group.Add(name, func(ctx context.Context, ready func()) error {
			ready()
			return run(ctx)
		})
	}
	// The questions' answerers first and the site last: what a part relies on
	// runs before it and stops after it.
	add("rpc", n.serveRPC)
	add("clocks", n.parts.clocks.Run)
	for _, p := range n.parts.services {
		add(p.name, p.Run)
	}
	if n.ops != nil {
		add("ops", func(ctx context.Context) error {
			return httpserver.New(httpserver.Config{Handler: n.opsRoutes(http.NewServeMux()), Logger: n.logger}).Serve(ctx, n.ops)
		})
	}
	if n.site != nil {
		add("site", n.serveSite)
	}
	if n.simulator != nil {
		add("simulator's pages", func(ctx context.Context) error {
			return httpserver.New(httpserver.Config{Handler: n.simulator.Handler(), Logger: n.logger.With("part", "stripesim")}).Serve(ctx, n.checkout)
		})
		// It sends webhooks to the site, so it starts after it and stops before it.
		add("simulator", n.simulator.Run)
	}
	n.logger.InfoContext(ctx, "almoner is running", "services", n.cfg.services(), "site", n.BaseURL(), "simulator", n.SimulatorURL(),
		"grpc", n.GRPCAddress(), "data", n.cfg.DataDir)
	stopWatching := context.AfterFunc(ctx, func() { n.stopping.Store(true) })
	defer stopWatching()
	return group.Run(ctx)
}

// loadSample gives development something to show.
func (n *Node) loadSample(ctx context.Context) error {
	if n.cfg.Environment == production || n.parts.fundraiser == nil {
		return nil
	}
	loaded, err := n.parts.fundraiser.LoadSampleIfEmpty(ctx)
	if err != nil {
		return fmt.Errorf("load sample data: %w", err)
	}
	if loaded {
		n.logger.InfoContext(ctx, "sample appeals loaded, for there were none")
	}
	return nil
}

func (n *Node) serveRPC(ctx context.Context) error {
	listeners := []net.Listener{n.parts.network}
	if n.grpc != nil {
		listeners = append(listeners, n.grpc)
	}
	return n.parts.server.Serve(ctx, listeners...)
}

// serveSite serves the site, Stripe's webhooks, or both: what the target has.
func (n *Node) serveSite(ctx context.Context) error {
	mux := http.NewServeMux()
	for _, p := range n.parts.services {
		if routes, ok := p.service.(routed); ok {
			routes.RegisterHTTP(mux)
		}
	}
	if n.ops == nil {
		n.opsRoutes(mux)
	}
	settings := httpserver.Config{
		Handler: mux, Logger: n.logger, TrustedProxies: n.cfg.TrustedProxies,
		Tracer: n.observed.tracing["donation"], Metrics: n.observed.metrics, Propagator: telemetry.Propagator(),
	}
	if n.parts.web != nil {
		settings.Around, settings.MaxBody, settings.Tracer = n.parts.web.Around, web.LargestBody, n.observed.tracing["web"]
	}
	return httpserver.New(settings).Serve(ctx, n.site)
}

// Close gives back what Open took. Call it after Run has returned.
func (n *Node) Close() error { return n.closers.close() }

// Migrate brings every configured database up to date.
func Migrate(ctx context.Context, cfg Config, logger *slog.Logger) (err error) {
	err = cfg.prepare()
	if err != nil {
		return err
	}
	var open closers
	defer func() { err = errors.Join(err, open.close()) }()
	databases, err := openDatabases(ctx, cfg, logger, unobserved(cfg, &open), &open)
	if err != nil {
		return err
	}
	for _, service := range cfg.services() {
		err = databases[service].Migrate(ctx)
		if err != nil {
			return fmt.Errorf("migrate %s: %w", service, err)
		}
		logger.InfoContext(ctx, "up to date", "service", service, "engine", databases[service].Engine().String())
	}
	return nil
}

// simulatorFolder is where it is, in the data directory and in backups.
const simulatorFolder = "stripesim"

func simulatorDir(cfg Config) string { return filepath.Join(cfg.DataDir, simulatorFolder) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
