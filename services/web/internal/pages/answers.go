package pages

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/view"
)

// trouble is what can be in the way of a page.
type trouble int

// The troubles there are; their words are in the table below.
const (
	_ trouble = iota
	notFound
	closed
	pageClosed
	tooLarge
	damaged
	tooMany
	unreachable
	ourFault
	notInThisState
	wrongMethod
	fromElsewhere
)

// words say what happened, that nothing was lost where something could have
// been, and what to do.
var words = map[trouble]struct{ heading, text string }{
	notFound: {
		"This page does not exist",
		"Perhaps the address was cut off when it was copied, or the page has been taken down.",
	},
	closed: {
		"This appeal is closed",
		"It takes no more gifts. Thank you for wanting to give; here is where you still can.",
	},
	pageClosed: {
		"This page is closed",
		"It takes no more gifts. Thank you for wanting to give; here is where you still can.",
	},
	tooLarge: {
		"That was too much at once",
		"What was sent is larger than this form takes. Go back, shorten the message and send it again.",
	},
	damaged: {
		"The form arrived damaged",
		"It could not be read, so nothing was done with it. Go back and send it again.",
	},
	tooMany: {
		"Too many attempts",
		"There have been many attempts from your connection or with this form. Wait ten minutes, then try again. Nothing was charged.",
	},
	unreachable: {
		"We cannot do this right now",
		"A part of the site cannot be reached. Please try again in a minute.",
	},
	ourFault: {
		"Something went wrong on our side",
		"It has been noted and will be looked at. Please try again in a minute.",
	},
	notInThisState: {
		"That is not possible any more",
		"Things have changed since the page was opened. Open it again to see how they stand.",
	},
	wrongMethod: {
		"This page cannot be used like that",
		"It can be opened, but nothing can be sent to it.",
	},
	fromElsewhere: {
		"This was not sent from our site",
		"To protect you, forms are only taken from our own pages. Open the page here and send it again.",
	},
}

func (t trouble) heading() string { return words[t].heading }

func (t trouble) text() string { return words[t].text }

// troubles says which of them a failed question to a service is.
var troubles = map[apperr.Code]trouble{
	apperr.NotFound:           notFound,
	apperr.InvalidArgument:    notFound,
	apperr.Gone:               closed,
	apperr.TooLarge:           tooLarge,
	apperr.ResourceExhausted:  tooMany,
	apperr.Unavailable:        unreachable,
	apperr.DeadlineExceeded:   unreachable,
	apperr.Canceled:           unreachable,
	apperr.AlreadyExists:      notInThisState,
	apperr.FailedPrecondition: notInThisState,
	apperr.Aborted:            notInThisState,
}

// retryAfter tells programs, in seconds, what the pages tell people.
var retryAfter = map[int]int{
	http.StatusTooManyRequests:    600,
	http.StatusServiceUnavailable: 60,
}

// show sends a page.
func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, page view.Page) {
	var body bytes.Buffer
	err := s.views.Render(&body, page)
	if err != nil {
		s.logger.ErrorContext(r.Context(), "draw page", "route", r.Pattern, "error", err)
		// The problem page may be what is broken, so this is the last resort.
		http.Error(w, ourFault.heading()+". "+ourFault.text(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	if wait, known := retryAfter[status]; known {
		header.Set("Retry-After", strconv.Itoa(wait))
	}
	if status >= http.StatusBadRequest && header.Get("Cache-Control") == "no-cache" {
		header.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_, err = body.WriteTo(w)
	if err != nil {
		s.logger.DebugContext(r.Context(), "reader went away", "route", r.Pattern, "error", err)
	}
}

// problem sends a page that says what is in the way, with a way on.
func (s *Site) problem(w http.ResponseWriter, r *http.Request, status int, what trouble) {
	s.show(w, r, status, view.Problem{
		Frame:   view.Frame{Title: what.heading(), Private: true},
		Heading: what.heading(),
		Text:    []string{what.text()},
		Ways:    []view.Link{{Label: "See all appeals", URL: "/"}},
	})
}

// fail answers for a question to a service that was not answered.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, what := s.judge(r, err)
	if status == http.StatusGone {
		s.gone(w, r, target{})
		return
	}
	s.problem(w, r, status, what)
}

// judge says what an error means to the visitor, and logs it if it is ours.
func (s *Site) judge(r *http.Request, err error) (status int, what trouble) {
	code := apperr.CodeOf(err)
	what, known := troubles[code]
	if !known {
		what = ourFault
	}
	status = code.HTTPStatus()
	switch {
	case code == apperr.InvalidArgument:
		// Here it is part of an address that a service refused, not a form.
		status = http.StatusNotFound
	case !known:
		// Refused calls are a fault of this site's own wiring, whatever their code.
		status = http.StatusInternalServerError
	}
	level := slog.LevelDebug
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.logger.LogAttrs(r.Context(), level, "page failed",
		slog.String("route", r.Pattern), slog.String("code", string(code)), slog.String("error", err.Error()))
	return status, what
}

// gone says that what was to be given to is closed (nothing of it may be known)
// and lists what is open, if that can be had. Where only a supporter's page has
// ended, its appeal comes first.
func (s *Site) gone(w http.ResponseWriter, r *http.Request, found target) {
	what := closed
	way := view.Link{Label: "See all appeals", URL: "/"}
	if found.page.GetClosed() && !found.appeal.GetClosed() {
		what = pageClosed
		way = view.Link{Label: found.appeal.GetTitle(), URL: appealPath(found.appeal.GetSlug())}
	}
	page := view.Problem{
		Frame:   view.Frame{Title: what.heading(), Private: true},
		Heading: what.heading(),
		Text:    []string{what.text()},
		Ways:    []view.Link{way},
	}
	all, err := s.listAppeals(r.Context())
	if err == nil {
		page.Site = homeSite(all)
		for _, appeal := range all.GetAppeals() {
			page.Open = append(page.Open, view.Link{Label: appeal.GetTitle(), URL: appealPath(appeal.GetSlug())})
		}
	}
	s.show(w, r, http.StatusGone, page)
}
