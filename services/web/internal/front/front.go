package front

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Visitor is who a session belongs to. The zero Visitor has not signed in.
type Visitor struct {
	SupporterID string   // account at the fundraiser service; empty before sign-in
	StaffID     string   // empty for who is not of the staff
	Roles       []string // of the staff: viewer, accountant, admin
	// Stale says that the staff's desks want another sign-in: the last one, or the
	// last visit, is too long ago.
	Stale bool
}

// SignedIn reports whether the visitor has an account here.
func (v Visitor) SignedIn() bool { return v.SupporterID != "" || v.StaffID != "" }

// Visitors keeps sessions.
type Visitors interface {
	// Load makes the request's session known to its context and saves it with the
	// answer.
	Load(next http.Handler) http.Handler
	// Visitor is who the session of the context belongs to, with the roles that
	// are the person's now.
	Visitor(ctx context.Context) (Visitor, error)
}

// Config is what the front must be told.
type Config struct {
	BaseURL        string // absolute address of the site
	CheckoutOrigin string // origin that the donate form may lead to
	PortalOrigin   string // origin that the page of a monthly gift may lead to; empty for the same
}

// Deps is what it works with.
type Deps struct {
	Views    *view.Renderer
	Texts    *texts.Catalogue
	Visitors Visitors // may be nil where no route needs a session
	Logger   *slog.Logger
	Now      func() time.Time
}

// Front answers for all pages. It is safe for concurrent use.
type Front struct {
	base       *url.URL
	checkout   string
	portal     string
	headers    [privacies][]headerLine
	views      *view.Renderer
	texts      *texts.Catalogue
	visitors   Visitors
	protection *http.CrossOriginProtection
	ways       *http.ServeMux // of what can be opened here
	logger     *slog.Logger
	now        func() time.Time
}

// New makes a front. It fails on addresses that are none, because each would
// only show as a broken link or as a form that the browser refuses to send.
func New(config Config, deps Deps) (*Front, error) {
	base, err := origin(config.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	checkout, err := origin(config.CheckoutOrigin)
	if err != nil {
		return nil, fmt.Errorf("checkout origin: %w", err)
	}
	portal := checkout
	if config.PortalOrigin != "" {
		portal, err = origin(config.PortalOrigin)
		if err != nil {
			return nil, fmt.Errorf("portal origin: %w", err)
		}
	}
	f := &Front{
		base:       base,
		checkout:   checkout.String(),
		portal:     portal.String(),
		headers:    headersOf(checkout.String(), portal.String(), base.Scheme == "https"),
		views:      deps.Views,
		texts:      deps.Texts,
		visitors:   deps.Visitors,
		protection: http.NewCrossOriginProtection(),
		ways:       http.NewServeMux(),
		logger:     deps.Logger,
		now:        deps.Now,
	}
	// A proxy may hand us another Host than the browser saw.
	err = f.protection.AddTrustedOrigin(base.String())
	if err != nil {
		return nil, fmt.Errorf("trust own origin: %w", err)
	}
	f.protection.SetDenyHandler(http.HandlerFunc(f.forged))
	return f, nil
}

// origin reduces an address to scheme and host.
func origin(address string) (*url.URL, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return nil, errors.New("not an absolute http or https address")
	}
	return &url.URL{Scheme: parsed.Scheme, Host: parsed.Host}, nil
}

// Absolute is the address of a path for readers elsewhere.
func (f *Front) Absolute(path string) string { return f.base.String() + path }

// Secure reports whether the site is reached by https, so that cookies can
// insist on it.
func (f *Front) Secure() bool { return f.base.Scheme == "https" }

// Checkout is the origin of the payment page.
func (f *Front) Checkout() string { return f.checkout }

// Portal is the origin of the page where a donor changes the card of a monthly gift.
func (f *Front) Portal() string { return f.portal }

// Logger for what only operators should read.
func (f *Front) Logger() *slog.Logger { return f.logger }

// Now is the clock.
func (f *Front) Now() time.Time { return f.now() }
