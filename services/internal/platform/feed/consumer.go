package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const (
	// batchSize bounds the events of one transaction.
	batchSize = 512
	// prefetch is how many messages the broker sends ahead.
	prefetch = 2 * batchSize
	// heartbeat is how often the broker says that it still knows us.
	heartbeat = 5 * time.Second
	// longestRest bounds the pause after a batch that was not a full one.
	longestRest = 25 * time.Millisecond
	// longestArrival bounds the wait for messages that were laid together.
	longestArrival = 100 * time.Millisecond
)

// ConsumerConfig is what a consumer works with.
type ConsumerConfig struct {
	// Service that consumes; also the name of its durable.
	Service string
	// Feed to apply, named after the service that produces it.
	Feed string
	DB   *database.DB
	// NATS may be down, and may be nil: the feed is then pulled each second.
	NATS *nats.Conn
	// Source is the producer, asked for what the stream lacks.
	Source feedv1.FeedServiceClient
	// Logger, Tracer and Metrics may be nil.
	Logger  *slog.Logger
	Tracer  trace.TracerProvider
	Metrics prometheus.Registerer
	// Knows tells whether events of a type existed when this program was built; nil
	// means that its contract is in the program.
	Knows func(eventType string) bool
	// Now stamps what is parked; nil means the system's clock.
	Now func() time.Time
	// Tick is the idle time after which the producer is asked, and how often
	// waiting events are tried again; 0 means a second.
	Tick time.Duration
}

// Consumer applies one feed to one service's database.
type Consumer struct {
	cfg      ConsumerConfig
	handlers map[string]handlerFunc
	health   *health
	standing *standing
	tracer   trace.Tracer
}

// NewConsumer returns a consumer that does nothing until Run. Register its
// handlers with Handle first.
func NewConsumer(cfg ConsumerConfig) *Consumer {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider()
	}
	if cfg.Knows == nil {
		cfg.Knows = builtIn
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Tick == 0 {
		cfg.Tick = tick
	}
	logger := cfg.Logger.With("service", cfg.Service, "feed", cfg.Feed)
	cfg.Logger = logger
	health := &health{logger: logger.With("part", "consumer")}
	return &Consumer{
		cfg:      cfg,
		handlers: map[string]handlerFunc{},
		health:   health,
		standing: newStanding(cfg, health),
		tracer:   cfg.Tracer.Tracer(scope),
	}
}

// Health returns nil, or why the feed is not being applied. With ErrFork it
// does not go on by itself.
func (c *Consumer) Health() error { return c.health.get() }

// Run works until ctx ends and returns when all has stopped. It never gives up:
// what fails is tried again.
func (c *Consumer) Run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		err := c.session(ctx)
		if err == nil {
			failures = 0
			continue // the durable is gone; the next session makes it again
		}
		c.health.set(ctx, err)
		failures++
		pause(ctx, min(backoff(failures), c.cfg.Tick))
	}
}

// session applies the feed until something breaks. It begins by comparing notes
// with the producer, and goes on without it when it cannot be reached: the
// stream's messages name their predecessors too.
func (c *Consumer) session(ctx context.Context) error {
	err := c.reconcile(ctx)
	if err != nil {
		return err
	}
	in := &inbox{}
	defer func() { in.close() }()
	ticker := time.NewTicker(c.cfg.Tick)
	defer ticker.Stop()
	var reconnected chan nats.Status
	if c.cfg.NATS != nil {
		reconnected = c.cfg.NATS.StatusChanged(nats.CONNECTED)
		defer c.cfg.NATS.RemoveStatusListener(reconnected)
	}
	quiet := false // nothing new since the last tick
	in = c.subscribe(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case message := <-in.messages:
			batch, began := in.take(ctx, message), time.Now()
			moved, err := c.receive(ctx, batch)
			if err != nil {
				return err
			}
			quiet = quiet && !moved
			if len(batch) < batchSize {
				// Every batch costs a commit. Resting for as long as it took doubles the
				// events that share the next one, when they come fast, and is not noticed
				// by one that comes alone.
				pause(ctx, min(time.Since(began), longestRest))
			}
			continue
		case <-in.ended:
			in.close()
			in = &inbox{} // until the next tick: the broker is not pestered
			continue
		case <-reconnected:
			quiet = true
		case <-ticker.C:
			c.retryWaiting(ctx)
			c.retryUnknown(ctx)
		}
		if quiet {
			err := c.reconcile(ctx)
			if err != nil {
				return err
			}
			if in.open() && !in.known(ctx) {
				in.close()
				in = &inbox{}
			}
		}
		if !in.open() {
			in = c.subscribe(ctx)
		}
		quiet = true
	}
}

// reconcile asks the producer whether the stream kept something from us. That
// it cannot be asked is noted, and does not stop what the stream brings.
func (c *Consumer) reconcile(ctx context.Context) error {
	err := c.catchUp(ctx)
	if err == nil || errors.Is(err, errSource) {
		c.health.set(ctx, err)
		return nil
	}
	return err
}

// receive applies what has arrived and acknowledges its end. It tries until it
// succeeds: a database that is away for a moment is no reason to let the broker
// send everything again. A fork and the end of ctx stop it.
func (c *Consumer) receive(ctx context.Context, messages []jetstream.Msg) (moved bool, err error) {
	deliveries := make([]delivery, 0, len(messages))
	for _, message := range messages {
		d, ok := c.read(ctx, message)
		if ok {
			deliveries = append(deliveries, d)
		}
	}
	c.standing.heard(announced(messages[len(messages)-1]))
	for failures := 0; ; {
		moved, err = c.deliver(ctx, deliveries)
		if err == nil {
			if failures > 0 {
				c.health.set(ctx, nil)
			}
			break
		}
		if ctx.Err() != nil || errors.Is(err, ErrFork) {
			return false, err
		}
		failures++
		c.health.set(ctx, err)
		pause(ctx, min(backoff(failures), c.cfg.Tick))
	}
	// AckAll: the last one stands for all. A lost acknowledgement costs a second
	// delivery, which finds its work done.
	err = messages[len(messages)-1].Ack()
	if err != nil {
		c.cfg.Logger.DebugContext(ctx, "acknowledge", "error", err)
	}
	return moved, nil
}

// announced is how far the stream goes, as a message of it tells; 0 if it does
// not.
func announced(message jetstream.Msg) int64 {
	told, err := message.Metadata()
	if err != nil {
		return 0
	}
	return int64(told.Sequence.Stream + told.NumPending)
}

// read decodes a message. What is not the relay's own is passed over: if it
// took the place of an event, that event is missing and will be pulled.
func (c *Consumer) read(ctx context.Context, message jetstream.Msg) (delivery, bool) {
	header := message.Headers()
	if !ours(c.cfg.Feed, header) {
		c.cfg.Logger.WarnContext(ctx, "a message in the stream is not the producer's", "subject", message.Subject())
		return delivery{}, false
	}
	d, err := decode(message.Subject(), header, message.Data())
	if err != nil {
		c.cfg.Logger.WarnContext(ctx, "a message in the stream cannot be read", "subject", message.Subject(), "error", err)
		return delivery{}, false
	}
	return d, true
}

// subscribe finds or makes the durable and lets its messages come. Without
// them the producer is asked at every tick, so failing here is no problem.
func (c *Consumer) subscribe(ctx context.Context) *inbox {
	if c.cfg.NATS == nil || !c.cfg.NATS.IsConnected() {
		return &inbox{}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	durable, err := c.durable(ctx)
	if err == nil {
		var in *inbox
		in, err = listen(durable)
		if err == nil {
			return in
		}
	}
	c.cfg.Logger.DebugContext(ctx, "no deliveries from the broker", "error", err)
	return &inbox{}
}

func (c *Consumer) durable(ctx context.Context) (jetstream.Consumer, error) {
	js, err := jetstream.New(c.cfg.NATS, jetstream.WithDefaultTimeout(callTimeout))
	if err != nil {
		return nil, err
	}
	// An existing durable is used as it is: changing where it starts is refused,
	// and any start is right, because what is missing is pulled.
	durable, err := js.Consumer(ctx, streamName(c.cfg.Feed), c.cfg.Service)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return durable, err
	}
	at, err := c.checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	return js.CreateConsumer(ctx, streamName(c.cfg.Feed), consumerConfig(c.cfg.Service, at.Pos+1))
}
