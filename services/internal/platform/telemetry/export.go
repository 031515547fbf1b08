package telemetry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/credentials"

	"github.com/almoner/almoner/services/internal/platform/config"
)

// The two ways in which spans travel, as OpenTelemetry names them.
const (
	GRPC = "grpc"
	HTTP = "http/protobuf"
)

// ExportConfig says where spans go. Its fields are OpenTelemetry's own variables.
type ExportConfig struct {
	// Endpoint is a URL, such as http://collector:4317. Empty means nowhere.
	Endpoint string
	// Protocol is GRPC or HTTP.
	Protocol string
	// Headers are name=value pairs separated by commas, such as a key for the
	// collector. Values are percent-encoded.
	Headers config.Secret
	// Certificate is a PEM file with the authorities that sign the collector's
	// certificate; empty means the system's.
	Certificate string
	// Timeout bounds one export. A collector that is away costs the spans of that
	// time and nothing else.
	Timeout time.Duration
	// Sampler and SamplerArg choose which traces are kept.
	Sampler, SamplerArg string
}

// On says that spans are exported.
func (c ExportConfig) On() bool { return c.Endpoint != "" }

// flushFor bounds the export at the end: a process must stop in time.
const flushFor = 5 * time.Second

// Exporter sends the spans of all services of a process in batches, from a
// goroutine of its own. When the collector is away or slow, spans are dropped:
// nobody waits, nothing fails, and the log says it once.
type Exporter struct {
	batches sdktrace.SpanProcessor
	sampler sdktrace.Sampler
}

// NewExporter makes the exporter. It does not dial: the collector may come later.
// The error is about the configuration. Metrics may be nil.
func NewExporter(ctx context.Context, cfg ExportConfig, logger *slog.Logger, metrics prometheus.Registerer) (*Exporter, error) {
	sampler, err := NewSampler(cfg.Sampler, cfg.SamplerArg)
	if err != nil {
		return nil, err
	}
	client, err := cfg.client()
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("export spans to %s: %w", cfg.Endpoint, err)
	}
	counted := promauto.With(metrics).NewCounterVec(prometheus.CounterOpts{
		Name: "almoner_spans_total", Help: "Spans by whether the collector took them.",
	}, []string{"outcome"})
	return &Exporter{
		batches: sdktrace.NewBatchSpanProcessor(&patient{
			SpanExporter: exporter, logger: logger, endpoint: cfg.Endpoint,
			sent: counted.WithLabelValues("sent"), lost: counted.WithLabelValues("lost"),
		}, sdktrace.WithExportTimeout(cfg.Timeout)),
		sampler: sampler,
	}, nil
}

// Options make a service's tracing export. The services of a process share one
// exporter, which outlives them. polls are names of spans that are nobody's work:
// questions whether there is any, asked every moment, of which four of five spans
// would be. They are kept in a trace that is kept, and begin none.
func (e *Exporter) Options(polls ...string) []sdktrace.TracerProviderOption {
	return []sdktrace.TracerProviderOption{sdktrace.WithSpanProcessor(shared{e.batches}), Sampled(unpolled{e.sampler, polls})}
}

// unpolled drops polls, and leaves the rest to the sampler.
type unpolled struct {
	sdktrace.Sampler
	polls []string
}

// ShouldSample implements sdktrace.Sampler.
func (u unpolled) ShouldSample(span sdktrace.SamplingParameters) sdktrace.SamplingResult {
	parent := trace.SpanContextFromContext(span.ParentContext)
	if slices.Contains(u.polls, span.Name) && !parent.IsSampled() {
		return sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: parent.TraceState()}
	}
	return u.Sampler.ShouldSample(span)
}

// Sampled makes a service's tracing keep what the sampler chooses.
func Sampled(sampler sdktrace.Sampler) sdktrace.TracerProviderOption {
	return sdktrace.WithSampler(sampler)
}

// Close sends what is left, for five seconds at most. That the collector did not
// take it is no error.
func (e *Exporter) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushFor)
	defer cancel()
	err := e.batches.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// shared keeps one service's end from ending the export of the others.
type shared struct{ sdktrace.SpanProcessor }

func (shared) Shutdown(context.Context) error { return nil }

// patient says once that the collector is away, and once that it is back. The
// library's own way to report is a global.
type patient struct {
	sdktrace.SpanExporter
	logger     *slog.Logger
	endpoint   string
	sent, lost prometheus.Counter
	away       atomic.Bool
}

// ExportSpans never fails: there is nobody who could do anything about it.
func (p *patient) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := p.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		p.lost.Add(float64(len(spans)))
		if !p.away.Swap(true) {
			p.logger.WarnContext(ctx, "spans cannot be exported and are dropped; everything else goes on", "endpoint", p.endpoint, "error", err)
		}
		return nil
	}
	p.sent.Add(float64(len(spans)))
	if p.away.Swap(false) {
		p.logger.InfoContext(ctx, "spans are exported again", "endpoint", p.endpoint)
	}
	return nil
}

// client speaks the protocol. Everything that the table of variables has is
// given here; the library reads the rest of OpenTelemetry's variables itself.
func (c ExportConfig) client() (otlptrace.Client, error) {
	endpoint, err := url.Parse(c.Endpoint)
	if err != nil || endpoint.Host == "" || (endpoint.Scheme != "http" && endpoint.Scheme != "https") {
		return nil, fmt.Errorf("%q is not an http or https address", c.Endpoint)
	}
	headers, err := parseHeaders(c.Headers.Reveal())
	if err != nil {
		return nil, err
	}
	authorities, err := c.authorities()
	if err != nil {
		return nil, err
	}
	secure := &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	if c.Protocol == GRPC {
		options := []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(c.Endpoint), otlptracegrpc.WithHeaders(headers), otlptracegrpc.WithTimeout(c.Timeout)}
		if endpoint.Scheme == "https" {
			options = append(options, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(secure)))
		} else {
			options = append(options, otlptracegrpc.WithInsecure())
		}
		return otlptracegrpc.NewClient(options...), nil
	}
	// The base address of all signals, as the variable is defined.
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(endpoint.JoinPath("v1/traces").String()), otlptracehttp.WithHeaders(headers), otlptracehttp.WithTimeout(c.Timeout),
	}
	if endpoint.Scheme == "https" {
		options = append(options, otlptracehttp.WithTLSClientConfig(secure))
	}
	return otlptracehttp.NewClient(options...), nil
}

func (c ExportConfig) authorities() (*x509.CertPool, error) {
	if c.Certificate == "" {
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the system's authorities
	}
	content, err := os.ReadFile(c.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate", c.Certificate)
	}
	return pool, nil
}

// parseHeaders reads name=value,name=value. Its error does not repeat values.
func parseHeaders(text string) (map[string]string, error) {
	headers := map[string]string{}
	for _, pair := range strings.Split(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, both := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !both || strings.TrimSpace(name) == "" || err != nil {
			return nil, errors.New("is not name=value separated by commas")
		}
		headers[strings.TrimSpace(name)] = value
	}
	return headers, nil
}

// Samplers are those that NewSampler knows.
func Samplers() []string {
	return []string{"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"}
}

// NewSampler chooses which traces are kept, by OpenTelemetry's names. The
// argument is the part of 1 for those that keep a part. Ids exist for all traces.
func NewSampler(name, argument string) (sdktrace.Sampler, error) {
	kind, byParent := strings.CutPrefix(name, "parentbased_")
	part := 1.0
	if argument != "" {
		var err error
		part, err = strconv.ParseFloat(argument, 64)
		if err != nil || !(part >= 0 && part <= 1) {
			return nil, fmt.Errorf("sampler argument %q is no number from 0 to 1", argument)
		}
	}
	var root sdktrace.Sampler
	switch kind {
	case "always_on":
		root = sdktrace.AlwaysSample()
	case "always_off":
		root = sdktrace.NeverSample()
	case "traceidratio":
		root = sdktrace.TraceIDRatioBased(part)
	default:
		return nil, fmt.Errorf("there is no sampler %q; one of %s", name, strings.Join(Samplers(), ", "))
	}
	if byParent {
		return sdktrace.ParentBased(root), nil
	}
	return root, nil
}
