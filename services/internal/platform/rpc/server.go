package rpc

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/almoner/almoner/services/internal/apperr"
)

// ServerConfig is what a Server is made with. Every field may be left zero.
type ServerConfig struct {
	Logger     *slog.Logger                  // default: nothing is logged
	Tracer     trace.TracerProvider          // default: calls make no spans
	Metrics    prometheus.Registerer         // default: nothing is counted
	Propagator propagation.TextMapPropagator // default: W3C trace context
	Grace      time.Duration                 // how long calls may finish when stopping; default 10 s
	PersonKey  ed25519.PublicKey             // verifies the people that web acts for; without it nobody is believed
	Now        func() time.Time              // default: time.Now

	// Certificates prove who connects over TCP: the caller is one of those that the
	// other end's certificate names.
	Certificates *Certificates
	// ConnectionAge is after how long a connection has to be proved again, so that a
	// certificate which is believed no more does not live on; default never.
	ConnectionAge time.Duration
	// Plaintext believes whoever connects over TCP that they are who they say. It is
	// for development, on loopback. Without it they are refused.
	Plaintext bool
}

// longestStream is how long a stream may go on over a connection that has to be made
// anew: long enough for the export of many years.
const longestStream = 10 * time.Minute

// Server answers the calls of one process, for all services that run in it.
// Generated Register functions take it. Register everything before Serve.
type Server struct {
	grpc     *grpc.Server
	access   accessTable
	refused  []error
	logger   *slog.Logger
	metrics  metrics
	grace    time.Duration
	stopping context.Context
	stop     context.CancelFunc

	personKey ed25519.PublicKey
	now       func() time.Time
}

// NewServer makes a server without services.
func NewServer(config ServerConfig) *Server {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Tracer == nil {
		config.Tracer = tracenoop.NewTracerProvider()
	}
	if config.Propagator == nil {
		config.Propagator = propagation.TraceContext{}
	}
	if config.Grace <= 0 {
		config.Grace = 10 * time.Second
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	s := &Server{
		access: accessTable{}, logger: config.Logger, metrics: newMetrics(config.Metrics), grace: config.Grace,
		personKey: config.PersonKey, now: config.Now,
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.grpc = grpc.NewServer(
		grpc.Creds(serverCredentials{certificates: config.Certificates, plaintext: config.Plaintext, logger: config.Logger}),
		grpc.StatsHandler(otelgrpc.NewServerHandler(tracing(config.Tracer, config.Propagator)...)),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveEvery / 2}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: keepaliveEvery, Timeout: keepaliveTimeout,
			MaxConnectionAge: config.ConnectionAge, MaxConnectionAgeGrace: longestStream,
		}),
	)
	return s
}

// RegisterService makes Server a grpc.ServiceRegistrar. A service whose proto
// does not say for every method who may call it makes Serve fail.
func (s *Server) RegisterService(service *grpc.ServiceDesc, implementation any) {
	err := s.access.add(service)
	if err != nil {
		s.refused = append(s.refused, err)
		return
	}
	s.grpc.RegisterService(service, implementation)
}

// Serve answers calls from the listeners until ctx ends or a listener fails,
// then lets calls that have begun finish for the grace time. Streams are ended
// at once, because some would never end by themselves. It closes the
// listeners. Serve can be called once.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	defer s.stop()
	err := errors.Join(s.refused...)
	if err != nil {
		return fmt.Errorf("serve RPC: %w", err)
	}
	failed := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failed <- s.grpc.Serve(listener) }()
	}

	running := len(listeners)
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	s.stop()
	force := time.AfterFunc(s.grace, s.grpc.Stop)
	s.grpc.GracefulStop()
	force.Stop()
	for range running {
		served := <-failed
		if !errors.Is(served, grpc.ErrServerStopped) {
			err = errors.Join(err, served)
		}
	}
	if err != nil {
		return fmt.Errorf("serve RPC: %w", err)
	}
	return nil
}

func (s *Server) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (reply any, err error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	err = s.answer(ctx, info.FullMethod, func(ctx context.Context) error {
		reply, err = handle(ctx, request)
		return err
	})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

func (s *Server) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	return s.answer(ctx, info.FullMethod, func(ctx context.Context) error {
		err := handle(service, serverStream{ServerStream: stream, ctx: ctx})
		if err != nil && s.stopping.Err() != nil {
			return apperr.Wrap(err, apperr.Unavailable, "STOPPING", "This part of the system is restarting.")
		}
		return err
	})
}

// answer runs one call from authorisation to log line and returns the status
// that is sent.
func (s *Server) answer(ctx context.Context, method string, run func(context.Context) error) error {
	began := time.Now()
	ctx = withCaller(ctx)
	err := s.guarded(ctx, method, run)
	answer := toStatus(err)
	bare, ok := err.(interface{ GRPCStatus() *status.Status })
	if ok && bare.GRPCStatus().Code() == codes.Unimplemented {
		// Generated code says so for methods that a service left out; the
		// client's side knows what to make of it.
		answer = status.Error(codes.Unimplemented, "method not implemented")
	}
	took := time.Since(began)
	s.answered(method, Caller(ctx), took, err)
	s.log(ctx, method, took, err)
	return answer
}

func (s *Server) guarded(ctx context.Context, method string, run func(context.Context) error) (err error) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			return
		}
		// A runtime error tells what broke. Any other value may hold what a
		// donor typed, so only its type is kept.
		what := fmt.Sprintf("%T", panicked)
		broke, ok := panicked.(runtime.Error)
		if ok {
			what = broke.Error()
		}
		s.logger.LogAttrs(ctx, slog.LevelError, "rpc handler panicked",
			slog.String("method", method), slog.String("panic", what), slog.String("stack", string(debug.Stack())))
		err = apperr.New(apperr.Internal, "INTERNAL", "Something went wrong on our side.")
	}()
	ctx, err = s.admit(ctx, method)
	if err != nil {
		return err
	}
	return run(ctx)
}

// log writes one line a call, without anything from the messages. What a
// caller did wrong is its own affair; what went wrong here is ours.
func (s *Server) log(ctx context.Context, method string, took time.Duration, err error) {
	level := slog.LevelDebug
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.String("caller", Caller(ctx)),
		slog.Duration("took", took),
	}
	if err != nil {
		code := apperr.CodeOf(err)
		attrs = append(attrs, slog.String("code", string(code)))
		switch {
		case code == apperr.Unavailable && s.stopping.Err() != nil:
			// Every stop ends the streams that watch; nothing went wrong.
		case slices.Contains([]apperr.Code{apperr.Internal, apperr.Unavailable, apperr.DeadlineExceeded}, code):
			level = slog.LevelError
			attrs = append(attrs, slog.String("error", err.Error()))
		case code == apperr.PermissionDenied, code == apperr.Unauthenticated:
			level = slog.LevelWarn
		}
	}
	s.logger.LogAttrs(ctx, level, "rpc", attrs...)
}

// serverStream gives a stream's handler the context that ends when the server
// stops.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s serverStream) Context() context.Context { return s.ctx }
