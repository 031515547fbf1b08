package money

import (
	"fmt"
	"strings"
)

// Currency is an ISO 4217 currency that Stripe can charge. The zero value is
// no currency; others come from ParseCurrency, so a Currency in hand is valid.
// It is comparable and can be a map key.
type Currency struct {
	code string
}

// profile is what Stripe asks of amounts in one currency.
type profile struct {
	exponent int   // decimal digits between the minor and the major unit
	step     int64 // amounts are multiples of this many minor units
	digits   int   // how many digits an amount in minor units may have
	minimum  int64 // smallest charge in minor units; 0 where Stripe names none
}

// standard is how most currencies behave: cents, and at most 999,999.99.
var standard = profile{exponent: 2, step: 1, digits: 8}

// ParseCurrency returns the currency of an ISO 4217 code in either case. Codes
// that Stripe cannot charge, withdrawn ones included, are refused.
func ParseCurrency(code string) (Currency, error) {
	if len(code) != 3 {
		return Currency{}, fmt.Errorf("currency code %.10q: want three letters", code)
	}
	upper := strings.ToUpper(code)
	_, known := lookup(upper)
	if !known {
		return Currency{}, fmt.Errorf("currency code %q is not one that can be charged", upper)
	}
	return Currency{code: upper}, nil
}

// MustCurrency is ParseCurrency for codes written in the source; it panics on
// a code that is not supported.
func MustCurrency(code string) Currency {
	c, err := ParseCurrency(code)
	if err != nil {
		panic(err)
	}
	return c
}

// Code is the ISO 4217 code in upper case, "" for the zero value.
func (c Currency) Code() string { return c.code }

// StripeCode is the code as Stripe's API spells it: lower case.
func (c Currency) StripeCode() string { return strings.ToLower(c.code) }

// String is Code.
func (c Currency) String() string { return c.code }

// IsZero reports whether c is no currency at all.
func (c Currency) IsZero() bool { return c.code == "" }

// Exponent is the number of decimal digits between Stripe's minor unit and the
// major one: 2 for USD, 0 for JPY, 3 for KWD.
func (c Currency) Exponent() int { return c.profile().exponent }

// Step is the number of minor units that every amount is a multiple of: 1 for
// most currencies, 10 where the last of three decimals must be 0, 100 where
// two decimals are sent but must be zero.
func (c Currency) Step() int64 { return c.profile().step }

// Minimum is the smallest charge Stripe accepts when it settles in the same
// currency. Where Stripe names no minimum it converts the charge first and
// applies the settlement currency's, which cannot be known here; then Minimum
// is one step.
func Minimum(c Currency) Amount {
	p := c.profile()
	return Amount{Minor: max(p.minimum, p.step), Currency: c}
}

// Maximum is the largest charge Stripe accepts with any payment method. (Cards
// alone may take more in JPY, HUF, COP and LBP.)
func Maximum(c Currency) Amount {
	p := c.profile()
	limit := pow10(p.digits) - 1
	return Amount{Minor: limit - limit%p.step, Currency: c}
}

// maxDecimals is how many decimals can be other than zero: fewer than the
// exponent where the step forces the last ones to be.
func (c Currency) maxDecimals() int {
	p := c.profile()
	decimals := p.exponent
	for step := p.step; step > 1 && decimals > 0; step /= 10 {
		decimals--
	}
	return decimals
}

func (c Currency) profile() profile {
	p, known := lookup(c.code)
	if !known {
		return standard
	}
	return p
}

func pow10(n int) int64 {
	power := int64(1)
	for range n {
		power *= 10
	}
	return power
}
