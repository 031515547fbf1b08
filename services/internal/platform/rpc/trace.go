package rpc

import (
	"context"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// PerService makes each answered call's span in the name of the service that was
// asked, where one server answers for several. Calls that are for no service alone,
// such as those that read feeds, get others'.
func PerService(services map[string]trace.TracerProvider, others trace.TracerProvider) trace.TracerProvider {
	return perService{services: services, others: others}
}

type perService struct {
	embedded.TracerProvider

	services map[string]trace.TracerProvider
	others   trace.TracerProvider
}

func (p perService) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	t := tracerPerService{services: map[string]trace.Tracer{}, others: p.others.Tracer(name, options...)}
	for service, provider := range p.services {
		t.services[service] = provider.Tracer(name, options...)
	}
	return t
}

type tracerPerService struct {
	embedded.Tracer

	services map[string]trace.Tracer
	others   trace.Tracer
}

// Start begins a span that is named as gRPC's are, by the method.
func (t tracerPerService) Start(ctx context.Context, method string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	tracer, known := t.services[asked("/"+method, nil)]
	if !known {
		tracer = t.others
	}
	return tracer.Start(ctx, method, options...)
}
