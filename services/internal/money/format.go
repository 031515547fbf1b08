package money

import (
	"strings"
	"unicode"

	"github.com/bojanz/currency"
)

// Format writes the amount as people who read lang (a BCP 47 tag such as "fr"
// or "ar-EG") write money, by CLDR, with as many decimals as can be charged:
// "$103.30", "103,30 €", "¥500". An unknown language is read as English.
func Format(a Amount, lang string) string {
	// CLDR's digits differ from Stripe's (and CLDR rounds ISK to none), so the
	// number is given as text with our point and the digits are fixed to ours.
	number := Decimal(a)
	decimals := a.Currency.Exponent()
	if a.Minor%a.Currency.Step() == 0 {
		number = Typed(a)
		decimals = a.Currency.maxDecimals()
	}
	if a.Currency.Exponent() == 3 {
		// Three decimals are how these currencies are written, though the last
		// can only be charged as zero.
		number, decimals = Decimal(a), 3
	}
	return write(a.Currency, number, decimals, lang)
}

// FormatShort is Format without decimals that are all zero: "$250,000". It is for
// round figures, such as goals; what is paid or booked is written whole.
func FormatShort(a Amount, lang string) string {
	whole, decimals, _ := strings.Cut(Decimal(a), ".")
	if strings.Trim(decimals, "0") != "" {
		return Format(a, lang)
	}
	return write(a.Currency, whole, 0, lang)
}

// write lays a decimal number out as an amount.
func write(cur Currency, number string, decimals int, lang string) string {
	amount, err := currency.NewAmount(number, cur.Code())
	if err != nil {
		// Only the zero Currency gets here; a bare number beats none.
		return number
	}
	formatter := currency.NewFormatter(locale(lang))
	formatter.MinDigits = uint8(decimals)
	formatter.MaxDigits = uint8(decimals)
	return formatter.Format(amount)
}

// TypedIn is Typed with the decimal mark of lang, as an example of what to type
// there.
func TypedIn(a Amount, lang string) string {
	point, _ := separators(lang)
	return strings.Replace(Typed(a), ".", point, 1)
}

// locale keeps tags without a language from matching no format at all; every
// other unknown tag falls back to English by CLDR's own rules.
func locale(lang string) currency.Locale {
	found := currency.NewLocale(lang)
	if found.Language == "" {
		return currency.NewLocale("en")
	}
	return found
}

// separators tells how lang writes numbers: what stands before the decimals,
// and what between groups of digits ("" where there are no groups).
func separators(lang string) (point, grouping string) {
	sample, err := currency.NewAmount("1234567.8", "USD")
	if err != nil {
		return ".", ","
	}
	formatter := currency.NewFormatter(locale(lang))
	formatter.CurrencyDisplay = currency.DisplayNone
	formatter.MinDigits, formatter.MaxDigits = 1, 1

	var between []string
	inside := false
	for _, r := range formatter.Format(sample) {
		switch {
		case unicode.IsDigit(r):
			inside = true
		case unicode.Is(unicode.Cf, r):
			// direction marks around the number
		case inside:
			between = append(between, string(r))
		}
	}
	if len(between) == 0 {
		return ".", ""
	}
	point = between[len(between)-1]
	if len(between) > 1 {
		grouping = between[0]
	}
	return point, grouping
}

// marks lists what people write beside a number to say it is in c: the code,
// and the symbols of the page's language, of English and of everyday use.
// A dollar sign on a page in Canadian dollars means those.
func (c Currency) marks(lang string) []string {
	found := []string{c.code}
	for _, id := range []string{lang, "en"} {
		symbol, known := currency.GetSymbol(c.code, locale(id))
		if known && symbol != "" {
			found = append(found, symbol)
		}
	}
	for _, s := range everydaySymbols {
		if strings.Contains(s.codes, c.code) {
			found = append(found, s.symbol)
		}
	}
	return found
}

// everydaySymbols are short signs that several currencies share, which CLDR
// gives only where the currency is at home.
var everydaySymbols = []struct{ symbol, codes string }{
	{"$", "ARS AUD BBD BMD BND BSD BZD CAD CLP COP CVE DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD USD UYU XCD"},
	{"£", "EGP FKP GBP GIP LBP SHP"},
	{"€", "EUR"},
	{"¥", "CNY JPY"},
	{"￥", "CNY JPY"},
	{"円", "JPY"},
	{"元", "CNY TWD"},
	{"₹", "INR"},
	{"₩", "KRW"},
	{"₪", "ILS"},
	{"₺", "TRY"},
	{"₴", "UAH"},
	{"₱", "PHP"},
	{"₦", "NGN"},
	{"₫", "VND"},
	{"฿", "THB"},
	{"kr.", "DKK ISK NOK SEK"},
	{"kr", "DKK ISK NOK SEK"},
	{"Fr.", "CHF"},
	{"Fr", "CHF"},
	{"sFr.", "CHF"},
	{"zł", "PLN"},
	{"Kč", "CZK"},
	{"Ft", "HUF"},
	{"R$", "BRL"},
	{"R", "ZAR"},
	{"RM", "MYR"},
	{"Rp", "IDR"},
	{"Rs.", "INR LKR MUR NPR PKR SCR"},
	{"Rs", "INR LKR MUR NPR PKR SCR"},
}
