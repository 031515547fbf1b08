package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/almoner/almoner/services/web/internal/pages"
)

// Deps is what the service works with; all fields are needed.
type Deps struct {
	Conn   grpc.ClientConnInterface // carries the name web; reaches donation, fundraiser and receipt
	Logger *slog.Logger
	Now    func() time.Time
}

// Config is what the service must be told.
type Config struct {
	// BaseURL is the site's address as browsers know it, http or https.
	BaseURL string
	// CheckoutOrigin is where checkout pages are: Stripe's, the simulator's, or
	// the organization's own domain at Stripe. Browsers let the donate form
	// lead nowhere else.
	CheckoutOrigin string
	// Development shows the mails that were not sent at /dev/mail.
	Development bool
	// MailDir is where they are; empty shows none.
	MailDir string
}

// LargestBody is how many bytes the server must let the site read: what is too
// large is still read to its end, so that the sender sees the page that says so.
const LargestBody = pages.LargestRefused

// Service is the site.
type Service struct {
	site *pages.Site
}

// New makes the service. It fails on addresses that are none.
func New(cfg Config, deps Deps) (*Service, error) {
	site, err := pages.New(
		pages.Config{
			BaseURL:        cfg.BaseURL,
			CheckoutOrigin: cfg.CheckoutOrigin,
			Development:    cfg.Development,
			MailDir:        cfg.MailDir,
		},
		pages.Deps{Conn: deps.Conn, Logger: deps.Logger, Now: deps.Now},
	)
	if err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	return &Service{site: site}, nil
}

// RegisterHTTP adds the site's routes to the mux, and with them an answer for
// every address that nobody else has.
func (s *Service) RegisterHTTP(mux *http.ServeMux) { s.site.Register(mux) }

// Around wraps the mux, so that also its own answers carry the site's security
// headers.
func (s *Service) Around(next http.Handler) http.Handler { return s.site.Around(next) }

// Run returns when ctx has ended: the site only answers requests, it has no
// work of its own.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Ready reports that the site can answer, which it always can: without the
// other services it says so on its pages.
func (s *Service) Ready(context.Context) error { return nil }
