package apptest

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func accountLines(t *testing.T, b bench) {
	b.ready(t)
	on := func(day int, g domain.Gift) domain.Gift {
		g.PaidAt = time.Date(2026, 3, day, 9, 0, 0, 0, time.UTC)
		return g
	}
	winter := on(12, gift(relief, 3, euros(30_00)))
	winter.Attribution.FundCode, winter.Attribution.FundClass = "winter", domain.FundRestricted
	tenth := on(10, gift(relief, 1, euros(20_00)))
	// The fourth is told last and belongs before the others.
	b.post(t, tenth, on(15, gift(relief, 2, dollars(5_00))), winter, on(8, gift(relief, 4, euros(7_00))))
	b.settle(t, settled(tenth, euros(60)))

	at := func(number int64, l int, day string) app.LineCursor {
		return app.LineCursor{Day: day, Number: number, Line: l}
	}
	first := app.AccountLine{Place: at(4, 1, "2026-03-08"), Description: "Gift", Rule: "gift", Minor: 7_00, Balance: 7_00, DonationID: "donation-4", Fund: "general"}
	second := app.AccountLine{Place: at(1, 1, "2026-03-10"), Description: "Gift", Rule: "gift", Minor: 20_00, Balance: 27_00, DonationID: "donation-1", Fund: "general"}
	third := app.AccountLine{Place: at(5, 2, "2026-03-10"), Description: "Stripe fee", Rule: "fee", Minor: -60, Balance: 26_40, DonationID: "donation-1", Fund: "general"}
	fourth := app.AccountLine{Place: at(3, 1, "2026-03-12"), Description: "Gift", Rule: "gift", Minor: 30_00, Balance: 56_40, DonationID: "donation-3", Fund: "winter"}
	both := []money.Currency{eur, usd}
	const clearing = "Assets:Stripe:Balance:EUR"
	for name, given := range map[string]struct {
		page app.AccountPage
		want app.AccountLines
	}{
		"all": {
			app.AccountPage{Account: "1100", Currency: "eur"},
			app.AccountLines{Account: clearing, Currency: eur, Closing: 56_40, Lines: []app.AccountLine{first, second, third, fourth}, Currencies: both},
		},
		"its first two lines": {
			app.AccountPage{Account: "1100", Currency: "EUR", Limit: 2},
			app.AccountLines{Account: clearing, Currency: eur, Closing: 56_40, Lines: []app.AccountLine{first, second}, Next: "2026-03-10.1.1", Currencies: both},
		},
		"the next two": {
			app.AccountPage{Account: "1100", Currency: "EUR", Limit: 2, After: "2026-03-10.1.1"},
			app.AccountLines{Account: clearing, Currency: eur, Opening: 27_00, Closing: 56_40, Lines: []app.AccountLine{third, fourth}, Currencies: both},
		},
		"one day": {
			app.AccountPage{Account: "1100", Currency: "EUR", Period: app.Period{From: "2026-03-10", To: "2026-03-10"}},
			app.AccountLines{Account: clearing, Currency: eur, Opening: 7_00, Closing: 26_40, Lines: []app.AccountLine{second, third}, Currencies: both},
		},
		"a cursor from before the day": {
			app.AccountPage{Account: "1100", Currency: "EUR", After: "2026-03-08.4.1", Period: app.Period{From: "2026-03-12"}},
			app.AccountLines{Account: clearing, Currency: eur, Opening: 26_40, Closing: 56_40, Lines: []app.AccountLine{fourth}, Currencies: both},
		},
		"a cursor from after the day": {
			app.AccountPage{Account: "1100", Currency: "EUR", After: "2026-03-19.1.1", Period: app.Period{To: "2026-03-10"}},
			app.AccountLines{Account: clearing, Currency: eur, Opening: 26_40, Closing: 26_40, Currencies: both},
		},
		"another currency": {
			app.AccountPage{Account: "1100", Currency: "USD", Limit: 1},
			app.AccountLines{
				Account: "Assets:Stripe:Balance:USD", Currency: usd, Closing: 5_00, Currencies: both,
				Lines: []app.AccountLine{{Place: at(2, 1, "2026-03-15"), Description: "Gift", Rule: "gift", Minor: 5_00, Balance: 5_00, DonationID: "donation-2", Fund: "general"}},
			},
		},
		"a currency that it does not have": {
			app.AccountPage{Account: "1100", Currency: "JPY"},
			app.AccountLines{Account: "Assets:Stripe:Balance:JPY", Currency: money.MustCurrency("JPY"), Currencies: both},
		},
		"a fund's part, in its only currency": {
			app.AccountPage{Account: "4100/winter"},
			app.AccountLines{
				Account: "Income:Contributions:WithRestrictions:winter", Currency: eur, Closing: -30_00, Currencies: []money.Currency{eur},
				Lines: []app.AccountLine{{Place: at(3, 2, "2026-03-12"), Description: "Gift", Rule: "gift", Minor: -30_00, Balance: -30_00, DonationID: "donation-3", Fund: "winter"}},
			},
		},
		"a fund that nobody knows": {
			app.AccountPage{Account: "4100/summer"},
			app.AccountLines{Account: "Income:Contributions:WithRestrictions:summer"},
		},
		"nothing posted yet": {
			app.AccountPage{Account: "1000"},
			app.AccountLines{Account: "Assets:Bank:Operating"},
		},
	} {
		given.page.Organization = "relief"
		got, err := b.books.ListPostings(t.Context(), given.page)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(got, given.want) {
			t.Errorf("%s:\n%+v\nwant\n%+v", name, got, given.want)
		}
	}

	// Which of two currencies is meant is not guessed.
	_, err := b.books.ListPostings(t.Context(), app.AccountPage{Account: "1100", Period: app.Period{Organization: "relief"}})
	if got := fieldsOf(err); !slices.Equal(got, []string{"currency"}) || !strings.Contains(err.Error(), "CURRENCY_NEEDED") {
		t.Errorf("an account of two currencies: %v", err)
	}
}

// placed is a posting of one account at its place.
type placed struct {
	place app.LineCursor
	minor int64
}

// statement is an account in plain words: all its postings in the order of days.
func statement(account domain.Account, currency money.Currency, entries []domain.Entry) []placed {
	var lines []placed
	for _, e := range entries {
		for i, p := range e.Postings {
			if p.Account == account && p.Amount.Currency == currency {
				lines = append(lines, placed{app.LineCursor{Day: e.BookedOn, Number: e.Number, Line: i + 1}, p.Amount.Minor})
			}
		}
	}
	slices.SortFunc(lines, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.place.Day, b.place.Day), cmp.Compare(a.place.Number, b.place.Number), cmp.Compare(a.place.Line, b.place.Line))
	})
	return lines
}

// accountPages draws accounts, spans and lengths of pages, and walks through the
// pages with an adding machine.
func accountPages(t *testing.T, b bench, entries []domain.Entry) {
	longest := 0
	rapid.Check(t, func(rt *rapid.T) {
		account := rapid.SampledFrom([]domain.Account{"1100", "4000", "4020", "4040", "4100/winter", "4900", "6100", "2100", "2900", "1000"}).Draw(rt, "account")
		currency := rapid.SampledFrom([]money.Currency{eur, usd, money.MustCurrency("KWD")}).Draw(rt, "currency")
		days := rapid.IntRange(0, 400).Draw(rt, "days")
		last := noon.AddDate(0, 0, -rapid.IntRange(0, 30).Draw(rt, "days ago"))
		page := app.AccountPage{
			Period: app.Period{
				Organization: "relief", From: last.AddDate(0, 0, -days).Format(time.DateOnly), To: last.Format(time.DateOnly),
			},
			Account: string(account), Currency: currency.Code(), Limit: rapid.SampledFrom([]int{13, 100, 500}).Draw(rt, "limit"),
		}
		all := statement(account, currency, entries)
		var balance int64
		for len(all) > 0 && all[0].place.Day < page.From {
			balance += all[0].minor
			all = all[1:]
		}
		closing := closingOf(rt, t, b, page)
		for pages := 1; ; pages++ {
			answer, err := b.books.ListPostings(t.Context(), page)
			if err != nil {
				rt.Fatal(err)
			}
			if answer.Opening != balance || answer.Closing != closing {
				rt.Fatalf("page %d opens with %d and closes with %d, want %d and %d", pages, answer.Opening, answer.Closing, balance, closing)
			}
			for _, l := range answer.Lines {
				if len(all) == 0 || l.Place != all[0].place || l.Minor != all[0].minor {
					rt.Fatalf("line %v of %d, want %+v", l.Place, l.Minor, all[:min(1, len(all))])
				}
				balance += l.Minor
				if l.Balance != balance {
					rt.Fatalf("balance after %v is %d, want %d", l.Place, l.Balance, balance)
				}
				all = all[1:]
			}
			longest = max(longest, pages)
			if answer.Next == "" {
				break
			}
			page.After = answer.Next
		}
		if balance != closing || (len(all) > 0 && all[0].place.Day <= page.To) {
			rt.Fatalf("the pages end with %d and leave out %+v, want %d and nothing", balance, all[:min(1, len(all))], closing)
		}
	})
	if longest < 5 {
		t.Errorf("no account had more than %d pages: too little was tried", longest)
	}
}

// closingOf is what the trial balance says about the account.
func closingOf(rt *rapid.T, t *testing.T, b bench, page app.AccountPage) int64 {
	balances, err := b.books.TrialBalance(t.Context(), page.Period)
	if err != nil {
		rt.Fatal(err)
	}
	for _, balance := range balances {
		if string(balance.Account) == page.Account && balance.Currency.Code() == page.Currency {
			return balance.Closing
		}
	}
	return 0
}
