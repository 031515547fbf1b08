package apptest

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func overview(t *testing.T, b bench) {
	b.ready(t)
	on := func(day int, g domain.Gift) domain.Gift {
		g.PaidAt = time.Date(2026, 3, day, 9, 0, 0, 0, time.UTC)
		return g
	}
	covered := on(2, gift(relief, 1, euros(100_00)))
	covered.Cover = euros(3_30)
	winter := on(2, gift(relief, 2, euros(50_00)))
	winter.Attribution.FundCode, winter.Attribution.FundClass = "winter", domain.FundRestricted
	winter.Attribution.AppealID = "appeal-cold"
	abroad := on(4, gift(relief, 3, dollars(20_00)))
	b.post(t, covered, winter, abroad, on(4, gift(pacific, 9, euros(999_00))))
	stranger := foreign(5, euros(15_00), euros(52))
	stranger.CreatedAt = time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	b.settle(t, settled(covered, euros(3_30)), settled(winter, euros(1_75)), settled(abroad, dollars(88)), stranger)
	flood := domain.Dimensions{Fund: "general", Appeal: "appeal-flood", Channel: "online"}
	b.book(t, "refund", 10, line("4900", 40_00, flood), line("4040", 1_30, flood), owed(-41_30, "re_1")) // on 10 March
	b.book(t, "refund_failed", 9, owed(10_00, "re_1"), line("4900", -10_00, flood))                      // on 11 March
	b.book(t, "dispute_lost", 8, line("4910/winter", 50_00, domain.Dimensions{Fund: "winter", Appeal: "appeal-cold"}),
		line("6110", 20_00, domain.Dimensions{}), held(-70_00, "dp_1")) // on 12 March

	euro := func(key string, income, cover, reductions, fees, gifts int64) app.Activity {
		return app.Activity{Key: key, Currency: eur, Income: income, Cover: cover, Reductions: reductions, Fees: fees, Gifts: gifts}
	}
	dollar := func(key string) app.Activity {
		return app.Activity{Key: key, Currency: usd, Income: 20_00, Fees: 88, Gifts: 1}
	}
	got, err := b.books.SumActivity(t.Context(), app.Period{Organization: "relief"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "totals", got.Totals, []app.Activity{euro("", 150_00, 3_30, 81_30, 25_05, 2), dollar("")})
	equal(t, "days", got.ByDay, []app.Activity{
		euro("2026-03-02", 150_00, 3_30, 0, 5_05, 2),
		dollar("2026-03-04"),
		euro("2026-03-10", 0, 0, 41_30, 0, 0),
		euro("2026-03-11", 0, 0, -10_00, 0, 0),
		euro("2026-03-12", 0, 0, 50_00, 20_00, 0),
	})
	equal(t, "appeals", got.ByAppeal, []app.Activity{
		euro("", 0, 0, 0, 20_00, 0),
		euro("appeal-cold", 50_00, 0, 50_00, 1_75, 1),
		euro("appeal-flood", 100_00, 3_30, 31_30, 3_30, 1),
		dollar("appeal-flood"),
	})
	equal(t, "funds", got.ByFund, []app.Activity{
		euro("", 0, 0, 0, 20_00, 0),
		euro("general", 100_00, 3_30, 31_30, 3_30, 1),
		dollar("general"),
		euro("winter", 50_00, 0, 50_00, 1_75, 1),
	})
	for period, want := range map[app.Period]app.Period{
		{}:                                     {From: "2026-03-02", To: "2026-03-20"},
		{To: "2026-03-03"}:                     {From: "2026-03-02", To: "2026-03-03"},
		{To: "2026-02-01"}:                     {From: "2026-02-01", To: "2026-02-01"},
		{From: "2026-03-19", To: "2026-04-30"}: {From: "2026-03-19", To: "2026-04-30"},
	} {
		period.Organization = "relief"
		got, err := b.books.SumActivity(t.Context(), period)
		if err != nil || got.From != want.From || got.To != want.To {
			t.Errorf("%+v is understood as %s to %s (%v), want %s to %s", period, got.From, got.To, err, want.From, want.To)
		}
	}
	none, err := b.books.SumActivity(t.Context(), app.Period{Organization: "relief", To: "2026-02-01"})
	if err != nil || len(none.Totals)+len(none.ByDay)+len(none.ByAppeal)+len(none.ByFund) != 0 {
		t.Errorf("before the first gift there is %+v (%v)", none, err)
	}
}

// overviewTies draws spans and adds up three ways to the same totals, and those
// to what the trial balance says about the accounts.
func overviewTies(t *testing.T, b bench, _ []domain.Entry) {
	reduced := false
	rapid.Check(t, func(rt *rapid.T) {
		last := noon.AddDate(0, 0, -rapid.IntRange(-3, 370).Draw(rt, "days ago"))
		period := app.Period{
			Organization: "relief", To: last.Format(time.DateOnly),
			From: last.AddDate(0, 0, -rapid.IntRange(0, 400).Draw(rt, "days")).Format(time.DateOnly),
		}
		got, err := b.books.SumActivity(t.Context(), period)
		if err != nil {
			rt.Fatal(err)
		}
		totals := sumUp(got.Totals)
		if len(totals) != len(got.Totals) {
			rt.Fatalf("a currency has two totals: %+v", got.Totals)
		}
		for name, list := range map[string][]app.Activity{"days": got.ByDay, "appeals": got.ByAppeal, "funds": got.ByFund} {
			if sums := sumUp(list); !sameSums(sums, totals) {
				rt.Fatalf("%s add up to %+v, totals are %+v", name, sums, totals)
			}
		}
		balances, err := b.books.TrialBalance(t.Context(), period)
		if err != nil {
			rt.Fatal(err)
		}
		if books := fromBalances(balances); !sameSums(books, totals) {
			rt.Fatalf("the trial balance says %+v, totals are %+v", books, totals)
		}
		reduced = reduced || (totals[eur].Reductions != 0 && totals[usd].Income != 0)
	})
	if !reduced {
		t.Error("no span had a refund and dollars: too little was tried")
	}
}

func sumUp(list []app.Activity) map[money.Currency]app.Activity {
	sums := map[money.Currency]app.Activity{}
	for _, a := range list {
		sum := sums[a.Currency]
		sum.Income += a.Income
		sum.Cover += a.Cover
		sum.Reductions += a.Reductions
		sum.Fees += a.Fees
		sum.Gifts += a.Gifts
		sums[a.Currency] = sum
	}
	return sums
}

// fromBalances reads the same figures from accounts, by their codes. How many
// gifts there were it cannot say.
func fromBalances(balances []app.Balance) map[money.Currency]app.Activity {
	sums := map[money.Currency]app.Activity{}
	for _, b := range balances {
		sum := sums[b.Currency]
		switch code := string(b.Account)[:4]; code {
		case "4000", "4020", "4100":
			sum.Income += b.Credits
			sum.Reductions += b.Debits
		case "4040":
			sum.Cover += b.Credits
			sum.Reductions += b.Debits
		case "4900", "4910":
			sum.Reductions += b.Closing - b.Opening
		case "6100", "6110", "6120", "6130":
			sum.Fees += b.Closing - b.Opening
		}
		sums[b.Currency] = sum
	}
	return sums
}

// sameSums compares figures of currencies that have any, without the gifts if
// one side does not know them.
func sameSums(a, b map[money.Currency]app.Activity) bool {
	for _, currency := range []money.Currency{eur, usd, money.MustCurrency("KWD")} {
		x, y := a[currency], b[currency]
		if x.Gifts == 0 {
			x.Gifts = y.Gifts
		}
		if x != y {
			return false
		}
	}
	return true
}
