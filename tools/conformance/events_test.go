package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// eventObjects says what an event of a type holds: the longest prefix counts. The
// description leaves an event's object open.
var eventObjects = map[string]string{
	"charge.":                       "charge",
	"charge.dispute.":               "dispute",
	"charge.refund.":                "refund",
	"checkout.session.":             "checkout.session",
	"customer.":                     "customer",
	"customer.subscription.":        "subscription",
	"invoice.":                      "invoice",
	"invoiceitem.":                  "invoiceitem",
	"mandate.":                      "mandate",
	"payment_intent.":               "payment_intent",
	"payment_method.":               "payment_method",
	"payout.":                       "payout",
	"price.":                        "price",
	"product.":                      "product",
	"radar.early_fraud_warning.":    "radar.early_fraud_warning",
	"refund.":                       "refund",
	"review.":                       "review",
	"test_helpers.test_clock.":      "test_helpers.test_clock",
	"billing_portal.session.":       "billing_portal.session",
	"billing_portal.configuration.": "billing_portal.configuration",
}

func objectOf(eventType string) *openapi3.SchemaRef {
	longest := ""
	for prefix := range eventObjects {
		if strings.HasPrefix(eventType, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return theSpec().schema(eventObjects[longest])
}

// Every event that was delivered is one that an endpoint can ask Stripe for, and
// envelope, object and what changed in it are as Stripe describes them.
func TestEvents(t *testing.T) {
	t.Parallel()
	byType := map[string][]delivery{}
	for _, d := range hearStory(t).deliveries {
		eventType, _ := d.event["type"].(string)
		byType[eventType] = append(byType[eventType], d)
	}
	known := theSpec().eventTypes()
	for _, eventType := range slices.Sorted(maps.Keys(byType)) {
		t.Run(eventType, func(t *testing.T) {
			t.Parallel()
			if !slices.Contains(known, eventType) {
				t.Error("Stripe has no such type")
			}
			schema := objectOf(eventType)
			if schema == nil {
				t.Fatal("no line of eventObjects says what it holds")
			}
			for _, d := range byType[eventType] {
				judgeEvent(t, schema, d.event)
			}
		})
	}
}

func judgeEvent(t *testing.T, schema *openapi3.SchemaRef, event map[string]any) {
	t.Helper()
	check := func(what string, schema *openapi3.SchemaRef, value any) {
		w := walked(schema, value)
		for _, fault := range slices.Concat(invalidities(schema, value), w.strange, w.absent, w.words) {
			t.Errorf("%s: %s", what, fault)
		}
	}
	check("event", theSpec().schema("event"), event)
	check("object", schema, follow(event, "data.object"))
	if follow(event, "api_version") != theSpec().doc.Info.Version {
		t.Errorf("the event claims version %v", event["api_version"])
	}
	previous, _ := follow(event, "data.previous_attributes").(map[string]any)
	for name, before := range previous {
		if schema.Value.Properties[name] == nil {
			t.Errorf("what changed: Stripe has no property %s", name)
		}
		after := follow(event, "data.object."+name)
		if encoded(before) == encoded(after) {
			t.Errorf("what changed: %s did not", name)
		}
	}
}

// Every type that the simulator's source names occurs in the story: one that did
// not would never have been judged.
func TestEveryEventOfTheSimulatorHappens(t *testing.T) {
	t.Parallel()
	happened := map[string]bool{}
	for _, d := range hearStory(t).deliveries {
		eventType, _ := d.event["type"].(string)
		happened[eventType] = true
	}
	types := theSpec().eventTypes()
	for _, eventType := range literalsIn(t, "../stripesim", func(text string) bool { return text != "*" && slices.Contains(types, text) }) {
		t.Run(eventType, func(t *testing.T) {
			if !happened[eventType] {
				t.Error("no chapter of the story makes it happen")
			}
		})
	}
}

// literalsIn are the texts of a kind that stand in a folder's code.
func literalsIn(t *testing.T, folder string, wanted func(string) bool) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", folder, err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			literal, isLiteral := node.(*ast.BasicLit)
			if isLiteral && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err == nil && wanted(text) {
					found[text] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}
