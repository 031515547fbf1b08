package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/fundraiser"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/natsserver"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/ledger"
	"github.com/almoner/almoner/services/receipt"
	"github.com/almoner/almoner/services/web"
	"github.com/almoner/almoner/tools/stripesim"
)

// parts are the services of a process and what connects them.
type parts struct {
	network    *rpc.Network
	server     *rpc.Server
	tracing    map[string]*sdktrace.TracerProvider
	donation   *donation.Service
	fundraiser *fundraiser.Service
	receipt    *receipt.Service
	ledger     *ledger.Service
	web        *web.Service
	// soft checks degrade the process, but donors can still give.
	soft []httpserver.Check
}

// connector opens a NATS connection of its own for a service.
type connector func(name string) (*nats.Conn, error)

// migrationSets of every service that has a database.
func migrationSets() map[string][]database.MigrationSet {
	return map[string][]database.MigrationSet{
		"donation":   donation.Migrations(),
		"fundraiser": fundraiser.Migrations(),
		"receipt":    receipt.Migrations(),
		"ledger":     ledger.Migrations(),
		"web":        web.Migrations(),
	}
}

// wire puts the services together. connect is nil when nothing will be run.
// What it opens is given back through closers.
func wire(cfg Config, logger *slog.Logger, databases map[string]*database.DB, connect connector, stripe stripeAccount, open *closers) (_ *parts, err error) {
	p := &parts{network: rpc.NewNetwork(), tracing: map[string]*sdktrace.TracerProvider{}}
	open.add("rpc network", p.network.Close)
	for _, service := range append(Services(), "web", "operator") {
		provider := telemetry.NewTracing(service, cfg.Version)
		p.tracing[service] = provider
		open.add("traces of "+service, func() error { return provider.Shutdown(context.Background()) })
	}
	people, err := personKey(cfg.SecretKey)
	if err != nil {
		return nil, err
	}
	p.server = rpc.NewServer(rpc.ServerConfig{
		Logger: logger, Tracer: p.tracing["operator"], Propagator: telemetry.Propagator(),
		PersonKey: people.Public().(ed25519.PublicKey),
	})

	// Each service has its own connections, which carry its name.
	conns := map[string]*grpc.ClientConn{}
	brokers := map[string]*nats.Conn{}
	for _, service := range append(Services(), "web") {
		var options []grpc.DialOption
		if service == "web" {
			// People sign in at web, so only its calls can speak for one.
			options = rpc.Acting(people, time.Now)
		}
		conns[service], err = p.dial(service, options...)
		if err != nil {
			return nil, err
		}
		open.add("connection of "+service, conns[service].Close)
		if connect == nil || service == "web" {
			continue
		}
		brokers[service], err = connect(service)
		if err != nil {
			return nil, err
		}
		open.add("NATS connection of "+service, func() error { brokers[service].Close(); return nil })
	}
	err = p.services(cfg, logger, databases, conns, brokers, stripe)
	if err != nil {
		return nil, err
	}
	feeds := feed.NewServer()
	for _, service := range []interface {
		RegisterGRPC(grpc.ServiceRegistrar)
		AddTo(*feed.Server)
	}{p.donation, p.fundraiser, p.receipt, p.ledger} {
		service.RegisterGRPC(p.server)
		service.AddTo(feeds)
	}
	p.soft = append(p.degradations(), natsChecks(brokers)...)
	feedv1.RegisterFeedServiceServer(p.server, feeds)
	feedv1.RegisterParkingServiceServer(p.server, feeds)
	return p, nil
}

func (p *parts) services(cfg Config, logger *slog.Logger, databases map[string]*database.DB, conns map[string]*grpc.ClientConn, brokers map[string]*nats.Conn, stripe stripeAccount) (err error) {
	mails, err := newMail(cfg)
	if err != nil {
		return err
	}
	p.fundraiser, err = fundraiser.New(
		fundraiser.Config{Replicas: cfg.NATSReplicas, BaseURL: cfg.BaseURL, From: cfg.MailFrom},
		fundraiser.Deps{
			DB: databases["fundraiser"], NATS: brokers["fundraiser"], Conn: conns["fundraiser"], Mail: mails,
			Logger: logger.With("service", "fundraiser"), Tracer: p.tracing["fundraiser"], Now: time.Now,
		})
	if err != nil {
		return fmt.Errorf("make fundraiser: %w", err)
	}
	p.donation, err = donation.New(
		donation.Config{
			BaseURL: cfg.BaseURL, SecretKey: cfg.SecretKey, Development: cfg.Environment != production, Replicas: cfg.NATSReplicas,
			StripeKey: stripe.key, StripeURL: stripe.url, WebhookSecrets: stripe.webhookSecrets, HTTPClient: stripe.client,
		},
		donation.Deps{
			DB: databases["donation"], NATS: brokers["donation"], Conn: conns["donation"],
			Logger: logger.With("service", "donation"), Tracer: p.tracing["donation"], Now: time.Now,
		})
	if err != nil {
		return fmt.Errorf("make donation: %w", err)
	}
	p.ledger, err = ledger.New(
		ledger.Config{},
		ledger.Deps{
			DB: databases["ledger"], NATS: brokers["ledger"], Conn: conns["ledger"],
			Logger: logger.With("service", "ledger"), Tracer: p.tracing["ledger"], Now: time.Now,
		})
	if err != nil {
		return fmt.Errorf("make ledger: %w", err)
	}
	p.receipt, err = receipt.New(
		receipt.Config{BaseURL: cfg.BaseURL, SecretKey: cfg.SecretKey, From: cfg.MailFrom, FontDir: cfg.FontDir},
		receipt.Deps{
			DB: databases["receipt"], NATS: brokers["receipt"], Conn: conns["receipt"], Mail: mails,
			Logger: logger.With("service", "receipt"), Tracer: p.tracing["receipt"], Now: time.Now,
		})
	if err != nil {
		return fmt.Errorf("make receipt: %w", err)
	}
	p.web, err = web.New(
		web.Config{BaseURL: cfg.BaseURL, FontDir: cfg.FontDir, CheckoutOrigin: stripe.checkoutOrigin(), StripeDashboard: stripe.dashboard(), Development: cfg.Environment != production, MailDir: mailDir(cfg), Staff: cfg.Staff, MailFrom: cfg.MailFrom},
		web.Deps{DB: databases["web"], Conn: conns["web"], Mail: mails, Logger: logger.With("service", "web"), Now: time.Now})
	if err != nil {
		return fmt.Errorf("make web: %w", err)
	}
	return nil
}

// dial opens a connection to every service of the process that carries caller.
func (p *parts) dial(caller string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	conn, err := p.network.Dial(caller, append(options, rpc.Traced(p.tracing[caller], telemetry.Propagator()))...)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", caller, err)
	}
	return conn, nil
}

// degradations tell which service's events do not move, and whether Stripe answers. What the error says inside
// is in the log; here anybody may read it.
func (p *parts) degradations() []httpserver.Check {
	var checks []httpserver.Check
	for service, disturbed := range map[string]func() error{
		"donation": p.donation.Disturbed, "fundraiser": p.fundraiser.Disturbed,
		"receipt": p.receipt.Disturbed, "ledger": p.ledger.Disturbed,
	} {
		checks = append(checks, httpserver.Check{Name: "feeds of " + service, Run: func(context.Context) error {
			err := disturbed()
			switch {
			case err == nil:
				return nil
			case errors.Is(err, feed.ErrFork):
				return apperr.Wrap(err, apperr.FailedPrecondition, "feed_fork", "a feed and what is remembered of it disagree; an operator must decide")
			default:
				return apperr.Wrap(err, apperr.Unavailable, "feed_disturbed", "events do not move now; it goes on trying")
			}
		}})
	}
	return append(checks, httpserver.Check{Name: "stripe", Run: func(context.Context) error {
		err := p.donation.StripeDisturbed()
		if err == nil {
			return nil
		}
		return apperr.Wrap(err, apperr.Unavailable, "stripe_away", "Stripe could not be asked; fees and lost webhooks are found later")
	}})
}

// natsChecks tell of NATS. It is a cache, so without it nothing is refused.
func natsChecks(brokers map[string]*nats.Conn) []httpserver.Check {
	var checks []httpserver.Check
	for service, broker := range brokers {
		checks = append(checks, httpserver.Check{Name: "nats of " + service, Run: func(context.Context) error {
			if broker.IsConnected() {
				return nil
			}
			return apperr.New(apperr.Unavailable, "nats_down", "NATS is not connected; totals and books follow more slowly")
		}})
	}
	return checks
}

func dialNATS(cfg Config, logger *slog.Logger) connector {
	return func(name string) (*nats.Conn, error) {
		return natsserver.Dial(natsserver.DialConfig{
			URLs: cfg.NATSURL, Name: name, Credentials: cfg.NATSCredentials, CA: cfg.NATSCA, Logger: logger,
		})
	}
}

// dashboard is where staff look at objects of Stripe. What stands in for Stripe
// shows them on its own page.
func (a stripeAccount) dashboard() string {
	switch {
	case a.url != stripeURL:
		return a.url + "/_sim"
	case strings.HasPrefix(a.key.Reveal(), "sk_test_"), strings.HasPrefix(a.key.Reveal(), "rk_test_"):
		return dashboardURL + "/test"
	default:
		return dashboardURL
	}
}

// stripeAccount is how Stripe, or what stands in for it, is reached.
type stripeAccount struct {
	key            config.Secret
	url            string
	webhookSecrets []config.Secret
	// client is nil for the network.
	client *http.Client
}

const (
	webhookPath  = "/webhooks/stripe"
	stripeURL    = "https://api.stripe.com"
	checkoutURL  = "https://checkout.stripe.com"
	dashboardURL = "https://dashboard.stripe.com"
	simulatorKey = "sk_test_simulator"
)

// checkoutOrigin is where the donor is sent: the only other origin that the
// donate form may lead to.
func (a stripeAccount) checkoutOrigin() string {
	if a.url == stripeURL {
		return checkoutURL
	}
	return a.url
}

func configuredAccount(cfg Config) stripeAccount {
	account := stripeAccount{key: cfg.StripeKey, url: cfg.StripeURL, webhookSecrets: cfg.WebhookSecrets}
	if account.url == "" {
		account.url = stripeURL
	}
	return account
}

// simulatedAccount sets up the endpoint that the simulator sends webhooks to. The
// address of the site may have changed since the last start; the endpoint is then
// another one with a secret of its own.
func simulatedAccount(simulator *stripesim.Server, url, webhookURL string) (stripeAccount, error) {
	secret, err := simulator.EnsureWebhookEndpoint(webhookURL, donation.WebhookEvents(), StripeAPIVersion)
	if err != nil {
		return stripeAccount{}, fmt.Errorf("set up the simulator's webhook endpoint: %w", err)
	}
	if secret == "" {
		return stripeAccount{}, errors.New("the simulator's webhook endpoint has no secret")
	}
	return stripeAccount{key: config.NewSecret(simulatorKey), url: url, webhookSecrets: []config.Secret{config.NewSecret(secret)}}, nil
}

// mailDir is where mails are kept that are not sent; empty when they are.
func mailDir(cfg Config) string {
	if cfg.SMTPURL.IsSet() {
		return ""
	}
	return filepath.Join(cfg.DataDir, "mail")
}

func newMail(cfg Config) (receipt.Mail, error) {
	if !cfg.SMTPURL.IsSet() {
		sink, err := mail.NewSink(mailDir(cfg), time.Now)
		if err != nil {
			return nil, fmt.Errorf("keep mails: %w", err)
		}
		return sink, nil
	}
	server, err := mail.NewSMTP(cfg.SMTPURL, time.Now)
	if err != nil {
		return nil, fmt.Errorf("ALMONER_SMTP_URL: %w", err)
	}
	return server, nil
}
