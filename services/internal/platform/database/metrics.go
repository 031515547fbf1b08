package database

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// metrics are what a service's transactions cost.
type metrics struct {
	wrote, read prometheus.Observer
	again       prometheus.Counter
}

func newMetrics(service string, r prometheus.Registerer) metrics {
	factory := promauto.With(r)
	labels := prometheus.Labels{"service": service}
	took := factory.NewHistogramVec(prometheus.HistogramOpts{
		Name: "almoner_database_transaction_seconds", Help: "How long transactions took, the wait for a connection and all runs included.",
		Buckets: []float64{.0005, .0025, .01, .05, .25, 1, 5, 30}, ConstLabels: labels,
	}, []string{"kind"})
	return metrics{
		wrote: took.WithLabelValues("write"), read: took.WithLabelValues("read"),
		again: factory.NewCounter(prometheus.CounterOpts{
			Name: "almoner_database_retries_total", Help: "How often a transaction was run again because the engine asked for it.", ConstLabels: labels,
		}),
	}
}

// watch tells of the pools, and how far the database's clock is from ours.
func (db *DB) watch(r prometheus.Registerer) {
	if r == nil {
		return
	}
	r.MustRegister(collectors.NewDBStatsCollector(db.writer, db.service))
	if db.engine == SQLite {
		// Its clock is ours.
		r.MustRegister(collectors.NewDBStatsCollector(db.reader, db.service+"_reader"))
		return
	}
	skew := prometheus.NewDesc("almoner_clock_skew_seconds", "How far another clock is ahead of ours.", nil,
		prometheus.Labels{"against": "database of " + db.service})
	r.MustRegister(telemetry.NewLook("clock of the database of "+db.service, telemetry.LookEvery, time.Now,
		func(ctx context.Context, tell telemetry.Tell) error {
			ahead, err := db.ClockAhead(ctx)
			if err == nil {
				tell(skew, ahead.Seconds())
			}
			return err
		}, skew))
}

// ClockAhead is how far the database's clock is ahead of ours, to half of the way
// there and back. SQLite has no clock of its own.
func (db *DB) ClockAhead(ctx context.Context) (time.Duration, error) {
	if db.engine == SQLite {
		return 0, nil
	}
	asked := time.Now()
	var micros int64
	err := db.reader.QueryRowContext(ctx, `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`).Scan(&micros)
	if err != nil {
		return 0, err
	}
	answered := time.Now()
	return time.UnixMicro(micros).Sub(asked.Add(answered.Sub(asked) / 2)), nil
}

// span is a transaction in the trace of what asked for it. What looks around by
// itself, each second, makes no traces: they would be all that there is to see.
func (db *DB) span(ctx context.Context, kind string) (context.Context, trace.Span) {
	if db.tracer == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, tracenoop.Span{}
	}
	return db.tracer.Start(ctx, kind+" "+db.service, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.system.name", db.engine.String()), attribute.String("db.namespace", db.service)))
}

// ended closes a transaction's span. The error's text stays out: a database quotes
// what it refuses.
func ended(span trace.Span, runs int, err error) {
	if runs > 1 {
		span.SetAttributes(attribute.Int("runs", runs))
	}
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
