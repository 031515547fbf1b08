package stripesim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// inTheDashboard makes an endpoint as staff do and returns its secret.
func (a *account) inTheDashboard(r *receiver, version string) string {
	a.t.Helper()
	made := a.control("/_sim/webhook_endpoints", `{"url": "`+r.url+`", "api_version": "`+version+`"}`)
	if made.status != http.StatusOK || made.text("api_version") != version {
		a.t.Fatalf("endpoint in %s: %s", version, made.raw)
	}
	return made.text("secret")
}

// Two programs at one account, each in the version that it was written for.
func TestEachEndpointHasItsVersion(t *testing.T) {
	t.Parallel()
	ours, newer, older := newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	a.listen(ours)
	secret := a.inTheDashboard(newer, "2025-03-31.basil")
	made := a.post("/v1/webhook_endpoints", url.Values{"url": {older.url}, "enabled_events[]": {"*"}, "api_version": {"2020-08-27"}})
	made.expect(t, map[string]any{"api_version": "2020-08-27", "status": "enabled"})
	plan := a.pledge(monthly(), "4242424242424242")
	a.settle()

	for version, r := range map[string]*receiver{APIVersion: ours, "2025-03-31.basil": newer, "2020-08-27": older} {
		for _, one := range r.all() {
			if one.event["api_version"] != version {
				t.Errorf("%s says %v", one.eventType(), one.event["api_version"])
			}
		}
		if len(r.all()) != len(ours.all()) {
			t.Errorf("%s: %d events", version, len(r.all()))
		}
	}
	if _, has := newer.last(t, "invoice.paid")["subscription"]; has || ours.last(t, "invoice.paid")["subscription"] != plan {
		t.Error("the invoices are in one version")
	}
	_, good := verify(t, newer.all()[0], secret)
	if good != 1 {
		t.Error("signed with another secret")
	}
	if page := a.get("/_sim").raw; !strings.Contains(page, "<td>2025-03-31.basil</td>") {
		t.Error("the dashboard does not show the version")
	}
	// The API speaks the account's version, to whomever.
	if event := a.get("/v1/events?type=invoice.paid"); event.text("data.0.api_version") != APIVersion || event.path("data.0.data.object.subscription") == nil {
		t.Errorf("in the API: %s", event.raw)
	}
}

// Before 2022-11-15 a payment had its charges in it, and they their refunds: those
// that there were at the event, also when it is sent again a week later.
func TestAnOlderVersionHasChargesInPayments(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, nil)
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	a.inTheDashboard(shop, "2022-08-01")
	a.debited("sepa_soon")
	id := a.checkout(gift())
	a.pay(id, "4000000000000002")
	a.pay(id, "4242424242424242")
	charge := a.session(id).text("payment_intent.latest_charge.id")
	a.post("/v1/refunds", url.Values{"charge": {charge}, "amount": {"500"}})
	a.settle()

	failed := answer{body: shop.last(t, "payment_intent.payment_failed")}
	if failed.text("charges.data.0.status") != "failed" || failed.path("charges.data.1") != nil {
		t.Errorf("failed: %v", failed.body)
	}
	paid := answer{body: shop.last(t, "payment_intent.succeeded")}
	if paid.text("charges.data.0.id") != charge || paid.text("charges.data.1.status") != "failed" || paid.path("charges.data.2") != nil {
		t.Errorf("paid: %v", paid.path("charges"))
	}
	if _, has := paid.body["latest_charge"]; has {
		t.Error("the version has no latest_charge")
	}
	refunded := answer{body: shop.last(t, "charge.refunded")}
	if refunded.number("refunds.data.0.amount") != 500 || refunded.path("refunds.data.1") != nil {
		t.Errorf("refunded: %v", refunded.path("refunds"))
	}

	// A debit is told of by its payment before it is told of itself.
	processing := func(when string) {
		t.Helper()
		debit := answer{body: shop.last(t, "payment_intent.processing")}
		if debit.text("charges.data.0.payment_intent") != debit.text("id") || debit.text("charges.data.0.status") != "pending" ||
			debit.path("charges.data.1") != nil {
			t.Errorf("%s: %v", when, debit.path("charges"))
		}
	}
	processing("debited")

	a.advance(7 * 86_400)
	a.post("/v1/refunds", url.Values{"charge": {charge}})
	for _, kind := range []string{"payment_intent.processing", "payment_intent.succeeded", "charge.refunded"} {
		list := a.get("/v1/events?type=" + kind)
		oldest := ids(list)[len(ids(list))-1]
		a.control("/_sim/resend", `{"event": "`+oldest+`"}`)
		a.settle()
	}
	processing("sent again")
	again := answer{body: shop.last(t, "payment_intent.succeeded")}
	if again.number("charges.data.0.amount_refunded") != 0 || again.path("charges.data.0.refunds.data.0") != nil {
		t.Errorf("sent again: %v", again.path("charges"))
	}
	if first := (answer{body: shop.last(t, "charge.refunded")}); first.number("amount_refunded") != 500 || first.path("refunds.data.1") != nil {
		t.Errorf("sent again: %v", first.path("refunds"))
	}
}

func TestVersionsThatAnEndpointMayHave(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	for version, dashboard := range map[string]int{
		"2025-03-31.basil": 200, "2024-04-10": 200,
		"2022-11-16": 400, "1999-01-01": 400, "latest": 400, "2024-13-01": 400, "2025-03-31.": 400, "2025-03-31.Basil": 400,
		"2023-10-16.foo": 400, "2019-10-08 2019-10-17": 400, " ": 400,
	} {
		if r := a.control("/_sim/webhook_endpoints", `{"url": "https://shop.example/hook", "api_version": "`+version+`"}`); r.status != dashboard {
			t.Errorf("%s in the Dashboard: %d", version, r.status)
		}
		r := a.post("/v1/webhook_endpoints", url.Values{"url": {"https://shop.example/hook"}, "enabled_events[]": {"*"}, "api_version": {version}})
		if r.status != 400 || r.text("error.param") != "api_version" {
			t.Errorf("%s: %s", version, r.raw)
		}
		_, err := a.sim.EnsureWebhookEndpoint("https://shop.example/hook", []string{"*"}, version)
		if err == nil {
			t.Errorf("%s was embedded", version)
		}
	}
	for _, wrong := range []string{`{}`, `{"url": "shop"}`, `{"url": "https://shop.example", "enabled_events": []}`, `{"url": "https://shop.example", "secret": "x"}`,
		`{"url": "https://shop.example", "enabled_events": ["charge.failed charge.pending"]}`,
		`{"url": "https://shop.example", "enabled_events": ["charge."]}`, `{"url": "https://shop.example", "enabled_events": [".*"]}`,
	} {
		if r := a.control("/_sim/webhook_endpoints", wrong); r.status != 400 {
			t.Errorf("%s: %d", wrong, r.status)
		}
	}
}
