package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
)

// homeLife is how long the answer to which organization is the home one is kept.
const homeLife = time.Minute

// Config is what the use cases need to know about this installation.
type Config struct {
	// BaseURL is the site's address without a final slash; Stripe sends the donor
	// back to pages below it.
	BaseURL string
	// Livemode says that the Stripe key moves real money.
	Livemode bool
	// APIVersion is the Stripe API version whose webhooks can be read as they are.
	APIVersion string
	// Development lifts the limit on sessions for addresses of this machine.
	Development bool
	// ImportEvery is the pause between two looks at Stripe's balance transactions
	// when nothing is expected; 0 means 15 seconds.
	ImportEvery time.Duration
	// RefundLimit is how much of a gift one person may give back alone.
	RefundLimit RefundLimits
	// PaymentMethods are how donors may pay, in Stripe's words; none are cards alone.
	PaymentMethods []string
}

// Parts are what the use cases work with. All but Metrics and Memory are required.
type Parts struct {
	Store      Store
	Stripe     Stripe
	Fundraiser fundraiserv1.FundraiserServiceClient
	Seal       *Seal
	Links      *PlanLinks
	Logger     *slog.Logger
	Tracer     trace.Tracer
	Metrics    *Metrics
	Mailer     Mailer
	Now        func() time.Time
	// Memory tells whether the database may have forgotten something; nil means
	// that it cannot have.
	Memory Memory
}

// App runs the use cases.
type App struct {
	cfg Config
	Parts

	// began is when this process could first have compared its memory.
	began time.Time

	intents  *turns
	accounts *turns
	refunds  *turns
	limiter  *limiter
	links    *limiter // letters with links, by donor
	linkers  *limiter // the same, by who asks
	intake   *intake
	letters  *letterWriter

	toProcess signal
	toImport  signal
	toSweep   signal
	toPlans   signal
	// imported is the outcome of the newest import.
	imported atomic.Pointer[error]

	known struct {
		sync.Mutex
		account string
		home    string
		homeAt  time.Time // when home was asked for
	}
}

// New connects the use cases with their ports.
func New(cfg Config, parts Parts) *App {
	if cfg.ImportEvery <= 0 {
		cfg.ImportEvery = 15 * time.Second
	}
	if parts.Metrics == nil {
		parts.Metrics = NewMetrics(nil)
	}
	a := &App{
		cfg: cfg, Parts: parts, began: parts.Now(), intents: newTurns(), accounts: newTurns(), refunds: newTurns(),
		limiter: newLimiter(sessionsPerAddress, sessionWindow),
		links:   newLimiter(linksPerDonor, linkWindow), linkers: newLimiter(linksPerAddress, linkWindow),
		toProcess: newSignal(), toImport: newSignal(), toSweep: newSignal(), toPlans: newSignal(),
	}
	a.intake = newIntake(a)
	a.letters = newLetterWriter()
	return a
}

func (a *App) micros() int64 { return a.Now().UnixMicro() }

// account is the Stripe account that gifts go to. It is asked for once in the
// life of a database, so that a later start needs no Stripe to know it.
func (a *App) account(ctx context.Context) (string, error) {
	a.known.Lock()
	id := a.known.account
	a.known.Unlock()
	if id != "" {
		return id, nil
	}
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		id, err = tx.Account(ctx)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the stripe account: %w", err)
	}
	if id == "" {
		return a.confirmAccount(ctx)
	}
	a.rememberAccount(id)
	return id, nil
}

// confirmAccount asks Stripe whose key this is and keeps the answer. A key of
// another account than before is taken: gifts remember their own account.
func (a *App) confirmAccount(ctx context.Context) (string, error) {
	id, err := a.Stripe.AccountID(ctx)
	if err != nil {
		return "", fmt.Errorf("ask for the stripe account: %w", err)
	}
	before := ""
	err = a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		before, err = tx.Account(ctx)
		if err != nil {
			return err
		}
		return tx.SaveAccount(ctx, id, a.micros())
	})
	if err != nil {
		return "", fmt.Errorf("keep the stripe account: %w", err)
	}
	if before != "" && before != id {
		a.Logger.ErrorContext(ctx, "the Stripe key belongs to another account than before", "before", before, "now", id)
	}
	a.rememberAccount(id)
	return id, nil
}

// KnowAccount confirms the account once a process, as soon as Stripe can be
// reached.
func (a *App) KnowAccount(ctx context.Context) {
	for wait := firstRetry; ; wait = min(2*wait, longestRetry) {
		_, err := a.confirmAccount(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			a.Logger.WarnContext(ctx, "the Stripe account is not confirmed yet", "error", err)
		}
		if pause(ctx, wait) != nil {
			return
		}
	}
}

func (a *App) rememberAccount(id string) {
	a.known.Lock()
	defer a.known.Unlock()
	a.known.account = id
}

// homeOrganization books what belongs to no gift. The answer is kept for a
// minute: staff may choose another organization at any time.
func (a *App) homeOrganization(ctx context.Context) (string, error) {
	now := a.Now()
	a.known.Lock()
	id, age := a.known.home, now.Sub(a.known.homeAt)
	a.known.Unlock()
	if id != "" && age >= 0 && age < homeLife {
		return id, nil
	}
	answer, err := a.Fundraiser.GetHomeOrganization(ctx, &fundraiserv1.GetHomeOrganizationRequest{})
	if err != nil {
		return "", fmt.Errorf("ask for the home organization: %w", err)
	}
	if answer.GetOrganizationId() == "" {
		return "", errors.New("ask for the home organization: there is none yet")
	}
	a.known.Lock()
	defer a.known.Unlock()
	a.known.home, a.known.homeAt = answer.GetOrganizationId(), now
	return a.known.home, nil
}

// signal wakes one waiting loop; ringing it twice is ringing it once.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) ring() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// pause waits for so long, or until the context ends.
func pause(ctx context.Context, long time.Duration) error {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
