package console_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger"
	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/console"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	harbour = "5f0c1a52-4f0e-5a3c-8d19-0d7a5f1c2b3e"
	lagoon  = "b7d9e6c4-1a2b-5c3d-9e8f-7a6b5c4d3e2f"
	flood   = "0b5f6f0e-7a10-5f57-9a3c-2f8f3a0d1c11"
	winter  = "6f1d2c3b-4a59-5e68-8776-95a4b3c2d1e0"
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
)

// now is the moment of all these tests: a Saturday in November, in Zurich.
var now = time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC)

// world is the real ledger with a month of gifts in its books, and the console
// before it.
type world struct {
	*town
	network              *rpc.Network
	site                 http.Handler
	books                ledgerv1.LedgerServiceClient
	donations, catalogue *producer
}

// producer stands in for a service that owns a feed: a real log.
type producer struct {
	db       *database.DB
	log      *feed.Log
	versions map[string]int64
	held     []envelope.Event
}

// publish holds an event back until the next commit.
func (p *producer) publish(t testing.TB, id, aggregate string, at time.Time, message proto.Message) {
	t.Helper()
	p.versions[aggregate]++
	event, err := envelope.New(id, aggregate, p.versions[aggregate], at, "00-"+traceID+"-00f067aa0ba902b7-01", message)
	if err != nil {
		t.Fatal(err)
	}
	p.held = append(p.held, event)
}

// commit tells what was held back, in one transaction.
func (p *producer) commit(t testing.TB) {
	t.Helper()
	err := p.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error { return p.log.Append(ctx, tx, p.held...) })
	if err != nil {
		t.Fatal(err)
	}
	p.held = nil
}

// start opens the books of one organization, or of two.
func start(t testing.TB, organizations ...string) *world {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 8)
	running := 0
	run := func(part func(context.Context) error) {
		running++
		go func() { ended <- part(ctx) }()
	}
	w := &world{town: newTown(), network: rpc.NewNetwork()}
	feeds := feed.NewServer()
	produce := func(name string) *producer {
		db := testkit.SQLite(t, name, feed.Migrations())
		p := &producer{db: db, log: feed.NewLog(db, name), versions: map[string]int64{}}
		feeds.AddFeed(name, p.log)
		feeds.AddParking(name, feed.NewParking(db))
		sequencer := feed.NewProducer(feed.ProducerConfig{Feed: name, Log: p.log, DB: db})
		run(func(ctx context.Context) error { sequencer.Run(ctx); return nil })
		return p
	}
	w.donations, w.catalogue = produce("donation"), produce("fundraiser")
	feeds.AddParking("receipt", feed.NewParking(w.donations.db))
	w.heads = w.head

	people := testkit.NewPeople(t)
	service, err := ledger.New(ledger.Config{}, ledger.Deps{
		DB: testkit.SQLite(t, "ledger", ledger.Migrations()...), Conn: w.dial(t, "ledger"), Now: testkit.Clock(t, now).Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	service.RegisterGRPC(server)
	service.AddTo(feeds)
	feedv1.RegisterFeedServiceServer(server, feeds)
	feedv1.RegisterParkingServiceServer(server, feeds)
	donationv1.RegisterDonationServiceServer(server, w.town)
	receiptv1.RegisterReceiptServiceServer(server, w.town)
	fundraiserv1.RegisterFundraiserServiceServer(server, w.town)
	fundraiserv1.RegisterCatalogueServiceServer(server, w.town)
	run(func(ctx context.Context) error { return server.Serve(ctx, w.network) })
	run(service.Run)
	t.Cleanup(func() {
		stop()
		for range running {
			err := <-ended
			if err != nil {
				t.Error(err)
			}
		}
	})
	w.books = ledgerv1.NewLedgerServiceClient(w.dial(t, "web", people.As("a bookkeeper", "viewer")...))
	w.site = site(t, w.dial(t, "web", people.As("nobody", "none")...))
	for i, id := range organizations {
		w.organization(t, id, []string{"harbour", "lagoon"}[i], []string{"REFUGE", "LAGOON"}[i])
	}
	return w
}

func (w *world) dial(t testing.TB, caller string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := w.network.Dial(caller, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (w *world) head(name string) int64 {
	p := map[string]*producer{"donation": w.donations, "fundraiser": w.catalogue}[name]
	status, err := p.log.Status(context.Background())
	if err != nil {
		return -1
	}
	return status.Head
}

// colleagues are the staff by their ids.
type colleagues struct{}

func (colleagues) StaffAddresses(context.Context) (map[string]string, error) {
	return map[string]string{"staff-1": "bartholo@harbour.example", "staff-2": "odalys@harbour.example"}, nil
}

// visitors tells who asks by a header, which takes the place of a session.
type visitors struct{}

func (visitors) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitors{}, r.Header.Get("X-Role"))))
	})
}

func (visitors) Visitor(ctx context.Context) (front.Visitor, error) {
	switch role, _ := ctx.Value(visitors{}).(string); role {
	case "":
		return front.Visitor{}, nil
	case "supporter":
		return front.Visitor{SupporterID: "s1"}, nil
	default:
		return front.Visitor{SupporterID: "s2", StaffID: "staff-1", Roles: []string{role}}, nil
	}
}

// site is the console alone, behind the edge that stands before it.
func site(t testing.TB, conn grpc.ClientConnInterface) http.Handler {
	t.Helper()
	files, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := texts.Load(texts.Dates(), view.Words(), console.Words())
	if err != nil {
		t.Fatal(err)
	}
	for _, missing := range catalogue.Missing() {
		if strings.Contains(missing, "console.") {
			t.Errorf("no text for %s", missing)
		}
	}
	views, err := view.New(files, catalogue, console.Templates())
	if err != nil {
		t.Fatal(err)
	}
	shared, err := front.New(
		front.Config{BaseURL: "https://give.harbour.example", CheckoutOrigin: "https://checkout.stripe.com"},
		front.Deps{Views: views, Texts: catalogue, Visitors: visitors{}, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }},
	)
	if err != nil {
		t.Fatal(err)
	}
	desk := console.New(console.Config{StripeDashboard: "https://dashboard.stripe.com/test"}, console.Deps{Front: shared, People: colleagues{}, Conn: conn})
	mux := http.NewServeMux()
	shared.Register(mux, desk.Routes())
	return httpserver.New(httpserver.Config{Handler: mux})
}

// ask sends a request as somebody of a role; "" has not signed in.
func (w *world) ask(t testing.TB, role, method, address string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(method, address, nil)
	request.Header.Set("X-Role", role)
	recorder := httptest.NewRecorder()
	w.site.ServeHTTP(recorder, request)
	return recorder
}

// get opens a page as an accountant.
func (w *world) get(t testing.TB, address string) *httptest.ResponseRecorder {
	t.Helper()
	return w.ask(t, "accountant", http.MethodGet, address)
}

// page opens a page that must be there.
func (w *world) page(t *testing.T, address string) page {
	t.Helper()
	answer := w.get(t, address)
	if answer.Code != http.StatusOK {
		t.Fatalf("%s answers %d\n%s", address, answer.Code, answer.Body)
	}
	return parse(t, answer.Body.String())
}

func (w *world) organization(t testing.TB, id, slug, code string) {
	t.Helper()
	w.catalogue.publish(t, envelope.NewID(now), id, now, &fundraiserv1.OrganizationChanged{
		OrganizationId: id, Slug: slug, Code: code, Name: "Refugee relief of the " + slug, TimeZone: "Europe/Zurich",
		BaseCurrency: "EUR", Version: 1, Home: slug == "harbour",
	})
	w.catalogue.publish(t, envelope.NewID(now), "fund-"+slug, now, &fundraiserv1.FundChanged{
		FundId: "fund-" + slug, OrganizationId: id, Code: "winter", Name: "Stoves & blankets",
		FundClass: attributionv1.FundClass_FUND_CLASS_RESTRICTED, Version: 1,
	})
	w.applied(t)
}

// applied tells what was published and waits until it is booked.
func (w *world) applied(t testing.TB) {
	t.Helper()
	w.catalogue.commit(t)
	w.donations.commit(t)
	w.booked(t)
}

func (w *world) booked(t testing.TB) {
	t.Helper()
	testkit.Eventually(t, func() bool {
		listed, err := w.books.ListBooks(t.Context(), &ledgerv1.ListBooksRequest{})
		if err != nil {
			t.Fatal(err)
		}
		at := map[string]int64{}
		for _, checkpoint := range listed.GetCheckpoints() {
			at[checkpoint.GetFeed()] = checkpoint.GetPos()
		}
		for name, p := range map[string]*producer{"donation": w.donations, "fundraiser": w.catalogue} {
			status, err := p.log.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if status.Unsequenced > 0 || at[name] < status.Head {
				return false
			}
		}
		return true
	})
}

func amount(minor int64, currency string) *moneyv1.Money {
	return &moneyv1.Money{Minor: minor, Currency: currency}
}

// giftID is the id of the n-th gift.
func giftID(n int) string { return fmt.Sprintf("9d1c7a34-0000-4000-8000-%012d", n) }

// give publishes the n-th gift and its fee; every third is in dollars, every fourth
// for the restricted fund, every fifth through a page, every second to the floods.
func (w *world) give(t testing.TB, organization string, n int) {
	t.Helper()
	paid := now.Add(-time.Duration(n*17%17520) * time.Hour) // two years, over and over
	gift, currency := int64(1000+n*725), "EUR"
	if n%3 == 0 {
		currency = "USD"
	}
	attribution := &attributionv1.Attribution{
		OrganizationId: organization, AppealId: winter, FundCode: "general", FundClass: attributionv1.FundClass_FUND_CLASS_UNRESTRICTED,
	}
	if n%2 == 0 {
		attribution.AppealId = flood
	}
	if n%4 == 0 {
		attribution.FundCode, attribution.FundClass = "winter", attributionv1.FundClass_FUND_CLASS_RESTRICTED
	}
	if n%5 == 0 {
		attribution.FundraiserId = "7c1d7a34-0000-4000-8000-000000000005"
	}
	cover, fee := int64(n%2)*(gift/30), (gift*29+500)/1000+30
	succeeded := &donationv1.DonationSucceeded{
		DonationId: giftID(n), AccountId: "acct_harbour", Gift: amount(gift, currency), Cover: amount(cover, currency),
		Attribution: attribution, Visibility: donationv1.Visibility_VISIBILITY_ANONYMOUS,
		PaymentIntentId: fmt.Sprintf("pi_3Gift%d", n), ChargeId: fmt.Sprintf("ch_3Gift%d", n), PaidAt: paid.UnixMicro(),
	}
	w.record(succeeded, fmt.Sprintf("txn_3Gift%d", n), fee)
	w.donations.publish(t, fmt.Sprintf("event-gift-%d", n), giftID(n), paid, succeeded)
	w.donations.publish(t, fmt.Sprintf("event-fee-%d", n), fmt.Sprintf("txn_3Gift%d", n), paid, &donationv1.BalanceTransactionRecorded{
		TransactionId: fmt.Sprintf("txn_3Gift%d", n), AccountId: "acct_harbour", ReportingCategory: "charge",
		Amount: amount(gift+cover, currency), Fee: amount(fee, currency), Net: amount(gift+cover-fee, currency),
		FeeDetails: []*donationv1.FeeDetail{{Type: "stripe_fee", Amount: amount(fee, currency), Description: "Stripe processing fees"}},
		SourceId:   succeeded.GetChargeId(), SourceAmount: amount(gift+cover, currency), OrganizationId: organization,
		DonationId: giftID(n), PaymentIntentId: succeeded.GetPaymentIntentId(), Attribution: attribution,
		CreatedAt: paid.Add(time.Second).UnixMicro(),
	})
}

// season is three dozen gifts over a month, and a charge that is no gift of ours.
func season(t *testing.T) *world {
	t.Helper()
	w := start(t, harbour)
	for n := 1; n <= 36; n++ {
		w.give(t, harbour, n)
	}
	w.donations.publish(t, "event-stranger", "txn_stranger", now, &donationv1.BalanceTransactionRecorded{
		TransactionId: "txn_stranger", AccountId: "acct_harbour", ReportingCategory: "charge", Foreign: true,
		Amount: amount(1500, "EUR"), Fee: amount(52, "EUR"), Net: amount(1448, "EUR"),
		SourceId: "ch_stranger", SourceAmount: amount(1500, "EUR"), OrganizationId: harbour, CreatedAt: now.UnixMicro(),
	})
	w.atStripe["EUR"] += 1448
	w.applied(t)
	return w
}
