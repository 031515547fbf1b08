package donation

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/donation/internal/grpcapi"
	"github.com/almoner/almoner/services/donation/internal/payments"
	"github.com/almoner/almoner/services/donation/internal/store"
	"github.com/almoner/almoner/services/donation/internal/webhook"
	"github.com/almoner/almoner/services/donation/migrations"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/mail"
)

// name is what the service is called on the wire and in its database's mark.
const name = "donation"

// Config is how the service is set up.
type Config struct {
	// BaseURL is where donors reach the site; Stripe sends them back to it.
	BaseURL string
	// SecretKey seals the raw bodies of webhooks and signs the links of monthly plans.
	// With another key, bodies that were stored and not processed yet have to be
	// fetched from Stripe, and links in mails already sent stop working.
	SecretKey config.Secret
	// From is the address that mails come from; empty means gifts@ the site's host.
	From string
	// StripeKey is the account's secret or restricted key.
	StripeKey config.Secret
	// StripeURL is a simulator's address; empty means Stripe's own.
	StripeURL string
	// WebhookSecrets are the endpoint's signing secrets: one, or two while it is
	// being rolled. They may be missing only where the service is not run.
	WebhookSecrets []config.Secret
	// HTTPClient speaks to Stripe; nil means one with a time-out of 20 s.
	HTTPClient *http.Client
	// Development lifts the limit of 20 sessions in 10 minutes for loopback
	// addresses.
	Development bool
	// Replicas of the feed's stream: 1, or 3 on a NATS cluster; 0 means 1.
	Replicas int
	// ImportEvery is the pause between two looks at Stripe's balance transactions
	// when nothing is expected; 0 means 15 s.
	ImportEvery time.Duration
	// RefundLimit is how much of a gift one person may give back alone, in minor
	// units by currency; above it a second person has to agree. Currencies that are
	// not in it have 500 units, or 50,000 where there are no smaller ones.
	RefundLimit map[string]int64
	// PaymentMethods are how donors may pay, in Stripe's words: those of
	// PaymentMethods(), each used where the currency allows it. None are cards alone.
	PaymentMethods []string
}

// PaymentMethods are the words that Config.PaymentMethods may hold.
func PaymentMethods() []string { return domain.PaymentMethods() }

// Deps is what the service is given to work with.
type Deps struct {
	DB *database.DB
	// NATS is nil when the service is only asked, not run.
	NATS *nats.Conn
	// Conn carries this service's name and reaches fundraiser.
	Conn grpc.ClientConnInterface
	// Mail takes the letters to donors.
	Mail   mail.Carrier
	Logger *slog.Logger
	Tracer trace.TracerProvider
	// Metrics may be nil: then nobody counts.
	Metrics prometheus.Registerer
	Now     func() time.Time
}

// Service is donation, put together. It does nothing until Run; it may be asked
// before, and beside another process that runs it.
type Service struct {
	db       *database.DB
	log      *feed.Log
	app      *app.App
	webhook  *webhook.Handler // nil without signing secrets
	producer *feed.Producer
}

// Migrations are the tables that the service's database has.
func Migrations() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

// WebhookEvents are the event types that the endpoint at Stripe needs.
func WebhookEvents() []string { return app.WebhookEvents() }

// New puts the service together. It dials nobody and does not touch the
// database.
func New(cfg Config, deps Deps) (*Service, error) {
	client, err := payments.New(payments.Config{Key: cfg.StripeKey, URL: cfg.StripeURL, HTTPClient: cfg.HTTPClient, Tracer: deps.Tracer, Metrics: deps.Metrics})
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	seal, err := app.NewSeal([]byte(cfg.SecretKey.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	links, err := app.NewPlanLinks([]byte(cfg.SecretKey.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	if deps.Mail == nil {
		return nil, fmt.Errorf("set up %s: nothing takes its mails", name)
	}
	site, err := mail.AddressAt(cfg.BaseURL, "gifts")
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	log := feed.NewLog(deps.DB, name)
	livemode := payments.Livemode(cfg.StripeKey)
	s := &Service{db: deps.DB, log: log}
	counts := app.NewMetrics(deps.Metrics)
	s.producer = feed.NewProducer(feed.ProducerConfig{
		Feed: name, Log: log, DB: deps.DB, NATS: deps.NATS, Replicas: cfg.Replicas,
		Logger: deps.Logger, Tracer: deps.Tracer, Metrics: deps.Metrics, Now: deps.Now,
	})
	s.app = app.New(app.Config{
		BaseURL: strings.TrimSuffix(cfg.BaseURL, "/"), Livemode: livemode, APIVersion: payments.APIVersion,
		Development: cfg.Development, ImportEvery: cfg.ImportEvery, RefundLimit: cfg.RefundLimit,
		PaymentMethods: cfg.PaymentMethods,
	}, app.Parts{
		Store: store.New(deps.DB, log), Stripe: client, Fundraiser: fundraiserv1.NewFundraiserServiceClient(deps.Conn),
		Seal: seal, Links: links, Logger: deps.Logger, Tracer: deps.Tracer.Tracer("almoner/donation"), Metrics: counts, Now: deps.Now,
		Memory: s.producer, Mailer: mailer{mail: deps.Mail, from: cmp.Or(cfg.From, site)},
	})
	if deps.Metrics != nil {
		deps.Metrics.MustRegister(s.app.Watch())
	}
	if len(cfg.WebhookSecrets) > 0 {
		s.webhook, err = webhook.New(webhook.Config{
			Secrets: cfg.WebhookSecrets, Now: deps.Now, Logger: deps.Logger, Metrics: counts,
		}, s.app)
		if err != nil {
			return nil, fmt.Errorf("set up %s: %w", name, err)
		}
	}
	return s, nil
}

// RegisterGRPC registers DonationService.
func (s *Service) RegisterGRPC(r grpc.ServiceRegistrar) {
	donationv1.RegisterDonationServiceServer(r, grpcapi.New(s.app))
}

// RegisterHTTP registers POST /webhooks/stripe, if there are signing secrets.
func (s *Service) RegisterHTTP(mux *http.ServeMux) {
	if s.webhook != nil {
		s.webhook.Register(mux)
	}
}

// AddTo lets fs serve the donation feed, and what came from Stripe and is parked.
func (s *Service) AddTo(fs *feed.Server) {
	fs.AddFeed(name, s.log)
	fs.AddParking(name, parking{app: s.app})
}

// Run processes webhooks, imports balance transactions, asks about open gifts and
// monthly plans, sends letters and relays the feed until ctx ends, and returns when all of that has stopped.
// Without webhook signing secrets it refuses.
func (s *Service) Run(ctx context.Context) error {
	if s.webhook == nil {
		return fmt.Errorf("run %s: no webhook signing secret", name)
	}
	var parts sync.WaitGroup
	parts.Go(func() { s.producer.Run(ctx) })
	parts.Go(func() { s.app.KnowAccount(ctx) })
	parts.Go(func() { s.app.Process(ctx) })
	parts.Go(func() { s.app.Import(ctx) })
	parts.Go(func() { s.app.Resolve(ctx) })
	parts.Go(func() { s.app.Sweep(ctx) })
	parts.Go(func() { s.app.WatchPlans(ctx) })
	parts.Wait()
	return nil
}

// Disturbed tells what keeps the service's feeds from moving now, nil when
// nothing does. It is no reason to turn donors away.
func (s *Service) Disturbed() error {
	return s.producer.Health()
}

// StripeDisturbed tells why Stripe could not be asked at the newest look, nil when
// it could. Webhooks are taken all the same.
func (s *Service) StripeDisturbed() error { return s.app.ImportFault() }

// Ready reports whether the service's own database can be reached and is
// migrated. Stripe is not asked: donors can be shown pages without it.
func (s *Service) Ready(ctx context.Context) error { return s.db.Ready(ctx) }
