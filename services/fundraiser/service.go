package fundraiser

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/consume"
	"github.com/almoner/almoner/services/fundraiser/internal/grpcapi"
	"github.com/almoner/almoner/services/fundraiser/internal/pictures"
	"github.com/almoner/almoner/services/fundraiser/internal/store"
	"github.com/almoner/almoner/services/fundraiser/migrations"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/mail"
)

// name is the service's name: of its feed, its durable and its parking.
const name = "fundraiser"

// donations is the feed that totals are folded from.
const donations = "donation"

// lookEvery bounds how late a watcher is told what another process wrote, and
// how late an owner is written to.
const lookEvery = time.Second

//go:embed sample/refugee-relief.yaml
var sample []byte

// Config is what an operator can set.
type Config struct {
	// Replicas of the service's stream: 1, or 3 on a cluster; 0 means 1.
	Replicas int
	// BaseURL is where people reach the site; links in mails begin with it.
	BaseURL string
	// From is the address that mails come from; empty means fundraisers@ the
	// site's host.
	From string
}

// Deps are what the service works with.
type Deps struct {
	// DB is the service's own database, migrated.
	DB *database.DB
	// NATS may be nil, or be down: what it would bring is pulled.
	NATS *nats.Conn
	// Conn reaches the other services and carries this one's name. It may be
	// nil for a service that is asked and not run.
	Conn grpc.ClientConnInterface
	// Mail takes the mails that tell owners of gifts.
	Mail mail.Carrier
	// Logger, Tracer and Metrics may be nil.
	Logger  *slog.Logger
	Tracer  trace.TracerProvider
	Metrics prometheus.Registerer
	// Now decides which appeals are open; nil means the system's clock.
	Now func() time.Time
}

// Service is the fundraiser service. It is safe for use by several goroutines.
type Service struct {
	db       *database.DB
	deps     Deps
	store    *store.Store
	app      *app.App
	watch    *app.Watch
	people   *app.Supporters
	logos    *app.Logos
	server   *grpcapi.Server
	log      *feed.Log
	producer *feed.Producer
	consumer *feed.Consumer
	parking  feed.Parking
}

// Report says what Load did.
type Report = app.Report

// InvalidFileError is what Load answers to a file that cannot be loaded: every
// mistake, with its line.
type InvalidFileError = app.InvalidFileError

// New puts the service together. It dials nothing and starts nothing.
func New(cfg Config, deps Deps) (*Service, error) {
	if deps.DB == nil || deps.Mail == nil {
		return nil, errors.New("fundraiser needs its database and what takes its mails")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	log := feed.NewLog(deps.DB, name)
	kept := store.New(deps.DB, log)
	uses := app.New(kept, deps.Now)
	watch := app.NewWatch(kept, deps.Now, deps.Logger)
	site, err := mail.AddressAt(cfg.BaseURL, "fundraisers")
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	painter := pictures.New()
	people, err := app.NewSupporters(app.SupportersConfig{
		Store: kept, Pictures: painter, Mailer: mailer{mail: deps.Mail, from: cmp.Or(cfg.From, site)},
		BaseURL: cfg.BaseURL, Now: deps.Now, Logger: deps.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	consumer := donationConsumer(deps, uses, kept.Bind)
	if deps.Metrics != nil {
		deps.Metrics.MustRegister(people.Watch(), feed.NewParkedLook(name, deps.DB, deps.Now))
	}
	return &Service{
		db:     deps.DB,
		deps:   deps,
		store:  kept,
		app:    uses,
		watch:  watch,
		people: people,
		logos:  app.NewLogos(kept, painter, deps.Now),
		server: grpcapi.New(uses, watch),
		log:    log,
		producer: feed.NewProducer(feed.ProducerConfig{
			Feed:     name,
			Log:      log,
			DB:       deps.DB,
			NATS:     deps.NATS,
			Replicas: cfg.Replicas,
			Logger:   deps.Logger,
			Tracer:   deps.Tracer,
			Metrics:  deps.Metrics,
			Now:      deps.Now,
		}),
		consumer: consumer,
		parking:  feed.NewParking(deps.DB, consumer),
	}, nil
}

// donationConsumer counts the gifts of the donation feed in transactions that bind
// makes known to the use cases.
func donationConsumer(deps Deps, uses *app.App, bind func(*database.Tx) app.Tx) *feed.Consumer {
	consumer := feed.NewConsumer(feed.ConsumerConfig{
		Service: name,
		Feed:    donations,
		DB:      deps.DB,
		NATS:    deps.NATS,
		Source:  feedv1.NewFeedServiceClient(deps.Conn),
		Logger:  deps.Logger,
		Tracer:  deps.Tracer,
		Metrics: deps.Metrics,
		Now:     deps.Now,
	})
	handlers := consume.NewDonations(uses, bind)
	feed.Handle(consumer, handlers.OnSucceeded)
	feed.Handle(consumer, handlers.OnProcessing)
	feed.Handle(consumer, handlers.OnFailed)
	feed.Handle(consumer, handlers.OnRefunded)
	feed.Handle(consumer, handlers.OnRefundFailed)
	feed.Handle(consumer, handlers.OnDisputed)
	feed.Handle(consumer, handlers.OnDisputeClosed)
	return consumer
}

// Migrations are the service's schema and the feed's.
func Migrations() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

// RegisterGRPC adds the services that people and other services ask.
func (s *Service) RegisterGRPC(r grpc.ServiceRegistrar) {
	fundraiserv1.RegisterFundraiserServiceServer(r, s.server)
	fundraiserv1.RegisterSupporterServiceServer(r, grpcapi.NewSupporterServer(s.people))
	fundraiserv1.RegisterCatalogueServiceServer(r, grpcapi.NewCatalogue(s.app, s.logos))
}

// AddTo makes the service's feed readable and its parking visible.
func (s *Service) AddTo(fs *feed.Server) {
	fs.AddFeed(name, s.log)
	fs.AddParking(name, parking{events: s.parking, people: s.people})
}

// Run consumes, publishes, tells watchers and writes to owners until ctx ends
// and all has stopped.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	dues := time.NewTicker(lookEvery)
	defer dues.Stop()
	var parts sync.WaitGroup
	parts.Go(func() { s.people.Work(ctx, dues.C) })
	parts.Go(func() { s.watch.Run(ctx, tick.C) })
	parts.Go(func() { s.producer.Run(ctx) })
	parts.Go(func() { s.consumer.Run(ctx) })
	parts.Wait()
	return nil
}

// Disturbed tells what keeps the service's feeds from moving now, nil when
// nothing does. It is no reason to turn donors away.
func (s *Service) Disturbed() error {
	return errors.Join(s.producer.Health(), s.consumer.Health())
}

// Ready tells whether the service can answer: its own database is there and up
// to date. That totals stand still while another service is away is shown by
// their position and is no reason to turn donors away.
func (s *Service) Ready(ctx context.Context) error { return s.db.Ready(ctx) }

// Load reads organizations, funds, appeals and supporters' pages from a YAML
// file and makes them so, in one transaction. A file with a mistake in it loads
// nothing and is answered with an *InvalidFileError. The same file again changes
// nothing and publishes nothing; what is not in the file stays.
func (s *Service) Load(ctx context.Context, r io.Reader) (Report, error) {
	return s.app.Load(ctx, r)
}

// LoadSampleIfEmpty loads the sample data into a database without any
// organization, and says whether it did.
func (s *Service) LoadSampleIfEmpty(ctx context.Context) (bool, error) {
	return s.app.LoadIfEmpty(ctx, bytes.NewReader(sample))
}
