package money

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFormatAsTheReaderWrites(t *testing.T) {
	t.Parallel()
	tests := []struct {
		amount Amount
		lang   string
		want   string
	}{
		{Amount{103_30, usd}, "en", "$103.30"},
		{Amount{1234_56, eur}, "en", "€1,234.56"},
		{Amount{1234_56, eur}, "de", "1.234,56\u00a0€"},
		{Amount{1234_56, eur}, "fr", "1\u202f234,56\u00a0€"},
		{Amount{1234_56, eur}, "es", "1234,56\u00a0€"},
		{Amount{12345_67, MustCurrency("CHF")}, "de-CH", "CHF\u00a012’345.67"},
		{Amount{1234_56, usd}, "ar", "\u200f1,234.56\u00a0US$"},
		{Amount{1234_56, usd}, "ar-EG", "\u200f١٬٢٣٤٫٥٦\u00a0US$"},
		{Amount{5000, jpy}, "en", "¥5,000"},
		{Amount{1_500, kwd}, "en", "KWD\u00a01.500"},
		{Amount{1_505, kwd}, "en", "KWD\u00a01.505"},
		{Amount{2500_00, isk}, "en", "ISK\u00a02,500"},
		{Amount{2500_50, isk}, "en", "ISK\u00a02,500.50"},
		{Amount{175_50, MustCurrency("HUF")}, "en", "HUF\u00a0175.50"},
		{Amount{-50_00, usd}, "en", "-$50.00"},
		{Amount{0, usd}, "en", "$0.00"},
		{Amount{50_00, usd}, "", "$50.00"},
		{Amount{50_00, usd}, "xx-unknown", "$50.00"},
		{Amount{50_00, usd}, "<script>", "$50.00"},
		{Amount{50_00, Currency{}}, "en", "50.00"},
	}
	for _, tt := range tests {
		if got := Format(tt.amount, tt.lang); got != tt.want {
			t.Errorf("Format(%s, %q) = %+q, want %+q", tt.amount, tt.lang, got, tt.want)
		}
	}
}

var languages = []string{
	"en", "en-GB", "en-IN", "fr", "fr-CA", "fr-CH", "es", "es-MX", "ar", "ar-EG", "ar-MA", "de", "de-AT", "de-CH",
	"pt-BR", "pt-PT", "uk", "he", "fa", "tr", "ur", "zh", "hi", "ja", "ko", "sv", "nb", "da", "is", "fi", "pl", "cs",
	"hu", "nl", "it", "bn", "my", "mr", "sw", "th", "vi", "ru",
}

// What a page shows can be typed back into it. In currencies of three decimals
// it may be refused as ambiguous, but is never read as another amount.
func TestWhatIsShownCanBeTypedBack(t *testing.T) {
	t.Parallel()
	codes := strings.Fields(chargeable)
	rapid.Check(t, func(t *rapid.T) {
		cur := MustCurrency(rapid.SampledFrom(codes).Draw(t, "currency"))
		lang := rapid.SampledFrom(languages).Draw(t, "language")
		steps := rapid.Int64Range(1, Maximum(cur).Minor/cur.Step()).Draw(t, "steps")
		amount := Amount{steps * cur.Step(), cur}

		shown := Format(amount, lang)
		got, err := Parse(shown, cur, lang)
		if errors.Is(err, ErrAmbiguous) && cur.Exponent() == 3 {
			return
		}
		if err != nil || got != amount {
			t.Fatalf("%s shown as %+q in %s was read as %s, %v", amount, shown, lang, got, err)
		}
	})
}

func TestWhatAFormCarriesIsReadInEveryLanguage(t *testing.T) {
	t.Parallel()
	codes := strings.Fields(chargeable)
	rapid.Check(t, func(t *rapid.T) {
		cur := MustCurrency(rapid.SampledFrom(codes).Draw(t, "currency"))
		lang := rapid.SampledFrom(languages).Draw(t, "language")
		steps := rapid.Int64Range(1, Maximum(cur).Minor/cur.Step()).Draw(t, "steps")
		amount := Amount{steps * cur.Step(), cur}

		got, err := Parse(Typed(amount), cur, lang)
		if err != nil || got != amount {
			t.Fatalf("%s carried as %s was read in %s as %s, %v", amount, Typed(amount), lang, got, err)
		}
	})
}

// Whatever is typed, Parse answers with one of its reasons or with an amount
// that can be charged and that survives being written down.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"50", "1.234,56", "1,234.56", "٥٠٫٢٥", "$-50", "1'234", "10.555", "(5)", "50,-", "５０", "د.إ.\u200f 5"} {
		for _, code := range []string{"USD", "JPY", "KWD", "ISK", "CHF"} {
			f.Add(seed, code, "en")
		}
		f.Add(seed, "EUR", "de")
	}
	f.Fuzz(func(t *testing.T, input, code, lang string) {
		cur, err := ParseCurrency(code)
		if err != nil {
			return
		}
		amount, err := Parse(input, cur, lang)
		if err != nil {
			var reason InputError
			if !errors.As(err, &reason) {
				t.Fatalf("Parse(%q): %v is no InputError", input, err)
			}
			return
		}
		if amount.Minor <= 0 || amount.Minor > Maximum(cur).Minor || amount.Minor%cur.Step() != 0 || amount.Currency != cur {
			t.Fatalf("Parse(%q) = %s, which cannot be charged", input, amount)
		}
		again, err := Parse(Typed(amount), cur, lang)
		if err != nil || again != amount {
			t.Fatalf("Parse(%q) = %s, typed again %s, %v", input, amount, again, err)
		}
		again, err = Parse(Format(amount, lang), cur, lang)
		if errors.Is(err, ErrAmbiguous) && cur.Exponent() == 3 {
			return
		}
		if err != nil || again != amount {
			t.Fatalf("%s shown as %+q in %q was read as %s, %v", amount, Format(amount, lang), lang, again, err)
		}
	})
}

func TestRoundFiguresAreShort(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		amount Amount
		lang   string
		want   string
	}{
		{Amount{750_000_00, eur}, "en", "€750,000"},
		{Amount{750_000_00, eur}, "fr", "750\u202f000\u00a0€"},
		{Amount{1234_56, eur}, "en", "€1,234.56"},
		{Amount{1234_50, eur}, "en", "€1,234.50"},
		{Amount{5000, jpy}, "en", "¥5,000"},
		{Amount{1_000, kwd}, "en", "KWD\u00a01"},
		{Amount{-50_00, usd}, "en", "-$50"},
		{Amount{0, usd}, "en", "$0"},
	} {
		if got := FormatShort(tt.amount, tt.lang); got != tt.want {
			t.Errorf("%v in %q is %q, want %q", tt.amount, tt.lang, got, tt.want)
		}
	}
	if got := TypedIn(Amount{2_50, usd}, "es"); got != "2,50" {
		t.Errorf("typed in Spanish it is %q", got)
	}
}
