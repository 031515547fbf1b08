package app_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
	"github.com/almoner/almoner/services/ledger/internal/store"
	"github.com/almoner/almoner/services/ledger/migrations"
)

var update = flag.Bool("update", false, "write the golden files anew")

const relief = "5f0c1a52-4f0e-5a3c-8d19-0d7a5f1c2b3e"

func amount(minor int64, code string) money.Amount {
	return money.Amount{Minor: minor, Currency: money.MustCurrency(code)}
}

// gift is a gift on a day of March 2026, with its cover.
func gift(number, day int, given, cover money.Amount) domain.Gift {
	return domain.Gift{
		DonationID: fmt.Sprintf("9d1c7a34-0000-4000-8000-00000000000%d", number),
		AccountID:  "acct_relief", ChargeID: fmt.Sprintf("ch_%d", number), PaymentIntentID: fmt.Sprintf("pi_%d", number),
		Gift: given, Cover: cover, PaidAt: time.Date(2026, 3, day, 10, 30, 0, 0, time.UTC),
		Attribution: domain.Attribution{
			OrganizationID: relief, AppealID: "5c9f0a11-appeal-flood", FundCode: "general", FundClass: domain.FundUnrestricted,
		},
	}
}

func charge(g domain.Gift, fee money.Amount) domain.Transaction {
	gross := money.Amount{Minor: g.Gift.Minor + g.Cover.Minor, Currency: g.Gift.Currency}
	return domain.Transaction{
		ID: "txn_" + g.ChargeID, AccountID: "acct_relief", Category: "charge", Amount: gross, Fee: fee,
		Net:      money.Amount{Minor: gross.Minor - fee.Minor, Currency: fee.Currency},
		SourceID: g.ChargeID, Source: gross, PaymentIntentID: g.PaymentIntentID,
		OrganizationID: relief, DonationID: g.DonationID, Attribution: g.Attribution, CreatedAt: g.PaidAt.Add(time.Second),
	}
}

// marchBooks is a month with everything that rules can book: cover, restricted
// and peer-to-peer gifts, currencies with none, two and three decimals, a
// conversion, a stranger's charge, and a category whose name is an attack.
func marchBooks(t *testing.T) *app.Books {
	t.Helper()
	covered := gift(1, 2, amount(100_00, "EUR"), amount(3_30, "EUR"))
	restricted := gift(2, 2, amount(50_00, "EUR"), amount(0, "EUR"))
	restricted.Attribution.FundCode, restricted.Attribution.FundClass = "winter", domain.FundRestricted
	peer := gift(3, 5, amount(20_00, "USD"), amount(0, "USD"))
	peer.Attribution.FundraiserID, peer.Attribution.TeamID = "page-amal", "team-lake"
	yen := gift(4, 6, amount(5000, "JPY"), amount(0, "JPY"))
	dinar := gift(5, 6, amount(12_340, "KWD"), amount(0, "KWD"))
	abroad := gift(6, 1, amount(100_00, "EUR"), amount(0, "EUR"))

	converted := charge(abroad, amount(5_32, "USD"))
	converted.Amount, converted.Net = amount(108_50, "USD"), amount(103_18, "USD")
	converted.FeeDetails = []domain.FeeDetail{
		{Type: "stripe_fee", Amount: amount(4_23, "USD"), Description: "Stripe processing fees"},
		{Type: "stripe_fee", Amount: amount(1_09, "USD"), Description: "Stripe currency conversion fee"},
	}
	taxed := charge(covered, amount(3_30, "EUR"))
	taxed.FeeDetails = []domain.FeeDetail{
		{Type: "stripe_fee", Amount: amount(2_75, "EUR")}, {Type: "tax", Amount: amount(55, "EUR")},
	}
	stranger := charge(gift(7, 8, amount(15_00, "EUR"), amount(0, "EUR")), amount(52, "EUR"))
	stranger.Foreign, stranger.DonationID, stranger.Attribution = true, "", domain.Attribution{}
	attack := stranger
	attack.ID, attack.Category, attack.SourceID, attack.PaymentIntentID = "txn_attack", "fee; x | y\r\n    Income:Mine  -1000.00 EUR\u202e", "", ""

	db := testkit.SQLite(t, "ledger", migrations.Set())
	poster := &app.Poster{
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Now:    func() time.Time { return time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC) },
	}
	err := db.InTx(t.Context(), func(ctx context.Context, dbTx *database.Tx) error {
		tx := store.Bind(dbTx)
		err := app.SaveOrganizations(ctx, tx, []domain.Organization{
			{ID: relief, Slug: "relief", Code: "REL", Name: "Relief; Without\nBorders", TimeZone: "Europe/Zurich", Version: 1},
		})
		if err != nil {
			return err
		}
		err = app.SaveFunds(ctx, tx, []domain.Fund{{ID: "fund-winter", OrganizationID: relief, Code: "winter", Version: 1}})
		if err != nil {
			return err
		}
		err = poster.PostGifts(ctx, tx, received(covered, restricted, peer, yen, dinar, abroad))
		if err != nil {
			return err
		}
		return poster.PostTransactions(ctx, tx, received(taxed, charge(restricted, amount(1_75, "EUR")), charge(peer, amount(85, "USD")),
			charge(yen, amount(180, "JPY")), charge(dinar, amount(460, "KWD")), converted, stranger, attack))
	})
	if err != nil {
		t.Fatal(err)
	}
	return &app.Books{Store: store.New(db), Now: func() time.Time { return time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC) }}
}

func received[F any](facts ...F) []app.Received[F] {
	list := make([]app.Received[F], len(facts))
	for i, fact := range facts {
		list[i] = app.Received[F]{Fact: fact, EventID: fmt.Sprintf("0195-event-%d", i+1), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
	}
	return list
}

func journal(t *testing.T, books *app.Books, format string) string {
	t.Helper()
	var file bytes.Buffer
	err := books.ExportJournal(t.Context(), app.Period{}, app.EntryFilter{}, format, &file)
	if err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func trialBalance(t *testing.T, books *app.Books) string {
	t.Helper()
	var file bytes.Buffer
	err := books.ExportTrialBalance(t.Context(), app.Period{}, "csv", &file)
	if err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func TestExportsAreByteForByteTheSame(t *testing.T) {
	t.Parallel()
	books := marchBooks(t)
	for name, got := range map[string]string{
		"march.hledger":           journal(t, books, "hledger"),
		"march.csv":               journal(t, books, "csv"),
		"march-trial-balance.csv": trialBalance(t, books),
	} {
		path := filepath.Join("testdata", name)
		if *update {
			err := os.WriteFile(path, []byte(got), 0o644)
			if err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s has changed (go test -update writes it anew):\n%s", path, got)
		}
	}
}

// program returns the path of a checker. Where it must be there, its absence is
// a failure.
func program(t *testing.T, name, required string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv(required) == "1" {
			t.Fatalf("%s is required (%s=1) and not on PATH", name, required)
		}
		t.Skipf("%s is not on PATH, so nothing independent can read the export", name)
	}
	return path
}

// run gives a program the journal on its standard input.
func run(t *testing.T, input, path string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), path, args...)
	command.Stdin = strings.NewReader(input)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", path, strings.Join(args, " "), err, complaint.String())
	}
	return string(output)
}

func TestHledgerAgreesWithTheTrialBalance(t *testing.T) {
	t.Parallel()
	hledger := program(t, "hledger", "REQUIRE_HLEDGER")
	books := marchBooks(t)
	text := journal(t, books, "hledger")
	run(t, text, hledger, "-f", "-", "check", "-s", "ordereddates")

	theirs := map[string]string{}
	for _, row := range table(t, run(t, text, hledger, "-f", "-", "bal", "--flat", "-N", "-E", "--layout=bare", "-O", "csv")) {
		theirs[row["account"]+" "+row["commodity"]] = row["balance"]
	}
	for _, row := range table(t, trialBalance(t, books)) {
		key := row["account_name"] + " " + row["currency"]
		balance := theirs[key]
		if isZero(row["closing"]) && isZero(balance) {
			delete(theirs, key)
			continue
		}
		if balance != row["closing"] {
			t.Errorf("%s: hledger says %q, the trial balance %q", key, balance, row["closing"])
		}
		delete(theirs, key)
	}
	for key, balance := range theirs {
		if !isZero(balance) {
			t.Errorf("hledger has %s with %s, the trial balance does not", key, balance)
		}
	}
}

func isZero(balance string) bool { return strings.Trim(balance, "0.") == "" }

func TestLedgerReadsTheSameFile(t *testing.T) {
	t.Parallel()
	ledger := program(t, "ledger", "REQUIRE_LEDGER")
	total := run(t, journal(t, marchBooks(t), "hledger"), ledger, "-f", "-", "--pedantic", "bal", "--flat")
	lines := strings.Split(strings.TrimSpace(total), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "0" {
		t.Fatalf("the total is %q, want 0:\n%s", last, total)
	}
}

// table reads CSV into rows by column name.
func table(t *testing.T, text string) []map[string]string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func TestCSVIsSafeInASpreadsheet(t *testing.T) {
	t.Parallel()
	books := marchBooks(t)
	file := journal(t, books, "csv")
	if strings.Count(file, "\r\n") != strings.Count(file, "\n") {
		t.Fatal("a line does not end with CRLF")
	}
	for _, row := range table(t, file) {
		for name, text := range row {
			if name != "debit" && name != "credit" && text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
				t.Errorf("%s %q would be computed", name, text)
			}
		}
		if (row["debit"] == "") == (row["credit"] == "") {
			t.Errorf("%s line %s is not on exactly one side", row["entry_id"], row["line_no"])
		}
	}
}

func TestRequestsThatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	books := marchBooks(t)
	var file bytes.Buffer
	for name, err := range map[string]error{
		"journal format":       books.ExportJournal(t.Context(), app.Period{}, app.EntryFilter{}, "xls", &file),
		"journal, no format":   books.ExportJournal(t.Context(), app.Period{}, app.EntryFilter{}, "", &file),
		"trial balance format": books.ExportTrialBalance(t.Context(), app.Period{}, "hledger", &file),
		"first day":            books.ExportJournal(t.Context(), app.Period{From: "yesterday"}, app.EntryFilter{}, "csv", &file),
	} {
		var public *apperr.Error
		if !errors.As(err, &public) || public.Code != apperr.InvalidArgument || len(public.Fields) != 1 {
			t.Errorf("%s: %v, want the one field named", name, err)
		}
	}
	if file.Len() > 0 {
		t.Errorf("a refused request wrote %q", file.String())
	}
}

// refusing is a reader that went away.
type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func TestAReaderThatGoesAwayIsAnError(t *testing.T) {
	t.Parallel()
	books := marchBooks(t)
	for _, format := range []string{"hledger", "csv"} {
		err := books.ExportJournal(t.Context(), app.Period{}, app.EntryFilter{}, format, refusing{})
		if err == nil {
			t.Errorf("%s: nothing was said", format)
		}
	}
	if books.ExportTrialBalance(t.Context(), app.Period{}, "csv", refusing{}) == nil {
		t.Error("trial balance: nothing was said")
	}
}
