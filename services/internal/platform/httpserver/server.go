// Package httpserver is the edge: it bounds how long and how much anybody may
// send, gives each request an id and a span, turns a panic into a page without
// a trace of the program, and logs requests without anything personal: the
// route's pattern instead of the path (paths hold tokens), no query, no
// address, no agent. It stops by letting requests that have begun finish.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// Limits of a connection. A donor on a bad line needs seconds, not minutes;
// who needs longer (a live stream, a large upload) moves its own deadline with
// http.ResponseController.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 32 << 10
	defaultMaxBody    = 1 << 20
	defaultGrace      = 20 * time.Second
)

// Config is what a Server is made with. Handler is required; everything else
// may be left zero.
type Config struct {
	Handler http.Handler // usually a *http.ServeMux: its patterns name routes in logs and spans

	// Around wraps Handler inside logging and recovery and outside routing:
	// the place for security headers, CSRF protection and rate limits.
	Around func(http.Handler) http.Handler

	// Failed writes the body of a 500, whose status is already sent; the
	// default is one plain sentence. It gets the request's id to show.
	Failed func(w io.Writer, requestID string)

	MaxBody        int64          // bytes of a request's body; default 1 MiB
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed; default none
	Logger         *slog.Logger   // default: nothing is logged
	Tracer         trace.TracerProvider
	Metrics        prometheus.Registerer // default: nothing is counted
	Propagator     propagation.TextMapPropagator
	Grace          time.Duration // how long requests may finish when stopping; default 20 s
}

// Server serves one handler.
type Server struct {
	http  *http.Server
	grace time.Duration
}

// New makes a server that is not listening yet.
func New(config Config) *Server {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Tracer == nil {
		config.Tracer = tracenoop.NewTracerProvider()
	}
	if config.Propagator == nil {
		config.Propagator = propagation.TraceContext{}
	}
	if config.MaxBody <= 0 {
		config.MaxBody = defaultMaxBody
	}
	if config.Grace <= 0 {
		config.Grace = defaultGrace
	}
	if config.Failed == nil {
		config.Failed = plainFailure
	}
	edge := newEdge(config)
	s := &Server{
		http: &http.Server{
			Handler:           edge,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ConnContext:       withConn,
			ErrorLog:          log.New(serverLog{config.Logger}, "", 0),
		},
		grace: config.Grace,
	}
	s.http.RegisterOnShutdown(sync.OnceFunc(func() { close(edge.stopping) }))
	return s
}

// ServeHTTP answers one request as the server would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.Handler.ServeHTTP(w, r) }

// Serve answers requests from listener until ctx ends, then takes no new ones
// and waits for those that have begun, for the grace time at most. It closes
// the listener. Serve can be called once.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(wholeListener{listener}) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	// ctx has ended, and the requests that are being answered have not.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
	defer cancel()
	err := s.http.Shutdown(grace)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop HTTP: %w", err), s.http.Close())
	}
	served := <-failed
	if !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve HTTP: %w", served))
	}
	return err
}

// serverLog keeps what net/http says about its listener and drops the rest,
// which is about single connections and holds their addresses.
type serverLog struct {
	logger *slog.Logger
}

func (l serverLog) Write(line []byte) (int, error) {
	text := string(line)
	if strings.HasPrefix(text, "http: Accept error") {
		l.logger.Error("http listener", slog.String("error", strings.TrimSpace(text)))
	}
	return len(line), nil
}

// plainFailure is a page that needs nothing to work.
func plainFailure(w io.Writer, requestID string) {
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Something went wrong</title>\n"+
		"<h1>Something went wrong</h1>\n<p>The fault is ours. Please try again; if it stays, tell us this number: %s</p>\n", requestID)
}
