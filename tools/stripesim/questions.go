package stripesim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// CustomField is a question that a session asks beside the payment.
type CustomField struct {
	Key      string `json:"key"`
	Label    string `json:"label"`
	Type     string `json:"type"`
	Optional bool   `json:"optional,omitempty"`
	// Shortest and Longest bound the answer, in characters; zero for no bound.
	Shortest int64         `json:"minimum_length,omitempty"`
	Longest  int64         `json:"maximum_length,omitempty"`
	Options  []FieldOption `json:"options,omitempty"`
	Value    string        `json:"value,omitempty"`
}

// FieldOption is one choice of a dropdown.
type FieldOption struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Consent is what a session asks the donor to agree to, or what the donor said, in
// Stripe's words.
type Consent struct {
	Promotions string `json:"promotions,omitempty"`
	Terms      string `json:"terms_of_service,omitempty"`
}

const (
	fieldText     = "text"
	fieldNumeric  = "numeric"
	fieldDropdown = "dropdown"

	// longestAnswer is what Stripe stores of an answer.
	longestAnswer = 255
)

func customFieldParams() schema {
	bounds := rule{kind: isHash, fields: schema{"minimum_length": {kind: isInteger}, "maximum_length": {kind: isInteger}}}
	option := rule{kind: isHash, fields: schema{
		"label": {kind: isString, max: 100, required: true}, "value": {kind: isString, max: 100, required: true},
	}}
	return schema{
		"key":      {kind: isString, max: 200, required: true},
		"label":    {kind: isHash, required: true, fields: schema{"custom": {kind: isString, max: 50, required: true}, "type": {kind: isEnum, enum: []string{"custom"}, required: true}}},
		"type":     {kind: isEnum, enum: []string{fieldDropdown, fieldNumeric, fieldText}, required: true},
		"optional": {kind: isBoolean}, fieldText: bounds, fieldNumeric: bounds,
		fieldDropdown: {kind: isHash, fields: schema{"options": {kind: isList, max: 200, required: true, elem: &option}}},
	}
}

func consentParams() schema {
	return schema{
		"promotions":       {kind: isEnum, enum: []string{"auto", "none"}},
		"terms_of_service": {kind: isEnum, enum: []string{"none", "required"}},
	}.later("payment_method_reuse_agreement")
}

// checkQuestions tells what the schema cannot: rules between parts of a question.
func checkQuestions(p *node) *apiError {
	seen := map[string]bool{}
	for i, field := range p.list("custom_fields") {
		name := fmt.Sprintf("custom_fields[%d]", i)
		key, kind := field.str("key"), field.str("type")
		if !alphanumeric(key) {
			return badRequest("", name+"[key]", "Invalid key: it must be alphanumeric.")
		}
		if seen[key] {
			return badRequest("", name+"[key]", "Each custom field needs a key of its own.")
		}
		seen[key] = true
		for _, other := range []string{fieldText, fieldNumeric, fieldDropdown} {
			if other != kind && field.get(other) != nil {
				return badRequest("", name+"["+other+"]", "You can only pass `%s` when `type` is `%s`.", other, other)
			}
		}
		failure := checkAnswerRules(field, name, kind)
		if failure != nil {
			return failure
		}
	}
	return nil
}

func checkAnswerRules(field *node, name, kind string) *apiError {
	if kind == fieldDropdown {
		options := field.list(fieldDropdown, "options")
		if len(options) == 0 {
			return badRequest("parameter_missing", name+"[dropdown][options]", "Missing required param: %s[dropdown][options].", name)
		}
		values := map[string]bool{}
		for _, option := range options {
			value := option.str("value")
			if !alphanumeric(value) || values[value] {
				return badRequest("", name+"[dropdown][options]", "The value of each option must be alphanumeric and unique.")
			}
			values[value] = true
		}
		return nil
	}
	least, hasLeast := field.integer(kind, "minimum_length")
	most, hasMost := field.integer(kind, "maximum_length")
	if (hasLeast && (least < 1 || least > longestAnswer)) || (hasMost && (most < 1 || most > longestAnswer)) || (hasLeast && hasMost && least > most) {
		return badRequest("", name+"["+kind+"]", "Lengths are 1 to %d, and the minimum is at most the maximum.", longestAnswer)
	}
	return nil
}

func alphanumeric(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// askQuestions takes over what a checked request asks of the donor.
func (s *Session) askQuestions(p *node) {
	for _, field := range p.list("custom_fields") {
		kind := field.str("type")
		asked := CustomField{
			Key: field.str("key"), Label: field.str("label", "custom"), Type: kind, Optional: field.str("optional") == "true",
		}
		asked.Shortest, _ = field.integer(kind, "minimum_length")
		asked.Longest, _ = field.integer(kind, "maximum_length")
		for _, option := range field.list(fieldDropdown, "options") {
			asked.Options = append(asked.Options, FieldOption{option.str("label"), option.str("value")})
		}
		s.Fields = append(s.Fields, asked)
	}
	if p.get("consent_collection") != nil {
		s.Asked = &Consent{Promotions: p.str("consent_collection", "promotions"), Terms: p.str("consent_collection", "terms_of_service")}
	}
}

// answers is what the donor said to what a session asks.
type answers struct {
	fields     map[string]string
	promotions bool
	terms      bool
}

func readAnswers(session *Session, form url.Values) (answers, string) {
	out := answers{
		fields: map[string]string{}, promotions: form.Get("consent_promotions") != "", terms: form.Get("consent_terms") != "",
	}
	refused := ""
	for _, field := range session.Fields {
		value := strings.TrimSpace(form.Get("field_" + field.Key))
		if !utf8.ValidString(value) {
			value = ""
		}
		out.fields[field.Key] = value
		if refused == "" {
			refused = field.refuses(value)
		}
	}
	if refused == "" && session.Asked != nil && session.Asked.Terms == "required" && !out.terms {
		refused = "Please agree to the terms of service."
	}
	return out, refused
}

// refuses tells what is wrong with an answer; nothing if it is empty and may be.
func (f CustomField) refuses(value string) string {
	length, most := int64(utf8.RuneCountInString(value)), f.Longest
	if most == 0 {
		most = longestAnswer
	}
	chosen := slices.ContainsFunc(f.Options, func(o FieldOption) bool { return o.Value == value })
	switch {
	case value == "" && f.Optional:
		return ""
	case value == "":
		return "Please fill in: " + f.Label
	case f.Type == fieldDropdown && !chosen:
		return "Please choose one of the options: " + f.Label
	case f.Type == fieldNumeric && !digitsOnly(value):
		return "Please use digits only: " + f.Label
	case f.Type != fieldDropdown && (length < f.Shortest || length > most):
		return fmt.Sprintf("Please use %d to %d characters: %s", max(f.Shortest, 1), most, f.Label)
	}
	return ""
}

// answer keeps what the donor said; a later try may say otherwise.
func (t *tx) answer(session *Session, said answers) *Session {
	if len(session.Fields) == 0 && session.Asked == nil {
		return session
	}
	next := *session
	next.Fields = unanswered(session.Fields)
	for i := range next.Fields {
		next.Fields[i].Value = said.fields[next.Fields[i].Key]
	}
	if session.Asked != nil {
		next.Given = session.Asked.given(said)
	}
	return t.putSession(next)
}

func (c *Consent) given(said answers) *Consent {
	out := &Consent{}
	if c.Promotions == "auto" {
		out.Promotions = "opt_out"
		if said.promotions {
			out.Promotions = "opt_in"
		}
	}
	if c.Terms == "required" {
		out.Terms = "accepted"
	}
	return out
}

func unanswered(fields []CustomField) []CustomField {
	out := slices.Clone(fields)
	for i := range out {
		out[i].Value = ""
	}
	return out
}

// renderFields shows answers once the session is complete.
func renderFields(s *Session) []any {
	out := []any{}
	for _, field := range s.Fields {
		value := any(nil)
		if s.Status == sessionComplete {
			value = orNull(field.Value)
		}
		details := map[string]any{"value": value}
		if field.Type == fieldDropdown {
			options := []any{}
			for _, option := range field.Options {
				options = append(options, map[string]any{"label": option.Label, "value": option.Value})
			}
			details["options"] = options
		} else {
			details["minimum_length"], details["maximum_length"] = orNone(field.Shortest), orNone(field.Longest)
		}
		out = append(out, map[string]any{
			"key": field.Key, "label": map[string]any{"custom": field.Label, "type": "custom"},
			"optional": field.Optional, "type": field.Type, field.Type: details,
		})
	}
	return out
}

// orNone is null for a number that was not given.
func orNone(number int64) any {
	if number == 0 {
		return nil
	}
	return number
}

func renderConsentAsked(asked *Consent) any {
	if asked == nil {
		return nil
	}
	out := map[string]any{"payment_method_reuse_agreement": nil, "promotions": "none", "terms_of_service": "none"}
	if asked.Promotions != "" {
		out["promotions"] = asked.Promotions
	}
	if asked.Terms != "" {
		out["terms_of_service"] = asked.Terms
	}
	return out
}

func renderConsent(s *Session) any {
	if s.Given == nil || s.Status != sessionComplete {
		return nil
	}
	return map[string]any{"promotions": orNull(s.Given.Promotions), "terms_of_service": orNull(s.Given.Terms)}
}
