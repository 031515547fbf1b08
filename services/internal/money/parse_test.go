package money

import (
	"errors"
	"strings"
	"testing"
)

func TestParseTakesWhatPeopleType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		input, code, lang string
		want              int64
	}{
		{"50", "USD", "en", 50_00},
		{"50.00", "USD", "en", 50_00},
		{"50,00", "USD", "en", 50_00}, // a European on an English page
		{"12.5", "EUR", "de", 12_50},  // and the other way round
		{".50", "USD", "en", 50},
		{"50.", "USD", "en", 50_00},
		{"1,234.56", "USD", "en", 1234_56},
		{"1.234,56", "EUR", "de", 1234_56},
		{"1.234,56", "USD", "en", 1234_56},
		{"1,234.56", "EUR", "fr", 1234_56},
		{"1,000", "USD", "en", 1000_00},
		{"1.000", "EUR", "de", 1000_00},
		{"1.000", "EUR", "es", 1000_00},
		{"1.000", "JPY", "de", 1000},
		{"1,000,000", "JPY", "en", 1_000_000},
		{"100.000.000", "IDR", "en", 100_000_000_00},
		{"12,34,567.50", "INR", "en-IN", 1234567_50},
		{"1 234,56", "EUR", "fr", 1234_56},
		{"1\u00a0234,56", "EUR", "fr", 1234_56},
		{"1\u202f234,56", "EUR", "fr", 1234_56},
		{"1 000", "EUR", "en", 1000_00},
		{"1'234.50", "CHF", "de-CH", 1234_50},
		{"1’234.50", "CHF", "de-CH", 1234_50},
		{"50.-", "CHF", "de-CH", 50_00},
		{"50,–", "EUR", "de", 50_00},
		{"٥٠", "USD", "ar", 50_00},
		{"٥٠٫٢٥", "USD", "ar", 50_25},
		{"١٬٢٣٤٫٥٦", "EUR", "ar-EG", 1234_56},
		{"١٬٢٣٤", "EUR", "en", 1234_00},
		{"۵۰٫۵", "EUR", "fa", 50_50},
		{"٥٠،٢٥", "USD", "ar", 50_25},
		{"５０．２５", "JPY", "ja", 0},
		{"５０００", "JPY", "ja", 5000},
		{"१२५", "INR", "hi", 125_00},
		{"$50", "USD", "en", 50_00},
		{"$ 50", "CAD", "en", 50_00},
		{"US$50", "USD", "en", 0},
		{"50 €", "EUR", "fr", 50_00},
		{"€50.00", "EUR", "en", 50_00},
		{"EUR 50", "EUR", "en", 50_00},
		{"50eur", "EUR", "en", 50_00},
		{"€ 50 EUR", "EUR", "en", 50_00},
		{"Fr. 50.-", "CHF", "de-CH", 50_00},
		{"£20", "GBP", "en", 20_00},
		{"50 kr", "SEK", "sv", 50_00},
		{"¥5,000", "JPY", "en", 5000},
		{"5000円", "JPY", "ja", 5000},
		{"\u200f1,234.50\u00a0د.إ.\u200f", "AED", "ar", 1234_50},
		{"\u200e50\u200f", "USD", "ar", 50_00},
		{"  50  ", "USD", "en", 50_00},
		{"000050", "USD", "en", 50_00},
		{"999,999.99", "USD", "en", 999999_99},
		{"1.50", "KWD", "en", 1_500},
		{"1,234.500", "KWD", "en", 1234_500},
		{"1 234", "KWD", "en", 1234_000},
		{"2500", "ISK", "is", 2500_00},
		{"2.500", "ISK", "is", 2500_00},
		{"2500.00", "UGX", "en", 2500_00},
		{"175.50", "HUF", "en", 175_50},
	}
	for _, tt := range tests {
		got, err := Parse(tt.input, MustCurrency(tt.code), tt.lang)
		if tt.want == 0 {
			// Listed to show what is near and still refused.
			if err == nil {
				t.Errorf("Parse(%q, %s, %s) = %s, want an error", tt.input, tt.code, tt.lang, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse(%q, %s, %s): %v", tt.input, tt.code, tt.lang, err)
			continue
		}
		if got != (Amount{tt.want, MustCurrency(tt.code)}) {
			t.Errorf("Parse(%q, %s, %s) = %s, want %d", tt.input, tt.code, tt.lang, got, tt.want)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		input, code, lang string
		want              InputError
	}{
		{"", "USD", "en", ErrEmpty},
		{"  \u00a0\u200e ", "USD", "en", ErrEmpty},
		{"0", "USD", "en", ErrZero},
		{"0.00", "USD", "en", ErrZero},
		{"٠", "USD", "ar", ErrZero},
		{"-50", "USD", "en", ErrNegative},
		{"−50", "USD", "en", ErrNegative},
		{"-$50", "USD", "en", ErrNegative},
		{"$-50", "USD", "en", ErrNegative},
		{"50-", "USD", "en", ErrNegative},
		{"($50)", "USD", "en", ErrNegative},
		{"10.5", "JPY", "ja", ErrTooManyDecimals},
		{"10,5", "JPY", "de", ErrTooManyDecimals},
		{"10.00", "JPY", "en", ErrTooManyDecimals},
		{"10.5555", "USD", "en", ErrTooManyDecimals},
		{"1,234.567", "USD", "en", ErrTooManyDecimals},
		{"1234.567", "USD", "en", ErrTooManyDecimals},
		{"10٫555", "USD", "ar", ErrTooManyDecimals},
		{"5.50", "ISK", "en", ErrTooManyDecimals},
		{"1,234.567", "KWD", "en", ErrTooManyDecimals},
		{"10.555", "USD", "en", ErrAmbiguous},
		{"1.000", "USD", "en", ErrAmbiguous},
		{"1,000", "EUR", "de", ErrAmbiguous},
		{"1.000", "EUR", "fr", ErrAmbiguous}, // French groups with spaces
		{"0.555", "USD", "en", ErrAmbiguous},
		{"0,555", "USD", "en", ErrAmbiguous},
		{"1.500", "KWD", "en", ErrAmbiguous},
		{"1,500", "KWD", "en", ErrAmbiguous},
		{"١٬٥٠٠", "KWD", "ar", ErrAmbiguous},
		{"١٫٥٠٠", "KWD", "ar", ErrAmbiguous},
		{"1000000", "USD", "en", ErrTooLarge},
		{"1,000,000.00", "USD", "en", ErrTooLarge},
		{"100000000", "JPY", "en", ErrTooLarge},
		{"92233720368547758.08", "USD", "en", ErrTooLarge},
		{strings.Repeat("9", 40), "USD", "en", ErrTooLarge},
		{strings.Repeat("9", 5_000), "USD", "en", ErrTooLarge},
		{"abc", "USD", "en", ErrNotANumber},
		{"-abc", "USD", "en", ErrNotANumber},
		{"fifty", "USD", "en", ErrNotANumber},
		{"50a", "USD", "en", ErrNotANumber},
		{"5 dollars", "USD", "en", ErrNotANumber},
		{"NaN", "USD", "en", ErrNotANumber},
		{"Infinity", "USD", "en", ErrNotANumber},
		{"1e5", "USD", "en", ErrNotANumber},
		{"0x32", "USD", "en", ErrNotANumber},
		{"½", "USD", "en", ErrNotANumber},
		{"五十", "JPY", "ja", ErrNotANumber},
		{"50%", "USD", "en", ErrNotANumber},
		{"50-100", "USD", "en", ErrNotANumber},
		{"50+5", "USD", "en", ErrNotANumber},
		{"$", "USD", "en", ErrNotANumber},
		{"USD", "EUR", "en", ErrNotANumber},
		{".", "USD", "en", ErrNotANumber},
		{"50..", "USD", "en", ErrNotANumber},
		{"1,2,3", "USD", "en", ErrNotANumber},
		{"1,234,56", "USD", "en", ErrNotANumber},
		{"1.234.56", "EUR", "de", ErrNotANumber},
		{"1,23.45", "USD", "en", ErrNotANumber},
		{"1.234,567.89", "USD", "en", ErrNotANumber},
		{"1'234 567", "CHF", "de-CH", ErrNotANumber},
		{"1.234 567", "EUR", "fr", ErrNotANumber},
		{"50 00", "USD", "en", ErrNotANumber},
		{"0,001,000", "USD", "en", ErrNotANumber},
		{"1٫5٫0", "USD", "ar", ErrNotANumber},
		{"<script>50</script>", "USD", "en", ErrNotANumber},
		{"50'; DROP TABLE donation", "USD", "en", ErrNotANumber},
		{strings.Repeat("-", 100_000), "USD", "en", ErrNotANumber},
		{"\xff\xfe50", "USD", "en", ErrNotANumber},
		{"50 €", "USD", "en", ErrOtherCurrency},
		{"$50", "EUR", "en", ErrOtherCurrency},
		{"CA$50", "USD", "en", ErrOtherCurrency},
		{"50 gbp", "USD", "en", ErrOtherCurrency},
		{"$50 CAD", "USD", "en", ErrOtherCurrency},
	}
	for _, tt := range tests {
		got, err := Parse(tt.input, MustCurrency(tt.code), tt.lang)
		if !errors.Is(err, tt.want) {
			t.Errorf("Parse(%.40q, %s, %s) = %s, %v, want %v", tt.input, tt.code, tt.lang, got, err, tt.want)
		}
		if err != nil && got != (Amount{}) {
			t.Errorf("Parse(%.40q) returned %s beside its error", tt.input, got)
		}
	}
}

func TestReasonsAreWordsForMachinesAndPeople(t *testing.T) {
	t.Parallel()
	if got := ErrTooManyDecimals.Reason(); got != "AMOUNT_TOO_MANY_DECIMALS" {
		t.Errorf("reason is %s", got)
	}
	if got := ErrTooManyDecimals.Error(); got != "amount too many decimals" {
		t.Errorf("error reads %q", got)
	}
	var reason InputError
	_, err := Parse("ten", usd, "en")
	if !errors.As(err, &reason) || reason != ErrNotANumber {
		t.Errorf("as an InputError it is %q", reason)
	}
}

func TestGoalsAreLargerThanGifts(t *testing.T) {
	t.Parallel()
	eur := MustCurrency("EUR")
	_, err := Parse("24000000", eur, "en")
	if err != ErrTooLarge { //nolint:errorlint // the value itself is the promise
		t.Errorf("a gift of 24 million: %v", err)
	}
	goal, err := ParseGoal("24 000 000,50", eur, "fr")
	if err != nil || goal != (Amount{Minor: 2_400_000_050, Currency: eur}) {
		t.Errorf("%v, %v", goal, err)
	}
	_, err = ParseGoal("10000000000000.01", eur, "en")
	if err != ErrTooLarge { //nolint:errorlint // as above
		t.Errorf("more than can be counted: %v", err)
	}
}
