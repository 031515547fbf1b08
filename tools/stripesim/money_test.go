package stripesim

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Each currency at its least, most and smallest step.
func TestAmountsOfEveryCurrency(t *testing.T) {
	t.Parallel()
	for _, currency := range strings.Fields(currencies) {
		least, most, unit := minimum(currency), maximum(currency)/step(currency)*step(currency), step(currency)
		for amount, code := range map[int64]string{
			least: "", most: "", least + unit: "", 0: "amount_too_small", least - 1: "amount_too_small", maximum(currency) + 1: "amount_too_large",
		} {
			failure := checkAmount(amount, currency)
			got := ""
			if failure != nil {
				got = failure.Code
			}
			if got != code {
				t.Errorf("%d %s: %q, want %q", amount, currency, got, code)
			}
		}
		if unit > 1 && checkAmount(least+1, currency) == nil {
			t.Errorf("%s takes an amount between its steps", currency)
		}
		if checkCurrency(currency, "") != nil {
			t.Errorf("%s is refused", currency)
		}
	}
	for _, bad := range []string{"", "eu", "euro", "xxx", "EUR", "us ", " eu"} {
		if checkCurrency(bad, "") == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestFees(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		amount         int64
		currency, card string
		want           int64
	}{
		{10000, "usd", "US", 320},   // 2.9 % and 30
		{10000, "usd", "DE", 470},   // and 1.5 % for a foreign card
		{10000, "eur", "DE", 175},   // 1.5 % and 25
		{10000, "eur", "US", 325},   //
		{10000, "gbp", "GB", 170},   // 1.5 % and 20
		{10000, "gbp", "FR", 320},   //
		{5000, "jpy", "JP", 180},    // 3.6 %
		{2500, "eur", "AT", 63},     // 37.5, half up
		{50, "usd", "US", 31},       // 1.45 down to 1
		{10000, "sek", "US", 290},   // no home region: nobody is foreign
		{100000, "isk", "DE", 2900}, // whole units
		{10000, "kwd", "US", 290},   //
		{10050, "kwd", "US", 290},   // 291.45 to a multiple of ten
		{99999999, "usd", "DE", 4400030},
	} {
		if got := fee(test.amount, test.currency, test.card); got != test.want {
			t.Errorf("%d %s with a card from %s costs %d, want %d", test.amount, test.currency, test.card, got, test.want)
		}
	}
}

func TestConversion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		amount int64
		from   string
		rate   Settlement
		want   int64
		shown  string
	}{
		{1000, "eur", Settlement{"usd", 1_084_200}, 1084, "1.0842"},
		{1005, "eur", Settlement{"usd", 1_000_000}, 1005, "1"},
		{1, "eur", Settlement{"usd", 500_000}, 1, "0.5"}, // half a cent, up
		{10000, "jpy", Settlement{"usd", 6_512}, 6512, "0.006512"},
		{100, "usd", Settlement{"jpy", 153_550_000}, 154, "153.55"},
		{1000, "kwd", Settlement{"usd", 3_250_000}, 325, "3.25"},
		{999_999_999_999, "idr", Settlement{"usd", 61}, 61_000_000, "0.000061"}, // the largest amount there is
	} {
		got, shown := test.rate.convert(test.amount, test.from)
		if shown != test.shown || got != test.want {
			t.Errorf("%d %s is %d at %s", test.amount, test.from, got, shown)
		}
	}
}

func TestMajorUnits(t *testing.T) {
	t.Parallel()
	for want, test := range map[string]struct {
		amount   int64
		currency string
	}{
		"25.00": {2500, "eur"}, "0.05": {5, "usd"}, "-3.10": {-310, "gbp"}, "5000": {5000, "jpy"}, "1.250": {1250, "kwd"}, "12.00": {1200, "isk"},
	} {
		if got := majorUnits(test.amount, test.currency); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// However gifts, declines, retries and time are mixed, the books add up.
func TestMoneyAddsUpWhateverHappens(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		a := prepare(t, func(c *Config) { c.Seed = seed + 1 })
		a.knobs(`{"async_capture": 0.3, "twin": 0.2}`)
		random := rand.New(rand.NewPCG(seed, 7))
		table := cards()
		var open []string
		for range 60 {
			switch random.IntN(6) {
			case 0:
				currency := []string{"eur", "usd", "jpy", "gbp"}[random.IntN(4)]
				open = append(open, a.checkout(giftOf(500+random.Int64N(100_000), currency)))
			case 1:
				a.control("/_sim/clock", `{"advance_seconds": `+itoa64(random.Int64N(20_000))+`}`)
			case 2:
				if len(open) > 0 {
					a.post("/v1/checkout/sessions/"+open[random.IntN(len(open))]+"/expire", nil)
				}
			default:
				if len(open) == 0 {
					continue
				}
				r := a.pay(open[random.IntN(len(open))], table[random.IntN(len(table))].number)
				if next := r.header.Get("Location"); strings.HasPrefix(next, "/3ds/") && random.IntN(3) > 0 {
					a.post(next, map[string][]string{"result": {[]string{"complete", "fail"}[random.IntN(2)]}})
				}
			}
			err := a.sim.CheckInvariants()
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		events := a.sim.Truth()
		if len(events.Charges) == 0 {
			t.Errorf("seed %d charged nothing", seed)
		}
	}
}
