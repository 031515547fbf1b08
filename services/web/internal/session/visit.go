package session

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/almoner/almoner/services/web/internal/front"
)

// visit is one request's view of its session.
type visit struct {
	failure error // the session could not be read
	unsaved bool
	known   *front.Visitor // looked up once a request
	cookie  *http.Cookie   // to send with the answer
}

// changed notes that the session has to be saved.
func (v *visit) changed(otherPerson bool) {
	v.unsaved = true
	if otherPerson {
		v.known = nil
	}
}

type visitKey struct{}

// visitOf is the visit of a context that Load made. Without one, the route was
// registered without a session, which is a mistake that a first test shows.
func visitOf(ctx context.Context) *visit {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		panic("session: the route has no session")
	}
	return v
}

// CookieName is what the session's cookie is called. The prefix makes browsers
// refuse one that was set by another host or without TLS.
func (s *Sessions) CookieName() string { return s.named("session") }

func (s *Sessions) named(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// newCookie has what all cookies here have.
func (s *Sessions) newCookie(name, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever the site is reached by https
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()),
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// Load makes the request's session known to its context and saves it with the
// answer. A session that cannot be read is an error of Visitor, which every route
// with a session asks first, so that the visitor gets a page that says so.
func (s *Sessions) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := ""
		cookie, err := r.Cookie(s.CookieName())
		if err == nil {
			token = cookie.Value
		}
		v := &visit{}
		ctx, err := s.scs.Load(r.Context(), token)
		if err != nil {
			v.failure = err
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
			return
		}
		ctx = context.WithValue(ctx, visitKey{}, v)
		s.note(ctx)
		answer := &answer{ResponseWriter: w, before: func() { s.finish(ctx, w) }}
		next.ServeHTTP(answer, r.WithContext(ctx))
		answer.start()
	})
}

// note remembers the visit. The staff's desks, once they were left alone for too
// long, stay shut until the next sign-in: coming back is not a visit to them.
func (s *Sessions) note(ctx context.Context) {
	now := s.now().UnixMicro()
	if s.scs.GetString(ctx, keyPerson) == "" || now-s.scs.GetInt64(ctx, keySeen) < noted.Microseconds() {
		return
	}
	s.scs.Put(ctx, keySeen, now)
	if now-s.scs.GetInt64(ctx, keyDesk) <= staffIdle.Microseconds() {
		s.scs.Put(ctx, keyDesk, now)
	}
	visitOf(ctx).changed(false)
}

// save writes the session and makes its cookie.
func (s *Sessions) save(ctx context.Context) error {
	v := visitOf(ctx)
	v.unsaved = false
	if s.scs.Status(ctx) == scs.Destroyed {
		v.cookie = s.newCookie(s.CookieName(), "", -time.Second)
		return nil
	}
	token, _, err := s.scs.Commit(ctx)
	if err != nil {
		return err
	}
	v.cookie = s.newCookie(s.CookieName(), token, absolute)
	return nil
}

// finish saves what is not saved yet. What must not be lost was saved by whoever
// changed it; what is left is when the visitor was last here.
func (s *Sessions) finish(ctx context.Context, w http.ResponseWriter) {
	v := visitOf(ctx)
	if v.unsaved {
		// The visitor may be gone already; the visit was made all the same.
		err := s.save(context.WithoutCancel(ctx))
		if err != nil {
			s.logger.ErrorContext(ctx, "save session", "error", err)
		}
	}
	if v.cookie != nil {
		http.SetCookie(w, v.cookie)
	}
}

// answer runs before when the answer begins, while headers can still be set.
type answer struct {
	http.ResponseWriter
	before func()
	begun  bool
}

func (a *answer) start() {
	if !a.begun {
		a.begun = true
		a.before()
	}
}

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	a.start()
	a.ResponseWriter.WriteHeader(status)
}

// Write begins the answer, if nothing has.
func (a *answer) Write(content []byte) (int, error) {
	a.start()
	return a.ResponseWriter.Write(content)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
