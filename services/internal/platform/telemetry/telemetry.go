// Package telemetry makes what happens findable: log lines carry the trace
// they belong to, and every trace has an id, exported or not, so that a row, an
// event, a receipt and a log line of one gift can be put side by side.
//
// There are no globals: a service is given its logger and its tracing.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Format is how log lines are written.
type Format string

// JSON is for machines, Text for a terminal.
const (
	JSON Format = "json"
	Text Format = "text"
)

// NewLogger writes lines of at least level to w (standard error in a process:
// standard output is for what a command was asked for). Lines logged with a
// context that carries a span have its trace_id and span_id.
func NewLogger(w io.Writer, format Format, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == JSON {
		return slog.New(traced{slog.NewJSONHandler(w, options)})
	}
	return slog.New(traced{slog.NewTextHandler(w, options)})
}

// traced adds the ids of the context's span to each line.
type traced struct {
	slog.Handler
}

func (h traced) Handle(ctx context.Context, record slog.Record) error {
	span := trace.SpanContextFromContext(ctx)
	if span.IsValid() {
		// A record may be shared with other handlers; its attributes must not
		// grow for them.
		record = record.Clone()
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traced{h.Handler.WithAttrs(attrs)}
}

func (h traced) WithGroup(name string) slog.Handler {
	return traced{h.Handler.WithGroup(name)}
}

// NewTracing makes the spans of one service. Every span is sampled, because
// trace ids are stored beside money and must exist whether or not anybody
// collects spans; options say where spans are exported to (by default nowhere)
// and may choose another sampler. Shut the provider down to flush what it
// holds.
func NewTracing(service, version string, options ...sdktrace.TracerProviderOption) *sdktrace.TracerProvider {
	described := resource.NewSchemaless(
		attribute.String("service.namespace", "almoner"),
		attribute.String("service.name", service),
		attribute.String("service.version", version),
		// Services may share a process, and a service may have several.
		attribute.Int("process.pid", os.Getpid()),
	)
	return sdktrace.NewTracerProvider(append([]sdktrace.TracerProviderOption{
		sdktrace.WithResource(described),
		sdktrace.WithSampler(sdktrace.AlwaysSample()),
	}, options...)...)
}

// Propagator carries traces between processes as W3C trace context. Baggage is
// left out: it would carry whatever a stranger puts into it.
func Propagator() propagation.TextMapPropagator { return propagation.TraceContext{} }

// TraceID is the trace that ctx is part of, 32 hex digits, or "".
func TraceID(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if !span.HasTraceID() {
		return ""
	}
	return span.TraceID().String()
}

const traceparentKey = "traceparent"

// Traceparent is the W3C form of the span that ctx is in, as a row or an event
// stores it, or "".
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	Propagator().Inject(ctx, carrier)
	return carrier[traceparentKey]
}

// ContextWithTraceparent continues a stored trace. Text that is no traceparent
// leaves ctx as it was: a trace is never worth failing for.
func ContextWithTraceparent(ctx context.Context, traceparent string) context.Context {
	return Propagator().Extract(ctx, propagation.MapCarrier{traceparentKey: traceparent})
}
