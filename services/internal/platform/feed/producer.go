package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// tick is how often a loop looks again without being woken.
const tick = time.Second

// ProducerConfig is what a producer works with.
type ProducerConfig struct {
	// Feed is named after its service.
	Feed string
	Log  *Log
	DB   *database.DB
	// NATS may be down, and may be nil: consumers then pull.
	NATS *nats.Conn
	// Replicas of the stream: 1, or 3 on a cluster. 0 means 1.
	Replicas int
	// Logger, Tracer and Metrics may be nil.
	Logger  *slog.Logger
	Tracer  trace.TracerProvider
	Metrics prometheus.Registerer
	// Now measures how long a rebuilt stream took to fill; nil means the system's
	// clock.
	Now func() time.Time
	// Tick is how often to look without being woken; 0 means a second.
	Tick time.Duration
}

// Producer gives events their positions and lays them into the stream.
type Producer struct {
	cfg     ProducerConfig
	health  *health
	metrics producerMetrics
	tracer  trace.Tracer
	// alone is off in tests that let two relays race, keep is small in those that
	// look at a stream made anew, and bytes in those that fill one.
	alone bool
	keep  int64
	bytes int64
	// compared is set once the stream's tail and the log were found to agree.
	compared atomic.Bool
}

// NewProducer returns a producer that does nothing until Run.
func NewProducer(cfg ProducerConfig) *Producer {
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	if cfg.Tick == 0 {
		cfg.Tick = tick
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	health := &health{logger: cfg.Logger.With("feed", cfg.Feed, "part", "relay")}
	return &Producer{
		cfg:     cfg,
		health:  health,
		metrics: newProducerMetrics(cfg, health),
		tracer:  cfg.Tracer.Tracer(scope),
		alone:   true,
		keep:    keepOnRebuild,
		bytes:   streamBytes,
	}
}

// scope names this package in traces.
const scope = "github.com/almoner/almoner/services/internal/platform/feed"

// Health returns nil, or why the stream is not being filled. Consumers do not
// depend on it: they pull.
func (p *Producer) Health() error { return p.health.get() }

// Forked tells whether the log and the stream disagree now, so that the log may have
// forgotten what it once knew.
func (p *Producer) Forked() bool { return errors.Is(p.Health(), ErrFork) }

// Compared tells whether this producer has found its log and the stream to agree
// since it was started. Without NATS there is nothing to compare with.
func (p *Producer) Compared() bool { return p.cfg.NATS == nil || p.compared.Load() }

// Run works until ctx ends and returns when all has stopped. It never gives up:
// what fails is tried again.
func (p *Producer) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { p.sequencer(ctx) })
	if p.cfg.NATS != nil {
		loops.Go(func() { p.relay(ctx) })
	}
	loops.Wait()
}

// sequencer is woken by commits in this process that gave no positions, and looks
// each second for those of others (an operator's command).
func (p *Producer) sequencer(ctx context.Context) {
	trouble := &health{logger: p.cfg.Logger.With("feed", p.cfg.Feed, "part", "sequencer")}
	ticker := time.NewTicker(p.cfg.Tick)
	defer ticker.Stop()
	for {
		err := p.sequenceAll(ctx)
		if err != nil {
			err = fmt.Errorf("sequence feed %s: %w", p.cfg.Feed, err)
		}
		trouble.set(ctx, err)
		select {
		case <-ctx.Done():
			return
		case <-p.cfg.Log.wake:
		case <-ticker.C:
		}
	}
}

func (p *Producer) sequenceAll(ctx context.Context) error {
	for {
		count, err := p.cfg.Log.sequence(ctx)
		if err != nil {
			return err
		}
		if count > 0 {
			signal(p.cfg.Log.moved)
		}
		if count < sequenceBatch {
			return nil
		}
	}
}
