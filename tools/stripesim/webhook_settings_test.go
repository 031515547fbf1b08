package stripesim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A sandbox of Stripe gives up after three tries; so does this one when asked to,
// and it remembers that over a restart.
func TestASandboxTriesThreeTimes(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, func(int, received) int { return http.StatusServiceUnavailable })
	dir := t.TempDir()
	a := open(t, func(c *Config) { c.CheckoutWait, c.Dir = -1, dir })
	if set := a.control("/_sim/settings", `{"webhook_retries": "sandbox"}`); set.text("webhook_retries") != "sandbox" || set.text("after_last_retry") != "cancel" {
		t.Fatalf("settings %s", set.raw)
	}
	_, err := a.sim.EnsureWebhookEndpoint(shop.url, []string{"checkout.session.completed"}, APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	a.give(gift())
	a.settle()
	for i, pause := range sandboxRetries() {
		a.clock.advance(pause - time.Second)
		a.settle()
		if n := len(shop.all()); n != i+1 {
			t.Fatalf("%d attempts before pause %d was over", n, i)
		}
		a.clock.advance(time.Second)
		a.settle()
	}
	a.clock.advance(72 * time.Hour)
	a.settle()
	if n := len(shop.all()); n != 3 || a.sim.Truth().Undelivered != 0 {
		t.Errorf("%d attempts, %d deliveries waiting", n, a.sim.Truth().Undelivered)
	}
	if r := a.reopen(dir).get("/_sim/settings"); r.text("webhook_retries") != "sandbox" {
		t.Errorf("after a restart: %s", r.raw)
	}
}

func TestADisabledEndpointHearsNothing(t *testing.T) {
	t.Parallel()
	status := http.StatusServiceUnavailable
	shop := newReceiver(t, func(int, received) int { return status })
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	_, err := a.sim.EnsureWebhookEndpoint(shop.url, []string{"checkout.session.completed"}, APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	id := ids(a.get("/v1/webhook_endpoints"))[0]
	a.give(gift())
	a.settle()
	disabled := a.post("/v1/webhook_endpoints/"+id, url.Values{"disabled": {"true"}})
	disabled.expect(t, map[string]any{"status": "disabled"})
	if page := a.get("/_sim").raw; !strings.Contains(page, "<td>disabled</td>") {
		t.Error("the dashboard does not say that the endpoint is disabled")
	}
	a.give(gift())
	a.clock.advance(time.Hour)
	a.settle()
	if n := len(shop.all()); n != 1 || a.sim.Truth().Undelivered != 0 {
		t.Errorf("%d attempts, %d deliveries waiting", n, a.sim.Truth().Undelivered)
	}
	// What was to be sent meanwhile is not sent afterwards; what happens then is.
	a.post("/v1/webhook_endpoints/"+id, url.Values{"disabled": {"false"}}).expect(t, map[string]any{"status": "enabled"})
	a.clock.advance(72 * time.Hour)
	a.settle()
	if n := len(shop.all()); n != 1 {
		t.Errorf("%d attempts after it was enabled", n)
	}
	a.give(gift())
	a.settle()
	if n := len(shop.all()); n != 2 {
		t.Errorf("%d attempts in all", n)
	}
}

// One receiver may have trouble while another has none.
func TestFaultsOfOneEndpoint(t *testing.T) {
	t.Parallel()
	lucky, unlucky := newReceiver(t, nil), newReceiver(t, nil)
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	for _, r := range []*receiver{lucky, unlucky} {
		_, err := a.sim.EnsureWebhookEndpoint(r.url, []string{"checkout.session.completed"}, APIVersion)
		if err != nil {
			t.Fatal(err)
		}
	}
	id := ids(a.get("/v1/webhook_endpoints?limit=1"))[0] // the newest
	a.knobs(`{"drop": {"p": 1, "webhook_endpoint": "` + id + `"}}`)
	a.give(gift())
	a.settle()
	if len(lucky.all()) != 1 || len(unlucky.all()) != 0 {
		t.Errorf("%d and %d deliveries", len(lucky.all()), len(unlucky.all()))
	}
	a.knobs(`{"drop": null, "duplicate": {"p": 1, "webhook_endpoint": "` + id + `"}, "fail": {"count": 1, "webhook_endpoint": "` + id + `"}}`)
	a.give(gift())
	a.settle()
	a.clock.advance(time.Minute)
	a.settle()
	if len(lucky.all()) != 2 || len(unlucky.all()) != 2 {
		t.Errorf("%d and %d deliveries", len(lucky.all()), len(unlucky.all()))
	}
	for _, wrong := range []string{"503", "async_capture", "payout_fails"} {
		if r := a.post("/_sim/knobs", url.Values{"knobs": {`{"` + wrong + `": {"p": 1, "webhook_endpoint": "` + id + `"}}`}}); r.status != http.StatusBadRequest {
			t.Errorf("%s of one endpoint: %d", wrong, r.status)
		}
	}
	a.do(http.MethodDelete, "/v1/webhook_endpoints/"+id, nil, nil)
	for _, nobody := range []string{id, "we_none"} {
		r := a.control("/_sim/knobs", `{"drop": {"p": 1, "webhook_endpoint": "`+nobody+`"}}`)
		if r.status != http.StatusBadRequest || !strings.Contains(r.raw, "no webhook endpoint") {
			t.Errorf("a fault of %s: %d %s", nobody, r.status, r.raw)
		}
	}
}
