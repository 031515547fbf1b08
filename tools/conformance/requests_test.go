package conformance

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
)

// stripeMock is Stripe's own check of requests, in this process.
var stripeMock = sync.OnceValue(func() http.Handler {
	spec, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		panic(fmt.Sprintf("stripe-mock: %v", err))
	}
	examples, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		panic(fmt.Sprintf("stripe-mock: %v", err))
	}
	// Strict about the version: a request that does not pin it is refused.
	var stub *server.StubServer
	quietly(func() { stub, err = server.NewStubServer(examples, spec, true, false) })
	if err != nil {
		panic(fmt.Sprintf("stripe-mock: %v", err))
	}
	return http.HandlerFunc(stub.HandleRequest)
})

// askStripeMock sends it a request as the program sent it.
func askStripeMock(e exchange) (status int, answer string) {
	request := httptest.NewRequest(e.method, e.path+"?"+e.query.Encode(), strings.NewReader(e.form.Encode()))
	request.Header = e.header.Clone()
	recorder := httptest.NewRecorder()
	mock := stripeMock()
	quietly(func() { mock.ServeHTTP(recorder, request) })
	raw, err := io.ReadAll(recorder.Body)
	if err != nil {
		return 0, err.Error()
	}
	return recorder.Code, string(raw)
}

var quiet sync.Mutex

// quietly keeps standard output to the tests: stripe-mock writes every request to
// it, and cannot be told not to.
func quietly(do func()) {
	quiet.Lock()
	defer quiet.Unlock()
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	defer nowhere.Close()
	out := os.Stdout
	os.Stdout = nowhere
	defer func() { os.Stdout = out }()
	do()
}

var row = regexp.MustCompile(`\[\d+\]`)

// shape is what makes a request another one: its route and the names of its
// parameters.
func shape(e exchange) string {
	names := slices.Concat(slices.Collect(maps.Keys(e.query)), slices.Collect(maps.Keys(e.form)))
	for i, name := range names {
		names[i] = row.ReplaceAllString(name, "[]")
	}
	slices.Sort(names)
	return theSpec().route(e.method, e.path) + " " + strings.Join(slices.Compact(names), "&")
}

// byShape keeps one request of each shape, the longest.
func byShape(requests []exchange) map[string]exchange {
	out := map[string]exchange{}
	for _, e := range requests {
		name := shape(e)
		if len(e.form) >= len(out[name].form) {
			out[name] = e
		}
	}
	return out
}

// Stripe's own check takes every request that the program sends, at the version
// that the program pins.
func TestRequestsOfTheProgram(t *testing.T) {
	t.Parallel()
	shapes := byShape(overhearProgram(t).requests)
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		t.Run(name, func(t *testing.T) {
			e := shapes[name]
			status, answer := askStripeMock(e)
			if status != http.StatusOK {
				t.Errorf("stripe-mock answers %d: %s", status, answer)
			}
			if e.method == http.MethodPost && e.header.Get("Idempotency-Key") == "" {
				t.Error("it has no idempotency key")
			}
			if version := e.header.Get("Stripe-Version"); version != theSpec().doc.Info.Version {
				t.Errorf("it pins version %q", version)
			}
			for _, header := range []string{"X-Stripe-Client-User-Agent", "X-Stripe-Client-Telemetry"} {
				if told := e.header.Get(header); told != "" {
					t.Errorf("%s tells Stripe %q", header, told)
				}
			}
		})
	}
}

// clientFolder is where the product speaks to Stripe.
const clientFolder = "../../services/donation/internal/payments"

// Every path that the client's source names was asked for: one that was not has
// not been judged.
func TestEveryPathOfTheClientIsAsked(t *testing.T) {
	t.Parallel()
	requests := overhearProgram(t).requests
	paths := literalsIn(t, clientFolder, func(text string) bool { return strings.HasPrefix(text, "/v1/") })
	if len(paths) == 0 {
		t.Fatalf("%s names no path", clientFolder)
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			asked := slices.ContainsFunc(requests, func(e exchange) bool {
				return strings.HasPrefix(e.path, path) && (strings.HasSuffix(path, "/") == (e.path != path))
			})
			if !asked {
				t.Error("no occasion leads to it")
			}
		})
	}
}

// mutation is a request with one fault. stripe-mock does not look into lists: of a
// nested fault only the description tells.
type mutation struct {
	name   string
	nested bool
	exchange
}

// mutations are the faults that Stripe's check finds: a parameter that there is
// not, a word for a number, a word that is not in the list.
func mutations(e exchange) []mutation {
	values := e.form
	if e.method != http.MethodPost {
		values = e.query
	}
	with := func(what, name, value string) mutation {
		changed := maps.Clone(values)
		if changed == nil {
			changed = url.Values{}
		}
		changed[name] = []string{value}
		m := mutation{what, strings.Contains(name, "["), e}
		if e.method == http.MethodPost {
			m.form = changed
		} else {
			m.query = changed
		}
		return m
	}
	out := []mutation{with("an unknown parameter", "almoner_unknown", "1")}
	params := theSpec().params(theSpec().route(e.method, e.path))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		segments := strings.Split(strings.ReplaceAll(name, "]", ""), "[")
		schema := parameter(params[segments[0]], segments[1:])
		switch {
		case schema == nil:
		case schema.Type.Is("integer"):
			out = append(out, with("a word for the number "+name, name, "many"))
		case len(schema.Enum) > 0 && !slices.Contains(schema.Enum, any("")):
			out = append(out, with("no word of the list "+name, name, "no_such_word"))
		}
		if len(segments) > 1 && segments[0] == "line_items" {
			out = append(out, with("an unknown parameter in "+segments[0], "line_items[0][almoner_unknown]", "1"))
		}
	}
	return slices.CompactFunc(out, func(a, b mutation) bool { return a.name == b.name })
}

// parameter descends to the schema of a nested parameter.
func parameter(ref *openapi3.SchemaRef, segments []string) *openapi3.Schema {
	if ref == nil {
		return nil
	}
	for _, option := range ref.Value.AnyOf {
		found := parameter(option, segments)
		if found != nil {
			return found
		}
	}
	if len(segments) == 0 {
		return ref.Value
	}
	_, err := strconv.Atoi(segments[0])
	if err == nil && ref.Value.Items != nil {
		return parameter(ref.Value.Items, segments[1:])
	}
	return parameter(ref.Value.Properties[segments[0]], segments[1:])
}

// What Stripe's check refuses in a request, the simulator refuses, too: a fault in
// the client would be found with either.
func TestFaultyRequestsAreRefused(t *testing.T) {
	t.Parallel()
	heard := overhearProgram(t)
	shapes := byShape(heard.requests)
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		for _, m := range mutations(shapes[name]) {
			t.Run(name+" with "+m.name, func(t *testing.T) {
				status, answer := askStripeMock(m.exchange)
				if status != http.StatusBadRequest && !m.nested {
					t.Fatalf("stripe-mock takes it, so this tells nothing: %d %s", status, answer)
				}
				fields := m.form
				if m.method != http.MethodPost {
					fields = m.query
				}
				e, err := heard.call(m.method, m.path, fields.Encode())
				if err != nil {
					t.Fatal(err)
				}
				judgeError(t, e)
				if e.status != http.StatusBadRequest {
					t.Errorf("the simulator answers %d: %s", e.status, e.raw)
				}
			})
		}
	}
}
