package apptest

import (
	"encoding/csv"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func listing(t *testing.T, b bench) {
	b.ready(t)
	for i := 1; i <= 7; i++ {
		b.post(t, gift(relief, i, euros(int64(i)*1_00)))
	}
	third := gift(relief, 3, euros(3_00))
	b.settle(t, settled(third, euros(25)))
	b.post(t, gift(pacific, 9, euros(9_00)))
	for name, given := range map[string]struct {
		organization string
		page         app.EntryPage
		want         []int64
		more         bool
	}{
		"two after the fourth":           {"REL", app.EntryPage{After: 4, Limit: 2}, []int64{5, 6}, true},
		"the last two":                   {"REL", app.EntryPage{After: 6, Limit: 2}, []int64{7, 8}, false},
		"after the last":                 {"REL", app.EntryPage{After: 8}, nil, false},
		"the newest three":               {"relief", app.EntryPage{NewestFirst: true, Limit: 3}, []int64{8, 7, 6}, true},
		"three older than the sixth":     {"relief", app.EntryPage{NewestFirst: true, After: 6, Limit: 3}, []int64{5, 4, 3}, true},
		"older than the first":           {"relief", app.EntryPage{NewestFirst: true, After: 1}, nil, false},
		"more than a page can hold":      {"rel", app.EntryPage{Limit: 501}, []int64{1, 2, 3, 4, 5, 6, 7, 8}, false},
		"of one donation":                {"", app.EntryPage{DonationID: third.DonationID}, []int64{3, 8}, false},
		"of it, newest first":            {"", app.EntryPage{DonationID: third.DonationID, NewestFirst: true}, []int64{8, 3}, false},
		"of it, on one account":          {"", app.EntryPage{DonationID: third.DonationID, Filter: app.EntryFilter{Account: "6100"}}, []int64{8}, false},
		"of it, by another id as well":   {"", app.EntryPage{DonationID: third.DonationID, Filter: app.EntryFilter{Reference: "txn_ch_3"}}, []int64{8}, false},
		"of it, by another gift's id":    {"", app.EntryPage{DonationID: third.DonationID, Filter: app.EntryFilter{Reference: "ch_4"}}, nil, false},
		"of it, in other books":          {"PAC", app.EntryPage{DonationID: third.DonationID}, nil, false},
		"by a charge, in all books":      {"", app.EntryPage{Filter: app.EntryFilter{Reference: "ch_9"}}, []int64{1}, false},
		"by a charge, in its books":      {"PAC", app.EntryPage{Filter: app.EntryFilter{Reference: "ch_9"}}, []int64{1}, false},
		"by a charge, in other books":    {"REL", app.EntryPage{Filter: app.EntryFilter{Reference: "ch_9"}}, nil, false},
		"by a transaction":               {"", app.EntryPage{Filter: app.EntryFilter{Reference: "txn_ch_3"}}, []int64{8}, false},
		"by a trace, on a day":           {"REL", app.EntryPage{Limit: 2, Filter: app.EntryFilter{Reference: "4bf92f3577b34da6a3ce929d0e0e4736", From: "2026-03-20"}}, []int64{1, 2}, true},
		"by a part of an id":             {"", app.EntryPage{Filter: app.EntryFilter{Reference: "ch_"}}, nil, false},
		"by a pattern":                   {"", app.EntryPage{Filter: app.EntryFilter{Reference: "%"}}, nil, false},
		"by the Stripe account":          {"", app.EntryPage{Filter: app.EntryFilter{Reference: "acct_relief"}}, nil, false},
		"of an appeal that nobody knows": {"REL", app.EntryPage{Filter: app.EntryFilter{Appeal: "appeal-nobody"}}, nil, false},
		"of a rule that nobody knows":    {"REL", app.EntryPage{Filter: app.EntryFilter{Rule: "levy"}}, nil, false},
		"of a fund that nobody knows":    {"REL", app.EntryPage{Filter: app.EntryFilter{Account: "4100/summer"}}, nil, false},
		"on days before the first":       {"REL", app.EntryPage{Filter: app.EntryFilter{To: "2026-03-19"}}, nil, false},
	} {
		got, err := b.books.ListEntries(t.Context(), given.organization, given.page)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if list := numbersOf(got.Entries); !slices.Equal(list, given.want) || got.More != given.more {
			t.Errorf("%s: %v, more %t; want %v, more %t", name, list, got.More, given.want, given.more)
		}
	}
}

func numbersOf(entries []domain.Entry) []int64 {
	var numbers []int64
	for _, e := range entries {
		numbers = append(numbers, e.Number)
	}
	return numbers
}

// drawFilter draws what exists and what does not, alone and together.
func drawFilter(rt *rapid.T) app.EntryFilter {
	n := rapid.IntRange(0, season.Gifts-1).Draw(rt, "gift")
	day := func(name string) string {
		return noon.AddDate(0, 0, -rapid.IntRange(0, 380).Draw(rt, name+" is days ago")).Format(time.DateOnly)
	}
	var f app.EntryFilter
	fields := []func(){
		func() { f.From = day("from") },
		func() { f.To = day("to") },
		func() { f.From = day("from"); f.To = max(f.From, day("to")) },
		func() {
			f.Account = rapid.SampledFrom([]string{"1100", "4000", "4020", "4040", "4100", "4100/winter", "4100/summer", "4900", "2900", "6100", "1000"}).Draw(rt, "account")
		},
		func() { f.Currency = rapid.SampledFrom([]string{"EUR", "USD", "KWD", "CHF"}).Draw(rt, "currency") },
		func() {
			f.Rule = rapid.SampledFrom([]string{"gift", "fee", "foreign_charge", "refund", "levy"}).Draw(rt, "rule")
		},
		func() { f.Fund = rapid.SampledFrom([]string{"general", "winter", "summer"}).Draw(rt, "fund") },
		func() { f.Appeal = season.AppealID(rapid.IntRange(0, seasonAppeals).Draw(rt, "appeal")) },
		func() { f.Fundraiser = season.gift(n).Attribution.FundraiserID },
		func() {
			f.Reference = rapid.SampledFrom([]string{season.PaymentID(n), season.gift(n).DonationID, "txn_" + season.gift(n).ChargeID, "pi_nobody"}).Draw(rt, "reference")
		},
	}
	for range rapid.IntRange(0, 3).Draw(rt, "fields") {
		rapid.SampledFrom(fields).Draw(rt, "field")()
	}
	if f.To != "" && f.From > f.To {
		f.From, f.To = f.To, f.From
	}
	return f
}

// filtering walks through the pages of filters in both directions: they are
// exactly what the journal has, and so is the export.
func filtering(t *testing.T, b bench, entries []domain.Entry) {
	for _, filter := range []app.EntryFilter{
		{},
		{From: "2025-11-01", To: "2025-11-30"},
		{Account: "1100"},
		{Account: "4100"}, // and all its parts
		{Account: "4900", Currency: "eur"},
		{Currency: rareCurrency},
		{Rule: "fee", Account: "6100"},
		{Fund: restrictedFund, Appeal: season.AppealID(1)},
		{Fundraiser: season.PageID(7)},
		{Reference: season.PaymentID(5), Account: "1100"},
	} {
		if b.filtered(t, t, entries, app.EntryPage{Filter: filter, Limit: 40}) == 0 {
			t.Errorf("%+v lets nothing through: nothing was tried", filter)
		}
		want, exported := numbers(filter, entries), b.exported(t, filter)
		if !slices.Equal(exported, want) {
			t.Errorf("%+v exports\n%v\nwant\n%v", filter, exported, want)
		}
	}
	// Filters of few fields are drawn again and again, and the books stay as they are:
	// one walk tells as much as ten.
	walked := map[app.EntryPage]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		first := app.EntryPage{
			Filter:      drawFilter(rt),
			NewestFirst: rapid.Bool().Draw(rt, "newest first"),
			Limit:       rapid.SampledFrom([]int{61, 100, 0}).Draw(rt, "limit"),
		}
		if !walked[first] {
			b.filtered(t, rt, entries, first)
			walked[first] = true
		}
	})
}

// failer is what both kinds of tests can do.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// filtered compares all pages of a filter with what the filter lets through in
// plain words, and returns how many entries these are.
func (b bench) filtered(t *testing.T, f failer, entries []domain.Entry, page app.EntryPage) int {
	want := numbers(page.Filter, entries)
	if page.NewestFirst {
		slices.Reverse(want)
	}
	var got []int64
	for {
		answer, err := b.books.ListEntries(t.Context(), relief, page)
		if err != nil {
			f.Fatal(err)
		}
		got = append(got, numbersOf(answer.Entries)...)
		if !answer.More {
			break
		}
		page.After = got[len(got)-1]
	}
	if !slices.Equal(got, want) {
		f.Fatalf("%+v lists\n%v\nwant\n%v", page, got, want)
	}
	return len(want)
}

// exported are the numbers of the entries in a filtered export, each of which
// must be whole.
func (b bench) exported(t *testing.T, filter app.EntryFilter) []int64 {
	t.Helper()
	var file strings.Builder
	err := b.books.ExportJournal(t.Context(), app.Period{Organization: relief}, filter, "csv", &file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(file.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var found []int64
	for _, row := range rows[1:] {
		number, err := strconv.ParseInt(strings.TrimPrefix(row[0], "JE-"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if row[1] == "1" {
			found = append(found, number)
		}
	}
	slices.Sort(found)
	return found
}

// exportedAccounts looks at what a filtered file for hledger declares: every
// account that it uses and no other.
func exportedAccounts(t *testing.T, b bench, _ []domain.Entry) {
	var file strings.Builder
	err := b.books.ExportJournal(t.Context(), app.Period{Organization: relief, From: "2025-06-01"},
		app.EntryFilter{From: "2025-01-01", To: "2026-03-19", Rule: "refund", Fund: "winter"}, "hledger", &file)
	if err != nil {
		t.Fatal(err)
	}
	var accounts []string
	for text := range strings.Lines(file.String()) {
		if name, declared := strings.CutPrefix(text, "account "); declared {
			accounts = append(accounts, strings.TrimSpace(name))
		}
	}
	equal(t, "accounts", accounts, []string{"Liabilities:RefundsPayable:EUR", "Income:Refunds:WithRestrictions:winter"})
	for _, want := range []string{"to 2026-03-19\n; Only entries with rule:refund fund:winter\n", "-40.00 EUR"} {
		if !strings.Contains(file.String(), want) {
			t.Errorf("the file does not say %q:\n%s", want, file.String())
		}
	}
}

// nonsense is refused beside its field, whatever question it is in.
func nonsense(t *testing.T, b bench) {
	b.ready(t)
	b.post(t, gift(relief, 1, euros(20_00)))
	long := strings.Repeat("x", 10_000)
	list := func(page app.EntryPage) error {
		_, err := b.books.ListEntries(t.Context(), "REL", page)
		return err
	}
	filter := func(f app.EntryFilter) error {
		err := list(app.EntryPage{Filter: f})
		var file strings.Builder
		exported := b.books.ExportJournal(t.Context(), app.Period{Organization: "REL"}, f, "csv", &file)
		if !reflect.DeepEqual(fieldsOf(err), fieldsOf(exported)) || file.Len() > 0 {
			t.Errorf("%+v: listed %v, exported %v with %d bytes", f, err, exported, file.Len())
		}
		return err
	}
	account := func(page app.AccountPage) error {
		page.Organization = "REL"
		_, err := b.books.ListPostings(t.Context(), page)
		return err
	}
	activity := func(period app.Period) error {
		_, err := b.books.SumActivity(t.Context(), period)
		return err
	}
	for _, given := range []struct {
		name  string
		err   error
		field string
	}{
		{"a day that is none", filter(app.EntryFilter{From: "2026-02-30"}), "from"},
		{"a day in words", filter(app.EntryFilter{To: "yesterday"}), "to"},
		{"the end before the beginning", filter(app.EntryFilter{From: "2026-03-02", To: "2026-03-01"}), "to"},
		{"a code outside the chart", filter(app.EntryFilter{Account: "9999"}), "account_code"},
		{"a fund of an account without", filter(app.EntryFilter{Account: "1100/winter"}), "account_code"},
		{"a slash and nothing", filter(app.EntryFilter{Account: "4100/"}), "account_code"},
		{"a fund that cannot be", filter(app.EntryFilter{Account: "4100/'; DROP TABLE posting"}), "account_code"},
		{"a long code", filter(app.EntryFilter{Account: "4100/" + long}), "account_code"},
		{"two letters", filter(app.EntryFilter{Currency: "EU"}), "currency"},
		{"a currency of nobody", filter(app.EntryFilter{Currency: "XXX"}), "currency"},
		{"a long rule", filter(app.EntryFilter{Rule: long}), "rule"},
		{"a long fund", filter(app.EntryFilter{Fund: long}), "fund_code"},
		{"a long appeal", filter(app.EntryFilter{Appeal: long}), "appeal_id"},
		{"a long page", filter(app.EntryFilter{Fundraiser: long}), "fundraiser_id"},
		{"a long reference", filter(app.EntryFilter{Reference: long}), "reference"},
		{"a zero byte", filter(app.EntryFilter{Reference: "ch_1\x00"}), "reference"},
		{"a negative limit", list(app.EntryPage{Limit: -1}), "limit"},
		{"a negative number", list(app.EntryPage{After: -5}), "after"},
		{"a zero byte in a donation", list(app.EntryPage{DonationID: "\x00"}), "donation_id"},
		{"an account without its fund", account(app.AccountPage{Account: "4100"}), "account_code"},
		{"no account", account(app.AccountPage{}), "account_code"},
		{"an account in no currency", account(app.AccountPage{Account: "1100", Currency: "€"}), "currency"},
		{"an account from no day", account(app.AccountPage{Account: "1100", Period: app.Period{From: "2026"}}), "from"},
		{"a page of minus one", account(app.AccountPage{Account: "1100", Limit: -1}), "limit"},
		{"a cursor of three words", account(app.AccountPage{Account: "1100", After: "a.b.c"}), "after"},
		{"a cursor on no day", account(app.AccountPage{Account: "1100", After: "2026-02-30.1.1"}), "after"},
		{"a cursor below one", account(app.AccountPage{Account: "1100", After: "2026-03-01.0.1"}), "after"},
		{"a cursor beyond counting", account(app.AccountPage{Account: "1100", After: "2026-03-01.1.9999999999999"}), "after"},
		{"an overview from no day", activity(app.Period{Organization: "REL", From: "1 March"}), "from"},
		{"an overview that ends first", activity(app.Period{Organization: "REL", From: "2026-03-02", To: "2026-03-01"}), "to"},
	} {
		if got := fieldsOf(given.err); !slices.Equal(got, []string{given.field}) {
			t.Errorf("%s: %v names %v, want %s", given.name, given.err, got, given.field)
		}
	}
	if got := fieldsOf(list(app.EntryPage{Limit: -1, Filter: app.EntryFilter{From: "x", Currency: "EU"}})); !slices.Equal(got, []string{"from", "currency", "limit"}) {
		t.Errorf("three faults at once are told as %v", got)
	}
	_, err := b.books.ListEntries(t.Context(), "", app.EntryPage{After: 3, Filter: app.EntryFilter{Reference: "ch_1"}})
	if got := fieldsOf(err); !slices.Equal(got, []string{"after"}) {
		t.Errorf("a page of all books that goes on: %v", err)
	}
}

// fieldsOf are the fields of a refusal, nil for anything else.
func fieldsOf(err error) []string {
	var refusal *apperr.Error
	if !errors.As(err, &refusal) || refusal.Code != apperr.InvalidArgument {
		return nil
	}
	var names []string
	for _, field := range refusal.Fields {
		names = append(names, field.Name)
	}
	return names
}

func oneEntry(t *testing.T, b bench) {
	b.ready(t)
	b.post(t, gift(relief, 1, euros(20_00)), gift(relief, 2, euros(30_00)), gift(pacific, 3, euros(5_00)))
	want := b.entries(t, relief)[1]
	got, err := b.books.GetEntry(t.Context(), "REL", 2)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v (%v), want %+v", got, err, want)
	}
	for _, number := range []int64{3, 0, -1, -1 << 63, 1<<63 - 1} {
		_, err := b.books.GetEntry(t.Context(), "REL", number)
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("entry %d: %v, want not found", number, err)
		}
	}
	_, err = b.books.GetEntry(t.Context(), "nobody", 1)
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("in books of nobody: %v, want not found", err)
	}

	books, _, err := b.books.ListBooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "books", books, []app.Book{
		{Organization: organizations()[1], Head: domain.Head{OrganizationID: pacific, Number: 1, Hash: b.entries(t, pacific)[0].Hash}},
		{Organization: organizations()[0], Head: domain.Head{OrganizationID: relief, Number: 2, Hash: want.Hash}},
	})
}
