package ledger

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/consume"
	"github.com/almoner/almoner/services/ledger/internal/domain"
	"github.com/almoner/almoner/services/ledger/internal/grpcapi"
	"github.com/almoner/almoner/services/ledger/internal/store"
	"github.com/almoner/almoner/services/ledger/migrations"
)

// name is what the service is called in feeds and on its database.
const name = "ledger"

// Rules are the names of all rules that entries are made by, for who tests that each
// can be chosen where the journal is shown.
func Rules() []string { return domain.Rules() }

// Config has nothing to set yet: the books depend on no variable, so that they
// come out the same wherever they are kept.
type Config struct{}

// Deps is what the service works with. DB must be migrated before Run.
type Deps struct {
	DB *database.DB
	// NATS may be nil, when the service is only asked; what is missing is pulled.
	NATS *nats.Conn
	// Conn reaches the producers' FeedService under this service's name.
	Conn   grpc.ClientConnInterface
	Logger *slog.Logger         // nil logs nothing
	Tracer trace.TracerProvider // nil traces nothing
	// Metrics may be nil: then nobody counts.
	Metrics prometheus.Registerer
	Now     func() time.Time // nil means the system's clock
}

// Service is the ledger.
type Service struct {
	db        *database.DB
	deps      Deps
	books     *app.Books
	consumers []*feed.Consumer // the catalogue's first: then no gift waits for its fund
}

// New makes the service. It starts nothing and reads nothing.
func New(_ Config, deps Deps) (*Service, error) {
	if deps.DB == nil || deps.Conn == nil {
		return nil, errors.New("ledger: a database and a connection are needed")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	s := &Service{db: deps.DB, deps: deps, books: &app.Books{Store: store.New(deps.DB), Now: deps.Now}}
	handlers := consume.Handlers{
		Poster: &app.Poster{Logger: deps.Logger, Now: deps.Now},
		Bind:   store.Bind,
	}

	if deps.Metrics != nil {
		deps.Metrics.MustRegister(append(s.books.Watch(), feed.NewParkedLook(name, deps.DB, deps.Now))...)
	}

	fundraiser := s.consumer("fundraiser", deps)
	feed.Handle(fundraiser, handlers.OnOrganizationChanged)
	feed.Handle(fundraiser, handlers.OnFundChanged)

	donation := s.consumer("donation", deps)
	feed.Handle(donation, handlers.OnDonationSucceeded)
	feed.Handle(donation, handlers.OnDonationRefunded)
	feed.Handle(donation, handlers.OnDonationRefundFailed)
	feed.Handle(donation, handlers.OnDonationDisputeClosed)
	feed.Handle(donation, handlers.OnBalanceTransactionRecorded)
	return s, nil
}

// consumer makes the consumer of one feed and keeps it to be run.
func (s *Service) consumer(from string, deps Deps) *feed.Consumer {
	c := feed.NewConsumer(feed.ConsumerConfig{
		Service: name,
		Feed:    from,
		DB:      deps.DB,
		NATS:    deps.NATS,
		Source:  feedv1.NewFeedServiceClient(deps.Conn),
		Logger:  deps.Logger,
		Tracer:  deps.Tracer,
		Metrics: deps.Metrics,
		Now:     deps.Now,
	})
	s.consumers = append(s.consumers, c)
	return c
}

// Migrations are the tables of the ledger's database.
func Migrations() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

// RegisterGRPC adds LedgerService.
func (s *Service) RegisterGRPC(registrar grpc.ServiceRegistrar) {
	ledgerv1.RegisterLedgerServiceServer(registrar, grpcapi.New(s.books))
}

// AddTo adds what the ledger could not apply; it has no feed of its own.
func (s *Service) AddTo(server *feed.Server) {
	server.AddParking(name, feed.NewParking(s.db, s.consumers...))
}

// Run applies the feeds until ctx ends, and returns when all has stopped.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, consumer := range s.consumers {
		running.Go(func() { consumer.Run(ctx) })
	}
	running.Wait()
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

// Ready reports whether the ledger can answer: its own database is there and
// migrated. Everything else may be away.
func (s *Service) Ready(ctx context.Context) error { return s.db.Ready(ctx) }
