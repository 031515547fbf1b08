package pages

import (
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/live"
)

// Config is what the pages must be told.
type Config struct {
	MailDir     string // where a development instance keeps its mails; "" hides them
	Development bool
}

// Deps is what the pages work with.
type Deps struct {
	Front  *front.Front
	Files  *assets.Files
	Live   *live.Watch // must be run; while it is not, pages are drawn at each request
	Conn   grpc.ClientConnInterface
	Fonts  *typeset.Fonts
	Logger *slog.Logger
	Now    func() time.Time
}

// Site answers requests. It is safe for concurrent use.
type Site struct {
	front       *front.Front
	donations   donationv1.DonationServiceClient
	fundraisers fundraiserv1.FundraiserServiceClient
	receipts    receiptv1.ReceiptServiceClient

	mailbox *mail.Sink // nil outside of development
	files   *assets.Files
	live    *live.Watch
	gallery *kept[sheet, *drawn]
	targets *kept[live.Key, target]
	zippers *zippers
	cards   *cards
	guesses *guesses
	logger  *slog.Logger
	now     func() time.Time
}

// New makes the public site.
func New(config Config, deps Deps) (*Site, error) {
	s := &Site{
		front:       deps.Front,
		donations:   donationv1.NewDonationServiceClient(deps.Conn),
		fundraisers: fundraiserv1.NewFundraiserServiceClient(deps.Conn),
		receipts:    receiptv1.NewReceiptServiceClient(deps.Conn),
		files:       deps.Files,
		live:        deps.Live,
		gallery:     newKept[sheet, *drawn](),
		targets:     newKept[live.Key, target](),
		zippers:     newZippers(),
		cards:       newCards(deps.Fonts),
		guesses:     &guesses{},
		logger:      deps.Logger,
		now:         deps.Now,
	}
	if config.Development && config.MailDir != "" {
		var err error
		s.mailbox, err = mail.NewSink(config.MailDir, deps.Now)
		if err != nil {
			return nil, fmt.Errorf("open mails: %w", err)
		}
	}
	return s, nil
}
