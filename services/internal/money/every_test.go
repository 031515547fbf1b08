package money

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What Stripe's documentation says, written down a second time and from there, so
// that a slip in the table is noticed here.
var documented = struct {
	zeroDecimal, threeDecimal, hundreds string
	minimums                            map[string]string
	longer                              map[string]int
}{
	zeroDecimal:  "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF",
	threeDecimal: "BHD JOD KWD OMR TND",
	hundreds:     "ISK UGX",
	minimums: map[string]string{
		"USD": "0.50", "AED": "2.00", "AUD": "0.50", "BGN": "1.00", "BRL": "0.50", "CAD": "0.50", "CHF": "0.50", "CZK": "15.00",
		"DKK": "2.50", "EUR": "0.50", "GBP": "0.30", "HKD": "4.00", "HUF": "175.00", "INR": "0.50", "JPY": "50", "MXN": "10.00",
		"MYR": "2.00", "NOK": "3.00", "NZD": "0.50", "PLN": "2.00", "RON": "2.00", "SEK": "3.00", "SGD": "0.50", "THB": "10.00",
	},
	longer: map[string]int{"IDR": 12, "INR": 9},
}

func named(list, code string) bool { return strings.Contains(" "+list+" ", " "+code+" ") }

func TestEveryCurrencyIsAsDocumented(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields(chargeable) {
		cur := MustCurrency(code)
		exponent, step := 2, int64(1)
		switch {
		case named(documented.zeroDecimal, code):
			exponent = 0
		case named(documented.threeDecimal, code):
			exponent, step = 3, 10
		case named(documented.hundreds, code):
			step = 100
		}
		if cur.Exponent() != exponent || cur.Step() != step {
			t.Errorf("%s: exponent %d step %d, want %d and %d", code, cur.Exponent(), cur.Step(), exponent, step)
		}
		least := Amount{step, cur}
		if minimum := documented.minimums[code]; minimum != "" && Decimal(Minimum(cur)) != minimum || minimum == "" && Minimum(cur) != least {
			t.Errorf("%s: minimum %s, want %s, or %s where none is documented", code, Minimum(cur), minimum, least)
		}
		digits := 8
		if documented.longer[code] != 0 {
			digits = documented.longer[code]
		}
		if most := Maximum(cur).Minor; most >= pow10(digits) || most+step < pow10(digits) || most%step != 0 {
			t.Errorf("%s: maximum %s is not the largest amount of %d digits", code, Maximum(cur), digits)
		}
	}
	for code := range documented.minimums {
		if !named(chargeable, code) {
			t.Errorf("%s has a minimum and cannot be charged", code)
		}
	}
}

// Of every currency, the first and the last amount that can be charged are read as
// they are written, and the next beyond the last is refused.
func TestTheEdgesOfEveryCurrency(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields(chargeable) {
		cur := MustCurrency(code)
		for _, a := range []Amount{{cur.Step(), cur}, Minimum(cur), Maximum(cur)} {
			got, err := Parse(Typed(a), cur, "en")
			if err != nil || got != a {
				t.Errorf("%s is written %s and read as %s, %v", a, Typed(a), got, err)
			}
		}
		beyond := Amount{Maximum(cur).Minor + cur.Step(), cur}
		_, err := Parse(Typed(beyond), cur, "en")
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s is more than can be charged, and is answered with %v", beyond, err)
		}
		_, err = Parse(Typed(Amount{0, cur}), cur, "en")
		if !errors.Is(err, ErrZero) {
			t.Errorf("nothing in %s is answered with %v", code, err)
		}
	}
}

// Any amount that can be charged comes back as it was written, for machines and for
// people; and one that has more decimals than can be charged is refused, not rounded.
func TestEveryAmountComesBackAndNothingIsRounded(t *testing.T) {
	t.Parallel()
	codes := strings.Fields(chargeable)
	rapid.Check(t, func(t *rapid.T) {
		cur := MustCurrency(rapid.SampledFrom(codes).Draw(t, "currency"))
		a := Amount{rapid.Int64Range(1, Maximum(cur).Minor/cur.Step()).Draw(t, "steps") * cur.Step(), cur}
		got, err := Parse(Typed(a), cur, "en")
		if err != nil || got != a {
			t.Fatalf("%s is written %s and read as %s, %v", a, Typed(a), got, err)
		}
		// People write three decimals as they group thousands: that is asked back.
		got, err = Parse(Format(a, "fr"), cur, "fr")
		if cur.Exponent() < 3 && (err != nil || got != a) {
			t.Fatalf("%s is shown as %s and read as %s, %v", a, Format(a, "fr"), got, err)
		}
		// One decimal more than can be charged, and not zero.
		point := ""
		if cur.maxDecimals() == 0 {
			point = "."
		}
		finer := Typed(a)
		if cur.maxDecimals() > 0 && !strings.Contains(finer, ".") {
			finer += "." + strings.Repeat("0", cur.maxDecimals())
		}
		finer += point + rapid.StringMatching("[1-9]").Draw(t, "finer")
		got, err = Parse(finer, cur, "en")
		if !errors.Is(err, ErrTooManyDecimals) && !errors.Is(err, ErrAmbiguous) {
			t.Fatalf("%s %s is read as %s, %v", finer, cur, got, err)
		}
	})
}
