package receipt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/consume"
	"github.com/almoner/almoner/services/receipt/internal/document"
	"github.com/almoner/almoner/services/receipt/internal/domain"
	"github.com/almoner/almoner/services/receipt/internal/grpcapi"
	"github.com/almoner/almoner/services/receipt/internal/store"
	"github.com/almoner/almoner/services/receipt/migrations"
)

// name is what the service is called on the wire and in its database's mark.
const name = "receipt"

// Config is how the service is set up.
type Config struct {
	// BaseURL is where donors reach the site; receipts' links begin with it.
	BaseURL string
	// SecretKey signs receipts' links, at least 16 bytes. With another key,
	// links in mails already sent stop working.
	SecretKey config.Secret
	// From is the address that mails come from; empty means receipts@ the site's
	// host.
	From string
	// FontDir holds fonts for scripts that those in the program do not cover;
	// empty means that there are only the system's besides.
	FontDir string
}

// Deps is what the service is given to work with.
type Deps struct {
	// DB is the service's own database.
	DB *database.DB
	// NATS may be nil, or be down: the feeds are then pulled.
	NATS *nats.Conn
	// Conn carries this service's name and reaches donation and the feeds.
	Conn grpc.ClientConnInterface
	// Mail takes the receipts' mails.
	Mail mail.Carrier
	// Logger, Tracer and Metrics may be nil.
	Logger  *slog.Logger
	Tracer  trace.TracerProvider
	Metrics prometheus.Registerer
	// Now dates receipts and mails; nil means the system's clock.
	Now func() time.Time
}

// Service is receipts, put together. It does nothing until Run; it may be asked
// before, and beside another process that runs it.
type Service struct {
	db        *database.DB
	cfg       Config
	deps      Deps
	app       *app.App
	consumers []*feed.Consumer // the catalogue's first: then no gift waits for its fund
}

// Migrations are the tables that the service's database has.
func Migrations() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

// New puts the service together. It dials nobody and does not touch the
// database.
func New(cfg Config, deps Deps) (*Service, error) {
	if deps.DB == nil || deps.Conn == nil {
		return nil, fmt.Errorf("set up %s: it needs a database and a connection", name)
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	links, err := domain.NewLinkSigner([]byte(cfg.SecretKey.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	codes, err := domain.NewCheckCodes([]byte(cfg.SecretKey.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	fonts, err := typeset.New(typeset.Config{Dir: cfg.FontDir, System: true, Logger: deps.Logger})
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	if deps.Mail == nil {
		return nil, fmt.Errorf("set up %s: nothing takes its mails", name)
	}
	site, err := mail.AddressAt(cfg.BaseURL, "receipts")
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	uses, err := app.New(app.Config{
		BaseURL: cfg.BaseURL,
		Links:   links,
		Codes:   codes,
		Store:   store.New(deps.DB),
		Donors:  donationv1.NewDonationServiceClient(deps.Conn),
		Printer: document.New(fonts),
		Mailer:  mailer{mail: deps.Mail, from: cmp.Or(cfg.From, site)},
		Now:     deps.Now,
		Logger:  deps.Logger,
		Tracer:  deps.Tracer,
	})
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}

	consumer := func(of string) *feed.Consumer {
		return feed.NewConsumer(feed.ConsumerConfig{
			Service: name,
			Feed:    of,
			DB:      deps.DB,
			NATS:    deps.NATS,
			Source:  feedv1.NewFeedServiceClient(deps.Conn),
			Logger:  deps.Logger,
			Tracer:  deps.Tracer,
			Metrics: deps.Metrics,
			Now:     deps.Now,
		})
	}
	if deps.Metrics != nil {
		deps.Metrics.MustRegister(uses.Watch(), feed.NewParkedLook(name, deps.DB, deps.Now))
	}
	donation, fundraiser := consumer("donation"), consumer("fundraiser")
	handlers := consume.New(uses, store.Bind)
	feed.Handle(donation, handlers.OnDonationSucceeded)
	feed.Handle(donation, handlers.OnDonationRefunded)
	feed.Handle(donation, handlers.OnDonationRefundFailed)
	feed.Handle(donation, handlers.OnDonationDisputed)
	feed.Handle(donation, handlers.OnDonationDisputeClosed)
	feed.Handle(fundraiser, handlers.OnOrganizationChanged)
	feed.Handle(fundraiser, handlers.OnFundChanged)

	return &Service{db: deps.DB, cfg: cfg, deps: deps, app: uses, consumers: []*feed.Consumer{fundraiser, donation}}, nil
}

// RegisterGRPC registers ReceiptService.
func (s *Service) RegisterGRPC(r grpc.ServiceRegistrar) {
	receiptv1.RegisterReceiptServiceServer(r, grpcapi.New(s.app))
}

// AddTo lets fs serve what the service has parked. It produces no feed.
func (s *Service) AddTo(fs *feed.Server) {
	fs.AddParking(name, parking{events: feed.NewParking(s.db, s.consumers...), app: s.app})
}

// Run applies the feeds, issues and draws receipts and sends their mails until ctx ends,
// and returns when all of that has stopped.
func (s *Service) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	for _, consumer := range s.consumers {
		parts.Go(func() { consumer.Run(ctx) })
	}
	parts.Go(func() { s.app.Work(ctx) })
	parts.Wait()
	return nil
}

// Disturbed tells what keeps the service's feeds from moving now, nil when
// nothing does. It is no reason to turn donors away.
func (s *Service) Disturbed() error {
	var found []error
	for _, consumer := range s.consumers {
		found = append(found, consumer.Health())
	}
	return errors.Join(found...)
}

// Ready reports whether the service's own database can be reached and is
// migrated. Nobody else is needed: what comes from others waits.
func (s *Service) Ready(ctx context.Context) error { return s.db.Ready(ctx) }
