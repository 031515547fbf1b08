package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// observed is what a process tells operators about itself. Commands count nothing
// and export nothing: they end before anybody could look.
type observed struct {
	metrics *prometheus.Registry // nil for commands
	tracing map[string]*sdktrace.TracerProvider
}

// nobodys is the name of spans that belong to no service alone: what a command asks,
// and what all services of a process answer together.
const nobodys = "almoner"

// observe sets up a process that runs: metrics always, spans where they are to be
// exported. What it opens is closed last, so that the end of everything else is
// told too.
func observe(ctx context.Context, cfg Config, logger *slog.Logger, open *closers) (*observed, error) {
	seen := &observed{metrics: telemetry.NewMetrics(cfg.Version, StripeAPIVersion)}
	// Without anybody who collects spans they are not recorded; their ids are stored
	// with gifts all the same.
	options := []sdktrace.TracerProviderOption{telemetry.Sampled(sdktrace.NeverSample())}
	if cfg.Export.On() {
		exporter, err := telemetry.NewExporter(ctx, cfg.Export, logger, seen.metrics)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
		}
		open.add("exporter of spans", exporter.Close)
		options = exporter.Options(strings.TrimPrefix(feedv1.FeedService_Head_FullMethodName, "/"))
	}
	seen.trace(cfg, open, options...)
	return seen, nil
}

// unobserved is for commands.
func unobserved(cfg Config, open *closers) *observed {
	seen := &observed{}
	seen.trace(cfg, open, telemetry.Sampled(sdktrace.NeverSample()))
	return seen
}

// trace makes the spans of each service, and of what belongs to none.
func (o *observed) trace(cfg Config, open *closers, options ...sdktrace.TracerProviderOption) {
	o.tracing = map[string]*sdktrace.TracerProvider{}
	for _, name := range append(cfg.services(), nobodys) {
		provider := telemetry.NewTracing(name, cfg.Version, options...)
		o.tracing[name] = provider
		open.add("traces of "+name, func() error { return provider.Shutdown(context.Background()) })
	}
}

// answering makes the spans of calls that are answered, each in the name of the
// service that was asked. What a process with one service answers is that one's.
func (o *observed) answering(cfg Config) trace.TracerProvider {
	services := cfg.services()
	if len(services) == 1 {
		return o.tracing[services[0]]
	}
	named := map[string]trace.TracerProvider{}
	for _, service := range services {
		named[service] = o.tracing[service]
	}
	return rpc.PerService(named, o.tracing[nobodys])
}

// counted is where metrics are registered; nil where nobody looks. (A nil registry
// in it would not be nil.)
func (o *observed) counted() prometheus.Registerer {
	if o.metrics == nil {
		return nil
	}
	return o.metrics
}

func (n *Node) metricsRoute(mux *http.ServeMux) {
	mux.Handle("GET /metrics", telemetry.Handler(n.observed.metrics, n.logger))
}
