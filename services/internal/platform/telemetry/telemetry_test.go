package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/almoner/almoner/services/internal/platform/config"
)

func TestLogLinesCarryTheirTrace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := NewLogger(&out, JSON, slog.LevelInfo).With("service", "donation")
	ctx, span := NewTracing("donation", "1.0.0").Tracer("test").Start(t.Context(), "give")
	defer span.End()

	logger.InfoContext(ctx, "gift succeeded", "key", config.NewSecret("sk_test_hunter2"))
	var line map[string]string
	err := json.Unmarshal(out.Bytes(), &line)
	if err != nil {
		t.Fatal(err)
	}
	if line["trace_id"] != TraceID(ctx) || line["span_id"] != span.SpanContext().SpanID().String() || line["service"] != "donation" {
		t.Errorf("the line is %v", line)
	}
	if line["key"] != "***" {
		t.Errorf("the key was logged as %s", line["key"])
	}

	out.Reset()
	logger.InfoContext(t.Context(), "started")
	logger.DebugContext(ctx, "too detailed")
	if strings.Contains(out.String(), "trace_id") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("outside a trace it logged %s", out.String())
	}
}

func TestTextLinesForATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx, span := NewTracing("web", "").Tracer("test").Start(t.Context(), "GET /")
	defer span.End()
	NewLogger(&out, Text, slog.LevelDebug).WithGroup("http").DebugContext(ctx, "request", "status", 200)
	for _, part := range []string{"level=DEBUG", "msg=request", "http.status=200", "trace_id=" + TraceID(ctx)} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q lacks %q", out.String(), part)
		}
	}
}

// A gift's row keeps the traceparent; hours later a webhook goes on with it.
func TestStoredTraceIsContinued(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	donation := NewTracing("donation", "1.0.0", sdktrace.WithSyncer(spans))
	posted, post := donation.Tracer("test").Start(t.Context(), "POST donate")
	stored := Traceparent(posted)
	post.End()

	later := ContextWithTraceparent(context.Background(), stored)
	received, webhook := donation.Tracer("test").Start(later, "webhook")
	webhook.End()

	if TraceID(received) != TraceID(posted) {
		t.Errorf("the webhook is in trace %s, the post in %s", TraceID(received), TraceID(posted))
	}
	ended := spans.GetSpans()
	if len(ended) != 2 || ended[1].Parent.SpanID() != ended[0].SpanContext.SpanID() {
		t.Errorf("exported %d spans, the second below %s", len(ended), ended[1].Parent.SpanID())
	}
	if got := ended[0].Resource.String(); !strings.Contains(got, "service.name=donation") || !strings.Contains(got, "service.version=1.0.0") {
		t.Errorf("the spans come from %s", got)
	}
	if !ended[0].SpanContext.IsSampled() {
		t.Error("the span is not sampled")
	}
}

func TestNoTraceAndNonsenseAreHarmless(t *testing.T) {
	t.Parallel()
	if TraceID(t.Context()) != "" || Traceparent(t.Context()) != "" {
		t.Error("a context without a span has a trace")
	}
	for _, text := range []string{"", "nonsense", "00-0-0-00", "00-00000000000000000000000000000000-0000000000000000-01", strings.Repeat("0", 10_000)} {
		if got := TraceID(ContextWithTraceparent(t.Context(), text)); got != "" {
			t.Errorf("%.20q became trace %s", text, got)
		}
	}
}
