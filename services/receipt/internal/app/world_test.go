package app_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/document"
	"github.com/almoner/almoner/services/receipt/internal/domain"
	"github.com/almoner/almoner/services/receipt/internal/store"
	"github.com/almoner/almoner/services/receipt/migrations"
)

func TestMain(m *testing.M) {
	// Each check writes to a real database some dozens of times. A longer search
	// is a flag away.
	err := flag.Set("rapid.checks", "40")
	if err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const refuge = "7d1c6b0e-6c43-5f0e-9a53-0c5d9f3b1a01"

// world is the use cases over a real database, with a donation service to ask
// and a mailbox to fill.
type world struct {
	*app.App
	t     testing.TB
	clock *testkit.FakeClock
	store *crashing
	donor *donors
	mail  *mailbox
	links *domain.LinkSigner
	cfg   app.Config
}

// builtin are the fonts in the program, read once for all worlds.
var builtin = sync.OnceValue(func() *typeset.Fonts {
	fonts, err := typeset.New(typeset.Config{})
	if err != nil {
		panic(err)
	}
	return fonts
})

func sets() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, testkit.SQLite(t, "receipt", sets()...))
}

func newWorldOn(t testing.TB, db *database.DB) *world {
	t.Helper()
	links, err := domain.NewLinkSigner([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatalf("link signer: %v", err)
	}
	codes, err := domain.NewCheckCodes([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatalf("check codes: %v", err)
	}
	w := &world{
		t:     t,
		clock: testkit.Clock(t, time.Date(2026, 11, 4, 9, 30, 0, 0, time.UTC)),
		store: &crashing{Store: store.New(db)},
		donor: &donors{answers: map[string]donorAnswer{}},
		mail:  &mailbox{letters: map[string]app.Letter{}},
		links: links,
	}
	w.cfg = app.Config{
		BaseURL: "https://give.example.org",
		Links:   links,
		Codes:   codes,
		Printer: document.New(builtin()),
		Store:   w.store,
		Donors:  donationv1.NewDonationServiceClient(w.donor.serve(t)),
		Mailer:  w.mail,
		Now:     w.clock.Now,
		Logger:  slog.New(slog.DiscardHandler),
	}
	w.restart()
	w.letterhead(refuge, "REFUGE", "Europe/Zurich")
	return w
}

// restart forgets everything that is not in the database.
func (w *world) restart() {
	w.t.Helper()
	w.store.crash = nil
	var err error
	w.App, err = app.New(w.cfg)
	if err != nil {
		w.t.Fatalf("start: %v", err)
	}
}

// letterhead makes an organization known, with its fund WATER.
func (w *world) letterhead(id, code, zone string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx app.Tx) error {
		o := domain.Organization{
			ID: id, Code: code, LegalName: "Refuge Aid Association", Address: []string{"12 Harbour Street", "1204 Geneva"},
			Registration: "CHE-123.456.789", Contact: "gifts@refuge.example", TimeZone: location(w.t, zone), Profile: "generic", Version: 1,
		}
		f := domain.Fund{FundKey: domain.FundKey{OrganizationID: id, Code: "WATER"}, Name: "Water in the camps", Version: 1}
		return errors.Join(
			w.ReceiveOrganizations(ctx, tx, []domain.Organization{o}),
			w.ReceiveFunds(ctx, tx, []domain.Fund{f}))
	})
}

func location(t testing.TB, zone string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatalf("load time zone: %v", err)
	}
	return location
}

func (w *world) change(o domain.Organization) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx app.Tx) error {
		return w.ReceiveOrganizations(ctx, tx, []domain.Organization{o})
	})
}

func (w *world) write(fn func(ctx context.Context, tx app.Tx) error) {
	w.t.Helper()
	err := w.store.Store.InTx(context.Background(), fn)
	if err != nil {
		w.t.Fatalf("write: %v", err)
	}
}

// give makes gifts succeed just now, each by a donor that donation knows.
func (w *world) give(donationIDs ...string) {
	w.t.Helper()
	var gifts []domain.Gift
	for _, id := range donationIDs {
		gifts = append(gifts, w.gift(id))
		w.donor.set(id, donorAnswer{name: "Amina Diallo", email: "amina@example.org"})
	}
	w.receive(gifts...)
}

func (w *world) receive(gifts ...domain.Gift) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx app.Tx) error { return w.ReceiveGifts(ctx, tx, gifts) })
}

func (w *world) gift(donationID string) domain.Gift {
	eur := money.MustCurrency("EUR")
	return domain.Gift{
		DonationID: donationID, Fund: domain.FundKey{OrganizationID: refuge, Code: "WATER"},
		Amount: money.Amount{Minor: 10000, Currency: eur}, Cover: money.Amount{Minor: 330, Currency: eur},
		PaidAt: w.clock.Now(), PaymentReference: "pi_" + donationID[30:], SucceededAt: w.clock.Now(),
		Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
}

// issue runs passes until nothing is left to do at once.
func (w *world) issue() { w.t.Helper(); w.drain("issue", w.IssueDue) }

// draw does the same for PDFs.
func (w *world) draw() { w.t.Helper(); w.drain("draw", w.DrawDue) }

// send does the same for mails, each of which waits for its PDF.
func (w *world) send() { w.t.Helper(); w.draw(); w.drain("send", w.SendDue) }

func (w *world) drain(what string, pass func(context.Context) (bool, error)) {
	w.t.Helper()
	for more := true; more; {
		var err error
		more, err = pass(context.Background())
		if err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
	}
}

// numbered returns the number of a donation's receipt, "" when there is none.
func (w *world) numbered(donationID string) string {
	w.t.Helper()
	link, err := w.GetReceiptLink(context.Background(), donationID)
	if apperr.CodeOf(err) == apperr.NotFound {
		return ""
	}
	if err != nil {
		w.t.Fatalf("get link of %s: %v", donationID, err)
	}
	return link.Number.String()
}

// summary adds up, and fails the test when a series has a gap.
func (w *world) summary() app.Summary {
	w.t.Helper()
	summary, err := w.SumReceipts(context.Background())
	if err != nil {
		w.t.Fatalf("sum receipts: %v", err)
	}
	for _, fault := range summary.SeriesFaults {
		w.t.Errorf("%v", fault)
	}
	return summary
}

// id is a donation's id.
func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func ids(count int) []string {
	var list []string
	for n := range count {
		list = append(list, id(n+1))
	}
	return list
}

// donors is donation's GetDonor and GetDonors, over gRPC.
type donors struct {
	donationv1.UnimplementedDonationServiceServer
	mu      sync.Mutex
	answers map[string]donorAnswer
	away    bool
	asked   int
}

type donorAnswer struct {
	name, email, language string
	err                   error
}

func (d *donors) set(donationID string, a donorAnswer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[donationID] = a
}

func (d *donors) setAway(away bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.away = away
}

func (d *donors) GetDonor(_ context.Context, request *donationv1.GetDonorRequest) (*donationv1.GetDonorResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.away {
		return nil, apperr.New(apperr.Unavailable, "AWAY", "Donation is away.")
	}
	a, known := d.answers[request.GetDonationId()]
	if !known {
		return nil, apperr.New(apperr.NotFound, "DONATION_NOT_FOUND", "There is no such donation.")
	}
	return &donationv1.GetDonorResponse{Name: a.name, Email: a.email, Language: a.language}, a.err
}

// GetDonors leaves out whom it does not know; one donor's fault is everybody's.
func (d *donors) GetDonors(_ context.Context, request *donationv1.GetDonorsRequest) (*donationv1.GetDonorsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.away {
		return nil, apperr.New(apperr.Unavailable, "AWAY", "Donation is away.")
	}
	reply := &donationv1.GetDonorsResponse{}
	for _, donation := range request.GetDonationIds() {
		a, known := d.answers[donation]
		if a.err != nil {
			return nil, a.err
		}
		if known {
			reply.Donors = append(reply.Donors, &donationv1.Donor{DonationId: donation, Name: a.name, Email: a.email, Language: a.language})
		}
	}
	return reply, nil
}

func (d *donors) serve(t testing.TB) *grpc.ClientConn {
	t.Helper()
	network := rpc.NewNetwork()
	server := rpc.NewServer(rpc.ServerConfig{})
	donationv1.RegisterDonationServiceServer(server, d)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(ctx, network) }()
	conn, err := network.Dial("receipt")
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		err := errors.Join(conn.Close(), <-stopped)
		if err != nil {
			t.Errorf("stop donation: %v", err)
		}
	})
	return conn
}

// mailbox takes each letter once, like the real sink.
type mailbox struct {
	mu      sync.Mutex
	letters map[string]app.Letter
	handed  int // hand-overs, repeated ones too
	refuse  error
	taken   func() // called with each hand-over, may be nil
}

func (m *mailbox) Send(_ context.Context, letter app.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.handed++
	m.letters[letter.ID] = letter
	if m.taken != nil {
		m.taken()
	}
	return nil
}

func (m *mailbox) only(t testing.TB) app.Letter {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.letters) != 1 {
		t.Fatalf("%d letters, want 1", len(m.letters))
	}
	for _, letter := range m.letters {
		return letter
	}
	panic("unreachable")
}

var errCrash = errors.New("the process died")

// crashing is a store whose process can die in a transaction.
type crashing struct {
	app.Store
	crash func() (before, after bool) // asked for each transaction that writes
}

func (c *crashing) InTx(ctx context.Context, fn func(ctx context.Context, tx app.Tx) error) error {
	before, after := false, false
	if c.crash != nil {
		before, after = c.crash()
	}
	err := c.Store.InTx(ctx, func(ctx context.Context, tx app.Tx) error {
		err := fn(ctx, tx)
		if err == nil && before {
			return errCrash // everything is written, nothing is committed
		}
		return err
	})
	if err == nil && after {
		return errCrash // committed, and nobody was told
	}
	return err
}
