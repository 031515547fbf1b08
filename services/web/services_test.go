package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web"
)

const (
	donationID = "7f0c1de2-58a4-4d0f-9d5e-3c2f6f1a9b11"
	intentID   = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
	sessionID  = "cs_test_a1B2c3D4"
	checkout   = "https://checkout.stripe.com"
)

var (
	unreachable = apperr.New(apperr.Unavailable, "UNREACHABLE", "Cannot be reached.")
	noSuch      = apperr.New(apperr.NotFound, "NO_SUCH", "There is none.")
)

// charity are the services behind the site: real servers on an in-memory
// network, with the organization of the test and what it does instead of the
// usual.
type charity struct {
	fundraiserv1.UnimplementedFundraiserServiceServer
	donationv1.UnimplementedDonationServiceServer
	receiptv1.UnimplementedReceiptServiceServer

	mu        sync.Mutex
	appeals   []*fundraiserv1.Appeal
	pages     []*fundraiserv1.Fundraiser
	gifts     []*fundraiserv1.Gift
	started   []*donationv1.StartCheckoutRequest
	paid      bool                 // the intent has been paid
	donation  *donationv1.Donation // what there is to confirm
	document  *receiptv1.GetReceiptResponse
	zone      string
	frequency donationv1.Frequency // of the form that is kept
	plan      *donationv1.GetPlanResponse
	changes   []*donationv1.ChangePlanRequest
	linked    []*donationv1.SendPlanLinksRequest
	others    []*fundraiserv1.Organization
	failing   map[string]error // by method
	calls     map[string]int   // by method
	revision  int64
	raised    chan struct{} // closed when totals have changed
}

// newCharity is a relief organization with an emergency, a standing appeal in
// another currency, a campaign that counts people, and an appeal that is over.
func newCharity() *charity {
	funds := []*fundraiserv1.Fund{
		{Code: "GENERAL", Name: "Where it is needed most", FundClass: attributionv1.FundClass_FUND_CLASS_UNRESTRICTED},
		{Code: "SHELTER", Name: "Shelter and blankets", FundClass: attributionv1.FundClass_FUND_CLASS_RESTRICTED},
	}
	return &charity{
		appeals: []*fundraiserv1.Appeal{
			{
				AppealId: "a1", Slug: "river-floods", OrganizationId: "o1", Kind: fundraiserv1.AppealKind_APPEAL_KIND_CRISIS,
				Title: "Families fleeing the river floods", Summary: "Forty villages are under water. Boats, tents and clean water are needed tonight.",
				StoryMarkdown: "The water came in the night, and by morning the road was gone.\n\nOur teams are on the dam with boats.",
				Currency:      "USD", SuggestedMinor: []int64{2500, 5000, 10000, 25000}, MinimumMinor: 200, GoalMinor: 25_000_000,
				Funds: funds, Totals: &fundraiserv1.Totals{SettledMinor: 4_512_050, Gifts: 312},
				CoverRatePpm: 29_000, CoverFixedMinor: 30,
			},
			{
				AppealId: "a2", Slug: "winter", OrganizationId: "o1", Kind: fundraiserv1.AppealKind_APPEAL_KIND_STANDING,
				Title: "A warm winter", Summary: "Blankets, stoves and school for families who had to leave home.",
				Currency: "JPY", SuggestedMinor: []int64{3000, 5000}, MinimumMinor: 500,
				Funds: funds[:1], Totals: &fundraiserv1.Totals{},
				CoverRatePpm: 36_000,
			},
			{
				AppealId: "a3", Slug: "new-homes", OrganizationId: "o1", Kind: fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN,
				Title: "A new home for 60,000", Summary: "Resettle families who have waited in camps for years.",
				StoryMarkdown: "Sixty thousand people have a country that will take them.",
				Currency:      "EUR", SuggestedMinor: []int64{2000, 5000}, MinimumMinor: 200,
				GoalCount: 60_000, GoalUnit: "people resettled", UnitCostMinor: 125_000,
				Funds: funds[:1], Totals: &fundraiserv1.Totals{SettledMinor: 150_624_999, Gifts: 1},
				CoverRatePpm: 15_000, CoverFixedMinor: 25,
			},
			{
				AppealId: "a4", Slug: "last-year", OrganizationId: "o1", Kind: fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN,
				Title: "Last year’s school", Summary: "It is built.", Currency: "USD", MinimumMinor: 100, Closed: true,
				Funds: funds[:1], Totals: &fundraiserv1.Totals{SettledMinor: 900_000, Gifts: 40},
			},
		},
		pages: []*fundraiserv1.Fundraiser{{
			FundraiserId: "f1", Slug: "amina-runs", AppealSlug: "river-floods", Title: "Amina runs for the villages",
			OwnerName: "Amina Yusuf", StoryMarkdown: "I run because my aunt lives by that river.",
			GoalMinor: 100_000, Totals: &fundraiserv1.Totals{SettledMinor: 15_000, Gifts: 3},
		}},
		donation: donated(donationv1.State_STATE_SUCCEEDED),
		plan:     monthlyPlan(),
		document: &receiptv1.GetReceiptResponse{
			Number: "REFUGE-2026-000123", OrganizationLegalName: "Harbour Refugee Relief e.V.",
			OrganizationAddress:      []string{"Quay Road 4", "20457 Hamburg"},
			OrganizationRegistration: "VR 12345, Amtsgericht Hamburg", OrganizationContact: "gifts@harbour.example",
			DonorName: "Zoë Müller-O’Neill", DonorEmail: "zoe@example.org",
			Total: usd(10_330), Gift: usd(10_000), Cover: usd(330),
			FundName: "Where it is needed most", ReceivedOn: "2026-11-20", IssuedOn: "2026-11-21",
			PaymentReference: "pi_3QxYz", Language: "en", CheckCode: "K7M2Q9XZ4T", PdfReady: true,
			State: receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE,
		},
		zone:    "Europe/Berlin",
		failing: map[string]error{},
		calls:   map[string]int{},
		raised:  make(chan struct{}),
	}
}

func usd(minor int64) *moneyv1.Money { return &moneyv1.Money{Minor: minor, Currency: "USD"} }

func donated(state donationv1.State) *donationv1.Donation {
	return &donationv1.Donation{
		DonationId: donationID, State: state, Gift: usd(10_000), Cover: usd(330),
		AppealSlug: "river-floods", OrganizationId: "o1",
	}
}

func (c *charity) harbour() *fundraiserv1.Organization {
	return &fundraiserv1.Organization{
		OrganizationId: "o1", Slug: "harbour", Code: "REFUGE", Name: "Harbour Refugee Relief",
		LegalName: "Harbour Refugee Relief e.V.", Registration: "VR 12345, Amtsgericht Hamburg",
		Country: "DE", TimeZone: c.zone, ContactEmail: "gifts@harbour.example",
		Mission: "We stand beside people who had to leave everything, from the first night to a new home.",
	}
}

// fail makes a method answer with an error from now on.
func (c *charity) fail(method string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failing[method] = err
}

// enter is the beginning of every method.
func (c *charity) enter(method string) (leave func(), err error) {
	c.mu.Lock()
	c.calls[method]++
	return c.mu.Unlock, c.failing[method]
}

// requests are the checkouts that were asked for.
func (c *charity) requests() []*donationv1.StartCheckoutRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

func (c *charity) ListAppeals(context.Context, *fundraiserv1.ListAppealsRequest) (*fundraiserv1.ListAppealsResponse, error) {
	leave, err := c.enter("ListAppeals")
	defer leave()
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.ListAppealsResponse{Organizations: []*fundraiserv1.Organization{c.harbour()}}
	answer.Organizations = append(answer.Organizations, c.others...)
	for _, a := range c.appeals {
		if !a.GetClosed() {
			answer.Appeals = append(answer.Appeals, a)
		}
	}
	return answer, nil
}

func (c *charity) find(slug string) (*fundraiserv1.Appeal, error) {
	for _, a := range c.appeals {
		if a.GetSlug() == slug {
			return a, nil
		}
	}
	return nil, noSuch
}

func (c *charity) GetAppeal(_ context.Context, r *fundraiserv1.GetAppealRequest) (*fundraiserv1.GetAppealResponse, error) {
	leave, err := c.enter("GetAppeal")
	defer leave()
	if err != nil {
		return nil, err
	}
	appeal, err := c.find(r.GetSlug())
	if err != nil {
		return nil, err
	}
	answer := &fundraiserv1.GetAppealResponse{Appeal: appeal, Organization: c.harbour(), Recent: c.gifts}
	for _, p := range c.pages {
		if p.GetAppealSlug() == r.GetSlug() {
			answer.Fundraisers = append(answer.Fundraisers, p)
		}
	}
	return answer, nil
}

func (c *charity) GetFundraiser(_ context.Context, r *fundraiserv1.GetFundraiserRequest) (*fundraiserv1.GetFundraiserResponse, error) {
	leave, err := c.enter("GetFundraiser")
	defer leave()
	if err != nil {
		return nil, err
	}
	for _, p := range c.pages {
		if p.GetSlug() == r.GetSlug() {
			appeal, err := c.find(p.GetAppealSlug())
			return &fundraiserv1.GetFundraiserResponse{Fundraiser: p, Appeal: appeal, Organization: c.harbour(), Recent: c.gifts}, err
		}
	}
	return nil, noSuch
}

func (c *charity) StartCheckout(_ context.Context, r *donationv1.StartCheckoutRequest) (*donationv1.StartCheckoutResponse, error) {
	leave, err := c.enter("StartCheckout")
	defer leave()
	if err != nil {
		return nil, err
	}
	c.started = append(c.started, r)
	answer := &donationv1.StartCheckoutResponse{DonationId: donationID, SessionId: sessionID, AlreadyPaid: c.paid}
	if !c.paid {
		answer.CheckoutUrl = checkout + "/c/pay/" + sessionID
	}
	return answer, nil
}

func (c *charity) ConfirmDonation(_ context.Context, r *donationv1.ConfirmDonationRequest) (*donationv1.ConfirmDonationResponse, error) {
	leave, err := c.enter("ConfirmDonation")
	defer leave()
	if err != nil {
		return nil, err
	}
	if r.GetDonationId() != donationID || r.GetSessionId() != sessionID {
		return nil, noSuch
	}
	return &donationv1.ConfirmDonationResponse{Donation: c.donation}, nil
}

func (c *charity) GetDonation(context.Context, *donationv1.GetDonationRequest) (*donationv1.GetDonationResponse, error) {
	leave, err := c.enter("GetDonation")
	defer leave()
	return &donationv1.GetDonationResponse{Donation: c.donation}, err
}

func (c *charity) GetCheckoutForm(_ context.Context, r *donationv1.GetCheckoutFormRequest) (*donationv1.GetCheckoutFormResponse, error) {
	leave, err := c.enter("GetCheckoutForm")
	defer leave()
	if err != nil {
		return nil, err
	}
	if r.GetDonationId() != donationID {
		return nil, noSuch
	}
	return &donationv1.GetCheckoutFormResponse{
		IntentId: intentID, AppealSlug: c.donation.GetAppealSlug(), FundraiserSlug: c.donation.GetFundraiserSlug(),
		Gift: c.donation.GetGift(), CoverFees: true, FundCode: "SHELTER", Name: "Zoë Müller-O’Neill", Email: "zoe@example.org",
		Visibility: donationv1.Visibility_VISIBILITY_FIRST_NAME, Message: "For the children.\nAll of them.",
		ShareCode: "whatsapp", State: c.donation.GetState(), Frequency: c.frequency,
	}, nil
}

func (c *charity) PublicGifts(_ context.Context, r *donationv1.PublicGiftsRequest) (*donationv1.PublicGiftsResponse, error) {
	leave, err := c.enter("PublicGifts")
	defer leave()
	if err != nil {
		return nil, err
	}
	// A service that tells too much: the site must not have asked.
	answer := &donationv1.PublicGiftsResponse{}
	for _, id := range r.GetDonationIds() {
		answer.Gifts = append(answer.Gifts, &donationv1.PublicGift{DonationId: id, Name: "Donor " + id, Message: "Stay strong <b>& dry</b>"})
	}
	return answer, nil
}

func (c *charity) GetReceiptLink(context.Context, *receiptv1.GetReceiptLinkRequest) (*receiptv1.GetReceiptLinkResponse, error) {
	leave, err := c.enter("GetReceiptLink")
	defer leave()
	return &receiptv1.GetReceiptLinkResponse{Number: "REFUGE-2026-000123", Token: "dG9rZW4"}, err
}

func (c *charity) GetReceipt(_ context.Context, r *receiptv1.GetReceiptRequest) (*receiptv1.GetReceiptResponse, error) {
	leave, err := c.enter("GetReceipt")
	defer leave()
	if err != nil {
		return nil, err
	}
	if r.GetNumber() != c.document.GetNumber() || r.GetToken() != "dG9rZW4" {
		return nil, noSuch
	}
	return c.document, nil
}

func (c *charity) GetReceiptPDF(_ context.Context, r *receiptv1.GetReceiptPDFRequest) (*receiptv1.GetReceiptPDFResponse, error) {
	leave, err := c.enter("GetReceiptPDF")
	defer leave()
	if err != nil {
		return nil, err
	}
	if r.GetNumber() != c.document.GetNumber() || r.GetToken() != "dG9rZW4" {
		return nil, noSuch
	}
	return &receiptv1.GetReceiptPDFResponse{Pdf: []byte("%PDF-1.7 the file")}, nil
}

func (c *charity) VerifyReceipt(_ context.Context, r *receiptv1.VerifyReceiptRequest) (*receiptv1.VerifyReceiptResponse, error) {
	leave, err := c.enter("VerifyReceipt")
	defer leave()
	if err != nil {
		return nil, err
	}
	if r.GetNumber() != c.document.GetNumber() || r.GetCheckCode() != c.document.GetCheckCode() {
		return nil, noSuch
	}
	return &receiptv1.VerifyReceiptResponse{
		Number: c.document.GetNumber(), State: c.document.GetState(),
		OrganizationLegalName: c.document.GetOrganizationLegalName(), IssuedOn: c.document.GetIssuedOn(),
		ReplacedBy: c.document.GetReplacedBy(), EndedAt: c.document.GetEndedAt(),
	}, nil
}

// open starts the charity's services and the site before them, and returns the
// site's handler.
func open(t *testing.T, c *charity, change ...func(*web.Config)) http.Handler {
	t.Helper()
	network := rpc.NewNetwork()
	server := rpc.NewServer(rpc.ServerConfig{})
	fundraiserv1.RegisterFundraiserServiceServer(server, c)
	donationv1.RegisterDonationServiceServer(server, c)
	receiptv1.RegisterReceiptServiceServer(server, c)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, network) }()
	conn, err := network.Dial("web")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		stop()
		err := <-served
		if err != nil {
			t.Error(err)
		}
	})
	return site(t, conn, change...)
}

// keptMails is a mailbox that nobody looks into.
func keptMails(t *testing.T) *mail.Sink {
	t.Helper()
	sink, err := mail.NewSink(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// nobody is a connection with nothing at its other end.
func nobody(t *testing.T) *grpc.ClientConn {
	t.Helper()
	network := rpc.NewNetwork()
	err := network.Close()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := network.Dial("web")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func site(t *testing.T, conn grpc.ClientConnInterface, change ...func(*web.Config)) http.Handler {
	t.Helper()
	cfg := web.Config{BaseURL: "https://give.harbour.example", CheckoutOrigin: checkout}
	for _, f := range change {
		f(&cfg)
	}
	service, err := web.New(cfg, web.Deps{
		DB:     testkit.SQLite(t, "web", web.Migrations()...),
		Conn:   conn,
		Mail:   keptMails(t),
		Logger: slog.New(slog.DiscardHandler),
		Now:    time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	service.RegisterHTTP(mux)
	return httpserver.New(httpserver.Config{Handler: mux})
}

// recent are gifts of three donors: named, first name, anonymous.
func recent() []*fundraiserv1.Gift {
	paid := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	var gifts []*fundraiserv1.Gift
	for i, v := range []donationv1.Visibility{
		donationv1.Visibility_VISIBILITY_PUBLIC,
		donationv1.Visibility_VISIBILITY_FIRST_NAME,
		donationv1.Visibility_VISIBILITY_ANONYMOUS,
		donationv1.Visibility_VISIBILITY_UNSPECIFIED,
	} {
		gifts = append(gifts, &fundraiserv1.Gift{
			DonationId: fmt.Sprintf("gift-%d", i+1), GiftMinor: 10_000 + int64(i), Currency: "USD", Visibility: v,
			PaidAt: paid.Add(-time.Duration(i) * time.Hour).UnixMicro(),
		})
	}
	return gifts
}

func get(t *testing.T, site http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	site.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder
}
