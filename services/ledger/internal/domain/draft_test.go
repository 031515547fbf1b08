package domain_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

var (
	eur = money.MustCurrency("EUR")
	usd = money.MustCurrency("USD")
	jpy = money.MustCurrency("JPY")
)

func euros(minor int64) money.Amount   { return money.Amount{Minor: minor, Currency: eur} }
func dollars(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: usd} }

var paidAt = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func header() domain.Header {
	return domain.Header{
		OrganizationID: "org-relief", Key: "test/acct_relief/ch_1", Rule: domain.Rule{Name: "test", Version: 1},
		Description: "Test", AccountID: "acct_relief", StripeIDs: []string{"ch_1"}, OccurredAt: paidAt,
	}
}

func TestAnEntryThatDoesNotBalanceCannotBeMade(t *testing.T) {
	t.Parallel()
	on := func(account domain.Account, amount money.Amount) domain.Posting {
		return domain.Posting{Account: account, Amount: amount}
	}
	for name, postings := range map[string][]domain.Posting{
		"nothing":                 nil,
		"one line":                {on(domain.StripeBalance, euros(500))},
		"a cent short":            {on(domain.StripeBalance, euros(500)), on(domain.FeeCover, euros(-499))},
		"two currencies net zero": {on(domain.StripeBalance, euros(500)), on(domain.FeeCover, dollars(-500))},
		"one of two currencies": {
			on(domain.StripeBalance, euros(500)), on(domain.Trading, euros(-500)),
			on(domain.StripeBalance, dollars(540)), on(domain.Trading, dollars(-541)),
		},
		"a line of nothing":     {on(domain.StripeBalance, euros(0)), on(domain.FeeCover, euros(0))},
		"no currency":           {on(domain.StripeBalance, money.Amount{Minor: 5}), on(domain.FeeCover, money.Amount{Minor: -5})},
		"account of nowhere":    {on("1234", euros(500)), on(domain.FeeCover, euros(-500))},
		"restricted, no fund":   {on(domain.StripeBalance, euros(500)), on("4100", euros(-500))},
		"fund on the bank":      {on("1100/winter", euros(500)), on(domain.FeeCover, euros(-500))},
		"suspense for nothing":  {on(domain.StripeBalance, euros(500)), on(domain.Suspense, euros(-500))},
		"a sum beyond counting": {on(domain.StripeBalance, euros(math.MaxInt64)), on(domain.StripeBalance, euros(1)), on(domain.FeeCover, euros(math.MinInt64))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := domain.NewDraft(header(), postings...)
			if err == nil {
				t.Fatal("it was made")
			}
		})
	}
}

func TestAnEntryMustSayWhereItBelongs(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*domain.Header){
		"no organization":  func(h *domain.Header) { h.OrganizationID = "" },
		"no key":           func(h *domain.Header) { h.Key = "" },
		"no rule":          func(h *domain.Header) { h.Rule.Name = "" },
		"no rule version":  func(h *domain.Header) { h.Rule.Version = 0 },
		"no time":          func(h *domain.Header) { h.OccurredAt = time.Time{} },
		"the epoch":        func(h *domain.Header) { h.OccurredAt = time.UnixMicro(0) },
		"id with a space":  func(h *domain.Header) { h.StripeIDs = []string{"ch_1 ch_2"} },
		"id that is empty": func(h *domain.Header) { h.StripeIDs = []string{""} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := header()
			spoil(&h)
			_, err := domain.NewDraft(h,
				domain.Posting{Account: domain.StripeBalance, Amount: euros(500)},
				domain.Posting{Account: domain.FeeCover, Amount: euros(-500)})
			if err == nil {
				t.Fatal("it was made")
			}
		})
	}
}

func TestAnyDraftThatIsMadeBalances(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Int64(), 0, 5).Draw(t, "amounts")
		var postings []domain.Posting
		var wrapped int64
		for _, minor := range amounts {
			postings = append(postings, domain.Posting{Account: domain.StripeBalance, Amount: euros(minor)})
			wrapped += minor
		}
		// Closed with what makes the sum zero in 64 bits that wrap around, which
		// is exactly what a sum without overflow checks would be fooled by.
		postings = append(postings, domain.Posting{Account: domain.FeeCover, Amount: euros(-wrapped)})
		draft, err := domain.NewDraft(header(), postings...)
		if err != nil {
			return
		}
		exact := new(bigSum)
		for _, p := range draft.Postings() {
			exact.add(p.Amount.Minor)
		}
		if !exact.isZero() {
			t.Fatalf("accepted postings %v do not sum to zero", draft.Postings())
		}
	})
}

func TestOverflowIsNamed(t *testing.T) {
	t.Parallel()
	err := domain.CheckBalance([]domain.Posting{
		{Account: domain.StripeBalance, Amount: euros(math.MaxInt64)},
		{Account: domain.StripeBalance, Amount: euros(math.MaxInt64)},
		{Account: domain.FeeCover, Amount: euros(2)},
	})
	if !errors.Is(err, money.ErrOverflow) {
		t.Fatalf("got %v, want an overflow: these three wrap around to zero", err)
	}
}

func TestAccountNames(t *testing.T) {
	t.Parallel()
	for code, want := range map[domain.Account]string{
		"1100":        "Assets:Stripe:Balance:EUR",
		"2900":        "Liabilities:Suspense:EUR",
		"3900":        "Equity:Trading:EUR",
		"4000":        "Income:Contributions:WithoutRestrictions:Online",
		"4100/winter": "Income:Contributions:WithRestrictions:winter",
		"4900":        "Income:Refunds:WithoutRestrictions",
		"4900/winter": "Income:Refunds:WithRestrictions:winter",
		"6200":        "Expenses:FX",
	} {
		got, err := code.Name(eur)
		if err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", code, got, err, want)
		}
	}
	for code, want := range map[domain.Account]domain.Class{
		"1100": domain.BalanceSheet, "3900": domain.BalanceSheet, "4000": domain.Unrestricted,
		"4100/winter": domain.Restricted, "6100": domain.Unrestricted, "4900/winter": domain.Restricted,
	} {
		if code.Class() != want {
			t.Errorf("%s is of class %q, want %q", code, code.Class(), want)
		}
	}
}

func TestFundCodesThatCannotBeAccountNames(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"winter", "WINTER-2026", "flood_relief.v2", "7"} {
		if err := domain.CheckFundCode(code); err != nil {
			t.Errorf("%q refused: %v", code, err)
		}
	}
	for _, code := range []string{"", "winter relief", "winter  5.00 EUR", "a:b", "a;b", "a/b", "zima❄", "a\nb", strings.Repeat("w", 41)} {
		if domain.CheckFundCode(code) == nil {
			t.Errorf("%q accepted", code)
		}
	}
}
