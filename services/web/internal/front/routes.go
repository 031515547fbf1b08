package front

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Access is who may open a route. Each of the staff's includes those after it.
type Access int

// Who there is.
const (
	Anyone      Access = iota // no session is read: the page is the same for all
	WithSession               // anyone, with a session of their own
	Supporters                // who signed in
	Viewers                   // staff who may look: viewer, accountant, admin
	Accountants               // accountant, admin
	Admins                    // admin
)

// roles are those of which a member of the staff needs one.
func (a Access) roles() []string {
	switch a {
	case Viewers:
		return []string{"viewer", "accountant", "admin"}
	case Accountants:
		return []string{"accountant", "admin"}
	case Admins:
		return []string{"admin"}
	default:
		return nil
	}
}

// Route is an address and what it answers. Methods are told apart here and not
// by the mux, so that a wrong method is answered as one and not as a page that
// does not exist.
type Route struct {
	Pattern string
	Privacy Privacy
	Access  Access
	Get     http.HandlerFunc // nil where nothing can be opened
	Post    http.HandlerFunc // nil where nothing can be sent
	// PostAccess is who may send, where that is fewer than may look; the zero
	// value means the same.
	PostAccess Access
}

// Register adds routes to the mux.
func (f *Front) Register(mux *http.ServeMux, routes []Route) {
	for _, r := range routes {
		mux.Handle(r.Pattern, f.answer(r))
		if r.Get != nil && r.Pattern != "/" {
			f.ways.Handle(r.Pattern, r.Get)
		}
	}
}

// Way is an address of this site that a page of ours answers, from a text that may
// come from anywhere; empty for everything else. Where somebody is sent after
// signing in must not be for the sender of a link to choose.
func (f *Front) Way(text string) string {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.ContainsFunc(text, unwelcome) {
		return ""
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || parsed.Opaque != "" {
		return ""
	}
	address := url.URL{Path: parsed.Path, RawPath: parsed.RawPath, RawQuery: parsed.RawQuery}
	_, pattern := f.ways.Handler(&http.Request{Method: http.MethodGet, URL: &address, Host: f.base.Host})
	clean := path.Clean(parsed.Path)
	if pattern == "" || clean != parsed.Path && clean+"/" != parsed.Path {
		return ""
	}
	return address.String()
}

// unwelcome are characters that browsers drop or turn into others in an address.
func unwelcome(r rune) bool { return r == '\\' || r <= ' ' || r > '~' }

// Around puts the headers of open pages on what the mux answers by itself (ways
// to a cleaner address) and on what others answer on the same origin. The site's
// own routes set theirs over them.
func (f *Front) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.setHeaders(w.Header(), Open)
		next.ServeHTTP(w, r)
	})
}

// answer wraps a route in what every answer has. The order matters: headers
// come first, so that they are also on what the inner layers refuse; the session
// comes after the check for forged submissions, which must not cost a query.
func (f *Front) answer(route Route) http.Handler {
	inner := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle, access := route.Get, route.Access
		if r.Method == http.MethodPost {
			handle = route.Post
			access = max(access, route.PostAccess)
		}
		known := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost
		if !known || handle == nil {
			f.wrongMethod(w, r, route)
			return
		}
		f.admit(w, r, access, handle)
	}))
	if route.Access != Anyone && f.visitors != nil {
		inner = f.visitors.Load(inner)
	}
	inner = f.protection.Handler(inner)
	parts := wildcards(route.Pattern)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.setHeaders(w.Header(), route.Privacy)
		inner.ServeHTTP(w, f.spoken(w, legible(r, parts)))
	})
}

// admit lets in whom the route is for, and lets them act. Who has not signed in
// is shown where; to who is not of the staff, the staff's pages do not exist.
func (f *Front) admit(w http.ResponseWriter, r *http.Request, access Access, handle http.HandlerFunc) {
	if access == Anyone || f.visitors == nil {
		serve(w, r, handle)
		return
	}
	visitor, err := f.visitors.Visitor(r.Context())
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, visitor))
	switch {
	case access == WithSession:
	case !visitor.SignedIn():
		f.signInFirst(w, r)
		return
	case access == Supporters:
		if visitor.SupporterID == "" {
			f.signInFirst(w, r)
			return
		}
		r = r.WithContext(rpc.WithPerson(r.Context(), rpc.Person{ID: visitor.SupporterID, Roles: []string{"supporter"}}))
	case visitor.StaffID == "" || len(visitor.Roles) == 0:
		f.Unknown(w, r)
		return
	case visitor.Stale:
		f.signInFirst(w, r)
		return
	case !slices.ContainsFunc(access.roles(), func(role string) bool { return slices.Contains(visitor.Roles, role) }):
		f.Problem(w, r, http.StatusForbidden, OtherRole)
		return
	default:
		r = r.WithContext(rpc.WithPerson(r.Context(), rpc.Person{ID: visitor.StaffID, Roles: visitor.Roles}))
	}
	serve(w, r, handle)
}

// serve lets a handler answer, and removes the files that came with a form. The
// server does so for the request that it made itself, which this one is only a copy
// of: people's photos, with where they were taken, would stay on the disk.
func serve(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
	defer func() {
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll() // one that cannot be removed is the system's to sweep
		}
	}()
	handle(w, r)
}

type visitorKey struct{}

// person is who is signed in, as the masthead shows it; nil on pages that are the
// same for everybody, and before sign-in.
func person(ctx context.Context) *view.Person {
	visitor, known := ctx.Value(visitorKey{}).(Visitor)
	if !known || !visitor.SignedIn() {
		return nil
	}
	return &view.Person{Supporter: visitor.SupporterID != "", Staff: len(visitor.Roles) > 0}
}

// SignInPath is where one signs in, to come back to a path of the site.
func SignInPath(next string) string { return "/sign-in?next=" + url.QueryEscape(next) }

// signInFirst sends who wants to see something to the sign-in page. What was sent
// cannot be sent on from there, so it is said instead, and the browser's way back
// still has it.
func (f *Front) signInFirst(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		f.Problem(w, r, http.StatusForbidden, SignedOut)
		return
	}
	http.Redirect(w, r, SignInPath(r.URL.RequestURI()), http.StatusSeeOther) //nolint:gosec // a path of our own
}

func (f *Front) wrongMethod(w http.ResponseWriter, r *http.Request, known Route) {
	var allowed []string
	if known.Get != nil {
		allowed = append(allowed, http.MethodGet, http.MethodHead)
	}
	if known.Post != nil {
		allowed = append(allowed, http.MethodPost)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	f.Problem(w, r, http.StatusMethodNotAllowed, WrongMethod)
}

// Unknown answers for an address that leads nowhere, and for what is not the
// visitor's.
func (f *Front) Unknown(w http.ResponseWriter, r *http.Request) {
	f.Problem(w, r, http.StatusNotFound, NotFound)
}

func (f *Front) forged(w http.ResponseWriter, r *http.Request) {
	f.Problem(w, r, http.StatusForbidden, FromElsewhere)
}
