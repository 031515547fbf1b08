package ledger_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
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
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger"
)

const (
	relief  = "5f0c1a52-4f0e-5a3c-8d19-0d7a5f1c2b3e"
	pacific = "b7d9e6c4-1a2b-5c3d-9e8f-7a6b5c4d3e2f"
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
)

// moment is when everything in these tests is paid: 23:30 UTC on the last day of
// March, which is already the first of April in Zurich.
var moment = time.Date(2026, 3, 31, 23, 30, 0, 0, time.UTC)

// producer stands in for a service that owns a feed: a real log and relay.
type producer struct {
	db       *database.DB
	log      *feed.Log
	versions map[string]int64
}

// world is the ledger running beside two producers and a broker.
type world struct {
	donation, fundraiser *producer
	web                  ledgerv1.LedgerServiceClient
	parking              feedv1.ParkingServiceClient
	network              *rpc.Network
}

func start(t *testing.T) *world {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan string, 8)
	running := 0
	run := func(what string, part func(context.Context) error) {
		running++
		go func() {
			err := part(ctx)
			if err != nil {
				what = fmt.Sprintf("%s: %v", what, err)
			}
			ended <- what
		}()
	}
	nats := testkit.NATS(t)
	w := &world{network: rpc.NewNetwork()}
	feeds := feed.NewServer()
	produce := func(name string) *producer {
		db := testkit.SQLite(t, name, feed.Migrations())
		p := &producer{db: db, log: feed.NewLog(db, name), versions: map[string]int64{}}
		feeds.AddFeed(name, p.log)
		relay := feed.NewProducer(feed.ProducerConfig{Feed: name, Log: p.log, DB: db, NATS: nats})
		run(name, func(ctx context.Context) error { relay.Run(ctx); return nil })
		return p
	}
	w.donation, w.fundraiser = produce("donation"), produce("fundraiser")

	service, err := ledger.New(ledger.Config{}, ledger.Deps{
		DB:   testkit.SQLite(t, "ledger", ledger.Migrations()...),
		NATS: nats, Conn: w.dial(t, "ledger"),
		Now: testkit.Clock(t, moment.Add(time.Hour)).Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	people := testkit.NewPeople(t)
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	service.RegisterGRPC(server)
	service.AddTo(feeds)
	feedv1.RegisterFeedServiceServer(server, feeds)
	feedv1.RegisterParkingServiceServer(server, feeds)
	run("server", func(ctx context.Context) error { return server.Serve(ctx, w.network) })
	run("ledger", service.Run)

	web := w.dial(t, "web", people.As("an accountant", "accountant")...)
	w.web, w.parking = ledgerv1.NewLedgerServiceClient(web), feedv1.NewParkingServiceClient(web)
	err = service.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		for range running {
			what := <-ended
			if strings.Contains(what, ": ") {
				t.Errorf("ended with %s", what)
			}
		}
	})
	return w
}

func (w *world) dial(t *testing.T, caller string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := w.network.Dial(caller, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// publish appends the next event of an aggregate.
func (p *producer) publish(t *testing.T, id, aggregate string, message proto.Message) {
	t.Helper()
	p.versions[aggregate]++
	event, err := envelope.New(id, aggregate, p.versions[aggregate], moment, "00-"+traceID+"-00f067aa0ba902b7-01", message)
	if err != nil {
		t.Fatal(err)
	}
	err = p.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error { return p.log.Append(ctx, tx, event) })
	if err != nil {
		t.Fatal(err)
	}
}

// caughtUp waits until the ledger has applied everything published, and nothing
// waits for a fact of the other feed: the two are applied side by side.
func (w *world) caughtUp(t *testing.T) *ledgerv1.SumBooksResponse {
	t.Helper()
	testkit.Eventually(t, func() bool {
		sums := w.sums(t)
		for name, p := range map[string]*producer{"donation": w.donation, "fundraiser": w.fundraiser} {
			status, err := p.log.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			applied := slices.ContainsFunc(sums.GetCheckpoints(), func(c *feedv1.Checkpoint) bool {
				return c.GetFeed() == name && c.GetPos() == status.Head
			})
			if status.Unsequenced > 0 || (status.Head > 0 && !applied) {
				return false
			}
		}
		return !slices.ContainsFunc(w.parked(t), (*feedv1.ParkedItem).GetWaiting)
	})
	// Read again: what waited when the sums were taken stood behind the checkpoint
	// and in no sum, and may have been booked before it was looked for.
	return w.sums(t)
}

func (w *world) sums(t *testing.T) *ledgerv1.SumBooksResponse {
	t.Helper()
	sums, err := w.web.SumBooks(t.Context(), &ledgerv1.SumBooksRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func (w *world) organization(t *testing.T, id, slug, code, zone string) {
	t.Helper()
	w.fundraiser.publish(t, envelope.NewID(moment), id, &fundraiserv1.OrganizationChanged{
		OrganizationId: id, Slug: slug, Code: code, Name: "Relief Without Borders", TimeZone: zone,
		BaseCurrency: "EUR", Version: w.fundraiser.versions[id] + 1, Home: true,
	})
}

func (w *world) fund(t *testing.T, organization, code string) {
	t.Helper()
	w.fundraiser.publish(t, envelope.NewID(moment), "fund-"+code, &fundraiserv1.FundChanged{
		FundId: "fund-" + code, OrganizationId: organization, Code: code, Name: "Winter relief",
		FundClass: attributionv1.FundClass_FUND_CLASS_RESTRICTED, Version: 1,
	})
}

func amount(minor int64, currency string) *moneyv1.Money {
	return &moneyv1.Money{Minor: minor, Currency: currency}
}

// payment is a gift with its balance transaction.
type payment struct {
	gift        *donationv1.DonationSucceeded
	transaction *donationv1.BalanceTransactionRecorded
}

func pay(number int, gift, cover, fee int64, currency string) payment {
	g := &donationv1.DonationSucceeded{
		DonationId: fmt.Sprintf("9d1c7a34-0000-4000-8000-00000000000%d", number), AccountId: "acct_relief",
		Gift: amount(gift, currency), Cover: amount(cover, currency),
		Attribution: &attributionv1.Attribution{
			OrganizationId: relief, AppealId: "appeal-flood", FundCode: "general",
			FundClass: attributionv1.FundClass_FUND_CLASS_UNRESTRICTED,
		},
		Visibility:      donationv1.Visibility_VISIBILITY_ANONYMOUS,
		PaymentIntentId: fmt.Sprintf("pi_%d", number), ChargeId: fmt.Sprintf("ch_%d", number), PaidAt: moment.UnixMicro(),
	}
	return payment{g, &donationv1.BalanceTransactionRecorded{
		TransactionId: fmt.Sprintf("txn_%d", number), AccountId: "acct_relief", ReportingCategory: "charge",
		Amount: amount(gift+cover, currency), Fee: amount(fee, currency), Net: amount(gift+cover-fee, currency),
		FeeDetails: []*donationv1.FeeDetail{{Type: "stripe_fee", Amount: amount(fee, currency), Description: "Stripe processing fees"}},
		SourceId:   g.GetChargeId(), SourceAmount: amount(gift+cover, currency), OrganizationId: relief,
		DonationId: g.GetDonationId(), PaymentIntentId: g.GetPaymentIntentId(), Attribution: g.GetAttribution(),
		CreatedAt: moment.Add(time.Second).UnixMicro(),
	}}
}

func (w *world) tell(t *testing.T, p payment) {
	t.Helper()
	w.donation.publish(t, "event-"+p.gift.GetChargeId(), p.gift.GetDonationId(), p.gift)
	w.settle(t, p)
}

func (w *world) settle(t *testing.T, p payment) {
	t.Helper()
	w.donation.publish(t, "event-"+p.transaction.GetTransactionId(), p.transaction.GetTransactionId(), p.transaction)
}

// march is a gift with cover, a restricted one, one through a supporter's page
// in dollars, one that settles in dollars, and a charge of somebody else.
func (w *world) march(t *testing.T) {
	t.Helper()
	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	w.fund(t, relief, "winter")
	w.caughtUp(t)
	w.tell(t, pay(1, 100_00, 3_30, 3_30, "EUR"))
	restricted := pay(2, 50_00, 0, 1_75, "EUR")
	restricted.gift.Attribution.FundCode = "winter"
	restricted.gift.Attribution.FundClass = attributionv1.FundClass_FUND_CLASS_RESTRICTED
	w.tell(t, restricted)
	peer := pay(3, 20_00, 0, 85, "USD")
	peer.gift.Attribution.FundraiserId = "page-amal"
	w.tell(t, peer)
	abroad := pay(4, 100_00, 0, 0, "EUR")
	abroad.transaction.Amount, abroad.transaction.Fee, abroad.transaction.Net = amount(108_50, "USD"), amount(5_32, "USD"), amount(103_18, "USD")
	abroad.transaction.FeeDetails, abroad.transaction.ExchangeRate = nil, "1.085"
	// Told the other way round: the fee before the gift.
	w.settle(t, abroad)
	w.donation.publish(t, "event-ch_4", abroad.gift.GetDonationId(), abroad.gift)
	stranger := pay(5, 15_00, 0, 52, "EUR")
	stranger.transaction.Foreign, stranger.transaction.DonationId, stranger.transaction.Attribution = true, "", nil
	w.settle(t, stranger)
	// The first gift and its fee are told again, as other events.
	again := pay(1, 100_00, 3_30, 3_30, "EUR")
	w.donation.publish(t, envelope.NewID(moment), again.gift.GetDonationId(), again.gift)
	w.donation.publish(t, envelope.NewID(moment), again.transaction.GetTransactionId(), again.transaction)
}

func TestTheBooksFollowTheFeeds(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.march(t)
	sums := w.caughtUp(t)

	balance, err := w.web.TrialBalance(t.Context(), &ledgerv1.TrialBalanceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range balance.GetRows() {
		got = append(got, fmt.Sprintf("%s %s %d", row.GetAccountName(), row.GetCurrency(), row.GetClosingMinor()))
	}
	want := []string{
		"Assets:Stripe:Balance:EUR EUR 16273", // 103.30 − 3.30 + 50.00 − 1.75 + 15.00 − 0.52
		"Assets:Stripe:Balance:USD USD 12233", // 20.00 − 0.85 + 103.18
		"Liabilities:Suspense:EUR EUR -1448",
		"Equity:Trading:EUR EUR 10000",
		"Equity:Trading:USD USD -10850",
		"Income:Contributions:WithoutRestrictions:Online EUR -20000",
		"Income:Contributions:WithoutRestrictions:PeerToPeer USD -2000",
		"Income:Contributions:WithoutRestrictions:FeeCover EUR -330",
		"Income:Contributions:WithRestrictions:winter EUR -5000",
		"Expenses:Fees:StripeProcessing EUR 505",
		"Expenses:Fees:StripeProcessing USD 617",
	}
	if !slices.Equal(got, want) {
		t.Errorf("trial balance\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	var gifts []string
	for _, sum := range sums.GetSums() {
		gifts = append(gifts, fmt.Sprintf("%s %d+%d", sum.GetCurrency(), sum.GetGiftMinor(), sum.GetCoverMinor()))
	}
	if want := []string{"EUR 25000+330", "USD 2000+0"}; !slices.Equal(gifts, want) {
		t.Errorf("gifts %v, want %v", gifts, want)
	}
	items := sums.GetOpenItems()
	if len(items) != 1 || items[0].GetStripeId() != "ch_5" || items[0].GetBalanceMinor() != -14_48 {
		t.Errorf("open items %v, want the stranger's charge with 14.48", items)
	}
	for _, left := range sums.GetImbalance() {
		if left.GetMinor() != 0 {
			t.Errorf("the books are out of balance by %v", left)
		}
	}
}

func TestAnEntrySaysWhereItComesFrom(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.march(t)
	w.caughtUp(t)
	response, err := w.web.ListEntries(t.Context(), &ledgerv1.ListEntriesRequest{DonationId: "9d1c7a34-0000-4000-8000-000000000002"})
	if err != nil {
		t.Fatal(err)
	}
	entries := response.GetEntries()
	if len(entries) != 2 {
		t.Fatalf("%d entries, want gift and fee", len(entries))
	}
	gift := entries[0]
	if gift.GetRule() != "gift" || gift.GetRuleVersion() != 1 || gift.GetEventId() != "event-ch_2" || gift.GetTraceId() != traceID ||
		gift.GetAccountId() != "acct_relief" || !slices.Equal(gift.GetStripeIds(), []string{"pi_2", "ch_2"}) ||
		gift.GetOccurredAt() != moment.UnixMicro() || gift.GetPostedAt() != moment.Add(time.Hour).UnixMicro() ||
		gift.GetBookedOn() != "2026-04-01" || len(gift.GetPostings()) != 2 {
		t.Errorf("gift entry %v", gift)
	}
	income := gift.GetPostings()[1]
	if income.GetAccountCode() != "4100/winter" || income.GetFundCode() != "winter" || income.GetChannel() != "online" || income.GetAmount().GetMinor() != -50_00 {
		t.Errorf("income posting %v", income)
	}

	chains, err := w.web.VerifyChain(t.Context(), &ledgerv1.VerifyChainRequest{})
	if err != nil {
		t.Fatal(err)
	}
	chain := chains.GetChains()
	if len(chain) != 1 || chain[0].GetFault() != "" || chain[0].GetEntries() != 11 || len(chain[0].GetHeadHash()) != hex.EncodedLen(32) {
		t.Errorf("chains %v, want one of 11 entries without a fault", chain)
	}
}

// download reads a stream of pieces to its end.
func download[M interface{ GetChunk() []byte }](t *testing.T, stream interface{ Recv() (M, error) }, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	for {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return file.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		file.Write(piece.GetChunk())
	}
}

func TestExportsOverRPC(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.march(t)
	w.caughtUp(t)
	journal := func(format string) string {
		stream, err := w.web.ExportJournal(t.Context(), &ledgerv1.ExportJournalRequest{Format: format, Organization: "relief"})
		return download(t, stream, err)
	}
	if lines := strings.Count(journal("csv"), "\r\n"); lines != 1+25 {
		t.Errorf("%d lines of CSV, want the header and 25 postings", lines)
	}
	stream, err := w.web.ExportTrialBalance(t.Context(), &ledgerv1.ExportTrialBalanceRequest{Format: "csv", From: "2026-04-01", To: "2026-04-30"})
	balance := download(t, stream, err)
	if !strings.Contains(balance, "4100/winter,Income:Contributions:WithRestrictions:winter,EUR,0.00,0.00,50.00,-50.00\r\n") {
		t.Errorf("trial balance of April:\n%s", balance)
	}
	text := journal("hledger")
	if !strings.Contains(text, "2026-04-01 * (JE-") {
		t.Errorf("journal:\n%s", text)
	}
	checkedByHledger(t, text)
}

func checkedByHledger(t *testing.T, text string) {
	t.Helper()
	hledger, err := exec.LookPath("hledger")
	if err != nil {
		if os.Getenv("REQUIRE_HLEDGER") == "1" {
			t.Fatal("hledger is required (REQUIRE_HLEDGER=1) and not on PATH")
		}
		t.Skip("hledger is not on PATH, so nothing independent can read the export")
	}
	check := exec.CommandContext(t.Context(), hledger, "-f", "-", "check", "-s")
	check.Stdin = strings.NewReader(text)
	complaint, err := check.CombinedOutput()
	if err != nil {
		t.Fatalf("hledger: %v\n%s", err, complaint)
	}
}

func (w *world) parked(t *testing.T) []*feedv1.ParkedItem {
	t.Helper()
	response, err := w.parking.ListParked(t.Context(), &feedv1.ListParkedRequest{Service: "ledger"})
	if err != nil {
		t.Fatal(err)
	}
	return response.GetItems()
}

func TestAnswersToBadQuestions(t *testing.T) {
	t.Parallel()
	w := start(t)
	ask := func(organization, from string) error {
		_, err := w.web.TrialBalance(t.Context(), &ledgerv1.TrialBalanceRequest{Organization: organization, From: from})
		return err
	}
	if err := ask("", ""); apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("empty books: %v", err)
	}
	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	w.organization(t, pacific, "pacific-aid", "PAC", "Pacific/Auckland")
	w.caughtUp(t)
	err := ask("", "")
	var public *apperr.Error
	if !errors.As(err, &public) || public.Code != apperr.InvalidArgument || !strings.Contains(public.Message, "REL") || !strings.Contains(public.Message, "PAC") {
		t.Errorf("which of two: %v", err)
	}
	err = ask("REL", "01.03.2026")
	if !errors.As(err, &public) || len(public.Fields) != 1 || public.Fields[0].Name != "from" {
		t.Errorf("bad day: %v", err)
	}
	if err := ask("nobody", ""); apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("unknown organization: %v", err)
	}
	stream, err := w.web.ExportJournal(t.Context(), &ledgerv1.ExportJournalRequest{Organization: "REL", Format: "pdf"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	if !errors.As(err, &public) || len(public.Fields) != 1 || public.Fields[0].Name != "format" {
		t.Errorf("unknown format: %v", err)
	}
	_, err = ledgerv1.NewLedgerServiceClient(w.dial(t, "donation")).VerifyChain(t.Context(), &ledgerv1.VerifyChainRequest{})
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("donation asked the ledger: %v", err)
	}
}

func TestTheServiceCanBeAskedWithoutRunning(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), database.Config{URL: "sqlite:" + t.TempDir() + "/ledger.db", Service: "ledger", Migrations: ledger.Migrations()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	network := rpc.NewNetwork()
	conn, err := network.Dial("ledger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = ledger.New(ledger.Config{}, ledger.Deps{Conn: conn})
	if err == nil {
		t.Error("made without a database")
	}
	service, err := ledger.New(ledger.Config{}, ledger.Deps{DB: db, Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	if service.Ready(t.Context()) == nil {
		t.Error("ready before the database is migrated")
	}
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Ready(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
}
