package pages

import (
	"net/http"
	"strings"

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
		{pattern: "/donations/{id}/cancelled", privacy: secretForm, get: s.cancelled},
		{pattern: "/receipts/{number}/{token}", privacy: secret, get: s.receipt},
		{pattern: assets.Prefix, privacy: open, get: s.asset},
		// Everything else, so that a mistyped address gets a page of ours.
		{pattern: "/", privacy: open, get: s.unknown, post: s.unknown},
	}
	if s.mailbox != nil {
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

// Around puts the headers of open pages on what the mux answers by itself (ways
// to a cleaner address) and on what others answer on the same origin. The site's
// own routes set theirs over them.
func (s *Site) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.setHeaders(w.Header(), open)
		next.ServeHTTP(w, r)
	})
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
		inner.ServeHTTP(w, request)
	})
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
