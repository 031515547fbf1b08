package receipt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, testkit.ForgottenByNATS()...) }

const (
	refuge      = "7d1c6b0e-6c43-5f0e-9a53-0c5d9f3b1a01"
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceparent = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// town is everything around receipt: two producers with real feeds, a donation
// service to ask, a broker, and a directory for mails.
type town struct {
	t       testing.TB
	clock   *testkit.FakeClock
	donors  *donors
	logs    map[string]*feed.Log
	dbs     map[string]*database.DB
	network *rpc.Network
	nats    *nats.Conn
	dbURL   string
	mailDir string
}

func newTown(t testing.TB) *town {
	t.Helper()
	dir := t.TempDir()
	w := &town{
		t:       t,
		clock:   testkit.Clock(t, time.Date(2026, 11, 4, 9, 30, 0, 0, time.UTC)),
		donors:  &donors{answers: map[string]*donationv1.GetDonorResponse{}},
		logs:    map[string]*feed.Log{},
		dbs:     map[string]*database.DB{},
		network: rpc.NewNetwork(),
		nats:    testkit.NATS(t),
		dbURL:   testkit.SQLiteURL(t, "receipt", receipt.Migrations()...),
		mailDir: filepath.Join(dir, "mail"),
	}
	feeds := feed.NewServer()
	server := rpc.NewServer(rpc.ServerConfig{})
	feedv1.RegisterFeedServiceServer(server, feeds)
	donationv1.RegisterDonationServiceServer(server, w.donors)
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	for _, producer := range []string{"donation", "fundraiser"} {
		db := testkit.SQLite(t, producer, feed.Migrations())
		log := feed.NewLog(db, producer)
		feeds.AddFeed(producer, log)
		w.dbs[producer], w.logs[producer] = db, log
		parts.Go(func() {
			feed.NewProducer(feed.ProducerConfig{Feed: producer, Log: log, DB: db, NATS: w.nats}).Run(ctx)
		})
	}
	parts.Go(func() { _ = server.Serve(ctx, w.network) })
	t.Cleanup(func() {
		stop()
		parts.Wait()
	})
	return w
}

// tell appends a fact to a producer's feed.
func (w *town) tell(producer, aggregate string, version int64, fact proto.Message) {
	w.t.Helper()
	event, err := envelope.New(envelope.NewID(w.clock.Now()), aggregate, version, w.clock.Now(), traceparent, fact)
	if err != nil {
		w.t.Fatalf("build event: %v", err)
	}
	err = w.dbs[producer].InTx(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		return w.logs[producer].Append(ctx, tx, event)
	})
	if err != nil {
		w.t.Fatalf("append event: %v", err)
	}
}

// open makes the organization and its fund known, to p first of all.
func (w *town) open(p *process) {
	w.t.Helper()
	w.tell("fundraiser", refuge, 1, &fundraiserv1.OrganizationChanged{
		OrganizationId: refuge, Slug: "refuge", Code: "REFUGE", Name: "Refuge Aid", LegalName: "Refuge Aid Association",
		Address: []string{"12 Harbour Street", "1204 Geneva"}, Registration: "CHE-123.456.789", Country: "CH",
		TimeZone: "Europe/Zurich", BaseCurrency: "CHF", ReceiptProfile: "generic", ContactEmail: "gifts@refuge.example", Version: 1,
	})
	w.tell("fundraiser", "fund-water", 1, &fundraiserv1.FundChanged{
		FundId: "fund-water", OrganizationId: refuge, Code: "WATER", Name: "Water in the camps",
		FundClass: attributionv1.FundClass_FUND_CLASS_RESTRICTED, Version: 1,
	})
	testkit.Eventually(w.t, func() bool {
		return slices.ContainsFunc(p.sums().GetCheckpoints(), func(c *feedv1.Checkpoint) bool {
			return c.GetFeed() == "fundraiser" && c.GetPos() == 2
		})
	})
}

// give lets a gift of 103.30 EUR by that donor succeed.
func (w *town) give(n int, donor string) string {
	w.t.Helper()
	donation := id(n)
	w.donors.know(donation, &donationv1.GetDonorResponse{Name: donor, Email: fmt.Sprintf("donor%d@example.org", n), Language: "en"})
	w.tell("donation", donation, 1, gift(donation, w.clock.Now()))
	return donation
}

func gift(donation string, paidAt time.Time) *donationv1.DonationSucceeded {
	return &donationv1.DonationSucceeded{
		DonationId: donation, AccountId: "acct_1",
		Gift:  &moneyv1.Money{Minor: 10000, Currency: "EUR"},
		Cover: &moneyv1.Money{Minor: 330, Currency: "EUR"},
		Attribution: &attributionv1.Attribution{
			OrganizationId: refuge, AppealId: "appeal-1", FundCode: "WATER", FundClass: attributionv1.FundClass_FUND_CLASS_RESTRICTED,
		},
		Visibility: donationv1.Visibility_VISIBILITY_PUBLIC, PaymentIntentId: "pi_" + donation[30:], ChargeId: "ch_" + donation[30:],
		PaidAt: paidAt.UnixMicro(),
	}
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// sink is the directory that mails are put into.
func (w *town) sink() *mail.Sink {
	w.t.Helper()
	sink, err := mail.NewSink(w.mailDir, w.clock.Now)
	if err != nil {
		w.t.Fatalf("open mails: %v", err)
	}
	return sink
}

// letters opens what is in the mail directory, by id.
func (w *town) letters() map[string]mail.Letter {
	w.t.Helper()
	sink := w.sink()
	entries, err := sink.List(1000)
	if err != nil {
		w.t.Fatalf("list mails: %v", err)
	}
	letters := map[string]mail.Letter{}
	for _, entry := range entries {
		letters[entry.ID], err = sink.Read(entry.ID)
		if err != nil {
			w.t.Fatalf("read mail: %v", err)
		}
	}
	return letters
}

// process is a running receipt service on the town's database.
type process struct {
	t       testing.TB
	db      *database.DB
	receipt receiptv1.ReceiptServiceClient
	parking feedv1.ParkingServiceClient
	stop    func()
}

// boot starts the service as a process would: from the database file and the
// configuration alone.
func (w *town) boot() *process {
	w.t.Helper()
	db, err := database.Open(context.Background(), database.Config{URL: w.dbURL, Service: "receipt", Migrations: receipt.Migrations()})
	if err != nil {
		w.t.Fatalf("open database: %v", err)
	}
	err = db.Migrate(context.Background())
	if err != nil {
		w.t.Fatalf("migrate: %v", err)
	}
	conn, err := w.network.Dial("receipt")
	if err != nil {
		w.t.Fatalf("dial: %v", err)
	}
	service, err := receipt.New(w.config(), receipt.Deps{DB: db, NATS: w.nats, Conn: conn, Mail: w.sink(), Now: w.clock.Now})
	if err != nil {
		w.t.Fatalf("set up: %v", err)
	}
	err = service.Ready(context.Background())
	if err != nil {
		w.t.Fatalf("ready: %v", err)
	}

	own := rpc.NewNetwork()
	people := testkit.NewPeople(w.t)
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	service.RegisterGRPC(server)
	feeds := feed.NewServer()
	service.AddTo(feeds)
	feedv1.RegisterParkingServiceServer(server, feeds)
	web := dial(w.t, own, "web", people.As("an accountant", "accountant")...)

	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	failures := make([]error, 2)
	parts.Go(func() { failures[0] = service.Run(ctx) })
	parts.Go(func() { failures[1] = server.Serve(ctx, own) })
	p := &process{
		t: w.t, db: db,
		receipt: receiptv1.NewReceiptServiceClient(web),
		parking: feedv1.NewParkingServiceClient(web),
		stop: sync.OnceFunc(func() {
			cancel()
			parts.Wait()
			err := errors.Join(failures[0], failures[1], web.Close(), conn.Close(), db.Close())
			if err != nil {
				w.t.Errorf("stop: %v", err)
			}
		}),
	}
	w.t.Cleanup(p.stop)
	return p
}

func (w *town) config() receipt.Config {
	return receipt.Config{
		BaseURL:   "https://give.example.org",
		SecretKey: config.NewSecret("0123456789abcdef0123456789abcdef"),
	}
}

func dial(t testing.TB, network *rpc.Network, caller string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := network.Dial(caller, options...)
	if err != nil {
		t.Fatalf("dial as %s: %v", caller, err)
	}
	return conn
}

// link returns a donation's link, nil until the receipt is issued.
func (p *process) link(donation string) *receiptv1.GetReceiptLinkResponse {
	p.t.Helper()
	link, err := p.receipt.GetReceiptLink(context.Background(), &receiptv1.GetReceiptLinkRequest{DonationId: donation})
	if apperr.CodeOf(err) == apperr.NotFound {
		return nil
	}
	if err != nil {
		p.t.Fatalf("get link: %v", err)
	}
	return link
}

// awaitMail waits until a donation's receipt is issued and its mail is out.
func (p *process) awaitMail(donation string) *receiptv1.GetReceiptLinkResponse {
	p.t.Helper()
	testkit.Eventually(p.t, func() bool { return p.link(donation).GetMailedAt() != 0 })
	return p.link(donation)
}

func (p *process) sums() *receiptv1.SumReceiptsResponse {
	p.t.Helper()
	sums, err := p.receipt.SumReceipts(context.Background(), &receiptv1.SumReceiptsRequest{})
	if err != nil {
		p.t.Fatalf("sum receipts: %v", err)
	}
	if len(sums.GetSeriesFaults()) > 0 {
		p.t.Errorf("series: %s", strings.Join(sums.GetSeriesFaults(), "; "))
	}
	return sums
}

func (p *process) parked() []*feedv1.ParkedItem {
	p.t.Helper()
	list, err := p.parking.ListParked(context.Background(), &feedv1.ListParkedRequest{Service: "receipt"})
	if err != nil {
		p.t.Fatalf("list parked: %v", err)
	}
	return list.GetItems()
}

// donors is donation's GetDonor, of a version that does not know GetDonors yet.
type donors struct {
	donationv1.UnimplementedDonationServiceServer
	mu      sync.Mutex
	answers map[string]*donationv1.GetDonorResponse
	away    bool
	asked   int
	holding chan struct{} // when set, questions wait until the asker gives up
}

func (d *donors) know(donation string, donor *donationv1.GetDonorResponse) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[donation] = donor
}

func (d *donors) set(change func(*donors)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *donors) questions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

func (d *donors) GetDonor(ctx context.Context, request *donationv1.GetDonorRequest) (*donationv1.GetDonorResponse, error) {
	d.mu.Lock()
	d.asked++
	donor, away, holding := d.answers[request.GetDonationId()], d.away, d.holding
	d.mu.Unlock()
	if holding != nil {
		holding <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	switch {
	case away:
		return nil, apperr.New(apperr.Unavailable, "AWAY", "Donation is away.")
	case donor == nil:
		return nil, apperr.New(apperr.NotFound, "DONATION_NOT_FOUND", "There is no such donation.")
	}
	return donor, nil
}

// replaceMailDir puts a file where the mail directory was, or the directory
// back.
func (w *town) replaceMailDir(broken bool) {
	w.t.Helper()
	err := os.RemoveAll(w.mailDir)
	if err == nil && broken {
		err = os.WriteFile(w.mailDir, nil, 0o600)
	} else if err == nil {
		err = os.Mkdir(w.mailDir, 0o700)
	}
	if err != nil {
		w.t.Fatalf("replace mail directory: %v", err)
	}
}
