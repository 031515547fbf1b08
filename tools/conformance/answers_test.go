package conformance

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// byRoute sorts what succeeded by the route of Stripe's description.
func byRoute(exchanges []exchange) map[string][]exchange {
	out := map[string][]exchange{}
	for _, e := range exchanges {
		if e.status < http.StatusBadRequest {
			route := theSpec().route(e.method, e.path)
			out[route] = append(out[route], e)
		}
	}
	return out
}

// judge puts every answer of the story to a question, one subtest a route.
func judge(t *testing.T, question func(t *testing.T, schema *openapi3.SchemaRef, e exchange)) {
	t.Helper()
	answers := byRoute(hearStory(t).exchanges)
	for _, route := range slices.Sorted(maps.Keys(answers)) {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			for _, e := range answers[route] {
				schema, err := theSpec().response(route, e.status)
				if err != nil {
					t.Fatal(err)
				}
				question(t, schema, e)
			}
		})
	}
}

// Every answer is one that Stripe's description allows on that path.
func TestAnswersAreValid(t *testing.T) {
	t.Parallel()
	judge(t, func(t *testing.T, schema *openapi3.SchemaRef, e exchange) {
		for _, fault := range invalidities(schema, e.body) {
			t.Errorf("%s: %s", e, fault)
		}
	})
}

func walked(schema *openapi3.SchemaRef, value any) *walker {
	w := &walker{spec: theSpec()}
	w.walk(schema, value, "")
	return w
}

// No answer has a property that Stripe lacks, and none lacks one that Stripe's own
// example of the object has: clients read those without looking first.
func TestAnswersHaveStripesPropertiesAndNoOthers(t *testing.T) {
	t.Parallel()
	judge(t, func(t *testing.T, schema *openapi3.SchemaRef, e exchange) {
		w := walked(schema, e.body)
		for _, fault := range slices.Concat(w.strange, w.absent) {
			t.Errorf("%s: %s", e, fault)
		}
	})
}

// Where Stripe has a list of words, in the description or in prose, ours are in it.
func TestAnswersUseStripesWords(t *testing.T) {
	t.Parallel()
	judge(t, func(t *testing.T, schema *openapi3.SchemaRef, e exchange) {
		for _, fault := range walked(schema, e.body).words {
			t.Errorf("%s: %s", e, fault)
		}
	})
}

// onlyRefuses are routes that the simulator has for what they answer to the wrong
// state: nothing in it gets into the right one.
var onlyRefuses = map[string]bool{"POST /v1/refunds/{}/cancel": true}

// What the story was refused is refused as Stripe refuses.
func TestRefusalsInTheStory(t *testing.T) {
	t.Parallel()
	for i, e := range hearStory(t).exchanges {
		if e.status >= http.StatusBadRequest {
			t.Run(fmt.Sprintf("%d %s", i, theSpec().route(e.method, e.path)), func(t *testing.T) { judgeError(t, e) })
		}
	}
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// Every route of the simulator is one of Stripe's and was used in the story.
func TestRoutes(t *testing.T) {
	t.Parallel()
	heard := hearStory(t)
	used := map[string]bool{}
	for route := range byRoute(heard.exchanges) {
		used[variable.ReplaceAllString(route, "{}")] = true
	}
	for _, e := range heard.exchanges {
		route := variable.ReplaceAllString(theSpec().route(e.method, e.path), "{}")
		used[route] = used[route] || onlyRefuses[route]
	}
	for _, route := range heard.routes {
		t.Run(route, func(t *testing.T) {
			method, path, _ := strings.Cut(route, " ")
			known := theSpec().route(method, variable.ReplaceAllString(path, "x"))
			if theSpec().operation(known) == nil {
				t.Errorf("Stripe has no %s", route)
			}
			if !used[variable.ReplaceAllString(route, "{}")] {
				t.Errorf("no chapter of the story asks for %s: what it answers has not been judged", route)
			}
		})
	}
}

// The judges find what is wrong: a check that cannot fail would be worth nothing.
func TestTheJudgesSee(t *testing.T) {
	t.Parallel()
	example := func(change func(map[string]any)) map[string]any {
		refund := maps.Clone(theSpec().examples["refund"])
		change(refund)
		return refund
	}
	schema := theSpec().schema("refund")
	for name, refund := range map[string]map[string]any{
		"a property of ours":       example(func(r map[string]any) { r["almoner"] = "1" }),
		"a missing property":       example(func(r map[string]any) { delete(r, "charge") }),
		"a word of ours in prose":  example(func(r map[string]any) { r["status"] = "done" }),
		"a word of ours in a list": example(func(r map[string]any) { r["reason"] = "changed_mind" }),
		"a text for a number":      example(func(r map[string]any) { r["amount"] = "100" }),
		"null for a number":        example(func(r map[string]any) { r["amount"] = nil }),
		"half an expanded charge":  example(func(r map[string]any) { r["charge"] = map[string]any{"object": "charge"} }),
	} {
		t.Run(name, func(t *testing.T) {
			w := walked(schema, refund)
			if len(invalidities(schema, refund))+len(w.strange)+len(w.absent)+len(w.words) == 0 {
				t.Error("nobody noticed")
			}
		})
	}
	w := walked(schema, example(func(map[string]any) {}))
	if faults := slices.Concat(invalidities(schema, theSpec().examples["refund"]), w.strange, w.absent, w.words); len(faults) > 0 {
		t.Errorf("Stripe's own example is refused: %v", faults)
	}
}
