package pages

import (
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

// input is the donate form as it was sent, before anything is made of it.
type input struct {
	intent     string
	amount     string // the last that is not empty: the typed one, if there is one
	currency   string
	frequency  string
	cover      string
	fund       string
	name       string
	email      string
	visibility string
	message    string
	share      string
}

// readInput takes the fields as they are, so that a refused form shows again
// exactly what was typed. Only what is not text at all is replaced.
func readInput(values url.Values, share string) input {
	last := func(name string) string {
		for _, value := range slices.Backward(values[name]) {
			if strings.TrimSpace(value) != "" {
				return strings.ToValidUTF8(value, "\uFFFD")
			}
		}
		return ""
	}
	return input{
		intent:     strings.ToLower(last(view.FieldIntent)),
		amount:     last(view.FieldAmount),
		currency:   strings.ToUpper(last(view.FieldCurrency)),
		frequency:  last(view.FieldFrequency),
		cover:      last(view.FieldCover),
		fund:       last(view.FieldFund),
		name:       last(view.FieldName),
		email:      last(view.FieldEmail),
		visibility: last(view.FieldVisibility),
		message:    last(view.FieldMessage),
		share:      share,
	}
}

// terms are the conditions of the appeal that the form is checked against.
type terms struct {
	texts     *texts.Texts // amounts are read and written as this language does
	currency  money.Currency
	suggested []money.Amount
	minimum   money.Amount
	cover     view.Cover
	funds     []*fundraiserv1.Fund
}

func termsOf(appeal *fundraiserv1.Appeal, spoken *texts.Texts) (terms, error) {
	cur, err := money.ParseCurrency(appeal.GetCurrency())
	if err != nil {
		return terms{}, err
	}
	t := terms{
		texts:    spoken,
		currency: cur,
		minimum:  money.Minimum(cur),
		funds:    appeal.GetFunds(),
		cover: view.Cover{
			RatePPM: appeal.GetCoverRatePpm(),
			Fixed:   money.Amount{Minor: appeal.GetCoverFixedMinor(), Currency: cur},
		},
	}
	t.minimum.Minor = max(t.minimum.Minor, appeal.GetMinimumMinor())
	for _, minor := range appeal.GetSuggestedMinor() {
		suggested := money.Amount{Minor: minor, Currency: cur}
		t.suggested = append(t.suggested, suggested)
		cover, err := money.CoverFor(suggested, money.Rate{PPM: t.cover.RatePPM}, t.cover.Fixed.Minor)
		if err != nil {
			return terms{}, err
		}
		t.cover.Examples = append(t.cover.Examples, view.CoverExample{Gift: suggested, Cover: cover})
	}
	return t, nil
}

// visibilities are the form's words for what the public may see. Nothing said
// is public, as the form offers it first.
var visibilities = map[string]donationv1.Visibility{
	"":           donationv1.Visibility_VISIBILITY_PUBLIC,
	"public":     donationv1.Visibility_VISIBILITY_PUBLIC,
	"first_name": donationv1.Visibility_VISIBILITY_FIRST_NAME,
	"anonymous":  donationv1.Visibility_VISIBILITY_ANONYMOUS,
}

// frequencies are the form's words for how often. Nothing said is once: nobody is
// charged every month who has not said so.
var frequencies = map[string]donationv1.Frequency{
	"":      donationv1.Frequency_FREQUENCY_ONCE,
	once:    donationv1.Frequency_FREQUENCY_ONCE,
	monthly: donationv1.Frequency_FREQUENCY_MONTHLY,
}

const once, monthly = "once", "monthly"

// messageBytes is where a message is too long however its characters are
// counted. The exact count, and all else about names and messages, is the
// donation service's to say.
const messageBytes = 8_000

// check reads the amount and says what is wrong, everything at once, so that
// nobody has to send the form as often as it has errors. It is never stricter
// than the donation service, which has the last word on every field.
func (in input) check(t terms) (money.Amount, []view.FieldError) {
	var wrong []view.FieldError
	refuse := func(field, reason string) {
		wrong = append(wrong, view.FieldError{Field: field, Message: t.reason(reason, reason)})
	}

	gift, err := money.Parse(in.amount, t.currency, t.texts.Tag)
	switch {
	case err != nil:
		refuse(view.FieldAmount, t.amountReason(err))
	case in.currency != "" && in.currency != t.currency.Code():
		refuse(view.FieldAmount, "CURRENCY_CHANGED")
	case gift.Minor < t.minimum.Minor:
		refuse(view.FieldAmount, "AMOUNT_SMALL")
	}
	if _, known := frequencies[in.frequency]; !known {
		refuse(view.FieldFrequency, "FREQUENCY_UNKNOWN")
	}
	if in.cover != "" && in.cover != "1" {
		refuse(view.FieldCover, "COVER_UNKNOWN")
	}
	if in.fund != "" && !slices.ContainsFunc(t.funds, func(f *fundraiserv1.Fund) bool { return f.GetCode() == in.fund }) {
		refuse(view.FieldFund, "FUND_UNKNOWN")
	}
	if in.name == "" {
		refuse(view.FieldName, "NAME_EMPTY")
	}
	switch {
	case in.email == "":
		refuse(view.FieldEmail, "EMAIL_EMPTY")
	case !looksLikeAddress(in.email):
		refuse(view.FieldEmail, "EMAIL_INVALID")
	}
	if _, known := visibilities[in.visibility]; !known {
		refuse(view.FieldVisibility, "VISIBILITY_UNKNOWN")
	}
	if len(in.message) > messageBytes {
		refuse(view.FieldMessage, "MESSAGE_LONG")
	}
	return gift, wrong
}

// amountReason is why an amount cannot be read. Where a currency has no decimals,
// "at most two" would be wrong.
func (t terms) amountReason(err error) string {
	var unreadable money.InputError
	if !errors.As(err, &unreadable) {
		return money.ErrNotANumber.Reason()
	}
	if unreadable == money.ErrTooManyDecimals && (t.currency.Exponent() == 0 || t.currency.Step() >= 100) {
		return "AMOUNT_WHOLE"
	}
	return unreadable.Reason()
}

// reason says in the reader's language what is wrong, with an example that would
// be right in this currency. A reason that the catalogue does not have is said as
// the service said it.
func (t terms) reason(reason, message string) string {
	text, err := t.texts.Text("reason."+reason,
		"Currency", t.currency.Code(),
		"Minimum", view.Money(t.texts, t.minimum),
		"Maximum", view.Money(t.texts, money.Maximum(t.currency)),
		"Example", t.texts.Typed(t.minimum),
	)
	if err != nil {
		return message
	}
	return text
}

// looksLikeAddress refuses what surely is no address.
func looksLikeAddress(text string) bool {
	text = strings.TrimSpace(text)
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text {
		return false
	}
	_, domain, _ := strings.Cut(text, "@")
	return strings.Contains(domain, ".")
}

// isID reports whether the text is an id in its one usual form.
func isID(text string) bool {
	return len(text) == 36 && uuid.Validate(text) == nil
}

// draw makes the form with these values.
func (in input) draw(t terms, found target, wrong []view.FieldError) view.Form {
	f := view.Form{
		Action:     found.donatePath(in.share),
		Intent:     in.intent,
		Currency:   t.currency,
		Own:        in.amount,
		Minimum:    t.minimum,
		Cover:      t.cover,
		Name:       in.name,
		Email:      in.email,
		Monthly:    in.frequency == monthly,
		Visibility: in.visibility,
		Message:    in.message,
		Errors:     wrong,
	}
	f.Cover.Checked = in.cover == "1"
	if _, known := visibilities[in.visibility]; !known || in.visibility == "" {
		f.Visibility = "public"
	}
	for _, suggested := range t.suggested {
		choice := view.AmountChoice{Amount: suggested}
		// What equals a suggested amount was chosen and not typed.
		if f.Own != "" && f.Own == choice.Value() {
			choice.Checked, f.Own = true, ""
		}
		f.Suggested = append(f.Suggested, choice)
	}
	for i, fund := range t.funds {
		f.Funds = append(f.Funds, view.FundChoice{
			Code:    fund.GetCode(),
			Name:    fund.GetName(),
			Checked: fund.GetCode() == in.fund || (in.fund == "" && i == 0),
		})
	}
	return f
}
