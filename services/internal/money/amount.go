package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrOverflow says that a result does not fit 64 bits of minor units.
var ErrOverflow = errors.New("amount is too large to count")

// ErrCurrencyMismatch says that amounts in two currencies met in one sum.
var ErrCurrencyMismatch = errors.New("amounts are in different currencies")

// Amount is a number of minor units of one currency. It may be negative. It is
// comparable and can be a map key.
type Amount struct {
	Minor    int64
	Currency Currency
}

// IsZero reports whether the amount is nothing, in whatever currency.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// Add returns a + b. It fails with ErrCurrencyMismatch or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("add %s to %s: %w", b.Currency, a.Currency, ErrCurrencyMismatch)
	}
	sum := a.Minor + b.Minor
	// The sum of two numbers of one sign has that sign, unless it wrapped.
	if (a.Minor >= 0) == (b.Minor >= 0) && (sum >= 0) != (a.Minor >= 0) {
		return Amount{}, fmt.Errorf("add %d to %d: %w", b.Minor, a.Minor, ErrOverflow)
	}
	return Amount{Minor: sum, Currency: a.Currency}, nil
}

// Sub returns a − b. It fails with ErrCurrencyMismatch or ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("subtract %s from %s: %w", b.Currency, a.Currency, ErrCurrencyMismatch)
	}
	difference := a.Minor - b.Minor
	if (a.Minor >= 0) != (b.Minor >= 0) && (difference >= 0) != (a.Minor >= 0) {
		return Amount{}, fmt.Errorf("subtract %d from %d: %w", b.Minor, a.Minor, ErrOverflow)
	}
	return Amount{Minor: difference, Currency: a.Currency}, nil
}

// Neg returns −a. It fails with ErrOverflow for the one value that has no
// opposite.
func (a Amount) Neg() (Amount, error) {
	if a.Minor == math.MinInt64 {
		return Amount{}, fmt.Errorf("negate %d: %w", a.Minor, ErrOverflow)
	}
	return Amount{Minor: -a.Minor, Currency: a.Currency}, nil
}

// Sum adds amounts that are all in cur; of none it is zero in cur. It fails
// with ErrCurrencyMismatch or ErrOverflow.
func Sum(cur Currency, amounts ...Amount) (Amount, error) {
	total := Amount{Currency: cur}
	for _, a := range amounts {
		next, err := total.Add(a)
		if err != nil {
			return Amount{}, fmt.Errorf("sum: %w", err)
		}
		total = next
	}
	return total, nil
}

// Decimal writes the amount for machines: the exponent's digits after a point,
// no grouping, no currency: "103.30", "-0.05", "500".
func Decimal(a Amount) string {
	return decimal(a.Minor, a.Currency.Exponent())
}

// Typed writes the amount as plain digits that Parse reads back in every
// language, so it is what a form's suggested amounts carry: Decimal without
// the decimals that can only be zero. ("1.500" dinars would be refused as
// ambiguous; "1.50" is not.)
func Typed(a Amount) string {
	text := Decimal(a)
	unused := a.Currency.Exponent() - a.Currency.maxDecimals()
	if unused == 0 || a.Minor%a.Currency.Step() != 0 {
		return text
	}
	return strings.TrimSuffix(text[:len(text)-unused], ".")
}

// String is Decimal and the code, for logs and test failures: "103.30 EUR".
func (a Amount) String() string {
	return strings.TrimSpace(Decimal(a) + " " + a.Currency.Code())
}

// decimal places the point by text, because the smallest int64 has no positive
// twin to divide.
func decimal(minor int64, exponent int) string {
	digits := strconv.FormatInt(minor, 10)
	sign := ""
	if minor < 0 {
		sign, digits = "-", digits[1:]
	}
	if exponent == 0 {
		return sign + digits
	}
	if missing := exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - exponent
	return sign + digits[:point] + "." + digits[point:]
}
