package httpserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// requestIDHeader carries the id back, so that somebody who reports a fault
// can name the request.
const requestIDHeader = "X-Request-Id"

// edge is what every request passes before it reaches the handler.
type edge struct {
	Config
	inner    http.Handler
	proxies  proxies
	tracer   trace.Tracer
	metrics  metrics
	stopping chan struct{} // closed when the server takes no more requests
}

func newEdge(config Config) *edge {
	e := &edge{Config: config, proxies: config.TrustedProxies, tracer: config.Tracer.Tracer("almoner/httpserver"), metrics: newMetrics(config.Metrics), stopping: make(chan struct{})}
	e.inner = routed(config.Handler)
	if config.Around != nil {
		e.inner = config.Around(e.inner)
	}
	return e
}

// visit is what is known of one request, reachable through its context.
type visit struct {
	id     string
	client netip.Addr
	route  string // the pattern that matched, once the handler has run

	stopping <-chan struct{}
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// RequestID is the id of the request that ctx belongs to, "" outside one.
func RequestID(ctx context.Context) string {
	v := visitOf(ctx)
	if v == nil {
		return ""
	}
	return v.id
}

// ClientAddr is the address that the request came from: the connection's, or,
// behind a trusted proxy, the one that the proxy saw. It is personal: use it
// to limit rates, don't keep or log it. Outside a request it is not valid.
func ClientAddr(ctx context.Context) netip.Addr {
	v := visitOf(ctx)
	if v == nil {
		return netip.Addr{}
	}
	return v.client
}

// Stopping is closed when the server wants to stop. An answer that has no end of
// its own, such as a live stream, must end then, or stopping waits for it. Outside
// a request it is nil.
func Stopping(ctx context.Context) <-chan struct{} {
	v := visitOf(ctx)
	if v == nil {
		return nil
	}
	return v.stopping
}

// ServeHTTP implements the package's promises, from the outside in.
func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	v := &visit{id: newID(), route: "-", stopping: e.stopping}
	var trusted bool
	v.client, trusted = e.proxies.client(r)

	ctx := context.WithValue(r.Context(), visitKey{}, v)
	if trusted {
		// Only our own proxy may say which trace this is. Anybody else could
		// join the traces of other people's gifts.
		ctx = e.Propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, span := e.tracer.Start(ctx, method(r.Method), trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()

	e.metrics.underway.Inc()
	defer e.metrics.underway.Dec()
	answer := &answer{ResponseWriter: w, conn: connOf(r)}
	answer.Header().Set(requestIDHeader, v.id)
	r = r.WithContext(ctx)
	if r.Body != http.NoBody {
		// Given the server's own writer, reading too much also closes the connection.
		r.Body = http.MaxBytesReader(w, r.Body, e.MaxBody)
	}

	aborted := e.guarded(answer, r, v)

	status, took := answer.sent(), time.Since(began)
	e.metrics.answered(v.route, method(r.Method), status, took)
	failed := status >= 500 || aborted
	if span.IsRecording() { // else nobody collects it
		span.SetName(method(r.Method) + " " + v.route)
		span.SetAttributes(attribute.String("http.request.method", method(r.Method)),
			attribute.String("http.route", v.route), attribute.Int("http.response.status_code", status))
		if failed {
			span.SetStatus(otelcodes.Error, "")
		}
	}
	level := slog.LevelInfo
	if failed {
		level = slog.LevelError
	}
	told := []slog.Attr{
		slog.String("id", v.id), slog.String("method", method(r.Method)), slog.String("route", v.route),
		slog.Int("status", status), slog.Int64("bytes", answer.bytes), slog.Duration("took", took),
	}
	if aborted {
		told = append(told, slog.Bool("aborted", true))
	}
	e.log(ctx, level, told)
	if aborted {
		// net/http's own way to cut a connection in the middle of an answer.
		panic(http.ErrAbortHandler)
	}
}

// log writes the line of a request. A logger would look up the place in the source that
// wrote it, each time, which nobody is told.
func (e *edge) log(ctx context.Context, level slog.Level, attrs []slog.Attr) {
	handler := e.Logger.Handler()
	if !handler.Enabled(ctx, level) {
		return
	}
	line := slog.NewRecord(time.Now(), level, "request", 0)
	line.AddAttrs(attrs...)
	_ = handler.Handle(ctx, line) // as a logger does: there is nobody to tell
}

// guarded runs the handler. It reports true when the answer was already on its
// way as the handler failed: then all that can be done is to break it off, so
// that nobody takes half a page for a whole one.
func (e *edge) guarded(w *answer, r *http.Request, v *visit) (aborted bool) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			return
		}
		err, ok := panicked.(error)
		if ok && errors.Is(err, http.ErrAbortHandler) {
			aborted = true
			return
		}
		// A runtime error tells what broke; any other value may hold what
		// somebody typed.
		what := fmt.Sprintf("%T", panicked)
		broke, ok := panicked.(runtime.Error)
		if ok {
			what = broke.Error()
		}
		e.Logger.LogAttrs(r.Context(), slog.LevelError, "http handler panicked",
			slog.String("id", v.id), slog.String("route", v.route), slog.String("panic", what), slog.String("stack", string(debug.Stack())))
		if w.status != 0 {
			aborted = true
			return
		}
		header := w.Header()
		for name := range header {
			// What the handler meant for its page (a length, a cookie, a
			// caching rule) does not belong to this one.
			if name != requestIDHeader && !keptOnFailure[name] {
				header.Del(name)
			}
		}
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusInternalServerError)
		e.Failed(w, v.id)
	}()
	e.inner.ServeHTTP(w, r)
	return false
}

// keptOnFailure are headers that protect the reader on any page.
var keptOnFailure = map[string]bool{
	"Content-Security-Policy":   true,
	"Strict-Transport-Security": true,
	"Referrer-Policy":           true,
	"Permissions-Policy":        true,
	"X-Content-Type-Options":    true,
	"X-Frame-Options":           true,
}

// routed notes which pattern a mux matched. The mux writes it into the request
// it was given, which what stands around it may have copied.
func routed(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := visitOf(r.Context())
			if v == nil || r.Pattern == "" {
				return
			}
			// "GET /appeals/{slug}": the method is told beside it.
			_, path, both := strings.Cut(r.Pattern, " ")
			if !both {
				path = r.Pattern
			}
			v.route = path
		}()
		handler.ServeHTTP(w, r)
	})
}

// method keeps words that a stranger invents out of the log.
func method(name string) string {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return name
	}
	return "other"
}

func newID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // documented never to fail
	return hex.EncodeToString(id[:])
}

// answer notes what was sent.
type answer struct {
	http.ResponseWriter
	conn   *wholeConn // nil where an answer is sent in parts
	status int        // 0 until the header is on its way
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(content []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	var n int
	var err error
	if a.conn != nil && len(content) > answerBuffer {
		n, err = a.conn.whole(func() (int, error) {
			n, err := a.ResponseWriter.Write(content)
			if err != nil {
				return n, err
			}
			return n, http.NewResponseController(a.ResponseWriter).Flush()
		})
	} else {
		n, err = a.ResponseWriter.Write(content)
	}
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush and move deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// FlushError sends the header at the latest now.
func (a *answer) FlushError() error {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// sent is the status that the client got; net/http sends 200 for silence.
func (a *answer) sent() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}
