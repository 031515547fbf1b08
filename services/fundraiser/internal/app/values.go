package app

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"golang.org/x/text/language"
)

func stateOr(text string, absent domain.State) domain.State {
	if text == "" {
		return absent
	}
	return domain.State(text)
}

// oneLine undoes how a long text was wrapped in the file. Other spaces stay as
// they are: a no-break space is there for a reason.
func oneLine(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", " ")
}

func lines(texts []string) []string {
	var clean []string
	for _, text := range texts {
		clean = append(clean, oneLine(text))
	}
	return clean
}

// paragraphs is a story in Markdown: a blank line between two of them.
func paragraphs(texts []string) string {
	return strings.Join(lines(texts), "\n\n")
}

func readCurrency(code string) (money.Currency, string) {
	currency, err := money.ParseCurrency(code)
	if err != nil || currency.Code() != code {
		return money.Currency{}, "is not a currency that can be charged (three capital letters)"
	}
	return currency, ""
}

func checkCountry(code string) string {
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() || region.String() != code || len(code) != 2 {
		return "must be an ISO 3166 country, two capital letters"
	}
	return ""
}

func checkEmail(address string) string {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return "must be an e-mail address like name@example.org"
	}
	return ""
}

// readZone refuses the two names that Go takes and nobody else knows: "" would
// be UTC by accident, "Local" whatever the server's clock is set to.
func readZone(name string) (*time.Location, string) {
	if name == "" || name == "Local" {
		return nil, "must be an IANA time zone like Europe/Madrid"
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Sprintf("%q is not a known IANA time zone", name)
	}
	return zone, ""
}

func readDay(text string, zone *time.Location) (time.Time, string) {
	if text == "" {
		return time.Time{}, ""
	}
	day, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return time.Time{}, "must be a day written 2026-12-31"
	}
	return day, ""
}

// instant is t as it is kept: UTC, so that what is read back compares equal.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// readRate reads "2.9%" as 29,000 millionths, without a float in between.
func readRate(text string) (int64, string) {
	const problem = "must be a percentage below 100 with at most four decimals, like 2.9%"
	number, found := strings.CutSuffix(strings.TrimSpace(text), "%")
	if !found {
		return 0, problem
	}
	ppm, err := readDecimal(strings.TrimSpace(number), 4)
	if err != nil || ppm >= 1_000_000 {
		return 0, problem
	}
	return ppm, ""
}

// readAmount reads "25", "2.50" or "25 EUR" in major units of a currency. A
// file is written once and read by machines, so it is stricter than a form:
// one way to write a number, and a currency beside it must be the right one.
func readAmount(text string, currency money.Currency) (int64, string) {
	number, code, named := strings.Cut(strings.TrimSpace(text), " ")
	if named && code != currency.Code() {
		return 0, fmt.Sprintf("%q is not in %s", text, currency)
	}
	minor, err := readDecimal(number, currency.Exponent())
	if err != nil {
		return 0, fmt.Sprintf("%q must be an amount in %s like %s", text, currency,
			money.Typed(money.Amount{Minor: 25 * scale(currency.Exponent()), Currency: currency}))
	}
	if minor%currency.Step() != 0 {
		return 0, fmt.Sprintf("%q has decimals that %s cannot be charged in", text, currency)
	}
	return minor, ""
}

var errNotDecimal = errors.New("not a decimal number")

// readDecimal reads plain digits with at most so many decimals, scaled to an
// integer. Nothing is rounded, no sign and no grouping is taken.
func readDecimal(text string, decimals int) (int64, error) {
	whole, fraction, pointed := strings.Cut(text, ".")
	if whole == "" || len(whole) > 13 || len(fraction) > decimals || (pointed && fraction == "") {
		return 0, errNotDecimal
	}
	var n int64
	for _, digit := range whole + fraction {
		if digit < '0' || digit > '9' {
			return 0, errNotDecimal
		}
		n = n*10 + int64(digit-'0')
	}
	return n * scale(decimals-len(fraction)), nil
}

func scale(decimals int) int64 {
	power := int64(1)
	for range decimals {
		power *= 10
	}
	return power
}
