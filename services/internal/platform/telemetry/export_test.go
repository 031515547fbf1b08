package telemetry_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Two services of one process send to one collector, each under its own name;
// the end of one of them does not end the other's, and closing sends the rest.
func TestSpansReachTheCollectorInBothProtocols(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{telemetry.GRPC, telemetry.HTTP} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			collector := testkit.NewCollector(t)
			endpoint := map[string]string{telemetry.GRPC: collector.GRPC, telemetry.HTTP: collector.HTTP}[protocol]
			metrics := prometheus.NewRegistry()
			exporter, err := telemetry.NewExporter(t.Context(), telemetry.ExportConfig{
				Endpoint: endpoint, Protocol: protocol, Sampler: "always_on", Timeout: 10 * time.Second,
				Headers: config.NewSecret("authorization=Bearer%20hunter2, x-team=finance"),
			}, slog.New(slog.DiscardHandler), metrics)
			if err != nil {
				t.Fatal(err)
			}
			web := telemetry.NewTracing("web", "1.2.3", exporter.Options()...)
			donation := telemetry.NewTracing("donation", "1.2.3", exporter.Options("is there more")...)
			// What is asked every second is nobody's trace.
			_, poll := donation.Tracer("test").Start(t.Context(), "is there more")
			poll.End()

			ctx, post := web.Tracer("test").Start(t.Context(), "POST /appeals/{slug}/donate")
			post.End()
			err = web.Shutdown(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, checkout := donation.Tracer("test").Start(ctx, "start checkout")
			checkout.End()
			err = exporter.Close()
			if err != nil {
				t.Fatal(err)
			}

			spans := map[string]testkit.Span{}
			for _, span := range collector.Spans() {
				spans[span.Service] = span
			}
			if spans["web"].Name != "POST /appeals/{slug}/donate" || spans["donation"].Parent != spans["web"].ID ||
				spans["donation"].Trace != telemetry.TraceID(ctx) {
				t.Errorf("the collector got %+v", spans)
			}
			for _, key := range collector.Keys() {
				if key != "Bearer hunter2" {
					t.Errorf("the key arrived as %q", key)
				}
			}
			if len(collector.Keys()) == 0 {
				t.Error("no key arrived")
			}
			if sent := value(t, metrics, "almoner_spans_total"); sent != 2 {
				t.Errorf("%v spans are counted", sent)
			}
		})
	}
}

// With nobody listening, spans end at once, the end of the process comes in time,
// and the log has one line for it however many exports failed.
func TestACollectorThatIsAwayIsSaidOnce(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{telemetry.GRPC, telemetry.HTTP} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			refusing := "http://" + listener.Addr().String()
			_ = listener.Close() // nobody is there from now on
			logs := &buffer{}
			metrics := prometheus.NewRegistry()
			exporter, err := telemetry.NewExporter(t.Context(), telemetry.ExportConfig{
				Endpoint: refusing, Protocol: protocol, Sampler: "always_on", Timeout: 300 * time.Millisecond,
			}, slog.New(slog.NewTextHandler(logs, nil)), metrics)
			if err != nil {
				t.Fatal(err)
			}
			tracing := telemetry.NewTracing("donation", "", exporter.Options()...)
			for range 3 {
				// More than a batch: each of them is refused.
				for range 600 {
					_, span := tracing.Tracer("test").Start(t.Context(), "start checkout")
					span.End()
				}
			}
			err = exporter.Close()
			if err != nil {
				t.Errorf("closing says %v", err)
			}
			testkit.Eventually(t, func() bool { return strings.Contains(logs.String(), "spans cannot be exported") })
			if said := strings.Count(logs.String(), "\n"); said != 1 {
				t.Errorf("it was said %d times:\n%s", said, logs.String())
			}
			if value(t, metrics, "almoner_spans_total") == 0 {
				t.Error("lost spans are not counted")
			}
		})
	}
}

func TestWhatIsWrongWithTheCollectorsSettings(t *testing.T) {
	t.Parallel()
	good := telemetry.ExportConfig{Endpoint: "https://collector.example.org:4317", Protocol: telemetry.GRPC, Sampler: "always_on"}
	for name, spoil := range map[string]func(*telemetry.ExportConfig){
		"no scheme":            func(c *telemetry.ExportConfig) { c.Endpoint = "collector:4317" },
		"another scheme":       func(c *telemetry.ExportConfig) { c.Endpoint = "unix:///run/collector" },
		"headers without =":    func(c *telemetry.ExportConfig) { c.Headers = config.NewSecret("hunter2") },
		"headers badly quoted": func(c *telemetry.ExportConfig) { c.Headers = config.NewSecret("key=%zz-hunter2") },
		"no such file":         func(c *telemetry.ExportConfig) { c.Certificate = "/nowhere/ca.pem" },
		"no certificate":       func(c *telemetry.ExportConfig) { c.Certificate = "export_test.go" },
		"unknown sampler":      func(c *telemetry.ExportConfig) { c.Sampler = "sometimes" },
		"more than all":        func(c *telemetry.ExportConfig) { c.Sampler, c.SamplerArg = "traceidratio", "1.5" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			spoil(&cfg)
			_, err := telemetry.NewExporter(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// What is not sampled has an id all the same: it is stored beside money.
func TestIdsExistForWhatIsNotSampled(t *testing.T) {
	t.Parallel()
	for _, name := range telemetry.Samplers() {
		sampler, err := telemetry.NewSampler(name, "0")
		if err != nil {
			t.Fatal(err)
		}
		tracing := telemetry.NewTracing("donation", "", telemetry.Sampled(sampler))
		ctx, span := tracing.Tracer("test").Start(t.Context(), "start checkout")
		span.End()
		if len(telemetry.TraceID(ctx)) != 32 || len(telemetry.Traceparent(ctx)) != 55 {
			t.Errorf("%s: trace %q, traceparent %q", name, telemetry.TraceID(ctx), telemetry.Traceparent(ctx))
		}
		if sampled := span.SpanContext().IsSampled(); sampled != strings.HasSuffix(name, "always_on") {
			t.Errorf("%s: sampled is %v", name, sampled)
		}
	}
}

// value adds up a metric over its labels.
func value(t *testing.T, metrics *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() == name {
			for _, metric := range family.GetMetric() {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return sum
}

type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
