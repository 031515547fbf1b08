package stripesim

import (
	"fmt"
	"math/big"
	"sort"
	"strings"
)

// All amounts are in Stripe's minor units, which differ from ISO 4217 in a few
// currencies, and fit an int64 with room to spare: the largest has 12 digits.

// currencies are those that Stripe charges.
const currencies = " usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd " +
	"cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf " +
	"idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr " +
	"mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp " +
	"sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw "

const (
	zeroDecimal  = " bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf "
	threeDecimal = " bhd jod kwd omr tnd "
	// Charged with two decimals that must both be zero.
	wholeUnits = " isk ugx "
)

func listed(list, currency string) bool {
	// Two of them with a blank between are in it, and are none.
	return !strings.Contains(currency, " ") && strings.Contains(list, " "+currency+" ")
}

// exponent is how many decimals Stripe's minor unit of a currency has.
func exponent(currency string) int {
	switch {
	case listed(zeroDecimal, currency):
		return 0
	case listed(threeDecimal, currency):
		return 3
	}
	return 2
}

// step is the smallest difference between two chargeable amounts.
func step(currency string) int64 {
	switch {
	case listed(wholeUnits, currency):
		return 100
	case listed(threeDecimal, currency):
		return 10
	}
	return 1
}

// minimum is the least that can be charged. Stripe publishes it for settlement
// currencies; for the others the simulator asks for half a major unit, or 50 of
// a currency without decimals.
func minimum(currency string) int64 {
	published := map[string]int64{
		"usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
		"eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
		"nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
	}
	least, ok := published[currency]
	switch {
	case ok:
		return least
	case listed(threeDecimal, currency):
		return 500
	case listed(wholeUnits, currency):
		return 100
	}
	return 50
}

// maximum is eight digits, but for currencies whose units are small.
func maximum(currency string) int64 {
	switch currency {
	case "idr":
		return 999_999_999_999
	case "inr":
		return 999_999_999
	}
	return 99_999_999
}

func checkCurrency(currency, param string) *apiError {
	if len(currency) == 3 && listed(currencies, currency) {
		return nil
	}
	return badRequest("", param, "Invalid currency: %s. Stripe currently supports these currencies: %s",
		shorten(currency), strings.Join(strings.Fields(currencies), ", "))
}

func checkAmount(amount int64, currency string) *apiError {
	shown := strings.ToUpper(currency)
	switch {
	case amount > maximum(currency):
		return badRequest("amount_too_large", "line_items",
			"The Checkout Session's total amount must be no more than %s %s", majorUnits(maximum(currency), currency), shown)
	case amount < minimum(currency):
		return badRequest("amount_too_small", "line_items",
			"The Checkout Session's total amount due must add up to at least %s %s", majorUnits(minimum(currency), currency), shown)
	case amount%step(currency) != 0:
		return badRequest("parameter_invalid_integer", "line_items",
			"Invalid amount: amounts in %s must be divisible by %d.", shown, step(currency))
	}
	return nil
}

// majorUnits writes an amount with its decimals, without the currency.
func majorUnits(amount int64, currency string) string {
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	decimals := exponent(currency)
	if decimals == 0 {
		return fmt.Sprintf("%s%d", sign, amount)
	}
	scale := power10(decimals)
	return fmt.Sprintf("%s%d.%0*d", sign, amount/scale, decimals, amount%scale)
}

func power10(n int) int64 {
	out := int64(1)
	for range n {
		out *= 10
	}
	return out
}

// tariff is what a card payment costs in one settlement currency.
type tariff struct {
	basisPoints int64
	fixed       int64
	// home are the countries whose cards are domestic; others cost more.
	home string
}

const (
	foreignBasisPoints = 150
	eea                = " AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK "
)

// tariffOf gives prices of the kind that Stripe publishes; where an account has
// no home region in a currency, every card is domestic.
func tariffOf(currency string) tariff {
	switch currency {
	case "usd":
		return tariff{290, 30, " US "}
	case "eur":
		return tariff{150, 25, eea}
	case "gbp":
		return tariff{150, 20, " GB "}
	case "chf":
		return tariff{290, 30, " CH "}
	case "jpy":
		return tariff{360, 0, " JP "}
	}
	return tariff{290, 0, ""}
}

// fee is rounded half up, each part to what the currency can express.
func fee(amount int64, currency, cardCountry string) int64 {
	price := tariffOf(currency)
	points := price.basisPoints
	if price.home != "" && !listed(price.home, cardCountry) {
		points += foreignBasisPoints
	}
	unit := 10_000 * step(currency)
	return (amount*points+unit/2)/unit*step(currency) + price.fixed
}

// convert gives the settled amount, rounded half up, and the rate as a decimal.
func (to Settlement) convert(amount int64, from string) (int64, string) {
	number := new(big.Int).Mul(big.NewInt(amount), big.NewInt(to.RateMicros))
	number.Mul(number, big.NewInt(power10(exponent(to.To))))
	unit := big.NewInt(1_000_000 * power10(exponent(from)) * step(to.To))
	number.Add(number, new(big.Int).Rsh(unit, 1))
	number.Div(number, unit)
	rate := fmt.Sprintf("%d.%06d", to.RateMicros/1_000_000, to.RateMicros%1_000_000)
	return number.Int64() * step(to.To), strings.TrimRight(strings.TrimRight(rate, "0"), ".")
}

func checkSettlement(rates map[string]Settlement) error {
	for from, to := range rates {
		if !listed(currencies, from) || !listed(currencies, to.To) {
			return fmt.Errorf("settlement %s to %s: unknown currency", from, to.To)
		}
		if to.RateMicros <= 0 || to.RateMicros > 1_000_000_000_000 {
			return fmt.Errorf("settlement %s to %s: rate_micros must be between 1 and 10^12", from, to.To)
		}
	}
	return nil
}

// availableAfter is how many days a payment stays pending: two to seven.
func availableAfter(seed uint64, txn string) int64 {
	return 2 + int64(chance(seed, "available", txn, 0)*6)
}

// balances are sums of net amounts by currency.
type balances struct {
	Available map[string]int64
	Pending   map[string]int64
	// Reserved is what was moved to the reserve for connected accounts, and not back.
	Reserved map[string]int64
}

func (st *state) balances(now int64) balances {
	out := balances{map[string]int64{}, map[string]int64{}, map[string]int64{}}
	for _, t := range st.txns.byID {
		if t.Category == "connect_reserved_funds" {
			out.Reserved[t.Currency] -= t.Amount
		}
		out.Available[t.Currency] += 0
		out.Pending[t.Currency] += 0
		if t.AvailableOn <= now {
			out.Available[t.Currency] += t.Net
		} else {
			out.Pending[t.Currency] += t.Net
		}
	}
	return out
}

// lines are sorted; an account without money shows zero in its own currency.
func (b balances) lines(sums map[string]int64, defaultCurrency string) []any {
	names := make([]string, 0, len(sums))
	for currency := range sums {
		names = append(names, currency)
	}
	if len(names) == 0 {
		names = append(names, defaultCurrency)
	}
	sort.Strings(names)
	out := make([]any, 0, len(names))
	for _, currency := range names {
		out = append(out, map[string]any{
			"amount": sums[currency], "currency": currency, "source_types": map[string]any{"card": sums[currency]},
		})
	}
	return out
}
