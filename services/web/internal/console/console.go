package console

import (
	"context"
	"embed"
	"io/fs"
	"net/http"

	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/web/internal/front"
)

//go:embed templates words
var embedded embed.FS

// Templates draw the console's pages.
func Templates() fs.FS { return part("templates") }

// Words are the console's texts.
func Words() fs.FS { return part("words") }

func part(folder string) fs.FS {
	sub, err := fs.Sub(embedded, folder)
	if err != nil {
		// Only a malformed path can fail, and folders are constants.
		panic(err)
	}
	return sub
}

// Config is what the console must be told.
type Config struct {
	// StripeDashboard is the address that objects of Stripe are looked at under:
	// Stripe's own, or the simulator's page.
	StripeDashboard string
}

// People knows who is and was of the staff.
type People interface {
	// StaffAddresses are mail addresses by id.
	StaffAddresses(ctx context.Context) (map[string]string, error)
}

// Deps is what it works with.
type Deps struct {
	Front  *front.Front
	People People
	Conn   grpc.ClientConnInterface
}

// Console answers requests of the staff. It is safe for concurrent use.
type Console struct {
	front     *front.Front
	people    People
	books     ledgerv1.LedgerServiceClient
	donations donationv1.DonationServiceClient
	receipts  receiptv1.ReceiptServiceClient
	catalogue fundraiserv1.CatalogueServiceClient
	auditor   *audit.Auditor
	dashboard string
}

// New makes the console.
func New(config Config, deps Deps) *Console {
	return &Console{
		front:     deps.Front,
		people:    deps.People,
		books:     ledgerv1.NewLedgerServiceClient(deps.Conn),
		donations: donationv1.NewDonationServiceClient(deps.Conn),
		receipts:  receiptv1.NewReceiptServiceClient(deps.Conn),
		catalogue: fundraiserv1.NewCatalogueServiceClient(deps.Conn),
		auditor:   audit.New(deps.Conn),
		dashboard: config.StripeDashboard,
	}
}

// Addresses of the console.
const (
	overviewPath = "/finance/"
	journalPath  = "/finance/journal"
	entriesPath  = "/finance/entries/"
	giftsPath    = "/finance/gifts/"
	refundsPath  = "/finance/refunds"
	disputesPath = "/finance/disputes"
	plansPath    = "/finance/plans"
	payoutsPath  = "/finance/payouts"
	accountsPath = "/finance/accounts"
	trialPath    = "/finance/trial-balance"
	auditPath    = "/finance/audit"
	searchPath   = "/finance/search"
	exportsPath  = "/finance/exports"
)

// Routes are its addresses. Nothing of them is kept by browsers: the next user of
// the computer is not to find the donors of the one before.
func (c *Console) Routes() []front.Route {
	look := func(pattern string, get http.HandlerFunc) front.Route {
		return front.Route{Pattern: pattern, Privacy: front.Personal, Access: front.Viewers, Get: get}
	}
	// What changes something is for those who answer for it.
	act := func(pattern string, get, post http.HandlerFunc) front.Route {
		return front.Route{Pattern: pattern, Privacy: front.Personal, Access: front.Accountants, Get: get, Post: post}
	}
	audited := look(auditPath, c.at(c.auditPage))
	audited.Post, audited.PostAccess = c.at(c.verify), front.Accountants
	return []front.Route{
		look(overviewPath+"{$}", c.at(c.overview)),
		look(journalPath, c.at(c.journal)),
		look(entriesPath+"{number}", c.at(c.entry)),
		look(giftsPath+"{id}", c.at(c.gift)),
		act(giftsPath+"{id}/refund", c.at(c.askRefund), c.at(c.giveBack)),
		look(refundsPath, c.at(c.refunds)),
		act(refundsPath+"/{id}/decision", nil, c.at(c.decide)),
		look(disputesPath, c.at(c.disputes)),
		look(payoutsPath, c.at(c.payouts)),
		look(payoutsPath+"/{id}", c.at(c.payout)),
		look(plansPath, c.at(c.plans)),
		look(plansPath+"/{id}", c.at(c.plan)),
		act(plansPath+"/{id}/end", c.at(c.askEnd), c.at(c.endPlan)),
		look(accountsPath, c.at(c.accounts)),
		// The code of a fund's part of an account has a slash in it.
		look(accountsPath+"/{code...}", c.at(c.account)),
		look(trialPath, c.at(c.trialBalance)),
		audited,
		look(searchPath, c.at(c.search)),
		look(exportsPath, c.at(c.export)),
	}
}
