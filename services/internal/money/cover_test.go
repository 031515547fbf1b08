package money

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestCoverOfCommonGifts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		gift  Amount
		ppm   int64
		fixed int64
		cover int64
	}{
		{Amount{100_00, usd}, 29_000, 30, 3_30}, // 103.30 − (3.00 + 0.30) = 100.00
		{Amount{50_00, eur}, 15_000, 25, 1_02},
		{Amount{1_00, usd}, 29_000, 30, 34},
		{Amount{5_000, jpy}, 36_000, 0, 187},
		{Amount{10_000, kwd}, 25_000, 100, 360}, // 10.360 − (0.259 + 0.100) ≥ 10
		{Amount{5000_00, isk}, 29_000, 30_00, 181_00},
		{Amount{100_00, usd}, 0, 0, 0},
		{Amount{0, usd}, 29_000, 30, 31},
	}
	for _, tt := range tests {
		cover, err := CoverFor(tt.gift, Rate{PPM: tt.ppm}, tt.fixed)
		if err != nil {
			t.Errorf("cover for %s: %v", tt.gift, err)
			continue
		}
		if cover.Minor != tt.cover || cover.Currency != tt.gift.Currency {
			t.Errorf("cover for %s at %d ppm + %d is %s, want %d", tt.gift, tt.ppm, tt.fixed, cover, tt.cover)
		}
	}
}

// The two halves of the promise: the gift arrives whole, and one step less
// would not have been enough.
func TestCoverIsEnoughAndNotMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom([]Currency{usd, eur, jpy, kwd, isk}).Draw(t, "currency")
		gift := Amount{rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "gift"), cur}
		rate := Rate{rapid.Int64Range(0, 999_999).Draw(t, "ppm")}
		fixed := rapid.Int64Range(0, 100_000).Draw(t, "fixed")

		cover, err := CoverFor(gift, rate, fixed)
		if err != nil {
			t.Fatal(err)
		}
		charge, err := gift.Add(cover)
		if err != nil {
			t.Fatal(err)
		}
		if charge.Minor%cur.Step() != 0 || cover.Minor < 0 {
			t.Fatalf("charge %s is no amount of its currency", charge)
		}
		if left := arrives(t, charge, rate, fixed); left < gift.Minor {
			t.Fatalf("of %s only %d arrives, the gift is %s", charge, left, gift)
		}
		smaller := Amount{charge.Minor - cur.Step(), cur}
		if smaller.Minor >= gift.Minor && arrives(t, smaller, rate, fixed) >= gift.Minor {
			t.Fatalf("%s would have been enough for %s, charged %s", smaller, gift, charge)
		}
	})
}

func arrives(t *rapid.T, charge Amount, rate Rate, fixed int64) int64 {
	fee, err := Fee(charge, rate, fixed)
	if err != nil {
		t.Fatal(err)
	}
	return charge.Minor - fee.Minor
}

func TestFeeRoundsHalfUp(t *testing.T) {
	t.Parallel()
	tests := []struct{ charge, ppm, fixed, fee int64 }{
		{10_00, 29_000, 30, 59},
		{50, 10_000, 0, 1}, // 0.5 of a cent
		{49, 10_000, 0, 0},
		{103_30, 29_000, 30, 3_30},
	}
	for _, tt := range tests {
		fee, err := Fee(Amount{tt.charge, usd}, Rate{tt.ppm}, tt.fixed)
		if err != nil {
			t.Fatal(err)
		}
		if fee.Minor != tt.fee {
			t.Errorf("fee of %d at %d ppm + %d is %d, want %d", tt.charge, tt.ppm, tt.fixed, fee.Minor, tt.fee)
		}
	}
}

func TestCoverRefusesWhatIsNoFee(t *testing.T) {
	t.Parallel()
	gift := Amount{100_00, usd}
	for _, ppm := range []int64{-1, 1_000_000, math.MaxInt64} {
		_, coverErr := CoverFor(gift, Rate{ppm}, 30)
		_, feeErr := Fee(gift, Rate{ppm}, 30)
		if !errors.Is(coverErr, ErrRate) || !errors.Is(feeErr, ErrRate) {
			t.Errorf("rate of %d ppm: %v and %v, want ErrRate", ppm, coverErr, feeErr)
		}
	}
	_, err := CoverFor(Amount{-1, usd}, Rate{29_000}, 30)
	if err == nil {
		t.Error("a negative gift was covered")
	}
	_, err = CoverFor(gift, Rate{29_000}, -30)
	if err == nil {
		t.Error("a negative fixed part was covered")
	}
	_, err = Fee(Amount{-1, usd}, Rate{29_000}, 30)
	if err == nil {
		t.Error("a negative charge had a fee")
	}
	_, err = CoverFor(Amount{math.MaxInt64, usd}, Rate{29_000}, 30)
	if !errors.Is(err, ErrOverflow) {
		t.Errorf("covering more than can be counted: %v, want ErrOverflow", err)
	}
	_, err = Fee(Amount{math.MaxInt64, usd}, Rate{999_999}, math.MaxInt64)
	if !errors.Is(err, ErrOverflow) {
		t.Errorf("a fee larger than can be counted: %v, want ErrOverflow", err)
	}
}
