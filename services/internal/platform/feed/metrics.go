package feed

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// forked tells operators which loop has stopped because of a feed fork, by its
// part of the feed: "relay", or the consuming service.
func forked(metrics prometheus.Registerer, feed, part string, h *health) {
	promauto.With(metrics).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "almoner_feed_fork", Help: "1 while a part of a feed stands still because its producer and what others remember disagree.",
		ConstLabels: prometheus.Labels{"feed": feed, "part": part},
	}, func() float64 {
		if errors.Is(h.get(), ErrFork) {
			return 1
		}
		return 0
	})
}

// producerMetrics are what a producer tells beside what is asked for.
type producerMetrics struct {
	resyncs, rebuilds prometheus.Counter
	// laid is the last position that the stream was seen to have.
	laid prometheus.Gauge
}

func newProducerMetrics(cfg ProducerConfig, h *health) producerMetrics {
	labels := prometheus.Labels{"feed": cfg.Feed}
	factory := promauto.With(cfg.Metrics)
	if cfg.Metrics != nil {
		cfg.Metrics.MustRegister(newLogLook(cfg))
		forked(cfg.Metrics, cfg.Feed, "relay", h)
	}
	return producerMetrics{
		resyncs: factory.NewCounter(prometheus.CounterOpts{
			Name: "almoner_feed_relay_resyncs_total", Help: "How often the relay lost its place and had to ask the stream where it ends.", ConstLabels: labels,
		}),
		rebuilds: factory.NewCounter(prometheus.CounterOpts{
			Name: "almoner_feed_stream_rebuilds_total", Help: "How often the stream was made anew from the log.", ConstLabels: labels,
		}),
		laid: factory.NewGauge(prometheus.GaugeOpts{
			Name: "almoner_feed_stream_position", Help: "The last position that is known to be in the stream.", ConstLabels: labels,
		}),
	}
}

// newLogLook tells of the log itself.
func newLogLook(cfg ProducerConfig) *telemetry.Look {
	labels := prometheus.Labels{"feed": cfg.Feed}
	head := prometheus.NewDesc("almoner_feed_head_position", "The newest position of the feed.", nil, labels)
	age := prometheus.NewDesc("almoner_feed_unsequenced_age_seconds",
		"How long the oldest committed event has been without a position; 0 without one.", nil, labels)
	return telemetry.NewLook("log of "+cfg.Feed, telemetry.LookEvery, cfg.Now, func(ctx context.Context, tell telemetry.Tell) error {
		return cfg.DB.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, pos, err := cfg.Log.head(ctx, tx)
			if err != nil {
				return err
			}
			var since int64
			err = tx.QueryRowContext(ctx, `SELECT occurred_at FROM event WHERE pos IS NULL ORDER BY seq LIMIT 1`).Scan(&since)
			waiting := 0.0
			switch {
			case err == nil:
				waiting = max(0, cfg.Now().Sub(time.UnixMicro(since)).Seconds())
			case !errors.Is(err, sql.ErrNoRows):
				return err
			}
			tell(head, float64(pos))
			tell(age, waiting)
			return nil
		})
	}, head, age)
}

// standing is how far a consumer is behind, as far as it knows. Its metrics are
// read from it when somebody looks; the loop only writes numbers.
type standing struct {
	now func() time.Time
	// applied and head are positions; complete is when the consumer last knew
	// that it had all there was, in unix microseconds.
	applied, head, complete atomic.Int64

	events, parked, batches prometheus.Counter
}

func newStanding(cfg ConsumerConfig, h *health) *standing {
	labels := prometheus.Labels{"feed": cfg.Feed, "consumer": cfg.Service}
	factory := promauto.With(cfg.Metrics)
	s := &standing{
		now: cfg.Now,
		events: factory.NewCounter(prometheus.CounterOpts{
			Name: "almoner_feed_events_total", Help: "Events that were applied or parked.", ConstLabels: labels,
		}),
		parked: factory.NewCounter(prometheus.CounterOpts{
			Name: "almoner_feed_parked_total", Help: "Events that were parked, those that wait for a fact included.", ConstLabels: labels,
		}),
		batches: factory.NewCounter(prometheus.CounterOpts{
			Name: "almoner_feed_batches_total", Help: "Transactions in which events were applied.", ConstLabels: labels,
		}),
	}
	s.complete.Store(cfg.Now().UnixMicro())
	if cfg.Metrics == nil {
		return s
	}
	forked(cfg.Metrics, cfg.Feed, cfg.Service, h)
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "almoner_feed_lag_events", Help: "Events that are known to exist and are not applied yet.", ConstLabels: labels,
	}, func() float64 { return float64(max(0, s.head.Load()-s.applied.Load())) })
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "almoner_feed_lag_seconds",
		Help:        "How long ago the consumer last knew that it had applied everything. It also grows when the producer cannot be asked.",
		ConstLabels: labels,
	}, func() float64 { return max(0, s.now().Sub(time.UnixMicro(s.complete.Load())).Seconds()) })
	return s
}

// heard notes that the feed goes on to a position at least.
func (s *standing) heard(head int64) {
	if head > s.head.Load() {
		s.head.Store(head)
	}
}

// asked notes the producer's own head, which may also be behind what was heard:
// then it is another producer.
func (s *standing) asked(head int64) { s.head.Store(head) }

// reached notes that everything up to a position is applied.
func (s *standing) reached(pos int64) {
	s.applied.Store(pos)
	if pos >= s.head.Load() {
		s.complete.Store(s.now().UnixMicro())
	}
}

// did counts what one transaction did.
func (s *standing) did(done progress) {
	s.reached(done.at.Pos)
	if len(done.outcomes) == 0 {
		return
	}
	s.batches.Inc()
	s.events.Add(float64(len(done.outcomes)))
	for _, o := range done.outcomes {
		if o.err != nil {
			s.parked.Inc()
		}
	}
}

// ParkedMetric describes how many of a service's items of one kind are parked.
// Services with queues of their own tell of them by the same name.
func ParkedMetric(service, kind string) *prometheus.Desc {
	return prometheus.NewDesc("almoner_parked_items", "What could not be applied and waits for staff.", nil,
		prometheus.Labels{"service": service, "kind": kind})
}

// NewParkedLook tells how much the consumers of one service have parked.
func NewParkedLook(service string, db *database.DB, now func() time.Time) prometheus.Collector {
	items := ParkedMetric(service, "event")
	aggregates := prometheus.NewDesc("almoner_parked_aggregates",
		"Aggregates that have a parked event. Those that wait for a fact not yet seen, or for a newer program, go on by themselves.",
		[]string{"waits_for"}, prometheus.Labels{"service": service})
	return telemetry.NewLook("parked events of "+service, telemetry.LookEvery, now, func(ctx context.Context, tell telemetry.Tell) error {
		return db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			var staff, fact, program, events int64
			err := tx.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN waiting = 0 THEN 1 END), COUNT(CASE WHEN waiting = 1 THEN 1 END),
				COUNT(CASE WHEN waiting = 2 THEN 1 END) FROM parked_aggregate`).Scan(&staff, &fact, &program)
			if err != nil {
				return err
			}
			err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM parked_event e JOIN parked_aggregate a
				ON a.feed = e.feed AND a.aggregate_id = e.aggregate_id WHERE a.waiting = 0`).Scan(&events)
			if err != nil {
				return err
			}
			tell(items, float64(events))
			tell(aggregates, float64(staff), "staff")
			tell(aggregates, float64(fact), "fact")
			tell(aggregates, float64(program), "program")
			return nil
		})
	}, items, aggregates)
}
