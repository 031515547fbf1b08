package app

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// Config is what the use cases need besides their ports.
type Config struct {
	// BaseURL is where donors reach the site, without a slash at its end.
	BaseURL string
	// Links signs and checks the tokens in receipts' links.
	Links *domain.LinkSigner
	// Codes makes and checks the codes that stand on receipts.
	Codes *domain.CheckCodes
	// Store, Donors, Printer and Mailer are the ports. Donors is the question to
	// donation that this service has.
	Store   Store
	Donors  donationv1.DonationServiceClient
	Printer Printer
	Mailer  Mailer
	// Now is the clock.
	Now func() time.Time
	// Tracer may be nil.
	Tracer trace.TracerProvider
	// Logger gets what is delayed and what is parked, by ids alone.
	Logger *slog.Logger
}

// App runs the use cases.
type App struct {
	store   Store
	donors  donationv1.DonationServiceClient
	letters *letterWriter
	printer Printer
	mailer  Mailer
	links   *domain.LinkSigner
	codes   *domain.CheckCodes
	now     func() time.Time
	logger  *slog.Logger
	tracer  trace.Tracer

	giftsDue       chan struct{}
	correctionsDue chan struct{}
	drawingsDue    chan struct{}
	mailsDue       chan struct{}
	noticesDue     chan struct{}
	rush           rush
}

// New returns the use cases over their ports. It fails when the base URL is
// none.
func New(cfg Config) (*App, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" {
		return nil, errors.New("the base URL of receipt links is not an absolute address")
	}
	letters, err := newLetterWriter(base, cfg.Links, cfg.Codes)
	if err != nil {
		return nil, err
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider()
	}
	return &App{
		store:       cfg.Store,
		donors:      cfg.Donors,
		letters:     letters,
		printer:     cfg.Printer,
		mailer:      cfg.Mailer,
		links:       cfg.Links,
		codes:       cfg.Codes,
		now:         cfg.Now,
		logger:      cfg.Logger,
		tracer:      cfg.Tracer.Tracer("almoner/receipt"),
		giftsDue:    make(chan struct{}, 1),
		drawingsDue: make(chan struct{}, 1),
		mailsDue:    make(chan struct{}, 1),

		correctionsDue: make(chan struct{}, 1),
		noticesDue:     make(chan struct{}, 1),
	}, nil
}

// batch is how many rows of a queue are taken at once. One row is a batch of
// one; nothing below knows the difference.
const batch = 64

// longestPause keeps a queue that was blocked for hours from needing long to
// notice that it is not any more.
const longestPause = 16 * time.Second

// pause is how long a row rests after so many attempts: 1, 2, 4, 8, 16 seconds,
// and no longer.
func pause(attempts int) time.Duration {
	return min(time.Second<<min(max(attempts-1, 0), 10), longestPause)
}

// signal wakes whoever waits on c, once, without waiting for them.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // one signal is waiting already, and it stands for this one too
	}
}

// Work issues, draws and sends what is due until ctx ends, each as soon as there
// is something (drawing and sending give way to a rush), and looks again each second for what was delayed or came from
// another process.
func (a *App) Work(ctx context.Context) {
	a.wakeDrawings(ctx)
	var parts sync.WaitGroup
	parts.Go(func() { a.repeat(ctx, "issue receipts", a.giftsDue, a.IssueDue) })
	parts.Go(func() { a.repeat(ctx, "correct receipts", a.correctionsDue, a.CorrectDue) })
	parts.Go(func() { a.repeat(ctx, "tell of void receipts", a.noticesDue, a.NotifyDue) })
	parts.Go(func() { a.repeat(ctx, "draw receipts", a.drawingsDue, a.afterRush(a.DrawDue)) })
	parts.Go(func() { a.repeat(ctx, "send receipts", a.mailsDue, a.afterRush(a.SendDue)) })
	parts.Wait()
}

// repeat runs pass whenever it is woken and each second, and again at once for
// as long as there is more. A pass that fails is logged and tried again.
func (a *App) repeat(ctx context.Context, what string, wake <-chan struct{}, pass func(context.Context) (more bool, err error)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		more, err := pass(ctx)
		if err != nil && ctx.Err() == nil {
			a.logger.ErrorContext(ctx, "pass failed, tried again", "pass", what, "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-tick.C:
		}
	}
}
