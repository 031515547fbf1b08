package fundraiser_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/almoner/almoner/services/fundraiser"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
)

// site is where people reach it.
const site = "https://give.example.org"

// world is the fundraiser service, running, beside a donation feed that the
// test writes. Everything speaks over RPC as it does in a real process.
type world struct {
	service   *fundraiser.Service
	clock     *testkit.FakeClock
	donations *feed.Log
	donorsDB  *database.DB

	web, donation, operator fundraiserv1.FundraiserServiceClient
	parking                 feedv1.ParkingServiceClient
	feeds                   feedv1.FeedServiceClient

	network *rpc.Network
	people  testkit.People
	mails   *post
	metrics *prometheus.Registry
}

// start runs the service with the sample data until the test ends. broker may
// be nil.
func start(t *testing.T, broker *nats.Conn) world {
	t.Helper()
	clock := testkit.Clock(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	network := rpc.NewNetwork()
	dial := func(caller string) grpc.ClientConnInterface {
		conn, err := network.Dial(caller)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}

	sink, err := mail.NewSink(t.TempDir(), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	mails := &post{Sink: sink}
	metrics := prometheus.NewRegistry()
	service, err := fundraiser.New(fundraiser.Config{BaseURL: site}, fundraiser.Deps{
		DB: testkit.SQLite(t, "fundraiser", fundraiser.Migrations()...), NATS: broker, Conn: dial("fundraiser"), Mail: mails, Metrics: metrics, Now: clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := service.LoadSampleIfEmpty(t.Context())
	if err != nil || !loaded {
		t.Fatalf("load sample: %v, %v", loaded, err)
	}
	donorsDB := testkit.SQLite(t, "donation", feed.Migrations())
	donations := feed.NewLog(donorsDB, "donation")
	producer := feed.NewProducer(feed.ProducerConfig{Feed: "donation", Log: donations, DB: donorsDB, NATS: broker})

	feeds := feed.NewServer()
	feeds.AddFeed("donation", donations)
	service.AddTo(feeds)
	people := testkit.NewPeople(t)
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	service.RegisterGRPC(server)
	feedv1.RegisterFeedServiceServer(server, feeds)
	feedv1.RegisterParkingServiceServer(server, feeds)

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	var producing sync.WaitGroup
	go func() { ended <- server.Serve(ctx, network) }()
	producing.Go(func() { producer.Run(ctx) })
	go func() { ended <- service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		producing.Wait()
		for range 2 {
			err := <-ended
			if err != nil {
				t.Errorf("stop: %v", err)
			}
		}
	})
	return world{
		service: service, clock: clock, donations: donations, donorsDB: donorsDB,
		web:      fundraiserv1.NewFundraiserServiceClient(dial("web")),
		donation: fundraiserv1.NewFundraiserServiceClient(dial("donation")),
		operator: fundraiserv1.NewFundraiserServiceClient(dial("operator")),
		parking:  feedv1.NewParkingServiceClient(dial("operator")),
		feeds:    feedv1.NewFeedServiceClient(dial("ledger")),
		network:  network, people: people, mails: mails, metrics: metrics,
	}
}

// resolve asks for the terms of a gift as the donation service does.
func (w world) resolve(t *testing.T, request *fundraiserv1.ResolveGiftRequest) *fundraiserv1.ResolveGiftResponse {
	t.Helper()
	terms, err := w.donation.ResolveGift(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return terms
}

func toAppeal(slug string) *fundraiserv1.ResolveGiftRequest {
	return &fundraiserv1.ResolveGiftRequest{Target: &fundraiserv1.ResolveGiftRequest_AppealSlug{AppealSlug: slug}}
}

func toPage(slug string) *fundraiserv1.ResolveGiftRequest {
	return &fundraiserv1.ResolveGiftRequest{Target: &fundraiserv1.ResolveGiftRequest_FundraiserSlug{FundraiserSlug: slug}}
}

// succeed is the event of a paid gift; every gift here covers 3.30 of fee.
func (w world) succeed(attribution *attributionv1.Attribution, minor int64, currency string) *donationv1.DonationSucceeded {
	return &donationv1.DonationSucceeded{
		DonationId:  uuid.NewString(),
		Gift:        &moneyv1.Money{Minor: minor, Currency: currency},
		Cover:       &moneyv1.Money{Minor: 3_30, Currency: currency},
		Attribution: attribution,
		Visibility:  donationv1.Visibility_VISIBILITY_FIRST_NAME,
		PaidAt:      w.clock.Now().UnixMicro(),
	}
}

// publish appends events to the donation feed. The aggregate is the donation's
// own unless it is told again.
func (w world) publish(t *testing.T, gifts ...*donationv1.DonationSucceeded) {
	t.Helper()
	err := w.donorsDB.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for _, gift := range gifts {
			event, err := envelope.New(uuid.NewString(), uuid.NewString(), 1, w.clock.Now(), "", gift)
			if err != nil {
				return err
			}
			err = w.donations.Append(ctx, tx, event)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// applied waits until the feed is applied up to a position.
func (w world) applied(t *testing.T, pos int64) *fundraiserv1.SumTotalsResponse {
	t.Helper()
	var answer *fundraiserv1.SumTotalsResponse
	testkit.Eventually(t, func() bool {
		var err error
		answer, err = w.operator.SumTotals(t.Context(), &fundraiserv1.SumTotalsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return len(answer.GetCheckpoints()) == 1 && answer.GetCheckpoints()[0].GetPos() >= pos && answer.GetUnsequenced() == 0
	})
	return answer
}

func TestGiftsRaiseTotals(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.NATS(t))

	walk := w.resolve(t, toPage("salma-walks-the-coast"))
	if walk.GetAppealSlug() != "shelter-tonight" || walk.GetCurrency() != "EUR" || walk.GetMinimumMinor() != 1_00 ||
		walk.GetCoverRatePpm() != 15_000 || walk.GetCoverFixedMinor() != 25 || walk.GetOrganizationName() != "Wayhaven Relief" {
		t.Errorf("terms are %v", walk)
	}
	if a := walk.GetAttribution(); a.GetFundCode() != "EMERGENCY" || a.GetFundClass() != attributionv1.FundClass_FUND_CLASS_RESTRICTED {
		t.Errorf("attribution is %v", a)
	}
	crisis := w.resolve(t, toAppeal("shelter-tonight"))
	campaign := w.resolve(t, toAppeal("sixty-thousand-homes"))

	first := w.succeed(walk.GetAttribution(), 25_00, "EUR")
	second := w.succeed(walk.GetAttribution(), 10_00, "EUR")
	second.PaidAt++
	direct := w.succeed(crisis.GetAttribution(), 100_00, "EUR")
	w.publish(t, first, second, direct, w.succeed(campaign.GetAttribution(), 400_00, "USD"))
	// Told again under another event id: the checkpoint lets it pass, the key does not.
	w.publish(t, first)
	sums := w.applied(t, 5)

	page, err := w.web.GetFundraiser(t.Context(), &fundraiserv1.GetFundraiserRequest{Slug: "salma-walks-the-coast"})
	if err != nil {
		t.Fatal(err)
	}
	// The goal counts the gift, not what was added for the fee.
	if total := page.GetFundraiser().GetTotals(); total.GetSettledMinor() != 35_00 || total.GetGifts() != 2 || total.GetAsOf() != 2 {
		t.Errorf("page's total is %v", total)
	}
	if recent := page.GetRecent(); len(recent) != 2 || recent[0].GetDonationId() != second.GetDonationId() ||
		recent[1].GetVisibility() != donationv1.Visibility_VISIBILITY_FIRST_NAME || recent[1].GetGiftMinor() != 25_00 {
		t.Errorf("recent gifts are %v", recent)
	}
	appeal, err := w.web.GetAppeal(t.Context(), &fundraiserv1.GetAppealRequest{Slug: "shelter-tonight"})
	if err != nil {
		t.Fatal(err)
	}
	if total := appeal.GetAppeal().GetTotals(); total.GetSettledMinor() != 135_00 || total.GetGifts() != 3 || len(appeal.GetRecent()) != 3 {
		t.Errorf("appeal's total is %v", total)
	}
	if pages := appeal.GetFundraisers(); len(pages) != 1 || pages[0].GetTotals().GetSettledMinor() != 35_00 || pages[0].GetAppealSlug() != "shelter-tonight" {
		t.Errorf("pages are %v", pages)
	}

	gift, err := w.operator.GetGift(t.Context(), &fundraiserv1.GetGiftRequest{DonationId: second.GetDonationId()})
	if err != nil || gift.GetTotalMinor() != 35_00 || gift.GetPos() != 2 || gift.GetCountedAt() != w.clock.Now().UnixMicro() {
		t.Errorf("gift is %v, %v", gift, err)
	}
	home, err := w.donation.GetHomeOrganization(t.Context(), &fundraiserv1.GetHomeOrganizationRequest{})
	if err != nil || home.GetOrganizationId() != walk.GetAttribution().GetOrganizationId() {
		t.Errorf("home is %v, %v", home, err)
	}
	want := "EUR 13500 = 3500 + 10000, USD 40000 = 0 + 40000"
	var got []string
	for _, s := range sums.GetSums() {
		got = append(got, fmt.Sprintf("%s %d = %d + %d", s.GetCurrency(), s.GetAppealsMinor(), s.GetPagesMinor(), s.GetDirectMinor()))
		if s.GetOrganizationSlug() != "wayhaven" {
			t.Errorf("organization is %q", s.GetOrganizationSlug())
		}
	}
	if strings.Join(got, ", ") != want || sums.GetHead() != 5 {
		t.Errorf("sums are %v at head %d, want %s at 5", got, sums.GetHead(), want)
	}
}

func TestTotalsFollowWithoutABroker(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	terms := w.resolve(t, toAppeal("beside-every-family"))
	w.publish(t, w.succeed(terms.GetAttribution(), 60_00, "EUR"))
	w.applied(t, 1)
	listing, err := w.web.ListAppeals(t.Context(), &fundraiserv1.ListAppealsRequest{})
	if err != nil || len(listing.GetAppeals()) != 3 || len(listing.GetOrganizations()) != 1 {
		t.Fatalf("%v, %v", listing, err)
	}
	for i, want := range []struct {
		slug    string
		kind    fundraiserv1.AppealKind
		settled int64
	}{
		{"shelter-tonight", fundraiserv1.AppealKind_APPEAL_KIND_CRISIS, 0},
		{"beside-every-family", fundraiserv1.AppealKind_APPEAL_KIND_STANDING, 60_00},
		{"sixty-thousand-homes", fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN, 0},
	} {
		a := listing.GetAppeals()[i]
		if a.GetSlug() != want.slug || a.GetKind() != want.kind || a.GetTotals().GetSettledMinor() != want.settled {
			t.Errorf("appeal %d is %v", i, a)
		}
	}
}

func TestWhatDoesNotFitIsParkedAndTheRestFlows(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.NATS(t))
	terms := w.resolve(t, toPage("salma-walks-the-coast"))
	dollars := w.succeed(terms.GetAttribution(), 50_00, "USD")
	nothing := w.succeed(terms.GetAttribution(), 0, "EUR")
	nowhere := w.succeed(terms.GetAttribution(), 5_00, "XXX")
	w.publish(t, w.succeed(terms.GetAttribution(), 20_00, "EUR"), dollars, nothing, nowhere, w.succeed(terms.GetAttribution(), 30_00, "EUR"))
	sums := w.applied(t, 5)

	for _, s := range sums.GetSums() {
		want := int64(0)
		if s.GetCurrency() == "EUR" {
			want = 50_00
		}
		if s.GetAppealsMinor() != want || s.GetPagesMinor() != want {
			t.Errorf("%v", s)
		}
	}
	parked, err := w.parking.ListParked(t.Context(), &feedv1.ListParkedRequest{Service: "fundraiser"})
	if err != nil || len(parked.GetItems()) != 3 {
		t.Fatalf("%v, %v", parked, err)
	}
	for i, pos := range []int64{2, 3, 4} {
		if item := parked.GetItems()[i]; item.GetPos() != pos || item.GetWaiting() || item.GetReason() == "" {
			t.Errorf("parked is %v", item)
		}
	}
}

const harbour = `
fee_cover: {EUR: {rate: 1.5%, fixed: 0.25}}
organizations:
  - {code: HARBOUR, slug: harbour, name: Harbour Aid, legal_name: Harbour Aid, address: [2 Example Quay],
     registration: Sample registration, country: FR, time_zone: Europe/Paris, base_currency: EUR,
     receipt_profile: generic, mission: Boats., contact_email: hello@harbour.example,
     funds: [{code: BOATS, name: Boats, class: restricted}]}
appeals:
  - {slug: boats, organization: HARBOUR, kind: standing, title: Boats, summary: Boats., story: [Boats.], currency: EUR, funds: [BOATS]}
`

func TestAGiftWaitsForItsAppeal(t *testing.T) {
	t.Parallel()
	// Given another installation that knows an appeal which this one does not yet.
	elsewhere := start(t, nil)
	report, err := elsewhere.service.Load(t.Context(), strings.NewReader(harbour))
	if err != nil || report.Appeals.Added != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	w := start(t, testkit.NATS(t))
	// When a gift to it arrives before the appeal.
	w.publish(t, w.succeed(elsewhere.resolve(t, toAppeal("boats")).GetAttribution(), 75_00, "EUR"))
	w.applied(t, 1)
	_, err = w.service.Load(t.Context(), strings.NewReader(harbour))
	if err != nil {
		t.Fatal(err)
	}
	// Then it is counted by itself once the appeal is there.
	testkit.Eventually(t, func() bool {
		appeal, err := w.web.GetAppeal(t.Context(), &fundraiserv1.GetAppealRequest{Slug: "boats"})
		return err == nil && appeal.GetAppeal().GetTotals().GetSettledMinor() == 75_00
	})
}

func TestWhatIsToldCanBeReadByOthers(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	var read *feedv1.ReadResponse
	testkit.Eventually(t, func() bool {
		var err error
		read, err = w.feeds.Read(t.Context(), &feedv1.ReadRequest{Feed: "fundraiser"})
		if err != nil {
			t.Fatal(err)
		}
		return len(read.GetEvents()) == 5
	})
	if first := read.GetEvents()[0]; first.GetType() != "almoner.fundraiser.v1.OrganizationChanged" || first.GetAggregateVersion() != 1 {
		t.Errorf("%v", first)
	}
}

func TestAnswersCrossTheWire(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	_, err := w.service.Load(t.Context(), strings.NewReader(strings.Replace(harbour, "slug: boats,", "slug: boats, state: closed,", 1)))
	if err != nil {
		t.Fatal(err)
	}
	badFund := toAppeal("shelter-tonight")
	badFund.FundCode = "SCHOOL"
	for _, c := range []struct {
		name    string
		request *fundraiserv1.ResolveGiftRequest
		code    apperr.Code
		field   string
	}{
		{"unknown", toAppeal("nowhere"), apperr.NotFound, ""},
		{"closed", toAppeal("boats"), apperr.Gone, ""},
		{"fund", badFund, apperr.InvalidArgument, "fund"},
		{"nothing", &fundraiserv1.ResolveGiftRequest{}, apperr.InvalidArgument, "target"},
	} {
		_, err := w.donation.ResolveGift(t.Context(), c.request)
		var answer *apperr.Error
		if !errors.As(err, &answer) || answer.Code != c.code {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.field != "" && (len(answer.Fields) != 1 || answer.Fields[0].Name != c.field) {
			t.Errorf("%s: fields are %+v", c.name, answer.Fields)
		}
	}
	closed, err := w.web.GetAppeal(t.Context(), &fundraiserv1.GetAppealRequest{Slug: "boats"})
	if err != nil || !closed.GetAppeal().GetClosed() {
		t.Errorf("%v, %v", closed, err)
	}
	for name, call := range map[string]func() error{
		"page": func() error {
			_, err := w.web.GetFundraiser(t.Context(), &fundraiserv1.GetFundraiserRequest{Slug: "nobody"})
			return err
		},
		"gift": func() error {
			_, err := w.operator.GetGift(t.Context(), &fundraiserv1.GetGiftRequest{DonationId: uuid.NewString()})
			return err
		},
	} {
		if err := call(); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	again, err := w.service.LoadSampleIfEmpty(t.Context())
	if again || err != nil {
		t.Errorf("the sample was loaded twice: %v, %v", again, err)
	}
}

func TestReadyMeansThatTheDatabaseIsUpToDate(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), database.Config{
		URL: "sqlite:" + t.TempDir() + "/fundraiser.db", Service: "fundraiser", Migrations: fundraiser.Migrations(),
	})
	if err != nil {
		t.Fatal(err)
	}
	mails, err := mail.NewSink(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	service, err := fundraiser.New(fundraiser.Config{BaseURL: site}, fundraiser.Deps{DB: db, Mail: mails})
	if err != nil {
		t.Fatal(err)
	}
	if service.Ready(t.Context()) == nil {
		t.Error("ready before migrating")
	}
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = service.Ready(t.Context())
	if err != nil {
		t.Errorf("not ready: %v", err)
	}
	err = db.Close()
	if err != nil {
		t.Fatal(err)
	}
	if service.Ready(t.Context()) == nil {
		t.Error("ready without a database")
	}
	for lack, c := range map[string]struct {
		baseURL string
		deps    fundraiser.Deps
	}{
		"a database": {site, fundraiser.Deps{Mail: mails}},
		"a mail":     {site, fundraiser.Deps{DB: db}},
		"an address": {"give.example.org", fundraiser.Deps{DB: db, Mail: mails}},
	} {
		_, err = fundraiser.New(fundraiser.Config{BaseURL: c.baseURL}, c.deps)
		if err == nil {
			t.Errorf("made without %s", lack)
		}
	}
}
