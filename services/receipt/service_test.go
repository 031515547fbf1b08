package receipt_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	netmail "net/mail"
	"reflect"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt"
	"github.com/almoner/almoner/services/receipt/migrations"
)

func TestGiftBecomesReceiptAndMail(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.boot()
	w.open(p)
	donation := w.give(1, "Amina Diallo")

	link := p.awaitMail(donation)
	if link.GetNumber() != "REFUGE-2026-000001" || link.GetTraceId() != traceID || link.GetIssuedAt() != w.clock.Now().UnixMicro() {
		t.Errorf("link = %v, want number 1, in the donor's trace, issued now", link)
	}
	got, err := p.receipt.GetReceipt(t.Context(), &receiptv1.GetReceiptRequest{Number: link.GetNumber(), Token: link.GetToken()})
	if err != nil {
		t.Fatalf("get receipt: %v", err)
	}
	if got.GetTotal().GetMinor() != 10330 || got.GetGift().GetMinor() != 10000 || got.GetCover().GetMinor() != 330 || got.GetTotal().GetCurrency() != "EUR" {
		t.Errorf("amounts = %v = %v + %v", got.GetTotal(), got.GetGift(), got.GetCover())
	}
	said := []string{
		got.GetOrganizationLegalName(), got.GetOrganizationRegistration(), got.GetOrganizationContact(), strings.Join(got.GetOrganizationAddress(), "|"),
		got.GetDonorName(), got.GetDonorEmail(), got.GetFundName(), got.GetReceivedOn(), got.GetIssuedOn(), got.GetPaymentReference(), got.GetLanguage(),
	}
	want := []string{
		"Refuge Aid Association", "CHE-123.456.789", "gifts@refuge.example", "12 Harbour Street|1204 Geneva",
		"Amina Diallo", "donor1@example.org", "Water in the camps", "2026-11-04", "2026-11-04", "pi_000001", "en",
	}
	if !reflect.DeepEqual(said, want) {
		t.Errorf("the receipt says\n%q, want\n%q", said, want)
	}

	letter, sent := w.letters()["receipt-REFUGE-2026-000001-1"]
	if !sent {
		t.Fatal("there is no mail")
	}
	address := "https://give.example.org/receipts/" + link.GetNumber() + "/" + link.GetToken()
	if !strings.Contains(letter.Subject, "Receipt") || !strings.Contains(letter.Text, address) || !strings.Contains(letter.HTML, address) {
		t.Errorf("mail %q:\n%s", letter.Subject, letter.Text)
	}

	file, err := p.receipt.GetReceiptPDF(t.Context(), &receiptv1.GetReceiptPDFRequest{Number: link.GetNumber(), Token: link.GetToken()})
	if err != nil || !bytes.HasPrefix(file.GetPdf(), []byte("%PDF-")) {
		t.Fatalf("file of %d bytes, %v", len(file.GetPdf()), err)
	}
	digest := sha256.Sum256(file.GetPdf())
	if file.GetSha256() != hex.EncodeToString(digest[:]) || !got.GetPdfReady() || len(got.GetPdfWaitsFor()) != 0 || got.GetState() != receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE {
		t.Errorf("hash %s, ready %v, waits for %q, %v", file.GetSha256(), got.GetPdfReady(), got.GetPdfWaitsFor(), got.GetState())
	}
	if len(letter.Attachments) != 1 || letter.Attachments[0].Name != "REFUGE-2026-000001.pdf" ||
		letter.Attachments[0].ContentType != "application/pdf" || !bytes.Equal(letter.Attachments[0].Content, file.GetPdf()) {
		t.Errorf("the mail has %d attachments", len(letter.Attachments))
	}
	checked, err := p.receipt.VerifyReceipt(t.Context(), &receiptv1.VerifyReceiptRequest{Number: link.GetNumber(), CheckCode: strings.ToLower(got.GetCheckCode())})
	if err != nil || checked.GetState() != receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE || checked.GetOrganizationLegalName() != "Refuge Aid Association" || checked.GetIssuedOn() != "2026-11-04" {
		t.Errorf("checked: %v, %v", checked, err)
	}

	sums := p.sums()
	if len(sums.GetSums()) != 1 || sums.GetSums()[0].GetReceiptedMinor() != 10330 || sums.GetSums()[0].GetReceipts() != 1 || sums.GetSums()[0].GetOrganizationId() != refuge {
		t.Errorf("sums = %v", sums.GetSums())
	}
	positions := map[string]int64{}
	for _, checkpoint := range sums.GetCheckpoints() {
		positions[checkpoint.GetFeed()] = checkpoint.GetPos()
	}
	if sums.GetReceiptsDue() != 0 || sums.GetMailsDue() != 0 || !reflect.DeepEqual(positions, map[string]int64{"donation": 1, "fundraiser": 2}) {
		t.Errorf("due %d and %d at %v, want nothing at the feeds' heads", sums.GetReceiptsDue(), sums.GetMailsDue(), positions)
	}
}

// The two feeds know no common order: the gift may be told before the fund.
func TestGiftToldBeforeItsOrganizationIsReceiptedAfterIt(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.boot()
	early := w.give(1, "Amina Diallo")
	testkit.Eventually(t, func() bool {
		items := p.parked()
		return len(items) == 1 && items[0].GetWaiting()
	})
	w.open(p)
	p.awaitMail(early)
	testkit.Eventually(t, func() bool { return len(p.parked()) == 0 })
}

// The process ends at each step of a gift's way and starts again from its
// files: one receipt, one mail, no gap.
func TestStoppingAnywhereLeavesOneReceiptAndOneMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		upTo  func(t *testing.T, w *town, p *process, donation string) // how far it gets
		after func(w *town)                                            // what is different afterwards
	}{
		"while donation is asked": {
			upTo: func(_ *testing.T, w *town, _ *process, _ string) {
				holding := make(chan struct{})
				w.donors.set(func(d *donors) { d.holding = holding })
				w.give(1, "Amina Diallo")
				<-holding
			},
			after: func(w *town) { w.donors.set(func(d *donors) { d.holding = nil }) },
		},
		"between receipt and mail": {
			upTo: func(t *testing.T, w *town, p *process, donation string) {
				w.replaceMailDir(true)
				w.give(1, "Amina Diallo")
				testkit.Eventually(t, func() bool { return p.link(donation) != nil })
			},
			after: func(w *town) { w.replaceMailDir(false) },
		},
		"between the mail and its note": {
			upTo: func(t *testing.T, w *town, p *process, donation string) {
				w.give(1, "Amina Diallo")
				p.awaitMail(donation)
				err := p.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					_, err := tx.ExecContext(ctx, `UPDATE receipt_mail SET mailed_at = 0`)
					return err
				})
				if err != nil {
					t.Fatalf("lose the note: %v", err)
				}
			},
			after: func(*town) {},
		},
		"when all is done": {
			upTo: func(_ *testing.T, w *town, p *process, donation string) {
				w.give(1, "Amina Diallo")
				p.awaitMail(donation)
			},
			after: func(*town) {},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			p := w.boot()
			w.open(p)
			donation := id(1)
			c.upTo(t, w, p, donation)
			p.stop()
			c.after(w)
			w.clock.Advance(time.Minute) // pauses are over

			p = w.boot()
			if got := p.awaitMail(donation).GetNumber(); got != "REFUGE-2026-000001" {
				t.Errorf("number %s, want 1", got)
			}
			if got := p.awaitMail(w.give(2, "Piotr Nowak")).GetNumber(); got != "REFUGE-2026-000002" {
				t.Errorf("the next gift has %s, want number 2", got)
			}
			if letters := w.letters(); len(letters) != 2 {
				t.Errorf("%d mails, want one a receipt", len(letters))
			}
			if sums := p.sums(); sums.GetSums()[0].GetReceipts() != 2 || sums.GetReceiptsDue() != 0 || sums.GetMailsDue() != 0 {
				t.Errorf("sums = %v", sums)
			}
		})
	}
}

func TestDonationAwayAndBack(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.donors.set(func(d *donors) { d.away = true })
	p := w.boot()
	w.open(p)
	donations := []string{w.give(1, "Amina Diallo"), w.give(2, "Piotr Nowak")}
	testkit.Eventually(t, func() bool { return w.donors.questions() >= 2 && p.sums().GetReceiptsDue() == 2 })
	if items := p.parked(); len(items) != 0 {
		t.Errorf("parked %v, want nothing: it is nobody's fault", items)
	}
	w.donors.set(func(d *donors) { d.away = false })
	testkit.Eventually(t, func() bool {
		w.clock.Advance(time.Second)
		return p.link(donations[0]) != nil && p.link(donations[1]) != nil
	})
	p.sums()
}

func TestDonorGoneIsParkedForStaffAndOthersFlow(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.boot()
	w.open(p)
	gone := id(1)
	w.tell("donation", gone, 1, gift(gone, w.clock.Now()))
	p.awaitMail(w.give(2, "Piotr Nowak"))

	testkit.Eventually(t, func() bool { return len(p.parked()) == 1 })
	item := p.parked()[0]
	if item.GetId() != "receipt:"+gone || item.GetAggregateId() != gone || item.GetWaiting() || !strings.Contains(item.GetReason(), "no such donation") {
		t.Errorf("parked %v", item)
	}
	retry := func(id string) (*feedv1.RetryParkedResponse, error) {
		return p.parking.RetryParked(t.Context(), &feedv1.RetryParkedRequest{Service: "receipt", Id: id})
	}
	for _, unknown := range []string{"receipt:" + id(9), "mail:REFUGE-2026-000009", "donation:99", "nonsense"} {
		_, err := retry(unknown)
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("retry of %q = %v, want not found", unknown, err)
		}
	}
	for _, which := range []string{item.GetId(), ""} {
		answer, err := retry(which)
		if err != nil || answer.GetApplied() != 0 || answer.GetParked() != 1 {
			t.Errorf("retry while the donor is gone = %v, %v, want still parked", answer, err)
		}
	}
	w.donors.know(gone, &donationv1.GetDonorResponse{Name: "Amina Diallo", Email: "amina@example.org"})
	answer, err := retry(item.GetId())
	if err != nil || answer.GetApplied() != 1 || answer.GetParked() != 0 {
		t.Errorf("retry = %v, %v, want applied", answer, err)
	}
	if got := p.link(gone).GetNumber(); got != "REFUGE-2026-000002" {
		t.Errorf("number %q, want 2: the series has no gap for who waited", got)
	}
}

func TestAddressThatNoMailReachesIsParked(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.boot()
	w.open(p)
	w.donors.know(id(1), &donationv1.GetDonorResponse{Name: "Amina Diallo", Email: "amina@example.org\r\nBcc: all@example.org"})
	w.tell("donation", id(1), 1, gift(id(1), w.clock.Now()))
	testkit.Eventually(t, func() bool { return len(p.parked()) == 1 })
	item := p.parked()[0]
	if item.GetId() != "mail:REFUGE-2026-000001" || strings.Contains(item.GetReason(), "@") {
		t.Errorf("parked %v, want the mail without its address", item)
	}
	if len(w.letters()) != 0 {
		t.Error("a mail was sent")
	}
}

// An event that makes no sense parks its aggregate; what needs that waits for
// it, and everything else flows.
func TestSenselessEventsAreParked(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.boot()
	w.open(p)
	w.tell("fundraiser", "org-nowhere", 1, &fundraiserv1.OrganizationChanged{OrganizationId: "org-nowhere", Code: "NOWHERE", TimeZone: "Atlantis/Capital", Version: 1})
	nothing := gift(id(1), w.clock.Now())
	nothing.Gift.Minor = 0
	w.tell("donation", id(1), 1, nothing)
	p.awaitMail(w.give(2, "Piotr Nowak"))
	testkit.Eventually(t, func() bool { return len(p.parked()) == 2 })
	for _, item := range p.parked() {
		if item.GetWaiting() {
			t.Errorf("%v waits, though nothing can help it", item)
		}
	}
	p.sums()
}

func TestHostileNamesStayOneEncodedHeader(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.boot()
	w.open(p)
	names := map[string]string{ // as given, as read in the header
		"Amina\r\nBcc: everyone@example.org":       "Amina Bcc: everyone@example.org",
		"\u202Eevil\u202C <b onclick=x>\u2066":     "evil <b onclick=x>",
		`"Amina" <thief@example.net>, x@y.example`: `"Amina" <thief@example.net>, x@y.example`,
		"أمينة بنت عبد الله الديالو":               "أمينة بنت عبد الله الديالو",
		strings.Repeat("汉", 200):                   strings.Repeat("汉", 79) + "…",
		strings.Repeat("𝔄𝔪𝔦𝔫𝔞", 40):                strings.Repeat("𝔄𝔪𝔦𝔫𝔞", 15) + "𝔄𝔪𝔦𝔫…",
	}
	n := 0
	for given, read := range names {
		n++
		link := p.awaitMail(w.give(n, given))
		letter := w.letters()["receipt-"+link.GetNumber()+"-1"]
		message, err := netmail.ReadMessage(bytes.NewReader(letter.Raw))
		if err != nil {
			t.Fatalf("read mail: %v", err)
		}
		to, err := message.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Name != read || !strings.HasPrefix(to[0].Address, "donor") {
			t.Errorf("to %v, %v, want %q alone", to, err, read)
		}
		if len(message.Header["To"]) != 1 || message.Header.Get("Bcc") != "" || len(message.Header["Subject"]) != 1 {
			t.Errorf("headers = %v", message.Header)
		}
		head, _, _ := bytes.Cut(letter.Raw, []byte("\r\n\r\n"))
		for _, b := range head {
			if b > 126 || b < 32 && b != '\r' && b != '\n' && b != '\t' {
				t.Fatalf("byte %d stands bare in the header:\n%s", b, head)
			}
		}
		if strings.Contains(letter.HTML, "<b onclick") {
			t.Errorf("the name is markup:\n%s", letter.HTML)
		}
		receipt, err := p.receipt.GetReceipt(t.Context(), &receiptv1.GetReceiptRequest{Number: link.GetNumber(), Token: link.GetToken()})
		if err != nil || receipt.GetDonorName() != given {
			t.Errorf("the receipt says %q, %v, want the name as given: %q", receipt.GetDonorName(), err, given)
		}
	}
}

func TestOnlyTheNamedCallersMayAsk(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	db := testkit.SQLite(t, "receipt", receipt.Migrations()...)
	outside := dial(t, w.network, "receipt")
	defer outside.Close()
	service, err := receipt.New(w.config(), receipt.Deps{DB: db, Conn: outside, Mail: w.sink()})
	if err != nil {
		t.Fatalf("set up: %v", err)
	}
	network, server := rpc.NewNetwork(), rpc.NewServer(rpc.ServerConfig{})
	service.RegisterGRPC(server)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(ctx, network) }()
	for caller, want := range map[string]apperr.Code{"web": apperr.NotFound, "operator": apperr.PermissionDenied, "donation": apperr.PermissionDenied} {
		conn := dial(t, network, caller)
		_, err := receiptv1.NewReceiptServiceClient(conn).GetReceipt(t.Context(), &receiptv1.GetReceiptRequest{Number: "REFUGE-2026-000001", Token: "x"})
		if apperr.CodeOf(err) != want {
			t.Errorf("%s gets %v, want %s", caller, err, want)
		}
		conn.Close()
	}
	stop()
	err = <-stopped
	if err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestSetUpRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	db := testkit.SQLite(t, "receipt", receipt.Migrations()...)
	conn := dial(t, w.network, "receipt")
	defer conn.Close()
	for name, spoil := range map[string]func(*receipt.Config, *receipt.Deps){
		"guessable secret": func(c *receipt.Config, _ *receipt.Deps) { c.SecretKey = config.NewSecret("secret") },
		"no base URL":      func(c *receipt.Config, _ *receipt.Deps) { c.BaseURL = "" },
		"no mail":          func(_ *receipt.Config, d *receipt.Deps) { d.Mail = nil },
		"no database":      func(_ *receipt.Config, d *receipt.Deps) { d.DB = nil },
		"no connection":    func(_ *receipt.Config, d *receipt.Deps) { d.Conn = nil },
	} {
		cfg, deps := w.config(), receipt.Deps{DB: db, Conn: conn, Mail: w.sink()}
		spoil(&cfg, &deps)
		_, err := receipt.New(cfg, deps)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestReadyMeansMigrated(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	conn := dial(t, w.network, "receipt")
	defer conn.Close()
	db, err := database.Open(t.Context(), database.Config{URL: "sqlite:" + t.TempDir() + "/receipt.db", Service: "receipt", Migrations: receipt.Migrations()})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	service, err := receipt.New(w.config(), receipt.Deps{DB: db, Conn: conn, Mail: w.sink()})
	if err != nil {
		t.Fatalf("set up: %v", err)
	}
	if service.Ready(t.Context()) == nil {
		t.Error("ready without tables")
	}
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatalf("migrate: %v", err)
	}
	err = service.Ready(t.Context())
	if err != nil {
		t.Errorf("not ready: %v", err)
	}
	err = db.Close()
	if err != nil {
		t.Fatalf("close: %v", err)
	}
	if service.Ready(t.Context()) == nil {
		t.Error("ready without a database")
	}
}

func TestEnginesHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	names := func(engine string) []string {
		found, err := fs.Glob(migrations.FS, engine+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for i := range found {
			found[i] = strings.TrimPrefix(found[i], engine+"/")
		}
		return found
	}
	if !reflect.DeepEqual(names("sqlite"), names("postgres")) || len(names("sqlite")) == 0 {
		t.Errorf("SQLite has %v, PostgreSQL %v", names("sqlite"), names("postgres"))
	}
}
