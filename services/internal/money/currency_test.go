package money

import (
	"slices"
	"strings"
	"testing"

	"github.com/bojanz/currency"
)

func TestParseCurrencyKnowsWhatStripeCharges(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields(chargeable) {
		got, err := ParseCurrency(strings.ToLower(code))
		if err != nil {
			t.Errorf("ParseCurrency(%s): %v", code, err)
			continue
		}
		if got.Code() != code || got.StripeCode() != strings.ToLower(code) {
			t.Errorf("%s came back as %s and %s", code, got.Code(), got.StripeCode())
		}
		if got != MustCurrency(code) {
			t.Errorf("%s is not equal to itself", code)
		}
		if !currency.IsValid(code) {
			t.Errorf("%s cannot be formatted: CLDR does not know it", code)
		}
	}
	if n := len(strings.Fields(chargeable)); n < 138 {
		t.Errorf("%d currencies listed, Stripe has more than 135", n)
	}
}

func TestParticularCurrenciesAreChargeable(t *testing.T) {
	t.Parallel()
	for code := range particular {
		if !slices.Contains(strings.Fields(chargeable), code) {
			t.Errorf("%s has a profile but is missing from the list", code)
		}
	}
}

func TestParseCurrencyRefusesWhatCannotBeCharged(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "US", "USDT", "XXX", "XAU", "HRK", "STD", "U D", "D E", "£££", "usd ", "ＵＳＤ"} {
		got, err := ParseCurrency(code)
		if err == nil {
			t.Errorf("ParseCurrency(%q) = %s, want an error", code, got)
		}
		if !got.IsZero() {
			t.Errorf("ParseCurrency(%q) returned %s beside its error", code, got)
		}
	}
}

func TestMustCurrencyPanicsOnAMisspelling(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("MustCurrency(EURO) did not panic")
		}
	}()
	MustCurrency("EURO")
}

// Stripe's own exponents: where they differ from ISO or CLDR, a gift would be
// charged a hundred times too high or too low.
func TestExponentStepAndLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code             string
		exponent         int
		step             int64
		minimum, maximum string
	}{
		{"USD", 2, 1, "0.50 USD", "999999.99 USD"},
		{"EUR", 2, 1, "0.50 EUR", "999999.99 EUR"},
		{"GBP", 2, 1, "0.30 GBP", "999999.99 GBP"},
		{"JPY", 0, 1, "50 JPY", "99999999 JPY"},
		{"KRW", 0, 1, "1 KRW", "99999999 KRW"},
		{"XOF", 0, 1, "1 XOF", "99999999 XOF"},
		{"KWD", 3, 10, "0.010 KWD", "99999.990 KWD"},
		{"TND", 3, 10, "0.010 TND", "99999.990 TND"},
		{"ISK", 2, 100, "1.00 ISK", "999999.00 ISK"},
		{"UGX", 2, 100, "1.00 UGX", "999999.00 UGX"},
		{"HUF", 2, 1, "175.00 HUF", "999999.99 HUF"},
		{"TWD", 2, 1, "0.01 TWD", "999999.99 TWD"},
		{"MXN", 2, 1, "10.00 MXN", "999999.99 MXN"},
		{"INR", 2, 1, "0.50 INR", "9999999.99 INR"},
		{"IDR", 2, 1, "0.01 IDR", "9999999999.99 IDR"},
	}
	for _, tt := range tests {
		cur := MustCurrency(tt.code)
		if cur.Exponent() != tt.exponent || cur.Step() != tt.step {
			t.Errorf("%s: exponent %d step %d, want %d and %d", tt.code, cur.Exponent(), cur.Step(), tt.exponent, tt.step)
		}
		if got := Minimum(cur).String(); got != tt.minimum {
			t.Errorf("%s: minimum %s, want %s", tt.code, got, tt.minimum)
		}
		if got := Maximum(cur).String(); got != tt.maximum {
			t.Errorf("%s: maximum %s, want %s", tt.code, got, tt.maximum)
		}
	}
}
