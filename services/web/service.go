package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/lifecycle"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/web/internal/account"
	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/console"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/live"
	"github.com/almoner/almoner/services/web/internal/pages"
	"github.com/almoner/almoner/services/web/internal/session"
	"github.com/almoner/almoner/services/web/internal/staff"
	"github.com/almoner/almoner/services/web/internal/view"
	"github.com/almoner/almoner/services/web/migrations"
)

// Deps is what the service works with; all fields are needed.
type Deps struct {
	DB     *database.DB             // the service's own database
	Conn   grpc.ClientConnInterface // carries the name web; reaches the other services
	Mail   mail.Carrier             // takes the mails that sign people in
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
	// PortalOrigin is where a donor changes the card of a monthly gift; empty for
	// the same as CheckoutOrigin.
	PortalOrigin string
	// StripeDashboard is the address that staff look at objects of Stripe under.
	StripeDashboard string
	// Development shows the mails that were not sent at /dev/mail.
	Development bool
	// MailDir is where they are; empty shows none.
	MailDir string
	// FontDir is where an operator keeps fonts for scripts that neither the
	// program nor the system has; empty for none.
	FontDir string
	// MailFrom is the address that mails come from; empty means one at the site's host.
	MailFrom string
	// Staff of the configuration: roles (viewer, accountant, admin) by mail address.
	Staff map[string][]string
}

// name is what the service is called in its database's mark.
const name = "web"

// LargestBody is how many bytes the server must let the site read: what is too
// large is still read to its end, so that the sender sees the page that says so.
const LargestBody = front.LargestRefused

// Service is the site.
type Service struct {
	db       *database.DB
	sessions *session.Sessions
	totals   *live.Watch
	front    *front.Front
	routes   []front.Route
}

// Migrations are the tables that the service's database has.
func Migrations() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set()}
}

// New makes the service. It fails on addresses that are none, and touches neither
// the database nor the network.
func New(cfg Config, deps Deps) (*Service, error) {
	if deps.DB == nil || deps.Conn == nil {
		return nil, fmt.Errorf("set up %s: it needs a database and a connection", name)
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	files, err := assets.Load()
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	catalogue, err := texts.Load(texts.Dates(), view.Words(), account.Words(), console.Words(), staff.Words())
	if err != nil {
		return nil, fmt.Errorf("load texts: %w", err)
	}
	views, err := view.New(files, catalogue, account.Templates(), console.Templates(), staff.Templates())
	if err != nil {
		return nil, fmt.Errorf("load pages: %w", err)
	}
	sessions, err := session.New(
		session.Config{Secure: strings.HasPrefix(cfg.BaseURL, "https://"), Staff: cfg.Staff},
		session.Deps{DB: deps.DB, Logger: deps.Logger, Now: deps.Now},
	)
	if err != nil {
		return nil, fmt.Errorf("make sessions: %w", err)
	}
	shared, err := front.New(
		front.Config{BaseURL: cfg.BaseURL, CheckoutOrigin: cfg.CheckoutOrigin, PortalOrigin: cfg.PortalOrigin},
		front.Deps{Views: views, Texts: catalogue, Visitors: sessions, Logger: deps.Logger, Now: deps.Now},
	)
	if err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	fonts, err := typeset.New(typeset.Config{Dir: cfg.FontDir, System: true, Logger: deps.Logger})
	if err != nil {
		return nil, fmt.Errorf("load fonts: %w", err)
	}
	totals := live.New(fundraiserv1.NewFundraiserServiceClient(deps.Conn), deps.Logger)
	site, err := pages.New(
		pages.Config{Development: cfg.Development, MailDir: cfg.MailDir},
		pages.Deps{Front: shared, Files: files, Conn: deps.Conn, Live: totals, Fonts: fonts, Logger: deps.Logger, Now: deps.Now},
	)
	if err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	desk, err := account.New(
		account.Config{BaseURL: cfg.BaseURL, From: cfg.MailFrom, Development: cfg.Development},
		account.Deps{Front: shared, Site: site, Sessions: sessions, Mail: deps.Mail, Conn: deps.Conn, Logger: deps.Logger},
	)
	if err != nil {
		return nil, fmt.Errorf("make supporters' desk: %w", err)
	}
	finance := console.New(console.Config{StripeDashboard: cfg.StripeDashboard}, console.Deps{Front: shared, People: sessions, Conn: deps.Conn})
	office := staff.New(staff.Deps{Front: shared, People: sessions, Conn: deps.Conn})
	return &Service{
		db: deps.DB, sessions: sessions, totals: totals, front: shared,
		routes: slices.Concat(site.Routes(), desk.Routes(), finance.Routes(), office.Routes()),
	}, nil
}

// RegisterHTTP adds the site's routes to the mux, and with them an answer for
// every address that nobody else has.
func (s *Service) RegisterHTTP(mux *http.ServeMux) { s.front.Register(mux, s.routes) }

// Around wraps the mux, so that also its own answers carry the site's security
// headers.
func (s *Service) Around(next http.Handler) http.Handler { return s.front.Around(next) }

// Run follows the totals and removes sessions that have expired, until ctx ends.
// Without it the site answers all the same; its pages are drawn at each request and
// nobody sees a total rise.
func (s *Service) Run(ctx context.Context) error {
	var group lifecycle.Group
	add := func(name string, run func(context.Context) error) {
		group.Add(name, func(ctx context.Context, ready func()) error {
			ready()
			return run(ctx)
		})
	}
	add("sessions", s.sessions.Run)
	add("totals", s.totals.Run)
	return group.Run(ctx)
}

// Ready reports whether the site has its own database. Without the other services
// it says so on its pages.
func (s *Service) Ready(ctx context.Context) error { return s.db.Ready(ctx) }
