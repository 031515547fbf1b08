package front

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Trouble is what can be in the way of a page.
type Trouble int

// The troubles there are; their words are in the table below.
const (
	_ Trouble = iota
	NotFound
	Closed
	PageClosed
	PagePaused
	TooLarge
	Damaged
	TooMany
	Unreachable
	OurFault
	NotInThisState
	WrongMethod
	FromElsewhere
	SignedOut
	OtherRole
)

// keys of their texts. They say what happened, that nothing was lost where
// something could have been, and what to do.
var keys = map[Trouble]string{
	NotFound:       "not_found",
	Closed:         "closed",
	PageClosed:     "page_closed",
	PagePaused:     "page_paused",
	TooLarge:       "too_large",
	Damaged:        "damaged",
	TooMany:        "too_many",
	Unreachable:    "unreachable",
	OurFault:       "our_fault",
	NotInThisState: "not_in_this_state",
	WrongMethod:    "wrong_method",
	FromElsewhere:  "from_elsewhere",
	SignedOut:      "signed_out",
	OtherRole:      "other_role",
}

// Heading and Text are what is said of a trouble in the reader's language.
func (f *Front) Heading(ctx context.Context, t Trouble) string {
	return f.Texts(ctx).Say("trouble." + keys[t] + ".heading")
}

// Text is the other half.
func (f *Front) Text(ctx context.Context, t Trouble) string {
	return f.Texts(ctx).Say("trouble." + keys[t] + ".text")
}

// troubles says which of them a failed question to a service is.
var troubles = map[apperr.Code]Trouble{
	apperr.NotFound:           NotFound,
	apperr.InvalidArgument:    NotFound,
	apperr.Gone:               Closed,
	apperr.TooLarge:           TooLarge,
	apperr.ResourceExhausted:  TooMany,
	apperr.Unavailable:        Unreachable,
	apperr.DeadlineExceeded:   Unreachable,
	apperr.Canceled:           Unreachable,
	apperr.AlreadyExists:      NotInThisState,
	apperr.FailedPrecondition: NotInThisState,
	apperr.Aborted:            NotInThisState,
}

// retryAfter tells programs, in seconds, what the pages tell people.
var retryAfter = map[int]int{
	http.StatusTooManyRequests:    600,
	http.StatusServiceUnavailable: 60,
}

// Show sends a page.
func (f *Front) Show(w http.ResponseWriter, r *http.Request, status int, page view.Page) {
	body, err := f.Draw(r, page)
	if err != nil {
		f.logger.ErrorContext(r.Context(), "draw page", "route", r.Pattern, "error", err)
		// The problem page may be what is broken, so this is the last resort.
		http.Error(w, f.Heading(r.Context(), OurFault)+". "+f.Text(r.Context(), OurFault), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Content-Language", f.Texts(r.Context()).Tag)
	header.Add("Vary", "Accept-Language, Cookie")
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
	_, err = w.Write(body)
	if err != nil {
		f.logger.DebugContext(r.Context(), "reader went away", "route", r.Pattern, "error", err)
	}
}

// Draw makes the page's HTML in the reader's language.
func (f *Front) Draw(r *http.Request, page view.Page) ([]byte, error) {
	spoken := f.Texts(r.Context())
	page.Around().Person = person(r.Context())
	page.Around().Languages = f.languageLinks(r, page.Around(), spoken.Tag)
	var body bytes.Buffer
	err := f.views.Render(&body, spoken.Tag, page)
	if err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

// DrawPart makes the HTML of a part of pages in the reader's language.
func (f *Front) DrawPart(ctx context.Context, name string, values any) (string, error) {
	var part strings.Builder
	err := f.views.RenderPart(&part, f.Texts(ctx).Tag, name, values)
	return part.String(), err
}

// Problem sends a page that says what is in the way, with a way on.
func (f *Front) Problem(w http.ResponseWriter, r *http.Request, status int, what Trouble) {
	ctx := r.Context()
	page := view.Problem{
		Frame:   view.Frame{Title: f.Heading(ctx, what), Private: true},
		Heading: f.Heading(ctx, what),
		Text:    []string{f.Text(ctx, what)},
		Ways:    []view.Link{{Label: f.Texts(ctx).Say("trouble.way.appeals"), URL: "/"}},
	}
	if what == SignedOut {
		page.Ways = append([]view.Link{{Label: f.Texts(ctx).Say("trouble.way.sign_in"), URL: SignInPath("/account/")}}, page.Ways...)
	}
	f.Show(w, r, status, &page)
}

// Fail answers for a question to a service that was not answered.
func (f *Front) Fail(w http.ResponseWriter, r *http.Request, err error) {
	status, what := f.Judge(r, err)
	f.Problem(w, r, status, what)
}

// Judge says what an error means to the visitor, and logs it if it is ours.
func (f *Front) Judge(r *http.Request, err error) (status int, what Trouble) {
	code := apperr.CodeOf(err)
	what, known := troubles[code]
	if !known {
		what = OurFault
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
	f.logger.LogAttrs(r.Context(), level, "page failed",
		slog.String("route", r.Pattern), slog.String("code", string(code)), slog.String("error", err.Error()))
	return status, what
}
