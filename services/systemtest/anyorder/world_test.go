package anyorder

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/fundraiser"
	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger"
	"github.com/almoner/almoner/services/receipt"
	"github.com/almoner/almoner/tools/stripesim"
)

// How much is told: unless more is asked for, enough to see that it can be. All
// permutations of six are 720.
var (
	orders = flag.Int("orders", 1, "at most so many orders of each script's webhooks")
	losses = flag.Int("losses", 1, "so many tellings of each script with webhooks lost")
	random = flag.Int("random", 24, "so many random scripts")
)

// donor has a letter that no font has. A receipt whose PDF cannot be drawn stands, and
// its mail goes out, without it; drawing thousands would be most of the work here.
const donor = "Amina Yusuf \U00100123"

const (
	webhookSecret = "whsec_in_any_order"
	site          = "https://give.example.org"
)

// patience bounds waiting for what will happen if nothing is broken.
var patience = flag.Duration("patience", 10*time.Minute, "how long nothing may move while webhooks and sums are on their way")

// world is the services that money passes through, and Stripe.
type world struct {
	t     *testing.T
	clock *testkit.FakeClock
	sim   *stripesim.Server
	post  *post

	network *rpc.Network
	people  testkit.People
	// door is where webhooks are handed in: that of the donation service that runs.
	door http.Handler
	stop func() // ends the donation service's life
	make func() *donation.Service

	web      donationv1.DonationServiceClient
	totals   fundraiserv1.FundraiserServiceClient
	books    ledgerv1.LedgerServiceClient
	receipts receiptv1.ReceiptServiceClient
	parking  feedv1.ParkingServiceClient
	operator *grpc.ClientConn
	// watched: while debits are under way, it is told that they are, and audited.
	watched    bool
	goodbyes   []func()
	complaints *complaints
}

// nobody takes mails that nobody reads.
type nobody struct{}

func (nobody) Send(context.Context, mail.Message) error { return nil }

// complaints are lines of the log that something was wrong.
type complaints struct {
	mu    sync.Mutex
	lines []string
}

func (c *complaints) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, string(p))
	return len(p), nil
}

func (c *complaints) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines[max(0, len(c.lines)-12):], "")
}

// direct is a network without wires: what is asked is answered in this process.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	d.handler.ServeHTTP(answer, r)
	return answer.Result(), nil
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, clock: testkit.Clock(t, time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)), post: newPost(),
		network: rpc.NewNetwork(), people: testkit.NewPeople(t), complaints: &complaints{},
	}
	w.openSimulator(seed)
	logger := slog.New(slog.NewTextHandler(w.complaints, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	run := func(part func(context.Context) error) { running.Go(func() { _ = part(ctx) }) }

	gifts := testkit.SQLite(t, "donation", donation.Migrations()...)
	asking := w.dial("donation")
	w.make = func() *donation.Service {
		service, err := donation.New(donation.Config{
			BaseURL: site, SecretKey: config.NewSecret("a secret of this installation"), StripeKey: config.NewSecret("sk_test_donation"),
			StripeURL: "http://stripe.test", WebhookSecrets: []config.Secret{config.NewSecret(webhookSecret)}, Development: true,
			PaymentMethods: []string{"card", "sepa_debit"}, HTTPClient: &http.Client{Transport: direct{w.sim.Handler()}},
		}, donation.Deps{DB: gifts, Conn: asking, Mail: nobody{}, Logger: logger, Tracer: telemetry.NewTracing("donation", "test"), Now: w.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		return service
	}
	appeals, err := fundraiser.New(fundraiser.Config{BaseURL: site},
		fundraiser.Deps{DB: testkit.SQLite(t, "fundraiser", fundraiser.Migrations()...), Conn: w.dial("fundraiser"), Mail: nobody{}, Logger: logger, Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	books, err := ledger.New(ledger.Config{},
		ledger.Deps{DB: testkit.SQLite(t, "ledger", ledger.Migrations()...), Conn: w.dial("ledger"), Logger: logger, Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	papers, err := receipt.New(receipt.Config{BaseURL: site, SecretKey: config.NewSecret("a secret of this installation")},
		receipt.Deps{DB: testkit.SQLite(t, "receipt", receipt.Migrations()...), Conn: w.dial("receipt"), Mail: nobody{}, Logger: logger, Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	server, feeds := rpc.NewServer(rpc.ServerConfig{PersonKey: w.people.Key}), feed.NewServer()
	asked := w.make() // answers questions beside the one that runs
	for _, service := range []interface {
		RegisterGRPC(grpc.ServiceRegistrar)
		AddTo(*feed.Server)
	}{asked, appeals, books, papers} {
		service.RegisterGRPC(server)
		service.AddTo(feeds)
	}
	feedv1.RegisterFeedServiceServer(server, feeds)
	feedv1.RegisterParkingServiceServer(server, feeds)
	_, err = appeals.LoadSampleIfEmpty(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(func(ctx context.Context) error { return server.Serve(ctx, w.network) })
	run(appeals.Run)
	run(books.Run)
	run(papers.Run)
	run(w.sim.Run)

	web := w.dial("web", w.people.As("an accountant", "viewer", "accountant")...)
	w.operator = w.dial("operator")
	w.web, w.totals = donationv1.NewDonationServiceClient(web), fundraiserv1.NewFundraiserServiceClient(w.operator)
	w.books, w.receipts = ledgerv1.NewLedgerServiceClient(w.operator), receiptv1.NewReceiptServiceClient(w.operator)
	w.parking = feedv1.NewParkingServiceClient(w.operator)
	w.begin()
	t.Cleanup(func() {
		w.stop()
		cancel()
		running.Wait()
		for _, goodbye := range w.goodbyes {
			goodbye()
		}
	})
	return w
}

// openSimulator has its webhooks caught instead of delivered.
func (w *world) openSimulator(seed uint64) {
	w.t.Helper()
	var err error
	w.sim, err = stripesim.Open(stripesim.Config{
		Seed: seed, Now: w.clock.Now, CheckoutWait: -1, WebhookSecret: webhookSecret, BaseURL: "http://stripe.test",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	caught := httptest.NewServer(w.post)
	_, err = w.sim.EnsureWebhookEndpoint(caught.URL, donation.WebhookEvents(), stripesim.APIVersion)
	if err != nil {
		w.t.Fatal(err)
	}
	w.goodbyes = append(w.goodbyes, caught.Close, func() { _ = w.sim.Close() })
}

func (w *world) dial(caller string, options ...grpc.DialOption) *grpc.ClientConn {
	w.t.Helper()
	conn, err := w.network.Dial(caller, options...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.goodbyes = append(w.goodbyes, func() { _ = conn.Close() })
	return conn
}

// begin starts a life of the donation service, which looks at once for what it missed.
func (w *world) begin() {
	service := w.make()
	mux := http.NewServeMux()
	service.RegisterHTTP(mux)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = service.Run(ctx) })
	w.door = mux
	w.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
}

// sweep lets so much time go by that whatever a webhook should have told is asked for.
func (w *world) sweep() {
	w.stop()
	w.clock.Advance(7 * time.Hour)
	w.begin()
}

// ask sends a request to Stripe's API, to its pages or to what controls the
// simulator, and answers whether it was taken.
func (w *world) ask(method, path, kind, body string) (answer []byte, taken bool) {
	request := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", kind)
	request.SetBasicAuth("sk_test_somebody", "")
	recorder := httptest.NewRecorder()
	w.sim.Handler().ServeHTTP(recorder, request)
	return recorder.Body.Bytes(), recorder.Code < http.StatusBadRequest
}

// checkout fills in the donate form of an appeal.
func (w *world) checkout(s script) (donationID, session string, err error) {
	frequency := donationv1.Frequency_FREQUENCY_ONCE
	if s.monthly {
		frequency = donationv1.Frequency_FREQUENCY_MONTHLY
	}
	answer, err := w.web.StartCheckout(w.t.Context(), &donationv1.StartCheckoutRequest{
		IntentId: uuid.NewString(), Target: &donationv1.StartCheckoutRequest_AppealSlug{AppealSlug: "shelter-tonight"},
		Gift: &moneyv1.Money{Minor: giftMinor, Currency: "EUR"}, CoverFees: s.cover, FundCode: s.fund, Frequency: frequency,
		Name: donor, Email: "amina@example.org", ClientAddress: "127.0.0.1", Language: "en",
	})
	if err != nil {
		return "", "", fmt.Errorf("start checkout: %w", err)
	}
	return answer.GetDonationId(), answer.GetSessionId(), nil
}

// quiet waits until all that is known to Stripe and was told, or swept, is everywhere,
// and audits. It is patient with a slow machine, and not with one on which nothing
// moves.
func (w *world) quiet() audit.Report {
	w.t.Helper()
	var behind string
	deadline := time.NewTimer(*patience)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		asked := time.Now()
		report, err := audit.New(w.operator).Run(w.t.Context(), 0)
		if err != nil {
			w.t.Fatal(err)
		}
		if report.CaughtUp {
			return report
		}
		if now := strings.Join(report.Behind, "; "); now != behind {
			behind = now
			deadline.Reset(*patience)
		}
		// The sums of many gifts are no small question: it is not asked all the time.
		for next := time.Now().Add(2 * time.Since(asked)); ; {
			w.clock.Advance(time.Second) // what was put off for a second is due now
			select {
			case <-deadline.C:
				w.t.Fatalf("not within %s: %s\n%s", *patience, behind, w.complaints.last())
			case <-tick.C:
			}
			if time.Now().After(next) {
				break
			}
		}
	}
}

// inTurn has something compared until it is right or an hour has gone by, and a minute
// of the machine's: no sum says that somebody left without paying, or that a dispute
// was lost, which moves no money. After a sweep each is asked about when its turn comes,
// and the service looks whose it is by the machine's time.
func (w *world) inTurn(compare func() error) error {
	w.t.Helper()
	deadline, began := w.clock.Now().Add(time.Hour), time.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		w.agree()
		err := compare()
		if err == nil || (!w.clock.Now().Before(deadline) && time.Since(began) > min(time.Minute, *patience)) {
			return err
		}
		<-tick.C
		w.clock.Advance(time.Minute)
	}
}
