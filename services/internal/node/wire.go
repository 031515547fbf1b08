package node

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/fundraiser"
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
)

// parts are the services of a process and what connects them.
type parts struct {
	cfg Config
	ground
	mail    mail.Carrier
	network *rpc.Network
	server  *rpc.Server
	// services of the target, those that are asked before those that ask.
	services []part
	// What only one service has to offer; nil where it does not run.
	donation   *donation.Service
	fundraiser *fundraiser.Service
	web        *web.Service
	clocks     clocks
	// soft checks degrade the process, but donors can still give.
	soft []httpserver.Check
}

// part is a service under its name.
type part struct {
	name string
	service
}

// service is what all of them have. Most also answer questions (asked), follow
// feeds (following) or have routes (routed).
type service interface {
	Run(context.Context) error
	Ready(context.Context) error
}

type asked interface {
	RegisterGRPC(grpc.ServiceRegistrar)
	AddTo(*feed.Server)
}

type following interface{ Disturbed() error }

type routed interface{ RegisterHTTP(*http.ServeMux) }

// supplies are what a service is given to work with, each under its own name.
type supplies struct {
	db     *database.DB
	nats   *nats.Conn
	conn   grpc.ClientConnInterface
	logger *slog.Logger
	tracer *sdktrace.TracerProvider
	// metrics is nil for commands.
	metrics prometheus.Registerer
}

// connectionAge bounds how long a connection outlives the certificates by which it
// was made.
const connectionAge = 30 * time.Minute

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

// ground is what the services of a process stand on.
type ground struct {
	databases map[string]*database.DB
	seen      *observed
	// connect is nil when nothing will be run.
	connect connector
	stripe  stripeAccount
	// certificates prove the process to others; nil where there are no others, or
	// where they are believed.
	certificates *rpc.Certificates
}

// wire puts the services of the target together. What it opens is given back
// through closers.
func wire(cfg Config, logger *slog.Logger, on ground, open *closers) (_ *parts, err error) {
	p := &parts{cfg: cfg, ground: on, network: rpc.NewNetwork()}
	open.add("rpc network", p.network.Close)
	p.mail, err = newMail(cfg)
	if err != nil {
		return nil, err
	}
	private, public, err := cfg.personKeys()
	if err != nil {
		return nil, err
	}
	answering := rpc.ServerConfig{
		Logger: logger, Tracer: on.seen.answering(cfg), Metrics: on.seen.counted(), Propagator: telemetry.Propagator(), PersonKey: public,
		Certificates: on.certificates, Plaintext: cfg.plaintext(),
	}
	if on.certificates != nil {
		answering.ConnectionAge = connectionAge
		p.soft = append(p.soft, certificateCheck(on.certificates))
		countExpiry(on.certificates, on.seen.counted())
	}
	p.server = rpc.NewServer(answering)
	for _, name := range cfg.services() {
		if on.databases[name].Engine() == database.PostgreSQL {
			p.clocks.others = append(p.clocks.others, clock{"database of " + name, on.databases[name].ClockAhead})
		}
	}
	p.soft = append(p.soft, p.clocks.check())
	feeds := feed.NewServer()
	for _, s := range []struct {
		name string
		make func(supplies) (service, error)
	}{
		{"fundraiser", p.makeFundraiser},
		{"donation", p.makeDonation},
		{"ledger", p.makeLedger},
		{"receipt", p.makeReceipt},
		{"web", p.makeWeb},
	} {
		if !cfg.runs(s.name) {
			continue
		}
		given := supplies{
			db: on.databases[s.name], logger: logger.With("service", s.name), tracer: on.seen.tracing[s.name], metrics: on.seen.counted(),
		}
		given.conn, err = p.directory(s.name, private, open)
		if err != nil {
			return nil, err
		}
		if on.connect != nil && s.name != "web" {
			given.nats, err = on.connect(s.name)
			if err != nil {
				return nil, err
			}
			open.add("NATS connection of "+s.name, func() error { given.nats.Close(); return nil })
			natsserver.Watch(given.metrics, s.name, given.nats)
			p.soft = append(p.soft, natsCheck(s.name, given.nats))
			p.compareNATS(s.name, given)
		}
		made, err := s.make(given)
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", s.name, err)
		}
		p.add(part{s.name, made}, feeds)
	}
	feedv1.RegisterFeedServiceServer(p.server, feeds)
	feedv1.RegisterParkingServiceServer(p.server, feeds)
	return p, nil
}

// add lets a service be asked and watched.
func (p *parts) add(made part, feeds *feed.Server) {
	p.services = append(p.services, made)
	if answers, ok := made.service.(asked); ok {
		answers.RegisterGRPC(p.server)
		answers.AddTo(feeds)
	}
	if follows, ok := made.service.(following); ok {
		p.soft = append(p.soft, feedCheck(made.name, follows.Disturbed))
	}
}

func (p *parts) makeFundraiser(given supplies) (_ service, err error) {
	p.fundraiser, err = fundraiser.New(
		fundraiser.Config{Replicas: p.cfg.NATSReplicas, BaseURL: p.cfg.BaseURL, From: p.cfg.MailFrom},
		fundraiser.Deps{DB: given.db, NATS: given.nats, Conn: given.conn, Mail: p.mail, Logger: given.logger, Tracer: given.tracer, Metrics: given.metrics, Now: time.Now})
	return p.fundraiser, err
}

func (p *parts) makeDonation(given supplies) (_ service, err error) {
	p.donation, err = donation.New(
		donation.Config{
			BaseURL: p.cfg.BaseURL, SecretKey: p.cfg.SecretKey, Development: p.cfg.Environment != production, Replicas: p.cfg.NATSReplicas,
			StripeKey: p.stripe.key, StripeURL: p.stripe.url, WebhookSecrets: p.stripe.webhookSecrets, HTTPClient: p.stripe.client,
			From: p.cfg.MailFrom, PaymentMethods: p.cfg.PaymentMethods, RefundLimit: p.cfg.RefundLimit,
		},
		donation.Deps{DB: given.db, NATS: given.nats, Conn: given.conn, Mail: p.mail, Logger: given.logger, Tracer: given.tracer, Metrics: given.metrics, Now: time.Now})
	if err != nil {
		return nil, err
	}
	p.soft = append(p.soft, stripeCheck(p.donation.StripeDisturbed))
	if !p.cfg.simulated() {
		p.clocks.others = append(p.clocks.others, p.stripe.clock())
	}
	return p.donation, nil
}

func (p *parts) makeLedger(given supplies) (service, error) {
	return ledger.New(
		ledger.Config{},
		ledger.Deps{DB: given.db, NATS: given.nats, Conn: given.conn, Logger: given.logger, Tracer: given.tracer, Metrics: given.metrics, Now: time.Now})
}

func (p *parts) makeReceipt(given supplies) (service, error) {
	return receipt.New(
		receipt.Config{BaseURL: p.cfg.BaseURL, SecretKey: p.cfg.SecretKey, From: p.cfg.MailFrom, FontDir: p.cfg.FontDir},
		receipt.Deps{DB: given.db, NATS: given.nats, Conn: given.conn, Mail: p.mail, Logger: given.logger, Tracer: given.tracer, Metrics: given.metrics, Now: time.Now})
}

func (p *parts) makeWeb(given supplies) (_ service, err error) {
	p.web, err = web.New(
		web.Config{
			BaseURL: p.cfg.BaseURL, FontDir: p.cfg.FontDir, CheckoutOrigin: p.stripe.checkoutOrigin(), PortalOrigin: p.stripe.portalOrigin(),
			StripeDashboard: p.stripe.dashboard(),
			Development:     p.cfg.Environment != production, MailDir: p.cfg.mailDir(), MailFrom: p.cfg.MailFrom, Staff: p.cfg.Staff,
		},
		web.Deps{DB: given.db, Conn: given.conn, Mail: p.mail, Logger: given.logger, Now: time.Now})
	return p.web, err
}

// directory is a service's connection to all others: in memory to those of this
// process, over TCP to those that it asks and that run elsewhere.
func (p *parts) directory(caller string, person ed25519.PrivateKey, open *closers) (*rpc.Directory, error) {
	options := []grpc.DialOption{rpc.Traced(p.seen.tracing[caller], telemetry.Propagator())}
	if caller == "web" {
		// People sign in at web, so only its calls can speak for one.
		options = append(options, rpc.Acting(person, time.Now)...)
	}
	local, err := p.network.Dial(caller, options...)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", caller, err)
	}
	open.add("connection of "+caller, local.Close)
	routes := map[string]grpc.ClientConnInterface{}
	for _, service := range p.cfg.services() {
		routes[service] = local
	}
	for _, sibling := range asks(caller) {
		if p.cfg.runs(sibling) {
			continue
		}
		remote, err := rpc.Dial(sibling, p.cfg.PeerAddrs[sibling], caller, p.certificates, options...)
		if err != nil {
			return nil, fmt.Errorf("connect %s: %w", caller, err)
		}
		open.add("connection of "+caller+" to "+sibling, remote.Close)
		p.soft = append(p.soft, httpserver.Check{Name: sibling + " for " + caller, Run: remote.Reachable})
		routes[sibling] = remote
	}
	return rpc.NewDirectory(routes), nil
}

// compareNATS looks at the time of servers that are not this process: at one of
// their connections, for they keep one time among themselves.
func (p *parts) compareNATS(service string, given supplies) {
	if p.cfg.NATSURL == "" || slices.ContainsFunc(p.clocks.others, func(c clock) bool { return c.against == "nats" }) {
		return
	}
	for _, member := range feedMembers() {
		if member.Service == service {
			p.clocks.others = append(p.clocks.others, natsClock(given.nats, member).counted(given.metrics))
		}
	}
}

func dialNATS(cfg Config, logger *slog.Logger) connector {
	return func(name string) (*nats.Conn, error) {
		// What can be wrong now is an address or a file: a server that is away is not.
		broker, err := natsserver.Dial(natsserver.DialConfig{
			URLs: cfg.NATSURL, Name: name, Credentials: cfg.NATSCredentials, CA: cfg.NATSCA, Logger: logger,
		})
		if err != nil {
			return nil, ConfigError{fmt.Errorf("ALMONER_NATS_URL, _CREDS, _CA: %w", err)}
		}
		return broker, nil
	}
}
