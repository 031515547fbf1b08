package apptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func equal[V any](t *testing.T, what string, got, want []V) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s are\n%+v\nwant\n%+v", what, got, want)
	}
}

func zeroes(currencies ...money.Currency) []money.Amount {
	var amounts []money.Amount
	for _, c := range currencies {
		amounts = append(amounts, money.Amount{Currency: c})
	}
	return amounts
}

func suspense(currency money.Currency) app.AccountCurrency {
	return app.AccountCurrency{Account: domain.Suspense, Currency: currency}
}

func daysAreTheOrganizations(t *testing.T, b bench) {
	b.ready(t)
	// Half past eleven in the evening of New Year's Eve in Geneva is noon of New
	// Year's Day in Auckland: another day, month and financial year.
	moment := time.Date(2025, 12, 31, 22, 30, 0, 0, time.UTC)
	for i, organization := range []string{relief, pacific} {
		g := gift(organization, i, euros(20_00))
		g.PaidAt = moment
		b.post(t, g)
		got := b.entries(t, organization)[0].BookedOn
		if want := []string{"2025-12-31", "2026-01-01"}[i]; got != want {
			t.Errorf("booked on %s, want %s", got, want)
		}
	}
	for organization, want := range map[string]int{"REL": 0, "PAC": 2} {
		balances, err := b.books.TrialBalance(t.Context(), app.Period{Organization: organization, From: "2026-01-01", To: "2026-12-31"})
		if err != nil {
			t.Fatal(err)
		}
		moved := 0
		for _, balance := range balances {
			if balance.Debits != 0 || balance.Credits != 0 {
				moved++
			}
		}
		if moved != want {
			t.Errorf("%d accounts of %s moved in 2026, want %d", moved, organization, want)
		}
	}
}

func trialBalance(t *testing.T, b bench) {
	b.ready(t)
	on := func(day int, g domain.Gift) domain.Gift {
		g.PaidAt = time.Date(2026, 3, day, 9, 0, 0, 0, time.UTC)
		return g
	}
	b.post(t, on(1, gift(relief, 1, euros(10_00))), on(10, gift(relief, 2, euros(20_00))),
		on(15, gift(relief, 3, euros(30_00))), on(15, gift(relief, 4, dollars(5_00))),
		on(16, gift(relief, 5, euros(40_00))), on(10, gift(pacific, 6, euros(99_00))))
	b.settle(t, settled(on(10, gift(relief, 2, euros(20_00))), euros(60)))
	row := func(account domain.Account, currency money.Currency, opening, debits, credits int64) app.Balance {
		return app.Balance{
			AccountCurrency: app.AccountCurrency{Account: account, Currency: currency},
			Opening:         opening, Debits: debits, Credits: credits, Closing: opening + debits - credits,
		}
	}
	for name, given := range map[string]struct {
		from, to string
		want     []app.Balance
	}{
		"ten to fifteen": {"2026-03-10", "2026-03-15", []app.Balance{
			row("1100", eur, 10_00, 50_00, 60), row("1100", usd, 0, 5_00, 0),
			row("4000", eur, -10_00, 0, 50_00), row("4000", usd, 0, 0, 5_00), row("6100", eur, 0, 60, 0),
		}},
		"one day": {"2026-03-16", "2026-03-16", []app.Balance{
			row("1100", eur, 59_40, 40_00, 0), row("1100", usd, 5_00, 0, 0),
			row("4000", eur, -60_00, 0, 40_00), row("4000", usd, -5_00, 0, 0), row("6100", eur, 60, 0, 0),
		}},
		"all until today": {"", "", []app.Balance{
			row("1100", eur, 0, 100_00, 60), row("1100", usd, 0, 5_00, 0),
			row("4000", eur, 0, 0, 100_00), row("4000", usd, 0, 0, 5_00), row("6100", eur, 0, 60, 0),
		}},
		"before the first gift": {"", "2026-02-28", nil},
	} {
		got, err := b.books.TrialBalance(t.Context(), app.Period{Organization: "relief", From: given.from, To: given.to})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		equal(t, name, got, given.want)
	}
}

func exportOrder(t *testing.T, b bench) {
	b.ready(t)
	// More than two pages, told in the wrong order of days.
	var gifts []domain.Gift
	for i := range 1100 {
		g := gift(relief, i, euros(5_00))
		g.PaidAt = noon.AddDate(0, 0, -(i % 11))
		gifts = append(gifts, g)
	}
	b.post(t, gifts...)
	lines := b.export(t, app.Period{Organization: relief})
	if len(lines) != 2*1100 {
		t.Fatalf("%d lines, want one for each of 2,200 postings", len(lines))
	}
	previous := ""
	for _, line := range lines {
		cells := strings.Split(line, ",")
		place := cells[2] + cells[0] + cells[1] // day, number, line
		if place <= previous {
			t.Fatalf("%s comes after %s", place, previous)
		}
		previous = place
	}
	some := b.export(t, app.Period{Organization: relief, From: "2026-03-12", To: "2026-03-13"})
	if len(some) != 2*200 {
		t.Fatalf("%d lines in two days of eleven, want 400", len(some))
	}
}

// export returns the lines of the journal as CSV without the header.
func (b bench) export(t *testing.T, period app.Period) []string {
	t.Helper()
	var file bytes.Buffer
	err := b.books.ExportJournal(t.Context(), period, app.EntryFilter{}, "csv", &file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(file.String(), "\r\n"), "\r\n")
	return lines[1:]
}

// meddler adds a gift when the first bytes of an export are written.
type meddler struct {
	meddle func()
	file   bytes.Buffer
}

func (m *meddler) Write(p []byte) (int, error) {
	if m.meddle != nil {
		m.meddle()
		m.meddle = nil
	}
	return m.file.Write(p)
}

func exportIsFixed(t *testing.T, b bench) {
	b.ready(t)
	var gifts []domain.Gift
	for i := range 900 {
		g := gift(relief, i, euros(5_00))
		g.PaidAt = noon.AddDate(0, 0, -1)
		gifts = append(gifts, g)
	}
	b.post(t, gifts...)
	reader := &meddler{meddle: func() {
		late := gift(pacific, 5000, euros(1_00))
		late.Attribution.OrganizationID = relief
		b.post(t, late)
	}}
	err := b.books.ExportJournal(t.Context(), app.Period{Organization: relief}, app.EntryFilter{}, "hledger", reader)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(reader.file.String(), " * (JE-"); got != 900 {
		t.Fatalf("%d entries, want the 900 that were there when it began", got)
	}
	if got := b.sound(t)[relief]; got != 901 {
		t.Fatalf("%d entries in the books, want 901", got)
	}
}

func findingOrganizations(t *testing.T, b bench) {
	find := func(name string) error {
		_, err := b.books.TrialBalance(t.Context(), app.Period{Organization: name})
		return err
	}
	wantCode := func(name string, want apperr.Code, words ...string) {
		t.Helper()
		err := find(name)
		if apperr.CodeOf(err) != want {
			t.Fatalf("%q: %v, want %s", name, err, want)
		}
		var public *apperr.Error
		errors.As(err, &public)
		for _, word := range words {
			if !strings.Contains(public.Message, word) {
				t.Errorf("%q: %q does not say %q", name, public.Message, word)
			}
		}
	}
	wantCode("", apperr.NotFound, "no organization")
	b.inTx(t, func(ctx context.Context, tx app.Tx) error {
		return app.SaveOrganizations(ctx, tx, organizations()[:1])
	})
	if err := find(""); err != nil {
		t.Fatalf("the only one: %v", err)
	}
	b.ready(t)
	wantCode("", apperr.InvalidArgument, "Pacific Aid", "PAC", "Relief Without Borders")
	wantCode("nobody", apperr.NotFound)
	for _, name := range []string{relief, "relief", "REL", "rel"} {
		if err := find(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, period := range []app.Period{
		{From: "2026-02-30"}, {From: "1 March"}, {To: "2026-3-1"}, {To: "20260301"}, {From: "0000-01-01"},
		{From: "2026-03-02", To: "2026-03-01"}, {From: fmt.Sprintf("%s\x00", "2026-03-01")},
	} {
		period.Organization = relief
		_, err := b.books.TrialBalance(t.Context(), period)
		var public *apperr.Error
		if !errors.As(err, &public) || public.Code != apperr.InvalidArgument || len(public.Fields) == 0 {
			t.Errorf("%+v: %v, want the field named", period, err)
		}
	}
}
