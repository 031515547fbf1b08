package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/tools/stripesim"
)

const site = "https://give.example.org/webhooks/stripe"

// stripeAccount is a simulated account; what its key may not do is refused with 403, and
// what is given for a path is answered in place of what the simulator has.
type stripeAccount struct {
	t      *testing.T
	sim    *stripesim.Server
	url    string
	denied []string
	given  map[string]string
}

func openStripe(t *testing.T) *stripeAccount {
	t.Helper()
	sim, err := stripesim.Open(stripesim.Config{Seed: 77})
	if err != nil {
		t.Fatal(err)
	}
	a := &stripeAccount{t: t, sim: sim}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(a.denied, r.URL.Path) {
			http.Error(w, `{"error": {"type": "invalid_request_error"}}`, http.StatusForbidden)
			return
		}
		if answer, given := a.given[r.URL.Path]; given {
			_, _ = io.WriteString(w, answer)
			return
		}
		sim.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		_ = sim.Close()
	})
	a.url = server.URL
	return a
}

// call runs a command of the program with the account's key.
func (a *stripeAccount) call(args ...string) (code int, stdout, stderr string) {
	a.t.Helper()
	var out, complaints bytes.Buffer
	p := program{
		environ: []string{
			"STRIPE_SECRET_KEY=sk_test_setup", "ALMONER_STRIPE_URL=" + a.url,
			"STRIPE_WEBHOOK_SECRETS_FILE=/etc/almoner/not-there-yet",
		},
		stdin: strings.NewReader(""), stdout: &out, stderr: &complaints,
	}
	code = p.run(a.t.Context(), append(args, "--url", site))
	return code, out.String(), complaints.String()
}

// change sends a request as somebody in the Dashboard would.
func (a *stripeAccount) change(path, form string) {
	a.t.Helper()
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	request.Header.Set("Authorization", "Bearer sk_test_dashboard")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	recorder := httptest.NewRecorder()
	a.sim.Handler().ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		a.t.Fatalf("%s: %d %s", path, recorder.Code, recorder.Body)
	}
}

func TestStripeSetupMakesTheEndpointAndShowsItsSecretOnce(t *testing.T) {
	t.Parallel()
	a := openStripe(t)
	code, _, stderr := a.call("stripe", "check")
	if code != 1 {
		t.Errorf("without an endpoint all is well: %d %s", code, stderr)
	}
	code, stdout, stderr := a.call("stripe", "setup")
	secret := strings.TrimSpace(stdout)
	if code != 0 || !strings.HasPrefix(secret, "whsec_") || strings.ContainsAny(secret, " \n") {
		t.Fatalf("set up: exit code %d, %q, %q", code, stdout, stderr)
	}
	// What a table says is not for the script that reads the secret, and the other way round.
	if !strings.Contains(stderr, site) || strings.Contains(stderr, secret) {
		t.Errorf("table %q", stderr)
	}
	kept, err := a.sim.EnsureWebhookEndpoint(site, donation.WebhookEvents(), node.StripeAPIVersion)
	if err != nil || kept != secret {
		t.Errorf("the endpoint's secret is %q, shown was %q: %v", kept, secret, err)
	}
	code, stdout, stderr = a.call("stripe", "setup")
	if code != 0 || strings.Contains(stdout+stderr, "whsec_") || strings.Contains(stdout, "WRONG") {
		t.Errorf("again: exit code %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = a.call("stripe", "check")
	if code != 0 || !strings.Contains(stdout, node.StripeAPIVersion) {
		t.Errorf("check: exit code %d, %q", code, stdout)
	}
}

func TestStripeSetupWritesTheSecretWhereNobodyElseReads(t *testing.T) {
	t.Parallel()
	a := openStripe(t)
	path := filepath.Join(t.TempDir(), "webhook-secret")
	code, stdout, stderr := a.call("stripe", "setup", "--secret-file", path)
	content, err := os.ReadFile(path)
	if code != 0 || err != nil || !strings.HasPrefix(string(content), "whsec_") || strings.Contains(stdout+stderr, "whsec_") {
		t.Fatalf("exit code %d, %v, %q, %q", code, err, stdout, stderr)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// A second time would overwrite the only copy, or leave an empty file.
	code, _, _ = a.call("stripe", "setup", "--secret-file", path)
	again, err := os.ReadFile(path)
	if code != exitFailure || err != nil || !bytes.Equal(again, content) {
		t.Errorf("over a file that is there: exit code %d, %q, %v", code, again, err)
	}
	other := path + "-2"
	code, _, stderr = a.call("stripe", "setup", "--secret-file", other)
	_, err = os.Stat(other)
	if code != 0 || !os.IsNotExist(err) {
		t.Errorf("with nothing to write: exit code %d, %v, %q", code, err, stderr)
	}
}

func TestStripeSetupBringsAnEndpointInLine(t *testing.T) {
	t.Parallel()
	a := openStripe(t)
	a.change("/v1/webhook_endpoints", "url="+site+"&api_version="+node.StripeAPIVersion+"&enabled_events[]=charge.updated&enabled_events[]=customer.created")
	code, stdout, _ := a.call("stripe", "check")
	if code != 1 || !strings.Contains(stdout, "never sends") || !strings.Contains(stdout, "payment_intent.succeeded") {
		t.Errorf("events are missing: exit code %d, %q", code, stdout)
	}
	code, stdout, stderr := a.call("stripe", "setup")
	if code != 0 {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = a.call("stripe", "check")
	if code != 0 {
		t.Errorf("afterwards: exit code %d, %q", code, stdout)
	}
}

// Stripe renders events in the version that the endpoint was made with, for ever.
func TestStripeSetupDoesNotTakeAnotherVersion(t *testing.T) {
	t.Parallel()
	a := openStripe(t)
	a.change("/v1/webhook_endpoints", "url="+site+"&enabled_events[]=*")
	for _, command := range []string{"setup", "check"} {
		code, stdout, _ := a.call("stripe", command)
		if code != 1 || !strings.Contains(stdout, "WRONG") || !strings.Contains(stdout, "delete the endpoint") {
			t.Errorf("%s: exit code %d, %q", command, code, stdout)
		}
	}
}

func TestStripeCheckNamesWhatTheKeyMayNotDo(t *testing.T) {
	t.Parallel()
	a := openStripe(t)
	code, _, stderr := a.call("stripe", "setup")
	if code != 0 {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	// Without the account no gift is applied, without events none is looked for again.
	refused := map[string]string{"/v1/account": "Account ", "/v1/balance": "Balance ", "/v1/events": "Events ", "/v1/refunds": "Refunds "}
	a.denied = slices.Collect(maps.Keys(refused))
	code, stdout, _ := a.call("stripe", "check")
	wrong := 0
	for line := range strings.Lines(stdout) {
		if strings.HasPrefix(line, "WRONG") {
			wrong++
			if !slices.ContainsFunc(slices.Collect(maps.Values(refused)), func(name string) bool { return strings.Contains(line, name) }) {
				t.Errorf("unexpected: %s", line)
			}
		}
	}
	if code != 1 || wrong != len(refused) {
		t.Errorf("exit code %d, %d faults:\n%s", code, wrong, stdout)
	}
}

// In a new account there is no page where donors could change their card.
func TestStripeCheckLooksForTheCustomerPortal(t *testing.T) {
	t.Parallel()
	a := openStripe(t)
	code, _, stderr := a.call("stripe", "setup")
	if code != 0 {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	for answer, says := range map[string]string{
		`{"object": "list", "data": [], "has_more": false}`:                                         "were never saved",
		`{"object": "list", "data": [{"features": {"payment_method_update": {"enabled": false}}}]}`: "do not let customers update payment methods",
	} {
		a.given = map[string]string{"/v1/billing_portal/configurations": answer}
		for _, command := range []string{"setup", "check"} {
			code, stdout, _ := a.call("stripe", command)
			if code != 1 || strings.Count(stdout, "WRONG") != 1 || !strings.Contains(stdout, says) {
				t.Errorf("%s: exit code %d, %q; want %q", command, code, stdout, says)
			}
		}
	}
}

func TestStripeSetupRefusesWhatItIsNotFor(t *testing.T) {
	t.Parallel()
	for says, environ := range map[string][]string{
		"embedded simulator":                {},
		"development refuses real money":    {"STRIPE_SECRET_KEY=sk_live_setup"},
		"ALMONER_STRIPE_URL: is for test k": {"STRIPE_SECRET_KEY=rk_live_setup", "ALMONER_ENV=production", "ALMONER_STRIPE_URL=http://127.0.0.1:1"},
	} {
		var out, complaints bytes.Buffer
		p := program{environ: environ, stdin: strings.NewReader(""), stdout: &out, stderr: &complaints}
		code := p.run(t.Context(), []string{"stripe", "setup", "--url", site})
		if code != exitConfig || out.Len() > 0 || !strings.Contains(complaints.String(), says) || strings.Contains(complaints.String(), "live_setup") {
			t.Errorf("exit code %d, %q, %q; want %q", code, out.String(), complaints.String(), says)
		}
	}
}
