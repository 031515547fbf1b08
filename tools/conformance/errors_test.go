package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/almoner/almoner/tools/stripesim"
)

// refusal is a request that is refused, and how.
type refusal struct {
	name, method, path, fields string
	headers                    []string
	// knob is a fault that is asked for before.
	knob   string
	status int
	kind   string
	code   string
	param  string
}

const invalid = "invalid_request_error"

var refusals = []refusal{
	{name: "unknown parameter", method: "POST", path: "/v1/checkout/sessions", fields: aGift + "&almoner=1", status: 400, kind: invalid, code: "parameter_unknown", param: "almoner"},
	{name: "missing parameter", method: "POST", path: "/v1/checkout/sessions", fields: "mode=payment", status: 400, kind: invalid, code: "parameter_missing", param: "success_url"},
	{name: "empty parameter", method: "POST", path: "/v1/checkout/sessions", fields: aGift + "&client_reference_id=", status: 400, kind: invalid, code: "parameter_invalid_empty", param: "client_reference_id"},
	{name: "not a number", method: "GET", path: "/v1/charges", fields: "limit=many", status: 400, kind: invalid, code: "parameter_invalid_integer", param: "limit"},
	{name: "a page too large", method: "GET", path: "/v1/charges", fields: "limit=101", status: 400, kind: invalid, code: "parameter_invalid_integer", param: "limit"},
	{name: "both cursors", method: "GET", path: "/v1/charges", fields: "starting_after=a&ending_before=b", status: 400, kind: invalid, code: "parameters_exclusive", param: "ending_before"},
	{name: "unknown cursor", method: "GET", path: "/v1/charges", fields: "starting_after=ch_none", status: 400, kind: invalid, code: "resource_missing", param: "starting_after"},
	{name: "not a URL", method: "POST", path: "/v1/webhook_endpoints", fields: "url=give&enabled_events[0]=*", status: 400, kind: invalid, code: "url_invalid", param: "url"},
	{name: "not an address", method: "POST", path: "/v1/checkout/sessions", fields: "customer_email=amina&" + giftOf("eur", 5000), status: 400, kind: invalid, code: "email_invalid", param: "customer_email"},
	{name: "too little", method: "POST", path: "/v1/checkout/sessions", fields: giftOf("eur", 49), status: 400, kind: invalid, code: "amount_too_small", param: "line_items"},
	{name: "too much", method: "POST", path: "/v1/checkout/sessions", fields: giftOf("eur", 100_000_000), status: 400, kind: invalid, code: "amount_too_large", param: "line_items"},
	{name: "no such property to expand", method: "GET", path: "/v1/account", fields: "expand[0]=country", status: 400, kind: invalid, param: "expand"},
	{name: "unknown session", method: "GET", path: "/v1/checkout/sessions/cs_none", status: 404, kind: invalid, code: "resource_missing", param: "session"},
	{name: "unknown payment intent", method: "GET", path: "/v1/payment_intents/pi_none", status: 404, kind: invalid, code: "resource_missing", param: "intent"},
	{name: "unknown charge", method: "GET", path: "/v1/charges/ch_none", status: 404, kind: invalid, code: "resource_missing", param: "charge"},
	{name: "unknown transaction", method: "GET", path: "/v1/balance_transactions/txn_none", status: 404, kind: invalid, code: "resource_missing", param: "id"},
	{name: "unknown event", method: "GET", path: "/v1/events/evt_none", status: 404, kind: invalid, code: "resource_missing", param: "id"},
	{name: "unknown endpoint", method: "DELETE", path: "/v1/webhook_endpoints/we_none", status: 404, kind: invalid, code: "resource_missing", param: "webhook_endpoint"},
	{name: "unknown address", method: "GET", path: "/v1/almoner", status: 404, kind: invalid},
	{name: "no key", method: "GET", path: "/v1/balance", headers: []string{"Authorization", ""}, status: 401, kind: invalid},
	{name: "a key of nobody", method: "GET", path: "/v1/balance", headers: []string{"Authorization", "Bearer nobody"}, status: 401, kind: invalid},
	{name: "a live key", method: "GET", path: "/v1/balance", headers: []string{"Authorization", "Bearer sk_live_conformance"}, status: 401, kind: invalid},
	{name: "another account", method: "GET", path: "/v1/balance", headers: []string{"Stripe-Account", "acct_other"}, status: 403, kind: invalid, code: "account_invalid"},
	{name: "another version", method: "GET", path: "/v1/balance", headers: []string{"Stripe-Version", "2024-04-10"}, status: 400, kind: invalid},
	{name: "too fast", knob: `{"429": 1}`, method: "GET", path: "/v1/balance", status: 429, kind: invalid, code: "rate_limit"},
	{name: "locked", knob: `{"lock_timeout": 1}`, method: "GET", path: "/v1/balance", status: 429, kind: invalid, code: "lock_timeout"},
	{name: "unavailable", knob: `{"503": 1}`, method: "GET", path: "/v1/balance", status: 503, kind: "api_error"},
	{name: "broken before", knob: `{"500_before_commit": 1}`, method: "POST", path: "/v1/checkout/sessions", fields: aGift, status: 500, kind: "api_error"},
	{name: "broken after", knob: `{"500_after_commit": 1}`, method: "POST", path: "/v1/checkout/sessions", fields: aGift, status: 500, kind: "api_error"},
}

// What is refused is refused in Stripe's envelope, with a code that Stripe's own
// library knows.
func TestErrors(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			if r.knob != "" {
				_, err := a.control("/_sim/knobs", r.knob)
				if err != nil {
					t.Fatal(err)
				}
			}
			e, err := a.call(r.method, r.path, r.fields, r.headers...)
			if err != nil {
				t.Fatal(err)
			}
			judgeError(t, e)
			if e.status != r.status || e.text("error.type") != r.kind || e.text("error.code") != r.code || e.text("error.param") != r.param {
				t.Errorf("want %d %s %q %q: %d %s", r.status, r.kind, r.code, r.param, e.status, e.raw)
			}
		})
	}
}

func judgeError(t *testing.T, e exchange) {
	t.Helper()
	schema := theSpec().schema("error")
	w := walked(schema, e.body)
	for _, fault := range slices.Concat(invalidities(schema, e.body), w.strange, w.words) {
		t.Error(fault)
	}
	if code := e.text("error.code"); code != "" && !errorCodes()[code] {
		t.Errorf("stripe-go knows no code %q", code)
	}
	if e.text("error.message") == "" || e.answered.Get("Request-Id") == "" {
		t.Errorf("no message or no request id: %s", e.raw)
	}
}

// errorCodes are the codes that stripe-go has constants for, read in its source: the
// description types them as any text.
var errorCodes = sync.OnceValue(func() map[string]bool {
	folder, err := run(".", "go", "list", "-f", "{{.Dir}}", "github.com/stripe/stripe-go/v76")
	if err != nil {
		panic(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(folder), "error.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		panic(err)
	}
	codes := map[string]bool{}
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, isSpec := node.(*ast.ValueSpec)
		if !isSpec || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "ErrorCode") {
			return true
		}
		literal, isLiteral := spec.Values[0].(*ast.BasicLit)
		if isLiteral {
			code, err := strconv.Unquote(literal.Value)
			if err == nil {
				codes[code] = true
			}
		}
		return true
	})
	return codes
})

// A key used twice for different things, or twice at once, is refused as Stripe
// refuses it; so is a session that is expired twice.
func TestErrorsOfWhatWentBefore(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *stripesim.Config) { c.Seed = 12 })
	must := func(e exchange, err error) exchange {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := must(a.call("POST", "/v1/checkout/sessions", aGift, "Idempotency-Key", "cs:1"))
	t.Run("another gift under the same key", func(t *testing.T) {
		e := must(a.call("POST", "/v1/checkout/sessions", giftOf("eur", 5000), "Idempotency-Key", "cs:1"))
		judgeError(t, e)
		if e.status != 400 || e.text("error.type") != "idempotency_error" {
			t.Errorf("%d %s", e.status, e.raw)
		}
	})
	t.Run("expired twice", func(t *testing.T) {
		path := "/v1/checkout/sessions/" + first.text("id") + "/expire"
		must(a.call("POST", path, ""))
		e := must(a.call("POST", path, ""))
		judgeError(t, e)
		if e.status != 400 || e.text("error.type") != invalid || !strings.Contains(e.text("error.message"), "`expired`") {
			t.Errorf("%d %s", e.status, e.raw)
		}
	})
}
