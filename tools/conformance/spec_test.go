package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stripe/stripe-mock/embedded"
)

// description is Stripe's own: the OpenAPI document that stripe-mock carries, and
// an example of every object.
type description struct {
	doc      *openapi3.T
	examples map[string]map[string]any
	// templates are the paths by their number of segments.
	templates map[int][]string
}

// theSpec is read once: it takes more than a second.
var theSpec = sync.OnceValue(func() *description {
	doc, err := openapi3.NewLoader().LoadFromData(embedded.OpenAPISpec)
	if err != nil {
		panic(fmt.Sprintf("read Stripe's description: %v", err))
	}
	var examples struct {
		Resources map[string]map[string]any `json:"resources"`
	}
	err = json.Unmarshal(embedded.OpenAPIFixtures, &examples)
	if err != nil {
		panic(fmt.Sprintf("read Stripe's examples: %v", err))
	}
	d := &description{doc: doc, examples: examples.Resources, templates: map[int][]string{}}
	for path := range doc.Paths.Map() {
		n := strings.Count(path, "/")
		d.templates[n] = append(d.templates[n], path)
	}
	for _, paths := range d.templates {
		// A literal segment is meant before a variable one.
		slices.SortFunc(paths, func(a, b string) int {
			return strings.Count(a, "{") - strings.Count(b, "{")
		})
	}
	return d
})

// template finds the path of the description that a request's path is one of.
func (d *description) template(path string) (string, bool) {
	segments := strings.Split(path, "/")
	for _, candidate := range d.templates[strings.Count(path, "/")] {
		fits := true
		for i, segment := range strings.Split(candidate, "/") {
			fits = fits && (segment == segments[i] || strings.HasPrefix(segment, "{") && segments[i] != "")
		}
		if fits {
			return candidate, true
		}
	}
	return "", false
}

// route is a request's method and path without its ids.
func (d *description) route(method, path string) string {
	template, known := d.template(path)
	if !known {
		return method + " " + path
	}
	return method + " " + template
}

func (d *description) operation(route string) *openapi3.Operation {
	method, path, _ := strings.Cut(route, " ")
	item := d.doc.Paths.Value(path)
	if item == nil {
		return nil
	}
	return item.GetOperation(method)
}

// response is the schema of a route's answer, for success or for an error.
func (d *description) response(route string, status int) (*openapi3.SchemaRef, error) {
	operation := d.operation(route)
	if operation == nil {
		return nil, fmt.Errorf("Stripe has no %s", route)
	}
	answer := operation.Responses.Value(fmt.Sprint(status))
	if answer == nil || status >= 400 {
		answer = operation.Responses.Default()
	}
	if answer == nil || answer.Value.Content.Get("application/json") == nil {
		return nil, fmt.Errorf("%s: no JSON answer is described for %d", route, status)
	}
	return answer.Value.Content.Get("application/json").Schema, nil
}

// schema is the schema of an object by its name: "checkout.session".
func (d *description) schema(name string) *openapi3.SchemaRef {
	return d.doc.Components.Schemas[name]
}

// params is the schema of what a route may be asked with.
func (d *description) params(route string) map[string]*openapi3.SchemaRef {
	out := map[string]*openapi3.SchemaRef{}
	operation := d.operation(route)
	if operation == nil {
		return out
	}
	for _, p := range operation.Parameters {
		if p.Value.In == "query" {
			out[p.Value.Name] = p.Value.Schema
		}
	}
	if operation.RequestBody == nil || strings.HasPrefix(route, "GET ") {
		return out
	}
	form := operation.RequestBody.Value.Content.Get("application/x-www-form-urlencoded")
	if form != nil {
		for name, schema := range form.Schema.Value.Properties {
			out[name] = schema
		}
	}
	return out
}

// eventTypes are the types that an endpoint can ask for. Stripe has added
// refund.failed since, and it is the only one that tells of that.
func (d *description) eventTypes() []string {
	var out []string
	values := d.params("POST /v1/webhook_endpoints")["enabled_events"].Value.Items.Value.Enum
	for _, value := range values {
		out = append(out, value.(string))
	}
	return append(out, "refund.failed")
}

// expandables are the properties of an object that hold an id, or nothing, and can
// be shown in full. (The description counts plain hashes among them.)
func (d *description) expandables(object string) []string {
	schema := d.schema(object)
	if schema == nil {
		return nil
	}
	var out []string
	for name, property := range schema.Value.Properties {
		_, byID := property.Value.Extensions["x-expansionResources"]
		inner := property.Value.Properties["object"]
		list := inner != nil && slices.Contains(inner.Value.Enum, any("list"))
		if byID || list {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// invalidities say in a line each why a value is not one of a schema, if it is not.
// (The validator's own text has the whole schema in it.)
func invalidities(schema *openapi3.SchemaRef, value any) []string {
	var out []string
	var note func(err error, at string)
	note = func(err error, at string) {
		var many openapi3.MultiError
		var one *openapi3.SchemaError
		switch {
		case err == nil:
		case errors.As(err, &one):
			at += "/" + strings.Join(one.JSONPointer(), "/")
			out = append(out, at+": "+one.Reason)
			note(one.Origin, at)
		case errors.As(err, &many):
			for _, inner := range many {
				note(inner, at)
			}
		default:
			out = append(out, at+": "+err.Error())
		}
	}
	note(schema.Value.VisitJSON(value, openapi3.MultiErrors()), "")
	return out
}
