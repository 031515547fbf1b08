package audit

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
)

// agreeing is a charity that took 120.00 EUR and 3.30 EUR of cover, of which
// Stripe kept 2.35, and to which a stranger's charge of 9.00 was added.
func agreeing() Readings {
	const org, eur, account = "org-1", "EUR", "acct_1"
	return Readings{
		Gifts: &donationv1.SumGiftsResponse{
			Sums: []*donationv1.GiftSum{{OrganizationId: org, Currency: eur, GiftMinor: 12_000, CoverMinor: 330, Gifts: 2}},
			Head: 5,
		},
		Balance: &donationv1.GetStripeBalanceResponse{
			Balances: []*donationv1.StripeBalance{{AccountId: account, Currency: eur, BalanceMinor: 12_995}},
		},
		Totals: &fundraiserv1.SumTotalsResponse{
			Sums: []*fundraiserv1.TotalSum{{
				OrganizationId: org, OrganizationSlug: "harbour", Currency: eur,
				AppealsMinor: 12_000, PagesMinor: 2_000, DirectMinor: 10_000,
			}},
			Checkpoints: []*feedv1.Checkpoint{{Feed: "donation", Pos: 5}},
			Head:        3,
		},
		Books: &ledgerv1.SumBooksResponse{
			Sums:      []*ledgerv1.BookSum{{OrganizationId: org, Currency: eur, GiftMinor: 12_000, CoverMinor: 330}},
			Clearing:  []*ledgerv1.ClearingSum{{AccountId: account, Currency: eur, BalanceMinor: 12_995}},
			Imbalance: []*moneyv1.Money{{Currency: eur}},
			OpenItems: []*ledgerv1.OpenItem{{
				OrganizationId: org, AccountCode: "2900", Currency: eur, BalanceMinor: -900, StripeId: "ch_foreign",
			}},
			Checkpoints: []*feedv1.Checkpoint{{Feed: "donation", Pos: 5}, {Feed: "fundraiser", Pos: 3}},
		},
		Receipts: &receiptv1.SumReceiptsResponse{
			Sums:        []*receiptv1.ReceiptSum{{OrganizationId: org, Currency: eur, ReceiptedMinor: 12_330, Receipts: 2}},
			Checkpoints: []*feedv1.Checkpoint{{Feed: "donation", Pos: 5}, {Feed: "fundraiser", Pos: 3}},
		},
		Parked: map[string][]*feedv1.ParkedItem{},
	}
}

func TestEverythingAgrees(t *testing.T) {
	t.Parallel()
	report := Compare(agreeing())

	if !report.OK || !report.CaughtUp || report.ExitCode() != 0 {
		t.Fatalf("want an agreeing report, got %+v", report)
	}
	want := Row{
		Organization: "harbour", Currency: "EUR",
		Gift:  GiftSums{Donation: 12_000, Fundraiser: 12_000, Ledger: 12_000},
		Total: AllSums{Donation: 12_330, Ledger: 12_330, Receipt: 12_330},
	}
	if len(report.Rows) != 1 || report.Rows[0] != want {
		t.Errorf("rows = %+v, want %+v", report.Rows, want)
	}
	if len(report.Open) != 1 || report.Open[0].StripeID != "ch_foreign" {
		t.Errorf("the stranger's charge must be explained, got %+v", report.Open)
	}
}

// What is owed to donors and what banks hold back is explained, item by item, and
// no difference: totals and receipts follow the refund when it is accepted, and the
// dispute when it is lost.
func TestRefundsOnTheirWayAndOpenDisputesAreExplained(t *testing.T) {
	t.Parallel()
	readings := agreeing()
	readings.Books.OpenItems = append(readings.Books.OpenItems,
		&ledgerv1.OpenItem{OrganizationId: "org-1", AccountCode: "2100", Currency: "EUR", BalanceMinor: -2_000, StripeId: "re_1"},
		&ledgerv1.OpenItem{OrganizationId: "org-1", AccountCode: "1170", Currency: "EUR", BalanceMinor: 5_000, StripeId: "dp_1"},
		&ledgerv1.OpenItem{OrganizationId: "org-1", AccountCode: "2200", Currency: "EUR", BalanceMinor: -2_500, StripeId: "py_1"})
	report := Compare(readings)
	if !report.OK || len(report.Open) != 4 || report.Open[1].StripeID != "re_1" || report.Open[2].Account != "1170" {
		t.Errorf("report %+v", report)
	}
}

// The money of a refund may be seen before the refund is heard of: every sum
// agrees then, and none of them is true yet.
func TestARefundOfWhichOnlyTheMoneyIsKnownIsOnItsWay(t *testing.T) {
	t.Parallel()
	for name, item := range map[string]*ledgerv1.OpenItem{
		"a refund that nobody was owed":       {AccountCode: "2100", Currency: "EUR", BalanceMinor: 2_000, StripeId: "re_1"},
		"a debit given that brought no money": {AccountCode: "2200", Currency: "EUR", BalanceMinor: 2_000, StripeId: "py_1"},
		"a dispute lost that took no money":   {AccountCode: "1170", Currency: "EUR", BalanceMinor: -2_000, StripeId: "dp_1"},
	} {
		readings := agreeing()
		readings.Books.OpenItems = append(readings.Books.OpenItems, item)
		report := Compare(readings)
		if report.OK || report.CaughtUp || report.ExitCode() != 2 || len(report.Behind) != 1 {
			t.Errorf("%s: exit code %d, behind %q", name, report.ExitCode(), report.Behind)
		}
	}
}

// Every single number that can be wrong must turn the answer: a check that
// cannot fail is worse than none.
func TestEachDisagreementIsFound(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*Readings){
		"a gift missing in the totals": func(r *Readings) { r.Totals.Sums[0].AppealsMinor -= 500; r.Totals.Sums[0].DirectMinor -= 500 },
		"a gift missing in the books":  func(r *Readings) { r.Books.Sums[0].GiftMinor -= 1 },
		"cover booked as a gift":       func(r *Readings) { r.Books.Sums[0].GiftMinor += 330; r.Books.Sums[0].CoverMinor -= 330 },
		"a receipt missing":            func(r *Readings) { r.Receipts.Sums[0].ReceiptedMinor -= 1_000 },
		"a currency only the books know": func(r *Readings) {
			r.Books.Sums = append(r.Books.Sums, &ledgerv1.BookSum{OrganizationId: "org-1", Currency: "USD", GiftMinor: 1})
		},
		"an organization nobody else knows": func(r *Readings) {
			r.Receipts.Sums = append(r.Receipts.Sums, &receiptv1.ReceiptSum{OrganizationId: "org-2", Currency: "EUR", ReceiptedMinor: 1})
		},
		"pages and direct gifts do not add": func(r *Readings) { r.Totals.Sums[0].PagesMinor += 1 },
		"a consumer ahead of its producer":  func(r *Readings) { r.Totals.Checkpoints[0].Pos = 6 },
		"Stripe holds a cent less":          func(r *Readings) { r.Balance.Balances[0].BalanceMinor-- },
		"Stripe holds a currency of its own": func(r *Readings) {
			r.Balance.Balances = append(r.Balance.Balances, &donationv1.StripeBalance{AccountId: "acct_1", Currency: "USD", BalanceMinor: 1})
		},
		"a reserve that is not booked":     func(r *Readings) { r.Balance.Balances[0].ReservedMinor = 7 },
		"postings that do not sum to zero": func(r *Readings) { r.Books.Imbalance[0].Minor = 1 },
		"a gap in a receipt series":        func(r *Readings) { r.Receipts.SeriesFaults = []string{"HARBOUR 2026: 2 is missing"} },
		"suspense that nothing explains":   func(r *Readings) { r.Books.OpenItems[0].StripeId = "" },
		"an event that could not be applied": func(r *Readings) {
			r.Parked["ledger"] = []*feedv1.ParkedItem{{Id: "donation/4", Reason: "wrong currency"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readings := agreeing()
			disturb(&readings)

			report := Compare(readings)

			if report.OK || report.ExitCode() != 1 {
				t.Errorf("not found: exit code %d, report %+v", report.ExitCode(), report)
			}
		})
	}
}

// What is held in reserve is compared in each currency by itself.
func TestReservesAgreeInEachCurrency(t *testing.T) {
	t.Parallel()
	held := func() Readings {
		r := agreeing()
		r.Balance.Balances[0].ReservedMinor, r.Books.Clearing[0].ReservedMinor = 30_00, 30_00
		r.Balance.Balances = append(r.Balance.Balances, &donationv1.StripeBalance{AccountId: "acct_1", Currency: "USD", BalanceMinor: -9_00, ReservedMinor: 9_00})
		r.Books.Clearing = append(r.Books.Clearing, &ledgerv1.ClearingSum{AccountId: "acct_1", Currency: "USD", BalanceMinor: -9_00, ReservedMinor: 9_00})
		return r
	}
	if report := Compare(held()); !report.OK || len(report.Stripe) != 2 {
		t.Errorf("%+v", report.Stripe)
	}
	swapped := held()
	swapped.Books.Clearing[0].ReservedMinor, swapped.Books.Clearing[1].ReservedMinor = 9_00, 30_00
	if report := Compare(swapped); report.OK || report.Stripe[0].Difference != 21_00 || report.Stripe[1].Difference != 21_00 {
		t.Errorf("booked in the other's currency: %+v", report.Stripe)
	}
}

// A mailbox that is gone would otherwise keep the sums from ever agreeing again.
func TestNewsThatCannotBeDeliveredIsListedAndNoDifference(t *testing.T) {
	t.Parallel()
	readings := agreeing()
	readings.Parked["fundraiser"] = []*feedv1.ParkedItem{{Id: "gift-mail:4", Reason: "no such mailbox", Courtesy: true}}

	report := Compare(readings)

	if !report.OK || report.ExitCode() != 0 || len(report.Parked) != 1 || !report.Parked[0].Courtesy {
		t.Errorf("exit code %d, report %+v", report.ExitCode(), report)
	}
	readings.Parked["fundraiser"] = append(readings.Parked["fundraiser"], &feedv1.ParkedItem{Id: "donation:5", Reason: "wrong currency"})
	if Compare(readings).OK {
		t.Error("behind it, an event that could not be applied is overlooked")
	}
}

func TestWhatIsOnItsWayIsNoVerdict(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*Readings){
		"an event that waits for another one": func(r *Readings) { r.Parked["receipt"] = []*feedv1.ParkedItem{{Id: "donation/4", Waiting: true}} },
		"a webhook not processed":             func(r *Readings) { r.Gifts.StripeEventsUndone = 1 },
		"a gift without its fee":              func(r *Readings) { r.Gifts.GiftsWithoutFee = 1 },
		"a donation event without position":   func(r *Readings) { r.Gifts.Unsequenced = 1 },
		"a fundraiser event without one":      func(r *Readings) { r.Totals.Unsequenced = 1 },
		"a receipt due":                       func(r *Readings) { r.Receipts.ReceiptsDue = 1 },
		"a mail due":                          func(r *Readings) { r.Receipts.MailsDue = 1 },
		"a transaction newer than ours":       func(r *Readings) { r.Balance.TransactionsMissing = true },
		"a consumer behind":                   func(r *Readings) { r.Books.Checkpoints[0].Pos = 4 },
		"a consumer that never started":       func(r *Readings) { r.Receipts.Checkpoints = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readings := agreeing()
			disturb(&readings)

			report := Compare(readings)

			if report.CaughtUp || report.OK || report.ExitCode() != 2 || len(report.Behind) == 0 {
				t.Errorf("want exit code 2 with a reason, got %d, %+v", report.ExitCode(), report)
			}
		})
	}
}

// Scripts read these names; they may grow but not change.
func TestTheDocumentKeepsItsNames(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := Compare(agreeing()).WriteJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	err = json.Unmarshal(out.Bytes(), &document)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"ok", "caught_up", "rows", "stripe", "feeds", "parked"} {
		if _, ok := document[key]; !ok {
			t.Errorf("the document has no %q", key)
		}
	}
	row := document["rows"].([]any)[0].(map[string]any)
	names := slices.Sorted(func(yield func(string) bool) {
		for key := range row {
			if !yield(key) {
				return
			}
		}
	})
	if got := strings.Join(names, " "); got != "currency difference gift organization total" {
		t.Errorf("a row has the names %q", got)
	}
	feed := document["feeds"].([]any)[0].(map[string]any)
	if got := feed["consumers"].(map[string]any)["ledger"]; got != 5.0 {
		t.Errorf("the ledger's position in the donation feed is %v, want 5", got)
	}
}

func TestTheTableSaysTheVerdict(t *testing.T) {
	t.Parallel()
	readings := agreeing()
	readings.Receipts.Sums[0].ReceiptedMinor -= 330
	var out bytes.Buffer

	err := Compare(readings).WriteTable(&out)

	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"harbour", "12000", "330", "ch_foreign", "DIFFER"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}
