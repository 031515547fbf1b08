package conformance

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// walker goes through an answer with Stripe's description in its hand and notes
// what a validator lets pass: properties that Stripe does not have, properties of
// Stripe's example that are absent, words that are no word of Stripe's.
type walker struct {
	spec *description
	// strange are properties that the description lacks, absent those that the
	// example has, and words the values that are not in a list.
	strange, absent, words []string
}

func (w *walker) walk(ref *openapi3.SchemaRef, value any, at string) {
	schema := w.choose(ref.Value, value)
	switch v := value.(type) {
	case map[string]any:
		w.object(schema, v, at)
	case []any:
		if schema.Items == nil {
			return
		}
		for i, row := range v {
			w.walk(schema.Items, row, fmt.Sprintf("%s[%d]", at, i))
		}
	case string:
		if len(schema.Enum) > 0 && !slices.Contains(schema.Enum, any(v)) {
			w.words = append(w.words, fmt.Sprintf("%s: %q is none of Stripe's", at, v))
		}
	}
}

func (w *walker) object(schema *openapi3.Schema, object map[string]any, at string) {
	described := len(schema.Properties) > 0
	kind, _ := object["object"].(string)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		below := at + "." + name
		property, known := schema.Properties[name]
		switch {
		case known:
			w.walk(property, object[name], below)
			w.freeWord(kind, property.Value, name, object[name], at)
		case schema.AdditionalProperties.Schema != nil:
			w.walk(schema.AdditionalProperties.Schema, object[name], below)
		case described:
			w.strange = append(w.strange, below+": Stripe has no such property")
		}
	}
	if deleted, _ := object["deleted"].(bool); deleted {
		kind = "deleted_" + kind
	}
	for name := range w.spec.examples[kind] {
		_, there := object[name]
		rightly := leftOut[kind+"."+name]
		if !there && (rightly == nil || !rightly(object)) {
			w.absent = append(w.absent, at+"."+name+": in Stripe's example of a "+kind)
		}
	}
	slices.Sort(w.absent)
}

// leftOut are properties of the examples that Stripe sends in some cases only, with
// what tells that this is not one of them.
var leftOut = map[string]func(object map[string]any) bool{
	// Of accounts that use Connect.
	"balance.connect_reserved": always,
	// Since 2022-11-15 only where it is expanded.
	"charge.refunds": always,
	// Of what is there; a preview is not.
	"invoice.id": func(i map[string]any) bool { return i["billing_reason"] == "upcoming" },
	// Of lines that are no item of a subscription.
	"line_item.invoice_item": always,
	// A payment method has what belongs to its type; a dispute tells of cards.
	"payment_method.card": func(m map[string]any) bool { return m["type"] != "card" },
	"dispute.payment_method_details": func(d map[string]any) bool {
		id, isID := d["charge"].(string)
		if !isID {
			id, _ = follow(d, "charge.id").(string)
		}
		return strings.HasPrefix(id, "py_")
	},
}

func always(map[string]any) bool { return true }

// choose takes the alternative that describes this value: by its "object" if it is
// one, else by its properties.
func (w *walker) choose(schema *openapi3.Schema, value any) *openapi3.Schema {
	if len(schema.AnyOf) == 0 {
		return schema
	}
	object, isObject := value.(map[string]any)
	if isObject {
		best, fewest := schema, 1<<30
		for _, option := range schema.AnyOf {
			misfits := misfits(option.Value, object)
			if misfits < fewest {
				best, fewest = option.Value, misfits
			}
		}
		return best
	}
	for _, option := range schema.AnyOf {
		if option.Value.VisitJSON(value) == nil {
			return option.Value
		}
	}
	return schema
}

// misfits counts what speaks against a schema for an object.
func misfits(schema *openapi3.Schema, object map[string]any) int {
	count := 0
	for _, marker := range []string{"object", "deleted"} {
		property := schema.Properties[marker]
		value, there := object[marker]
		if (property != nil) != there || there && !slices.Contains(property.Value.Enum, value) {
			count += 1000
		}
	}
	for name := range object {
		if schema.Properties[name] == nil {
			count++
		}
	}
	return count
}

// freeStrings are the properties that the description types as any text and whose
// words it lists in prose only.
var freeStrings = []string{
	"balance_transaction.status", "dispute.reason", "payout.status", "refund.failure_reason", "refund.status",
	"charge_outcome.network_status", "charge_outcome.risk_level", "charge_outcome.type",
}

var quoted = regexp.MustCompile("`([a-z_]+)`")

func (w *walker) freeWord(kind string, schema *openapi3.Schema, name string, value any, at string) {
	word, isText := value.(string)
	if kind == "" && strings.HasSuffix(at, ".outcome") {
		kind = "charge_outcome"
	}
	if isText && kind+"."+name == "balance_transaction.reporting_category" && !slices.Contains(reportingCategories, word) {
		w.words = append(w.words, fmt.Sprintf("%s.%s: %q is no category of Stripe's reports", at, name, word))
	}
	if !isText || !slices.Contains(freeStrings, kind+"."+name) {
		return
	}
	for _, match := range quoted.FindAllStringSubmatch(schema.Description, -1) {
		if match[1] == word {
			return
		}
	}
	w.words = append(w.words, fmt.Sprintf("%s.%s: %q is not in what Stripe writes about it", at, name, word))
}

// reporting categories are documented on a page of their own and not in the
// description; these are the ones that the simulator's transactions can be of.
var reportingCategories = []string{
	"charge", "refund", "dispute", "dispute_reversal", "payout", "payout_reversal", "charge_failure", "refund_failure", "fee",
	"other_adjustment", "partial_capture_reversal", "risk_reserved_funds", "topup", "transfer", "network_cost",
}
