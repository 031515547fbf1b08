package money

import (
	"strings"
	"unicode"
)

// InputError is why something typed is not an amount. Each reason is a
// constant, to be told apart by errors.Is and said in the page's own words.
type InputError string

// What can be wrong with an amount as typed. The values are stable: they are
// the reasons that cross RPC beside the field.
const (
	ErrEmpty           InputError = "AMOUNT_EMPTY"             // nothing typed
	ErrNotANumber      InputError = "AMOUNT_NOT_A_NUMBER"      // letters, or separators where none belong
	ErrNegative        InputError = "AMOUNT_NEGATIVE"          // below zero
	ErrZero            InputError = "AMOUNT_ZERO"              // nothing to give
	ErrTooManyDecimals InputError = "AMOUNT_TOO_MANY_DECIMALS" // 10.5 yen, 10.555 dollars: never rounded
	ErrAmbiguous       InputError = "AMOUNT_AMBIGUOUS"         // 1.000: one or a thousand?
	ErrTooLarge        InputError = "AMOUNT_TOO_LARGE"         // above Maximum
	ErrOtherCurrency   InputError = "AMOUNT_OTHER_CURRENCY"    // marked with a currency that is not the page's
)

// Reason is the stable machine-readable name, such as "AMOUNT_EMPTY".
func (e InputError) Reason() string { return string(e) }

// Error says it in English for logs; pages have their own words.
func (e InputError) Error() string {
	return strings.ReplaceAll(strings.ToLower(string(e)), "_", " ")
}

// Parse reads an amount as people type it on a page in lang, in major units of
// cur: any script's digits; grouped or not; with either decimal separator;
// with the currency's own sign or code beside it. It rounds nothing and does
// not guess: see the Err constants for what it refuses, always as an
// InputError. The result is positive, at most Maximum and a multiple of Step;
// whether it is large enough is the caller's question.
func Parse(input string, cur Currency, lang string) (Amount, error) {
	return parse(input, cur, lang, Maximum(cur).Minor)
}

// ParseGoal reads what is raised by many gifts: as Parse does, up to the largest
// goal that can be counted.
func ParseGoal(input string, cur Currency, lang string) (Amount, error) {
	return parse(input, cur, lang, largestGoal)
}

// largestGoal in minor units is far from overflow, and within what a browser can
// count exactly.
const largestGoal = 1_000_000_000_000_000

func parse(input string, cur Currency, lang string, limit int64) (Amount, error) {
	text := normalize(input)
	if text == "" {
		return Amount{}, ErrEmpty
	}
	if len(text) > longest {
		if strings.Trim(text, digits) == "" {
			return Amount{}, ErrTooLarge
		}
		return Amount{}, ErrNotANumber
	}
	number, negative := bare(text, cur, lang)
	number = trimTail(number)
	if strings.Trim(number, digits+".,"+kindPoint+kindGroup+kindApostrophe+kindSpace) != "" {
		return Amount{}, refuse(number)
	}
	if !strings.ContainsAny(number, digits) {
		return Amount{}, ErrNotANumber
	}
	whole, decimals, err := split(number, cur, lang)
	if err != nil {
		return Amount{}, err
	}
	minor, err := count(whole, decimals, cur, limit)
	if err != nil {
		return Amount{}, err
	}
	// Last, so that "-abc" is called what it is.
	if negative {
		return Amount{}, ErrNegative
	}
	return Amount{Minor: minor, Currency: cur}, nil
}

const digits = "0123456789"

// longest is more than anybody types for an amount with its currency; it
// bounds the work that a pasted book can cause.
const longest = 100

// The separators that remain after normalize, beside "." and ",".
const (
	kindPoint      = "٫" // Arabic decimal separator: never groups
	kindGroup      = "٬" // Arabic thousands separator: never decimal
	kindApostrophe = "'" // Swiss grouping
	kindSpace      = " " // grouping in French and many others
)

// normalize writes every script's digits as ASCII, folds look-alike
// separators and drops what cannot be seen: direction marks come along when
// an amount is copied from an Arabic page.
func normalize(input string) string {
	var b strings.Builder
	for _, r := range input {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Nd, r):
			b.WriteByte('0' + digitValue(r))
		case r == '．':
			b.WriteByte('.')
		case r == '，' || r == '،':
			b.WriteByte(',')
		case strings.ContainsRune("’‘ʼ´`＇′", r):
			b.WriteString(kindApostrophe)
		case strings.ContainsRune("−﹣－‐‑–—", r):
			b.WriteByte('-')
		case unicode.IsSpace(r):
			b.WriteString(kindSpace)
		case unicode.Is(unicode.Cf, r):
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// digitValue relies on Unicode laying decimal digits out in runs of ten.
func digitValue(r rune) byte {
	for _, table := range unicode.Nd.R16 {
		if r >= rune(table.Lo) && r <= rune(table.Hi) {
			return byte((r - rune(table.Lo)) % 10)
		}
	}
	for _, table := range unicode.Nd.R32 {
		if r >= rune(table.Lo) && r <= rune(table.Hi) {
			return byte((r - rune(table.Lo)) % 10)
		}
	}
	return 0
}

// bare takes sign and currency marks off both ends, in whatever order they
// stand: "-$50", "$-50", "50 €", "(50)".
func bare(text string, cur Currency, lang string) (number string, negative bool) {
	if strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")") {
		text, negative = text[1:len(text)-1], true
	}
	// Symbols are folded as the input was, or "د.إ." would keep the direction
	// mark that CLDR gives it and never match.
	marks := cur.marks(lang)
	for i := range marks {
		marks[i] = normalize(marks[i])
	}
	for {
		before := text
		text = strings.TrimSpace(text)
		if strings.HasPrefix(text, "-") {
			text, negative = text[1:], true
		}
		// "50-" is how some ledgers write minus, but "50,-" means no cents.
		if strings.HasSuffix(text, "-") && !strings.HasSuffix(text, ",-") && !strings.HasSuffix(text, ".-") {
			text, negative = text[:len(text)-1], true
		}
		text = cutMark(text, marks)
		if text == before {
			return text, negative
		}
	}
}

// cutMark removes the longest mark at the start, or else at the end.
func cutMark(text string, marks []string) string {
	shortest := text
	for _, mark := range marks {
		if mark == "" || len(mark) > len(text) {
			continue
		}
		head, tail := text[:len(mark)], text[len(text)-len(mark):]
		switch {
		case strings.EqualFold(head, mark) && len(text)-len(mark) < len(shortest):
			shortest = text[len(mark):]
		case strings.EqualFold(tail, mark) && len(text)-len(mark) < len(shortest):
			shortest = text[:len(text)-len(mark)]
		}
	}
	return shortest
}

// trimTail drops a separator without decimals: "50.", and "50,-" or "50.-" as
// prices are written without cents.
func trimTail(number string) string {
	for _, tail := range []string{",-", ".-", ",", "."} {
		cut, found := strings.CutSuffix(number, tail)
		if found {
			return cut
		}
	}
	return number
}

// refuse says why text that is more than digits and separators is not an
// amount in this currency: it names another one, or nothing that we know.
func refuse(text string) error {
	if strings.IndexFunc(text, func(r rune) bool { return unicode.Is(unicode.Sc, r) }) >= 0 {
		return ErrOtherCurrency
	}
	_, err := ParseCurrency(strings.Trim(text, digits+"., "+kindPoint+kindGroup+kindApostrophe))
	if err == nil && strings.ContainsAny(text, digits) {
		return ErrOtherCurrency
	}
	return ErrNotANumber
}
