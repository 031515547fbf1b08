package money

import (
	"errors"
	"fmt"
	"math/big"
)

// ErrRate says that a fee rate is below 0 or not below 100 %.
var ErrRate = errors.New("fee rate must be at least 0 and below 100 %")

// Rate is a proportional fee in parts per million: 2.9 % is 29,000.
type Rate struct {
	PPM int64
}

const million = 1_000_000

// Fee estimates what the processor keeps of a charge: the rate, rounded half
// up to a minor unit, and a fixed part in minor units. What was really kept is
// only ever what the balance transaction says.
func Fee(charge Amount, rate Rate, fixed int64) (Amount, error) {
	if rate.PPM < 0 || rate.PPM >= million {
		return Amount{}, fmt.Errorf("fee of %d ppm: %w", rate.PPM, ErrRate)
	}
	if charge.Minor < 0 || fixed < 0 {
		return Amount{}, fmt.Errorf("fee of charge %d with fixed part %d: negative", charge.Minor, fixed)
	}
	fee := feeOf(big.NewInt(charge.Minor), rate, fixed)
	if !fee.IsInt64() {
		return Amount{}, fmt.Errorf("fee of charge %d: %w", charge.Minor, ErrOverflow)
	}
	return Amount{Minor: fee.Int64(), Currency: charge.Currency}, nil
}

// CoverFor is what a donor adds so that gift arrives whole: the smallest
// charge, a multiple of the currency's step, that leaves at least gift after
// Fee, less gift. It fails for a negative gift or fixed part, for a rate that
// is none (ErrRate) and for a charge that cannot be counted (ErrOverflow).
func CoverFor(gift Amount, rate Rate, fixed int64) (Amount, error) {
	if rate.PPM < 0 || rate.PPM >= million {
		return Amount{}, fmt.Errorf("cover a fee of %d ppm: %w", rate.PPM, ErrRate)
	}
	if gift.Minor < 0 || fixed < 0 {
		return Amount{}, fmt.Errorf("cover the fee of gift %d with fixed part %d: negative", gift.Minor, fixed)
	}

	// With r the rate, T(1−r) − ½ − fixed ≥ gift is enough whatever the
	// rounding does, so its solution bounds the search from above. What is
	// left of a charge never falls as the charge rises (the rate is below 1),
	// so bisection finds the smallest.
	step := big.NewInt(gift.Currency.Step())
	enough := new(big.Int).Add(big.NewInt(gift.Minor), big.NewInt(fixed))
	enough.Add(enough, big.NewInt(1)).Mul(enough, big.NewInt(million))
	enough.Div(enough, big.NewInt(million-rate.PPM)).Add(enough, big.NewInt(1))

	low := new(big.Int)                     // too few steps, or one below none
	high := ceilDiv(enough, step)           // always enough steps
	low.Div(big.NewInt(gift.Minor-1), step) // a charge below the gift never is
	for new(big.Int).Sub(high, low).Cmp(big.NewInt(1)) > 0 {
		middle := new(big.Int).Add(low, high)
		middle.Rsh(middle, 1)
		charge := new(big.Int).Mul(middle, step)
		left := new(big.Int).Sub(charge, feeOf(charge, rate, fixed))
		if left.Cmp(big.NewInt(gift.Minor)) >= 0 {
			high = middle
		} else {
			low = middle
		}
	}

	charge := new(big.Int).Mul(high, step)
	if !charge.IsInt64() {
		return Amount{}, fmt.Errorf("cover the fee of gift %d: %w", gift.Minor, ErrOverflow)
	}
	return Amount{Minor: charge.Int64() - gift.Minor, Currency: gift.Currency}, nil
}

// feeOf is round_half_up(charge × rate) + fixed. Big integers, because charge
// × ppm leaves 64 bits for the largest charges.
func feeOf(charge *big.Int, rate Rate, fixed int64) *big.Int {
	fee := new(big.Int).Mul(charge, big.NewInt(rate.PPM))
	fee.Add(fee, big.NewInt(million/2)).Div(fee, big.NewInt(million))
	return fee.Add(fee, big.NewInt(fixed))
}

func ceilDiv(a, b *big.Int) *big.Int {
	sum := new(big.Int).Add(a, b)
	sum.Sub(sum, big.NewInt(1))
	return sum.Div(sum, b)
}
