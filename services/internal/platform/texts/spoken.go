package texts

import (
	"fmt"
	"strconv"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/almoner/almoner/services/internal/money"
)

// Texts are the texts of one language.
type Texts struct {
	Language
	localizer *i18n.Localizer
	printer   *message.Printer
}

func newTexts(bundle *i18n.Bundle, l Language) (*Texts, error) {
	// Western digits everywhere: amounts come out in them, and two kinds of digits
	// on one line are read as a mistake.
	tag, err := language.Parse(l.Tag + "-u-nu-latn")
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", l.Tag, err)
	}
	return &Texts{Language: l, localizer: i18n.NewLocalizer(bundle, l.Tag, source), printer: message.NewPrinter(tag)}, nil
}

// Dir is the direction that the language is written in, as HTML says it.
func (t *Texts) Dir() string {
	if t.RTL {
		return "rtl"
	}
	return "ltr"
}

// Text returns the text of a key with its {{.Name}}s filled from pairs of name and
// value. An unknown key is an error: a page without its words is broken.
func (t *Texts) Text(key string, values ...any) (string, error) {
	filled, err := pairs(values)
	if err != nil {
		return "", lost(key, err)
	}
	text, err := t.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: filled})
	if text == "" && err != nil {
		return "", lost(key, err)
	}
	return text, nil
}

// Say is Text where the key is one of the program's own: a key that is lost shows
// as itself, because a page with a strange word is better than none.
func (t *Texts) Say(key string, values ...any) string {
	text, err := t.Text(key, values...)
	if err != nil {
		return key
	}
	return text
}

// Count returns the plural form of a key for n, with {{.Count}} as the number in
// the language's own writing.
func (t *Texts) Count(key string, n int64, values ...any) (string, error) {
	filled, err := pairs(append(values, "Count", t.Number(n)))
	if err != nil {
		return "", lost(key, err)
	}
	text, err := t.localizer.Localize(&i18n.LocalizeConfig{
		MessageID: key, TemplateData: filled, PluralCount: strconv.FormatInt(n, 10),
	})
	if text == "" && err != nil {
		return "", lost(key, err)
	}
	return text, nil
}

// Money writes an amount.
func (t *Texts) Money(a money.Amount) string { return money.Format(a, t.Tag) }

// Short writes an amount without decimals that are all zero.
func (t *Texts) Short(a money.Amount) string { return money.FormatShort(a, t.Tag) }

// Number writes a whole number.
func (t *Texts) Number(n int64) string { return t.printer.Sprint(number.Decimal(n)) }

// Percent writes a whole number of hundredths.
func (t *Texts) Percent(hundredths int64) string {
	return t.printer.Sprint(number.Percent(float64(hundredths) / 100))
}

// Rate writes millionths as a percentage, with all its decimals.
func (t *Texts) Rate(millionths int64) string {
	const decimals = 4 // a millionth is 0.0001 %
	return t.printer.Sprint(number.Percent(float64(millionths)/1_000_000, number.MaxFractionDigits(decimals)))
}

// Typed writes an amount as somebody types it into a form: digits and the
// language's decimal mark.
func (t *Texts) Typed(a money.Amount) string { return money.TypedIn(a, t.Tag) }

// Day writes a date. The month's name is a text like any other ("month.1"), and so
// is the order of the parts ("date.day").
func (t *Texts) Day(at time.Time) string {
	return t.Say("date.day", "Day", at.Day(), "Month", t.Say("month."+strconv.Itoa(int(at.Month()))), "Year", at.Year())
}

// Moment writes a date with its time of day, to the minute.
func (t *Texts) Moment(at time.Time) string {
	return t.Say("date.moment", "Day", t.Day(at), "Time", at.Format("15:04"))
}
