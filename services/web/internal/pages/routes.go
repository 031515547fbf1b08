package pages

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/almoner/almoner/services/web/internal/assets"
)

// route is an address and what it answers. Methods are told apart here and not
// by the mux, so that a wrong method is answered as one and not as a page that
// does not exist.
type route struct {
	pattern string
	privacy privacy
	get     http.HandlerFunc
	post    http.HandlerFunc // nil where nothing can be sent
}

func (s *Site) routes() []route {
	routes := []route{
		{pattern: "/{$}", privacy: open, get: s.home},
		{pattern: "/appeals/{slug}", privacy: open, get: s.appeal},
		{pattern: "/appeals/{slug}/donate", privacy: form, get: s.donateForm(s.appealTarget), post: s.donate(s.appealTarget)},
		{pattern: "/f/{slug}", privacy: open, get: s.fundraiser},
		{pattern: "/f/{slug}/donate", privacy: form, get: s.donateForm(s.fundraiserTarget), post: s.donate(s.fundraiserTarget)},
		{pattern: "/donations/{id}/thanks", privacy: secret, get: s.thanks},
		{pattern: "/donations/{id}/cancelled", privacy: secret, get: s.cancelled},
		{pattern: "/receipts/{number}/{token}", privacy: secret, get: s.receipt},
		{pattern: assets.Prefix, privacy: open, get: s.asset},
		// Everything else, so that a mistyped address gets a page of ours.
		{pattern: "/", privacy: open, get: s.unknown, post: s.unknown},
	}
	if s.development && s.mailDir != "" {
		routes = append(routes,
			route{pattern: "/dev/mail", privacy: secret, get: s.mails},
			route{pattern: "/dev/mail/{id}", privacy: secret, get: s.mail},
		)
	}
	return routes
}

// Register adds all routes to the mux.
func (s *Site) Register(mux *http.ServeMux) {
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.answer(r))
	}
}

// answer wraps a route in what every answer has. The order matters: headers
// come first, so that they are also on what the inner layers refuse.
func (s *Site) answer(r route) http.Handler {
	inner := s.protection.Handler(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		switch {
		case request.Method == http.MethodGet || request.Method == http.MethodHead:
			r.get(w, request)
		case request.Method == http.MethodPost && r.post != nil:
			r.post(w, request)
		default:
			s.wrongMethod(w, request, r)
		}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		s.setHeaders(w.Header(), r.privacy)
		ctx, span := s.tracer.Start(request.Context(), request.Method+" "+r.pattern,
			trace.WithSpanKind(trace.SpanKindServer),
			// The pattern and not the path: paths hold receipts' tokens.
			trace.WithAttributes(attribute.String("http.route", r.pattern)))
		defer span.End()
		request = request.WithContext(ctx)
		defer s.recovered(w, request)
		inner.ServeHTTP(w, request)
	})
}

// recovered makes a panic an answer like any other and a line in the log. The
// panic's value is only logged when it is the runtime's own: another one may
// hold what a donor typed.
func (s *Site) recovered(w http.ResponseWriter, r *http.Request) {
	panicked := recover()
	if panicked == nil {
		return
	}
	if panicked == http.ErrAbortHandler {
		panic(panicked)
	}
	what := fmt.Sprintf("%T", panicked)
	broke, ok := panicked.(runtime.Error)
	if ok {
		what = broke.Error()
	}
	s.logger.LogAttrs(r.Context(), slog.LevelError, "page panicked",
		slog.String("route", r.Pattern), slog.String("panic", what), slog.String("stack", string(debug.Stack())))
	s.problem(w, r, http.StatusInternalServerError, ourFault)
}

func (s *Site) wrongMethod(w http.ResponseWriter, r *http.Request, known route) {
	allowed := []string{http.MethodGet, http.MethodHead}
	if known.post != nil {
		allowed = append(allowed, http.MethodPost)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.problem(w, r, http.StatusMethodNotAllowed, wrongMethod)
}

func (s *Site) unknown(w http.ResponseWriter, r *http.Request) {
	s.problem(w, r, http.StatusNotFound, notFound)
}

func (s *Site) forged(w http.ResponseWriter, r *http.Request) {
	s.problem(w, r, http.StatusForbidden, fromElsewhere)
}

func (s *Site) asset(w http.ResponseWriter, r *http.Request) {
	if !s.files.Has(r.URL.Path) {
		s.unknown(w, r)
		return
	}
	s.files.ServeHTTP(w, r)
}
