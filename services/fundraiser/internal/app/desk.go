package app

import (
	"strings"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

// Answers to staff.
var (
	errNoOrganization = apperr.New(apperr.NotFound, "ORGANIZATION_UNKNOWN", "There is no such organization.")
	errNoFund         = apperr.New(apperr.NotFound, "FUND_UNKNOWN", "There is no such fund.")
	// Two windows, or two people: what the second would undo it has not seen.
	errChanged = apperr.New(apperr.Aborted, "CHANGED_MEANWHILE",
		"This was changed meanwhile. Look at how it is now, then make your change again.")
)

// formField is how a field of a form is called beside what is wrong with it.
type formField struct{ name, label string }

// formFields turn the words of the rules, which are those of a file, into the
// fields of a form.
var formFields = map[string]formField{
	"slug":            {"slug", "The address"},
	"organization_id": {"organization_id", "The organization"},
	"kind":            {"kind", "The kind"},
	"title":           {"title", "The title"},
	"summary":         {"summary", "The summary"},
	"story":           {"story_markdown", "The story"},
	"currency":        {"currency", "The currency"},
	"suggested":       {"suggested_minor", "The suggested amount"},
	"minimum":         {"minimum_minor", "The smallest gift"},
	"goal":            {"goal_minor", "The goal"},
	"goal_count":      {"goal_count", "The number"},
	"goal_unit":       {"goal_unit", "What the number counts"},
	"unit_cost":       {"unit_cost_minor", "The gift that pays for one"},
	"funds":           {"fund_codes", "The appeal"},
	"starts":          {"starts_on", "The first day"},
	"ends":            {"ends_on", "The last day"},
	"cover_rate":      {"cover_rate_ppm", "The estimated fee"},
	"cover_fixed":     {"cover_fixed_minor", "The fixed part of the fee"},
	"name":            {"name", "The name"},
	"legal_name":      {"legal_name", "The name in the register"},
	"address":         {"address", "The postal address"},
	"registration":    {"registration", "The registration"},
	"time_zone":       {"time_zone", "The time zone"},
	"mission":         {"mission", "What it does"},
	"contact_email":   {"contact_email", "The e-mail address"},
	"code":            {"code", "The code"},
	"class":           {"fund_class", "The class"},
}

// verbs begin a problem that reads on from the name of its field.
var verbs = map[string]bool{"is": true, "has": true, "must": true, "may": true, "cannot": true}

// inForm is the answer to a form with these problems, nil if there are none:
// one message a field, all at once.
func inForm(problems domain.Problems) error {
	if len(problems) == 0 {
		return nil
	}
	var fields []apperr.Field
	seen := map[string]bool{}
	for _, p := range problems {
		// ".suggested[2]" is about the field "suggested".
		word, _, _ := strings.Cut(strings.TrimPrefix(p.Path, "."), "[")
		field, known := formFields[word]
		if !known {
			field = formField{name: word, label: "This"}
		}
		if seen[field.name] {
			continue
		}
		seen[field.name] = true
		reason := strings.ToUpper(field.name) + "_INVALID"
		if p.Missing() {
			reason = strings.ToUpper(field.name) + "_MISSING"
		}
		first, _, _ := strings.Cut(p.Message, " ")
		joint := ": "
		if verbs[first] {
			joint = " "
		}
		fields = append(fields, apperr.Field{Name: field.name, Reason: reason, Message: field.label + joint + p.Message + "."})
	}
	return apperr.Invalid(fields...)
}

// moment is now as it is kept.
func (a *App) moment() time.Time { return instant(a.now().Truncate(time.Microsecond)) }
