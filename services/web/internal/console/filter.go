package console

import (
	"errors"
	"net/url"
	"slices"
	"time"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// filterFields are the fields of the journal's filter as addresses call them,
// which is also the order on the page.
var filterFields = []string{"from", "to", "account", "currency", "rule", "fund", "appeal", "fundraiser", "reference"}

// wireNames are the fields that the ledger calls otherwise.
var wireNames = map[string]string{
	"account_code": "account", "fund_code": "fund", "appeal_id": "appeal", "fundraiser_id": "fundraiser",
}

// faultTexts are the refusals of the ledger that we have words for in each
// language; others are shown in the ledger's own.
var faultTexts = []string{
	"DATE_INVALID", "PERIOD_REVERSED", "ACCOUNT_UNKNOWN", "CURRENCY_UNKNOWN", "CURRENCY_NEEDED", "TEXT_TOO_LONG", "TEXT_INVALID",
}

// values are those of some fields in the page's address.
type values struct {
	names []string
	url.Values
}

// read takes the fields called names from the address.
func (v *visit) read(names ...string) values {
	taken := values{names: names, Values: url.Values{}}
	for _, name := range names {
		if value := v.query.Get(name); value != "" {
			taken.Set(name, value)
		}
	}
	return taken
}

// pairs are the values as an address has them, with more of them.
func (q values) pairs(more ...string) []string {
	var pairs []string
	for _, name := range q.names {
		pairs = append(pairs, name, q.Get(name))
	}
	return append(pairs, more...)
}

// with is the address of the same page with other values of some fields.
func (q values) with(more ...string) []string {
	changed := values{names: slices.Clone(q.names), Values: url.Values{}}
	for _, name := range q.names {
		changed.Set(name, q.Get(name))
	}
	for i := 0; i+1 < len(more); i += 2 {
		if !slices.Contains(changed.names, more[i]) {
			changed.names = append(changed.names, more[i])
		}
		changed.Set(more[i], more[i+1])
	}
	return changed.pairs()
}

// wire is the filter as the ledger takes it.
func (q values) wire() *ledgerv1.EntryFilter {
	return &ledgerv1.EntryFilter{
		From: q.Get("from"), To: q.Get("to"), AccountCode: q.Get("account"), Currency: q.Get("currency"), Rule: q.Get("rule"),
		FundCode: q.Get("fund"), AppealId: q.Get("appeal"), FundraiserId: q.Get("fundraiser"), Reference: q.Get("reference"),
	}
}

// form draws the fields with what is in them.
func (v *visit) form(path string, taken values, choices map[string][]Option) Filter {
	filter := Filter{Action: path, Book: v.desk.BookName, Folded: len(taken.names) > 3 && len(taken.Values) == 0}
	if len(taken.Values) > 0 {
		filter.Clear = v.link(path)
	}
	for _, name := range taken.names {
		field := Field{Name: name, Label: v.spoken.Say("console.field." + name), Value: taken.Get(name), Type: "text"}
		if (name == "from" || name == "to") && isDay(field.Value) {
			field.Type = "date"
		}
		field.Options = chosen(choices[name], field.Value)
		filter.Fields = append(filter.Fields, field)
	}
	return filter
}

// ruleNames are the rules that the ledger books by, in the order that they are
// offered; each has its words. One that is missing is found by the test of the whole
// program, which asks the ledger for all of them.
var ruleNames = []string{
	"gift", "fee", "convert", "refund", "refund_paid", "refund_failed", "refund_returned", "dispute", "dispute_reversal", "dispute_lost",
	"payout", "payout_reversal", "topup", "topup_reversal", "account_fee", "network_cost", "fee_tax", "reserve",
	"arrival", "debit_failed", "charge_failure", "partial_capture",
	"second_refund", "second_refund_failure", "second_dispute", "second_dispute_reversal", "second_charge_failure", "second_partial_capture_reversal",
	"foreign_charge", "foreign_fee", "foreign_refund", "foreign_refund_failure", "foreign_dispute", "foreign_dispute_reversal",
	"foreign_charge_failure", "foreign_partial_capture_reversal", "suspense", "unknown",
}

// rules offer them, beside what the journal and its exports call them.
func (v *visit) rules() []Option {
	offered := []Option{{Label: v.spoken.Say("console.all.rules")}}
	for _, rule := range ruleNames {
		offered = append(offered, Option{Value: rule, Label: v.ruleLabel(rule)})
	}
	return offered
}

// ruleLabel names a rule in words. One of a newer ledger keeps its own name.
func (v *visit) ruleLabel(rule string) string {
	if !slices.Contains(ruleNames, rule) {
		return rule
	}
	return v.spoken.Say("console.rule."+rule) + " (" + rule + ")"
}

// chosen marks the option of a value. One that is not among them is kept as it is:
// an address may name what is not offered any more.
func chosen(options []Option, value string) []Option {
	if len(options) == 0 {
		return nil
	}
	marked := slices.Clone(options)
	at := slices.IndexFunc(marked, func(o Option) bool { return o.Value == value })
	switch {
	case at >= 0:
		marked[at].Selected = true
	case value != "":
		marked = append(marked, Option{Value: value, Label: value, Selected: true})
	}
	return marked
}

// refused puts what the ledger says about fields beside them. It reports false
// when the error is no refusal of a field that the form has.
func (v *visit) refused(filter *Filter, err error) bool {
	var refusal *apperr.Error
	if !errors.As(err, &refusal) || refusal.Code != apperr.InvalidArgument {
		return false
	}
	for _, fault := range refusal.Fields {
		name := fault.Name
		if known, other := wireNames[name]; other {
			name = known
		}
		at := slices.IndexFunc(filter.Fields, func(f Field) bool { return f.Name == name })
		if at < 0 {
			continue
		}
		message := fault.Message
		if slices.Contains(faultTexts, fault.Reason) {
			message = v.spoken.Say("console.fault." + fault.Reason)
		}
		if filter.Fields[at].Fault == "" {
			filter.Fields[at].Fault = message
			filter.Faults = append(filter.Faults, Fault{Field: name, Message: message})
		}
	}
	return len(filter.Faults) > 0
}

// isDay reports whether the text is empty or a day as browsers write it.
func isDay(text string) bool {
	if text == "" {
		return true
	}
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// day reads a day of the wire; the zero time for none.
func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// presets are the periods that one looks at most.
func (v *visit) presets(path string, taken values) []Choice {
	today := day(v.today)
	month := func(months int) time.Time {
		return time.Date(today.Year(), today.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	}
	year := func(years int) time.Time { return time.Date(today.Year()+years, 1, 1, 0, 0, 0, 0, time.UTC) }
	var choices []Choice
	for _, preset := range []struct {
		key      string
		from, to time.Time
	}{
		{"this_month", month(0), month(1).AddDate(0, 0, -1)},
		{"last_month", month(-1), month(0).AddDate(0, 0, -1)},
		{"this_year", year(0), year(1).AddDate(0, 0, -1)},
		{"last_year", year(-1), year(0).AddDate(0, 0, -1)},
	} {
		from, to := preset.from.Format(time.DateOnly), preset.to.Format(time.DateOnly)
		choices = append(choices, Choice{
			Label:   v.spoken.Say("console.period." + preset.key),
			URL:     v.link(path, taken.with("from", from, "to", to)...),
			Current: taken.Get("from") == from && taken.Get("to") == to,
		})
	}
	return choices
}
