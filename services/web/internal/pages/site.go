package pages

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Config is what the pages must be told.
type Config struct {
	BaseURL        string // absolute address of the site, for shared links
	CheckoutOrigin string // origin that the donate form may lead to
	MailDir        string // where a development instance keeps its mails; "" hides them
	Development    bool
}

// Deps is what the pages work with.
type Deps struct {
	Conn   grpc.ClientConnInterface
	Logger *slog.Logger
	Now    func() time.Time
}

// Site answers requests. It is safe for concurrent use.
type Site struct {
	base     *url.URL
	checkout string

	donations   donationv1.DonationServiceClient
	fundraisers fundraiserv1.FundraiserServiceClient
	receipts    receiptv1.ReceiptServiceClient

	mailbox    *mail.Sink // nil outside of development
	files      *assets.Files
	views      *view.Renderer
	protection *http.CrossOriginProtection
	logger     *slog.Logger
	now        func() time.Time
}

// language is what the pages are written in, how amounts are read on them, and
// what receipts are asked for in.
const language = "en"

// New makes a site. It fails on addresses that are none, because each would
// only show as a broken link or as a form that the browser refuses to send.
func New(config Config, deps Deps) (*Site, error) {
	base, err := origin(config.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	checkout, err := origin(config.CheckoutOrigin)
	if err != nil {
		return nil, fmt.Errorf("checkout origin: %w", err)
	}
	files, err := assets.Load()
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	views, err := view.New(files, language)
	if err != nil {
		return nil, fmt.Errorf("load pages: %w", err)
	}
	s := &Site{
		base:        base,
		checkout:    checkout.String(),
		donations:   donationv1.NewDonationServiceClient(deps.Conn),
		fundraisers: fundraiserv1.NewFundraiserServiceClient(deps.Conn),
		receipts:    receiptv1.NewReceiptServiceClient(deps.Conn),
		files:       files,
		views:       views,
		protection:  http.NewCrossOriginProtection(),
		logger:      deps.Logger,
		now:         deps.Now,
	}
	if config.Development && config.MailDir != "" {
		s.mailbox, err = mail.NewSink(config.MailDir, deps.Now)
		if err != nil {
			return nil, fmt.Errorf("open mails: %w", err)
		}
	}
	// A proxy may hand us another Host than the browser saw.
	err = s.protection.AddTrustedOrigin(base.String())
	if err != nil {
		return nil, fmt.Errorf("trust own origin: %w", err)
	}
	s.protection.SetDenyHandler(http.HandlerFunc(s.forged))
	return s, nil
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

// absolute is the address of a path for readers elsewhere.
func (s *Site) absolute(path string) string { return s.base.String() + path }
