package stripesim

import (
	"net/mail"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rule says what one parameter may be.
type rule struct {
	kind     ruleKind
	required bool
	// max is the greatest number of characters, or of elements of a list.
	max    int
	enum   []string
	fields schema
	elem   *rule
	// unset says that an empty value takes the parameter away.
	unset bool
}

type schema map[string]rule

type ruleKind int

const (
	isString ruleKind = iota
	isInteger
	isBoolean
	isEnum
	isHash
	isList
	isMetadata
	isURL
	isEmail
	// isRange is a second, or a hash of gt, gte, lt and lte.
	isRange
	// isFalse is a switch that may be given but not turned on yet.
	isFalse
	// isLater is a parameter of Stripe's that the simulator has not.
	isLater
)

// check reports the first fault in a fixed order: unknown parameters, missing
// ones, then wrong values.
func (s schema) check(n *node, parent string) *apiError {
	for _, name := range n.names() {
		_, known := s[name]
		if !known {
			full := childName(parent, name)
			return badRequest("parameter_unknown", full, "Received unknown parameter: %s", full)
		}
	}
	for _, name := range s.sorted() {
		full := childName(parent, name)
		child := n.get(name)
		if child == nil {
			if s[name].required {
				return badRequest("parameter_missing", full, "Missing required param: %s.", full)
			}
			continue
		}
		failure := s[name].check(child, full)
		if failure != nil {
			return failure
		}
	}
	return nil
}

func (s schema) sorted() []string {
	out := make([]string, 0, len(s))
	for name := range s {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func (r rule) check(n *node, name string) *apiError {
	if r.unset && n.fields == nil && n.value == "" {
		return nil
	}
	switch r.kind {
	case isHash:
		if n.fields == nil {
			return badRequest("", name, "Invalid object")
		}
		return r.fields.check(n, name)
	case isList:
		return r.checkList(n, name)
	case isMetadata:
		return checkMetadata(n, name)
	case isLater:
		return notOffered(name)
	case isRange:
		if n.fields != nil {
			return rangeBounds().check(n, name)
		}
		return rule{kind: isInteger}.check(n, name)
	default:
		if n.fields != nil {
			return badRequest("", name, "Invalid string: %s is a hash or a list.", name)
		}
		if n.value == "" {
			return badRequest("parameter_invalid_empty", name,
				"You passed an empty string for '%s'. We assume empty values are an attempt to unset a parameter; "+
					"however '%s' cannot be unset. You should remove '%s' from your request or supply a non-empty value.",
				name, name, name)
		}
		return r.checkValue(n.value, name)
	}
}

func (r rule) checkValue(value, name string) *apiError {
	if !utf8.ValidString(value) {
		return badRequest("", name, "Invalid string: %s is not valid UTF-8.", name)
	}
	switch r.kind {
	case isInteger:
		_, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return badRequest("parameter_invalid_integer", name, "Invalid integer: %s", shorten(value))
		}
	case isBoolean:
		if value != "true" && value != "false" {
			return badRequest("", name, "Invalid boolean: %s", shorten(value))
		}
	case isFalse:
		if value != "false" {
			return notOffered(name)
		}
	case isEnum:
		if !slices.Contains(r.enum, value) {
			return badRequest("", name, "Invalid %s: must be one of %s", name, strings.Join(r.enum, ", "))
		}
	case isURL:
		parsed, err := url.Parse(value)
		if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
			return badRequest("url_invalid", name, "Not a valid URL")
		}
	case isEmail:
		address, err := mail.ParseAddress(value)
		if err != nil || address.Address != value {
			return badRequest("email_invalid", name, "Invalid email address: %s", shorten(value))
		}
	default:
		// Strings have their length below; hashes, lists and the rest no value.
	}
	if r.max > 0 && utf8.RuneCountInString(value) > r.max {
		return badRequest("", name, "Invalid string: %s; must be at most %d characters", shorten(value), r.max)
	}
	return nil
}

func (r rule) checkList(n *node, name string) *apiError {
	if n.fields == nil {
		return badRequest("", name, "Invalid array")
	}
	if r.max > 0 && len(n.fields) > r.max {
		return badRequest("", name, "Array %s exceeded maximum %d allowed elements.", name, r.max)
	}
	for _, index := range n.names() {
		_, err := strconv.ParseUint(index, 10, 16)
		if err != nil {
			return badRequest("", name, "Invalid array")
		}
		failure := r.elem.check(n.fields[index], childName(name, index))
		if failure != nil {
			return failure
		}
	}
	return nil
}

// Stripe's limits on metadata: 50 keys, names of 40, values of 500 characters.
func checkMetadata(n *node, name string) *apiError {
	if n.fields == nil {
		if n.value == "" {
			return nil // unsets all keys
		}
		return badRequest("", name, "Invalid object")
	}
	if len(n.fields) > 50 {
		return badRequest("", name, "Metadata can have at most 50 keys; you passed %d.", len(n.fields))
	}
	for _, key := range n.names() {
		value := n.fields[key]
		full := childName(name, key)
		if value.fields != nil {
			return badRequest("", full, "Metadata values must be strings, but for key '%s' you passed a hash.", shorten(key))
		}
		if utf8.RuneCountInString(key) > 40 {
			return badRequest("", name, "Metadata keys must be at most 40 characters; '%s' is longer.", shorten(key))
		}
		if utf8.RuneCountInString(value.value) > 500 {
			return badRequest("", full, "Metadata values can have up to 500 characters, but you passed in a value that is %d characters for key '%s'.",
				utf8.RuneCountInString(value.value), key)
		}
		if !utf8.ValidString(key) || !utf8.ValidString(value.value) {
			return badRequest("", name, "Invalid string: metadata is not valid UTF-8.")
		}
	}
	return nil
}

// shorten keeps an error message readable whatever was sent.
func shorten(value string) string {
	value = strings.ToValidUTF8(value, "?")
	runes := []rune(value)
	if len(runes) <= 40 {
		return value
	}
	return string(runes[:20]) + "..." + string(runes[len(runes)-10:])
}

func expandRule() rule {
	return rule{kind: isList, max: 20, elem: &rule{kind: isString, max: 200}}
}

func rangeBounds() schema {
	bound := rule{kind: isInteger}
	return schema{"gt": bound, "gte": bound, "lt": bound, "lte": bound}
}
