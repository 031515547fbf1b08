package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// EntryFilter chooses entries. Empty fields do not restrict, several restrict
// together. Account, currency, fund, appeal and page must be those of one and
// the same posting: a journal filtered by an account and a fund is what was
// posted to that account for that fund.
type EntryFilter struct {
	From, To   string // booking days, YYYY-MM-DD, both included
	Account    string // code; one that funds have parts of stands for all of them
	Currency   string
	Rule       string
	Fund       string // code
	Appeal     string // id
	Fundraiser string // id
	Reference  string // any id that the entry names
}

// IsEmpty reports whether the filter lets every entry through.
func (f EntryFilter) IsEmpty() bool { return f == EntryFilter{} }

// RestrictsPostings reports whether entries are chosen by one of their lines.
func (f EntryFilter) RestrictsPostings() bool {
	return f.Account != "" || f.Currency != "" || f.Fund != "" || f.Appeal != "" || f.Fundraiser != ""
}

// String is the filter in words that a file can carry: "account:4000 fund:winter".
func (f EntryFilter) String() string {
	var words []string
	for _, word := range []struct{ name, value string }{
		{"from", f.From}, {"to", f.To}, {"account", f.Account}, {"currency", f.Currency}, {"rule", f.Rule},
		{"fund", f.Fund}, {"appeal", f.Appeal}, {"fundraiser", f.Fundraiser}, {"reference", f.Reference},
	} {
		if word.value != "" {
			words = append(words, word.name+":"+word.value)
		}
	}
	return strings.Join(words, " ")
}

// maxText is the longest text that is worth looking for, in bytes: longer than
// any id of Stripe's or ours.
const maxText = 255

// checked returns the filter as the store wants it, or says which fields are
// nonsense. A value that could exist and does not is no nonsense: nothing is
// found by it.
func (f EntryFilter) checked() (EntryFilter, error) {
	var faults []apperr.Field
	faults = append(faults, dayFaults(f.From, f.To)...)
	if f.Account != "" {
		_, err := domain.ParseAccounts(f.Account)
		if err != nil {
			faults = append(faults, noAccount())
		}
	}
	if f.Currency != "" {
		currency, err := money.ParseCurrency(f.Currency)
		if err != nil {
			faults = append(faults, noCurrency())
		}
		f.Currency = currency.Code()
	}
	for _, text := range []struct{ name, value string }{
		{"rule", f.Rule}, {"fund_code", f.Fund}, {"appeal_id", f.Appeal}, {"fundraiser_id", f.Fundraiser}, {"reference", f.Reference},
	} {
		faults = append(faults, textFaults(text.name, text.value)...)
	}
	if len(faults) > 0 {
		return EntryFilter{}, apperr.Invalid(faults...)
	}
	return f, nil
}

// dayFaults says what is wrong with two days, either of which may be empty.
func dayFaults(from, to string) []apperr.Field {
	var faults []apperr.Field
	if from != "" && !isDay(from) {
		faults = append(faults, notADay("from"))
	}
	if to != "" && !isDay(to) {
		faults = append(faults, notADay("to"))
	}
	if len(faults) == 0 && from != "" && to != "" && from > to {
		faults = append(faults, apperr.Field{Name: "to", Reason: "PERIOD_REVERSED", Message: "The last day is before the first."})
	}
	return faults
}

// textFaults refuses text that no id can be. PostgreSQL refuses some of it as
// well, and what is only looked for must not look like a failure of the books.
func textFaults(name, value string) []apperr.Field {
	switch {
	case len(value) > maxText:
		return []apperr.Field{{
			Name: name, Reason: "TEXT_TOO_LONG", Message: fmt.Sprintf("This is longer than any id: at most %d characters.", maxText),
		}}
	case strings.ContainsFunc(value, unicode.IsControl):
		return []apperr.Field{{Name: name, Reason: "TEXT_INVALID", Message: "Control characters cannot be part of this."}}
	}
	return nil
}

func noAccount() apperr.Field {
	return apperr.Field{
		Name: "account_code", Reason: "ACCOUNT_UNKNOWN",
		Message: "No account has this code. Write it as the journal does, for example 4000 or 4100/winter.",
	}
}

func noCurrency() apperr.Field {
	return apperr.Field{Name: "currency", Reason: "CURRENCY_UNKNOWN", Message: "Write the currency as three letters, for example EUR."}
}

// joinFaults makes one refusal of several, so that all fields are told at once.
// What is no refusal goes first: it says more.
func joinFaults(errs ...error) error {
	var fields []apperr.Field
	for _, err := range errs {
		if err == nil {
			continue
		}
		var refusal *apperr.Error
		if !errors.As(err, &refusal) || len(refusal.Fields) == 0 {
			return err
		}
		for _, field := range refusal.Fields {
			if !slices.Contains(fields, field) {
				fields = append(fields, field)
			}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return apperr.Invalid(fields...)
}
