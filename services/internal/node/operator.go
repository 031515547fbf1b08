package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"google.golang.org/grpc"

	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/tools/stripesim"
)

// Operator is the services' own code on the configured databases, without
// workers, listeners or NATS. It works beside a running instance and without
// one, and takes no lock.
type Operator struct {
	cfg    Config
	logger *slog.Logger
	parts  *parts
	conn   *grpc.ClientConn
	// databases by service.
	databases map[string]*database.DB
	closers   closers
	served    chan error
	stop      context.CancelFunc
}

// OpenOperator opens what commands need. It refuses a database that lacks a
// migration instead of migrating it: an instance of another version may be
// running on it.
func OpenOperator(ctx context.Context, cfg Config, logger *slog.Logger) (_ *Operator, err error) {
	o := &Operator{cfg: cfg, logger: logger, served: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.closers.close())
		}
	}()
	if cfg.local() && !exists(cfg.DataDir) {
		return nil, fmt.Errorf("data directory %s does not exist; has `almoner run` or `almoner migrate` ever run here?", cfg.DataDir)
	}
	o.cfg.SecretKey, err = o.secretKey()
	if err != nil {
		return nil, err
	}
	seen := unobserved(o.cfg, &o.closers)
	databases, err := openDatabases(ctx, o.cfg, logger, seen, &o.closers)
	if err != nil {
		return nil, err
	}
	o.databases = databases
	for _, service := range Databases() {
		pending, err := databases[service].Pending(ctx)
		if err != nil {
			return nil, fmt.Errorf("look at the database of %s: %w", service, err)
		}
		if pending {
			return nil, fmt.Errorf("the database of %s is not up to date; run `almoner migrate`", service)
		}
	}
	if o.cfg.BaseURL == "" {
		o.cfg.BaseURL = "http://" + o.cfg.HTTPAddr
	}
	account, err := o.openStripe(logger)
	if err != nil {
		return nil, err
	}
	o.parts, err = wire(o.cfg, logger, ground{databases: databases, seen: seen, stripe: account}, &o.closers)
	if err != nil {
		return nil, err
	}
	o.conn, err = o.parts.network.Dial("operator", rpc.Traced(seen.tracing[nobodys], telemetry.Propagator()))
	if err != nil {
		return nil, fmt.Errorf("connect operator: %w", err)
	}
	o.closers.add("operator's connection", o.conn.Close)
	ctx, o.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() { o.served <- o.parts.server.Serve(ctx, o.parts.network) }()
	return o, nil
}

// secretKey is that of the instance. Beside databases that are elsewhere there may
// be none to find: one drawn for this command will do, because without a mail
// server nothing that it signs leaves the process.
func (o *Operator) secretKey() (config.Secret, error) {
	if !o.cfg.SecretKey.IsSet() && (o.cfg.Environment == production || !exists(o.cfg.DataDir)) {
		drawn, err := drawSecretKey()
		return config.NewSecret(string(drawn)), err
	}
	return secretKey(o.cfg.SecretKey, o.cfg.DataDir, true)
}

// openStripe reads the simulator's state beside the instance that writes it, so
// that an audit needs no port; or takes the configured account.
func (o *Operator) openStripe(logger *slog.Logger) (stripeAccount, error) {
	if !o.cfg.simulated() {
		return configuredAccount(o.cfg), nil
	}
	open, settings := stripesim.OpenReadOnly, stripesim.Config{Dir: simulatorDir(o.cfg), BaseURL: o.SimulatorURL(), Logger: logger}
	if !exists(settings.Dir) {
		// Nothing has run here yet: an account without money is the truth.
		open, settings.Dir = stripesim.Open, ""
	}
	simulator, err := open(settings)
	if err != nil {
		return stripeAccount{}, fmt.Errorf("read the simulator's state: %w", err)
	}
	o.closers.add("simulator's state", simulator.Close)
	return stripeAccount{
		key: config.NewSecret(simulatorKey), url: o.SimulatorURL(), client: &http.Client{Transport: handlerTransport{simulator.Handler()}},
	}, nil
}

// Conn reaches every service as an operator.
func (o *Operator) Conn() grpc.ClientConnInterface { return o.conn }

// BaseURL of the running instance, as the configuration names it.
func (o *Operator) BaseURL() string { return o.cfg.BaseURL }

// SimulatorURL of the running instance, or the configured stand-in for Stripe.
func (o *Operator) SimulatorURL() string {
	if o.cfg.StripeURL != "" {
		return o.cfg.StripeURL
	}
	return "http://" + o.cfg.StripesimAddr
}

// Load reads organizations, funds, appeals and pages from YAML, and returns in
// words what changed. A file with a fault changes nothing.
func (o *Operator) Load(ctx context.Context, r io.Reader) (string, error) {
	report, err := o.parts.fundraiser.Load(ctx, r)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(report), nil
}

// Close ends it.
func (o *Operator) Close() error {
	o.stop()
	return errors.Join(<-o.served, o.closers.close())
}

func openDatabases(ctx context.Context, cfg Config, logger *slog.Logger, seen *observed, open *closers) (map[string]*database.DB, error) {
	err := halfRestored(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	databases := map[string]*database.DB{}
	sets := migrationSets()
	for _, service := range cfg.services() {
		db, err := database.Open(ctx, database.Config{
			URL: cfg.databaseURL(service), Service: service, Migrations: sets[service], Logger: logger,
			Tracer: seen.tracing[service], Metrics: seen.counted(),
		})
		if errors.Is(err, database.ErrForeign) {
			return nil, ConfigError{fmt.Errorf("ALMONER_%s_DATABASE_URL: %w", strings.ToUpper(service), err)}
		}
		if err != nil {
			return nil, fmt.Errorf("open the database of %s: %w", service, err)
		}
		open.add("database of "+service, db.Close)
		databases[service] = db
	}
	return databases, nil
}
