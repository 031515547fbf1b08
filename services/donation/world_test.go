package donation_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/tools/stripesim"
)

const (
	webhookSecret = "whsec_winter_relief"
	organization  = "5f0c4f4e-4b1e-5d8e-9a53-1d9c1d3f7a10"
	otherPerson   = "203.0.113.7"
	visa          = "4242424242424242"
	noFunds       = "4000000000009995"
)

// world is a donation service in the middle of what it needs: a simulator and a
// fundraiser service, each behind its own protocol.
type world struct {
	t     *testing.T
	clock *testkit.FakeClock
	sim   *stripesim.Server
	// simURL is the simulator's address; stripe counts and may break calls to it.
	simURL string
	stripe *gate
	dbURL  string
	// nats is nil for a world without a broker, importEvery 0 for the usual pause.
	nats        *nats.Conn
	importEvery time.Duration
	// methods are how donors may pay; none are cards alone.
	methods []string

	service *instance
	web     donationv1.DonationServiceClient
	parking feedv1.ParkingServiceClient
	feed    feedv1.FeedServiceClient
	hook    string // address of the webhook endpoint, the same across restarts
	door    *door
	home    *home
	logs    *logs
	mail    *mailbox
	metrics *prometheus.Registry
}

// instance is one life of the service, from start to stop.
type instance struct {
	db   *database.DB
	stop func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, testkit.SQLiteURL(t, "donation", donation.Migrations()...))
}

func newWorldOn(t *testing.T, dbURL string) *world {
	t.Helper()
	return openWorld(t, dbURL, 0)
}

// newEagerWorld has a service that looks for balance transactions all the time. What
// no webhook tells would be waited for by the machine's clock.
func newEagerWorld(t *testing.T) *world {
	t.Helper()
	return openWorld(t, testkit.SQLiteURL(t, "donation", donation.Migrations()...), 100*time.Millisecond)
}

func openWorld(t *testing.T, dbURL string, importEvery time.Duration) *world {
	t.Helper()
	w := &world{
		t: t, clock: testkit.Clock(t, time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)),
		door: &door{}, home: &home{id: organization}, logs: &logs{}, mail: &mailbox{}, dbURL: dbURL, importEvery: importEvery,
	}
	var err error
	w.sim, err = stripesim.Open(stripesim.Config{
		Seed: 7, Now: w.clock.Now, CheckoutWait: -1, WebhookSecret: webhookSecret,
		RetrySchedule: []time.Duration{0}, // at once: the clock stands still
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sim.Close() })
	direct := httptest.NewServer(w.sim.Handler())
	t.Cleanup(direct.Close)
	w.simURL = direct.URL
	w.stripe = &gate{next: w.sim.Handler(), calls: map[string]int{}, asked: map[string]bool{}}

	hooks := httptest.NewServer(w.door)
	t.Cleanup(hooks.Close)
	w.hook = hooks.URL + "/webhooks/stripe"
	_, err = w.sim.EnsureWebhookEndpoint(w.hook, donation.WebhookEvents(), stripesim.APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- w.sim.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ran
	})
	w.start()
	t.Cleanup(func() { w.kill() })
	return w
}

// start begins a life of the service on the database that there is.
func (w *world) start() {
	w.t.Helper()
	db, err := database.Open(w.t.Context(), database.Config{
		URL: w.dbURL, Service: "donation", Migrations: donation.Migrations(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if db.Engine() == database.SQLite { // a database server was migrated by its owner
		err = db.Migrate(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.metrics = prometheus.NewRegistry()
	network := rpc.NewNetwork()
	people := testkit.NewPeople(w.t)
	dial := func(caller string, options ...grpc.DialOption) *rpcConn {
		conn, err := network.Dial(caller, options...)
		if err != nil {
			w.t.Fatal(err)
		}
		return &rpcConn{conn}
	}
	own, web, operator := dial("donation"), dial("web", people.As("a viewer", "viewer")...), dial("operator")
	stripe := httptest.NewServer(w.stripe)
	tracing := telemetry.NewTracing("donation", "test")
	service, err := donation.New(donation.Config{
		BaseURL: "https://give.example.org/", SecretKey: config.NewSecret("a secret of this installation"),
		StripeKey: config.NewSecret("sk_test_donation"), StripeURL: stripe.URL,
		WebhookSecrets: []config.Secret{config.NewSecret("whsec_rolled_away"), config.NewSecret(webhookSecret)},
		HTTPClient:     &http.Client{Timeout: 2 * time.Second}, Development: true, ImportEvery: w.importEvery,
		PaymentMethods: w.methods,
	}, donation.Deps{
		DB: db, NATS: w.nats, Conn: own, Mail: w.mail, Logger: slog.New(slog.NewJSONHandler(w.logs, nil)), Tracer: tracing, Metrics: w.metrics, Now: w.clock.Now,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	feeds := feed.NewServer()
	service.RegisterGRPC(server)
	service.AddTo(feeds)
	feedv1.RegisterFeedServiceServer(server, feeds)
	feedv1.RegisterParkingServiceServer(server, feeds)
	fundraiserv1.RegisterFundraiserServiceServer(server, appeals{home: w.home})
	mux := http.NewServeMux()
	service.RegisterHTTP(mux)

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(ctx, network) })
	running.Go(func() { _ = service.Run(ctx) })
	w.door.set(mux)
	w.web = donationv1.NewDonationServiceClient(web)
	w.parking = feedv1.NewParkingServiceClient(operator)
	w.feed = feedv1.NewFeedServiceClient(operator)
	w.service = &instance{db: db, stop: sync.OnceFunc(func() {
		w.door.set(nil)
		cancel()
		running.Wait()
		for _, conn := range []*rpcConn{own, web, operator} {
			_ = conn.Close()
		}
		stripe.CloseClientConnections()
		stripe.Close()
		_ = db.Close()
	})}
}

// kill ends the life of the service; what is in memory is gone.
func (w *world) kill() { w.service.stop() }

// appeals is a small fundraiser service: a shelter in euros with two funds, a
// clinic in yen, one supporter's page, and an appeal that is over.
type appeals struct {
	fundraiserv1.UnimplementedFundraiserServiceServer
	home *home
}

func (appeals) ResolveGift(_ context.Context, r *fundraiserv1.ResolveGiftRequest) (*fundraiserv1.ResolveGiftResponse, error) {
	slug, page := r.GetAppealSlug(), ""
	if r.GetFundraiserSlug() == "amina-runs" {
		slug, page = "winter-shelter", "amina-runs"
	}
	out := &fundraiserv1.ResolveGiftResponse{
		Attribution: &attributionv1.Attribution{
			OrganizationId: organization, AppealId: uuid.NewSHA1(uuid.NameSpaceURL, []byte(slug)).String(),
			FundCode: "GENERAL", FundClass: attributionv1.FundClass_FUND_CLASS_UNRESTRICTED, ShareCode: r.GetShareCode(),
		},
		Currency: "EUR", MinimumMinor: 2_00, CoverRatePpm: 29_000, CoverFixedMinor: 30,
		AppealTitle: "A warm room", OrganizationName: "Harbour Relief", AppealSlug: slug, FundraiserSlug: page,
	}
	switch slug {
	case "winter-shelter":
	case "mobile-clinic":
		out.Currency, out.MinimumMinor, out.CoverFixedMinor = "JPY", 200, 0
	case "flood-relief":
		out.Currency = "USD"
	case "last-year":
		return nil, apperr.New(apperr.Gone, "APPEAL_CLOSED", "This appeal is closed.")
	default:
		return nil, apperr.New(apperr.NotFound, "APPEAL_UNKNOWN", "There is no such appeal.")
	}
	if page != "" {
		out.Attribution.FundraiserId = uuid.NewSHA1(uuid.NameSpaceURL, []byte(page)).String()
	}
	switch r.GetFundCode() {
	case "", "GENERAL":
	case "SYRIA":
		out.Attribution.FundCode, out.Attribution.FundClass = "SYRIA", attributionv1.FundClass_FUND_CLASS_RESTRICTED
	default:
		return nil, apperr.Invalid(apperr.Field{Name: "fund", Reason: "FUND_UNKNOWN", Message: "Choose one of the funds."})
	}
	return out, nil
}

func (a appeals) GetHomeOrganization(context.Context, *fundraiserv1.GetHomeOrganizationRequest) (*fundraiserv1.GetHomeOrganizationResponse, error) {
	return &fundraiserv1.GetHomeOrganizationResponse{OrganizationId: a.home.get()}, nil
}

// form is a gift of 100 euros to the shelter.
func form() *donationv1.StartCheckoutRequest {
	return &donationv1.StartCheckoutRequest{
		IntentId: uuid.NewString(),
		Target:   &donationv1.StartCheckoutRequest_AppealSlug{AppealSlug: "winter-shelter"},
		Gift:     &moneyv1.Money{Minor: 100_00, Currency: "EUR"},
		Name:     "Amina Yusuf", Email: "amina@example.org", Message: "For a warm room.",
		ClientAddress: "127.0.0.1", Language: "en",
	}
}

func (w *world) checkout(r *donationv1.StartCheckoutRequest) *donationv1.StartCheckoutResponse {
	w.t.Helper()
	answer, err := w.web.StartCheckout(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("start checkout: %v", err)
	}
	return answer
}

// pay enters a card on the checkout page.
func (w *world) pay(session, card string) {
	w.t.Helper()
	response, err := w.client().PostForm(w.simURL+"/c/pay/"+session, url.Values{
		"email": {"amina@example.org"}, "card_number": {card}, "exp": {"12/34"}, "cvc": {"123"},
		"name": {"Amina Yusuf"}, "country": {"DE"}, "postal_code": {"20457"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	if card == visa && response.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("paying answered %d", response.StatusCode)
	}
}

func (w *world) client() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (w *world) knobs(document string) { w.control("/_sim/knobs", document) }

func (w *world) control(path, document string) []byte {
	w.t.Helper()
	response, err := http.Post(w.simURL+path, "application/json", strings.NewReader(document))
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		w.t.Fatalf("%s answered %d: %s (%v)", path, response.StatusCode, body, err)
	}
	return body
}

func (w *world) donation(id string) *donationv1.Donation {
	w.t.Helper()
	answer, err := w.web.GetDonation(w.t.Context(), &donationv1.GetDonationRequest{DonationId: id})
	if err != nil {
		w.t.Fatalf("get donation: %v", err)
	}
	return answer.GetDonation()
}

// settled waits until a gift is paid, its fee is known and its event has a place.
func (w *world) settled(id string) *donationv1.Donation {
	w.t.Helper()
	w.eventually("the gift is settled", func() bool {
		d := w.donation(id)
		return d.GetState() == donationv1.State_STATE_SUCCEEDED && d.GetBalanceTransactionId() != "" && d.GetEventPos() > 0
	})
	return w.donation(id)
}

func (w *world) eventually(what string, cond func() bool) {
	w.t.Helper()
	done := false
	w.t.Cleanup(func() {
		if !done {
			w.t.Logf("waited for: %s; the log ends with\n%s", what, tail(w.logs.String(), 4000))
		}
	})
	testkit.Eventually(w.t, cond)
	done = true
}

func tail(text string, length int) string { return text[max(0, len(text)-length):] }

func (w *world) sums() *donationv1.SumGiftsResponse {
	w.t.Helper()
	sums, err := w.web.SumGifts(w.t.Context(), &donationv1.SumGiftsRequest{})
	if err != nil {
		w.t.Fatalf("sum gifts: %v", err)
	}
	return sums
}

// quiet waits until every stored webhook is applied or parked.
func (w *world) quiet() *donationv1.SumGiftsResponse {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	err := w.sim.Settle(ctx)
	if err != nil {
		w.t.Fatalf("webhooks are still on their way: %v", err)
	}
	w.eventually("all webhooks are done", func() bool {
		w.clock.Advance(time.Second) // what was put off for a second is due now
		s := w.sums()
		return s.GetStripeEventsUndone() == 0 && s.GetUnsequenced() == 0
	})
	return w.sums()
}

// events reads the whole feed.
func (w *world) events() []*feedv1.Event {
	w.t.Helper()
	answer, err := w.feed.Read(w.t.Context(), &feedv1.ReadRequest{Feed: "donation"})
	if err != nil {
		w.t.Fatalf("read feed: %v", err)
	}
	return answer.GetEvents()
}

// kinds counts events by the last part of their type.
func (w *world) kinds() map[string]int {
	counts := map[string]int{}
	for _, e := range w.events() {
		counts[e.GetType()[strings.LastIndexByte(e.GetType(), '.')+1:]]++
	}
	return counts
}

func (w *world) parked() []*feedv1.ParkedItem {
	w.t.Helper()
	answer, err := w.parking.ListParked(w.t.Context(), &feedv1.ListParkedRequest{Service: "donation"})
	if err != nil {
		w.t.Fatalf("list parked: %v", err)
	}
	return answer.GetItems()
}

// rows counts rows of the service's own database.
func (w *world) rows(query string, args ...any) int {
	w.t.Helper()
	count := 0
	err := w.service.db.InReadTx(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, query, args...).Scan(&count)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return count
}

// deliver posts a body to the webhook endpoint as Stripe would, signed with a
// secret at a time, and returns the status.
func (w *world) deliver(body []byte, secret string, at time.Time) int {
	w.t.Helper()
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return w.deliverSigned(body, "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil))+",v0=00")
}

func (w *world) deliverSigned(body []byte, header string) int {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.hook, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if header != "" {
		request.Header.Set("Stripe-Signature", header)
	}
	response, err := w.client().Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// event writes a webhook body by hand.
func event(id, kind string, object map[string]any, change func(map[string]any)) []byte {
	body := map[string]any{
		"id": id, "object": "event", "type": kind, "api_version": stripesim.APIVersion, "livemode": false,
		"created": 1_793_000_000, "data": map[string]any{"object": object},
	}
	if change != nil {
		change(body)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprint("a body that cannot be written: ", err))
	}
	return raw
}
