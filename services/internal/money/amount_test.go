package money

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

var (
	usd = MustCurrency("USD")
	eur = MustCurrency("EUR")
	jpy = MustCurrency("JPY")
	kwd = MustCurrency("KWD")
	isk = MustCurrency("ISK")
)

func TestGiftAndCoverMakeTheCharge(t *testing.T) {
	t.Parallel()
	gift := Amount{Minor: 100_00, Currency: eur}
	cover := Amount{Minor: 3_30, Currency: eur}

	charge, err := gift.Add(cover)
	if err != nil {
		t.Fatal(err)
	}
	if charge.String() != "103.30 EUR" {
		t.Errorf("gift and cover make %s", charge)
	}
	back, err := charge.Sub(cover)
	if err != nil {
		t.Fatal(err)
	}
	if back != gift {
		t.Errorf("charge less cover is %s, want the gift %s", back, gift)
	}
	reversal, err := gift.Neg()
	if err != nil {
		t.Fatal(err)
	}
	balance, err := Sum(eur, gift, cover, reversal)
	if err != nil {
		t.Fatal(err)
	}
	if balance != cover {
		t.Errorf("after the reversal %s is left, want %s", balance, cover)
	}
}

func TestCurrenciesNeverMix(t *testing.T) {
	t.Parallel()
	a, b := Amount{Minor: 5, Currency: eur}, Amount{Minor: 5, Currency: usd}
	_, addErr := a.Add(b)
	_, subErr := a.Sub(b)
	_, sumErr := Sum(eur, a, b)
	for name, err := range map[string]error{"Add": addErr, "Sub": subErr, "Sum": sumErr} {
		if !errors.Is(err, ErrCurrencyMismatch) {
			t.Errorf("%s: %v, want ErrCurrencyMismatch", name, err)
		}
	}
}

func TestSumOfNothingIsZeroInItsCurrency(t *testing.T) {
	t.Parallel()
	total, err := Sum(jpy)
	if err != nil {
		t.Fatal(err)
	}
	if !total.IsZero() || total.Currency != jpy {
		t.Errorf("sum of no gifts is %s", total)
	}
}

// Checked arithmetic agrees with arithmetic that has no limit.
func TestArithmeticIsExactOrRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := Amount{Minor: rapid.Int64().Draw(t, "a"), Currency: usd}
		b := Amount{Minor: rapid.Int64().Draw(t, "b"), Currency: usd}
		sum, err := a.Add(b)
		agree(t, sum, err, new(big.Int).Add(big.NewInt(a.Minor), big.NewInt(b.Minor)))
		difference, err := a.Sub(b)
		agree(t, difference, err, new(big.Int).Sub(big.NewInt(a.Minor), big.NewInt(b.Minor)))
		opposite, err := a.Neg()
		agree(t, opposite, err, new(big.Int).Neg(big.NewInt(a.Minor)))
	})
}

func agree(t *rapid.T, got Amount, err error, want *big.Int) {
	t.Helper()
	if !want.IsInt64() {
		if !errors.Is(err, ErrOverflow) {
			t.Fatalf("result %s does not fit, got %d and %v", want, got.Minor, err)
		}
		return
	}
	if err != nil || got.Minor != want.Int64() || got.Currency != usd {
		t.Fatalf("got %s and %v, want %s", got, err, want)
	}
}

func TestTheEdgesOfInt64(t *testing.T) {
	t.Parallel()
	most, least := Amount{Minor: math.MaxInt64, Currency: usd}, Amount{Minor: math.MinInt64, Currency: usd}
	one := Amount{Minor: 1, Currency: usd}
	_, addErr := most.Add(one)
	_, subErr := least.Sub(one)
	_, negErr := least.Neg()
	for name, err := range map[string]error{"Add": addErr, "Sub": subErr, "Neg": negErr} {
		if !errors.Is(err, ErrOverflow) {
			t.Errorf("%s beyond the edge: %v, want ErrOverflow", name, err)
		}
	}
	if got := Decimal(least); got != "-92233720368547758.08" {
		t.Errorf("the smallest amount is written %s", got)
	}
}

func TestDecimalAndTyped(t *testing.T) {
	t.Parallel()
	tests := []struct {
		amount         Amount
		decimal, typed string
	}{
		{Amount{103_30, eur}, "103.30", "103.30"},
		{Amount{0, eur}, "0.00", "0.00"},
		{Amount{5, eur}, "0.05", "0.05"},
		{Amount{-5, eur}, "-0.05", "-0.05"},
		{Amount{-1234_56, usd}, "-1234.56", "-1234.56"},
		{Amount{500, jpy}, "500", "500"},
		{Amount{-500, jpy}, "-500", "-500"},
		{Amount{1_500, kwd}, "1.500", "1.50"},
		{Amount{1_505, kwd}, "1.505", "1.505"}, // cannot be charged, can be owed
		{Amount{2500_00, isk}, "2500.00", "2500"},
		{Amount{2500_50, isk}, "2500.50", "2500.50"},
	}
	for _, tt := range tests {
		if got := Decimal(tt.amount); got != tt.decimal {
			t.Errorf("Decimal(%d %s) = %s, want %s", tt.amount.Minor, tt.amount.Currency, got, tt.decimal)
		}
		if got := Typed(tt.amount); got != tt.typed {
			t.Errorf("Typed(%d %s) = %s, want %s", tt.amount.Minor, tt.amount.Currency, got, tt.typed)
		}
	}
}

func TestAmountsAreKeys(t *testing.T) {
	t.Parallel()
	gifts := map[Amount]int{}
	gifts[Amount{50_00, MustCurrency("usd")}]++
	gifts[Amount{50_00, MustCurrency("USD")}]++
	gifts[Amount{50_00, eur}]++
	if len(gifts) != 2 || gifts[Amount{50_00, usd}] != 2 {
		t.Errorf("counted %v", gifts)
	}
}
