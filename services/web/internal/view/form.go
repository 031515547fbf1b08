package view

import (
	"slices"

	"github.com/almoner/almoner/services/internal/money"
)

// Names of the form's fields; scripts and tests rely on them.
const (
	FieldIntent     = "intent"
	FieldAmount     = "amount"
	FieldCurrency   = "currency"
	FieldFrequency  = "frequency"
	FieldCover      = "cover_fees"
	FieldFund       = "fund"
	FieldName       = "name"
	FieldEmail      = "email"
	FieldVisibility = "visibility"
	FieldMessage    = "message"
	FieldShare      = "s"
)

// Fields are all of them.
func Fields() []string {
	return []string{
		FieldIntent, FieldAmount, FieldCurrency, FieldFrequency, FieldCover,
		FieldFund, FieldName, FieldEmail, FieldVisibility, FieldMessage, FieldShare,
	}
}

// fieldOrder is the order on the page, which is the order of the summary.
var fieldOrder = []string{
	FieldFrequency, FieldAmount, FieldCover, FieldFund, FieldName, FieldEmail,
	FieldVisibility, FieldMessage,
}

// anchors are the ids that the summary's links lead to.
var anchors = map[string]string{
	FieldAmount:     "amount",
	FieldFrequency:  "frequency",
	FieldCover:      "cover",
	FieldFund:       "fund",
	FieldName:       "name",
	FieldEmail:      "email",
	FieldVisibility: "visibility",
	FieldMessage:    "message",
}

// Form is the donate form with its values.
type Form struct {
	Action     string // where it is sent, with the share code
	Intent     string
	Currency   money.Currency
	Suggested  []AmountChoice
	Own        string // amount as typed
	Minimum    money.Amount
	Cover      Cover
	Funds      []FundChoice // offered when there are several
	Name       string
	Email      string
	Monthly    bool
	Visibility string
	Message    string
	Errors     []FieldError
}

// AmountChoice is a suggested amount.
type AmountChoice struct {
	Amount  money.Amount
	Checked bool
}

// Value is what the form sends for the choice.
func (c AmountChoice) Value() string { return money.Typed(c.Amount) }

// FundChoice is a fund that the donor may choose.
type FundChoice struct {
	Code    string
	Name    string
	Checked bool
}

// Cover is the offer to add the estimated fee. It is off unless the donor
// ticked it.
type Cover struct {
	RatePPM  int64
	Fixed    money.Amount
	Checked  bool
	Examples []CoverExample
}

// CoverExample says what the cover adds to a suggested amount, for readers
// without script.
type CoverExample struct {
	Gift  money.Amount
	Cover money.Amount
}

// Offered reports whether there is a fee to cover.
func (c Cover) Offered() bool { return c.RatePPM > 0 || c.Fixed.Minor > 0 }

// FieldError is what is wrong with one field, in words.
type FieldError struct {
	Field   string
	Message string
}

// Anchor is the id of the field on the page, empty for an error that belongs
// to none.
func (e FieldError) Anchor() string { return anchors[e.Field] }

// Wrong returns what is wrong with the field, nothing when it is right.
func (f Form) Wrong(field string) []string {
	var found []string
	for _, e := range f.Errors {
		if e.Field == field {
			found = append(found, e.Message)
		}
	}
	return found
}

// Summary lists the errors in the order of the page.
func (f Form) Summary() []FieldError {
	sorted := slices.Clone(f.Errors)
	slices.SortStableFunc(sorted, func(a, b FieldError) int {
		return place(a.Field) - place(b.Field)
	})
	return sorted
}

// place puts what belongs to no field last.
func place(field string) int {
	i := slices.Index(fieldOrder, field)
	if i < 0 {
		return len(fieldOrder)
	}
	return i
}

// Whole reports whether gifts in the currency have no decimals.
func (f Form) Whole() bool {
	return f.Currency.Exponent() == 0 || f.Currency.Step() >= 100
}
