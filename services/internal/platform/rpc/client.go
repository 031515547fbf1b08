package rpc

import (
	"context"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// defaultTimeout bounds a unary call whose context has no deadline, on both
// sides: a caller that forgot one must not hold a handler for ever.
const defaultTimeout = 20 * time.Second

// maxMessage bounds one message: a full page of a feed with room to spare.
const maxMessage = 16 << 20

// Traced makes a client continue the trace of the context it is called with.
func Traced(provider trace.TracerProvider, propagator propagation.TextMapPropagator) grpc.DialOption {
	return grpc.WithStatsHandler(otelgrpc.NewClientHandler(tracing(provider, propagator)...))
}

// tracing leaves nothing to OpenTelemetry's globals.
func tracing(provider trace.TracerProvider, propagator propagation.TextMapPropagator) []otelgrpc.Option {
	return []otelgrpc.Option{
		otelgrpc.WithTracerProvider(provider),
		otelgrpc.WithPropagators(propagator),
		otelgrpc.WithMeterProvider(noop.NewMeterProvider()),
	}
}

func clientOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(callUnary),
		grpc.WithChainStreamInterceptor(callStream),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	}
}

func callUnary(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	return fromStatus(ctx, invoke(ctx, method, request, reply, conn, options...))
}

func callStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, conn, method, options...)
	if err != nil {
		return nil, fromStatus(ctx, err)
	}
	return clientStream{ClientStream: stream, caller: ctx}, nil
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	_, bounded := ctx.Deadline()
	if bounded {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, defaultTimeout)
}

// clientStream rebuilds errors wherever a stream can end.
type clientStream struct {
	grpc.ClientStream
	// caller is the context the stream was opened with. The stream's own also
	// ends when the stream does, which would look like a caller who left.
	caller context.Context
}

func (s clientStream) Header() (metadata.MD, error) {
	header, err := s.ClientStream.Header()
	return header, fromStatus(s.caller, err)
}

func (s clientStream) SendMsg(message any) error {
	return fromStatus(s.caller, s.ClientStream.SendMsg(message))
}

func (s clientStream) RecvMsg(message any) error {
	return fromStatus(s.caller, s.ClientStream.RecvMsg(message))
}

func (s clientStream) CloseSend() error {
	return fromStatus(s.caller, s.ClientStream.CloseSend())
}
