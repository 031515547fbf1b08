package stripesim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever has an id can be looked at, with what was announced of it.
func TestAnyObjectCanBeShown(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, nil)
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	secret := a.listen(shop)
	plan := a.pledge(monthly(), "4242424242424242")
	a.pay(a.checkout(gift()), "4000000000000259")
	a.pay(a.checkout(gift()), "4000000000009235")
	begun := a.plan(plan)
	clock := a.post("/v1/test_helpers/test_clocks", url.Values{"frozen_time": {itoa64(a.clock.now().Unix())}}).text("id")
	for kind, id := range map[string]string{
		"customer": begun.text("customer.id"), "subscription": plan, "invoice": begun.text("latest_invoice.id"),
		"payment_method": begun.text("default_payment_method"), "product": begun.text("items.data.0.price.product"),
		"price": begun.text("items.data.0.price.id"), "charge": a.get("/v1/charges").text("data.0.id"),
		"payment_intent": a.get("/v1/payment_intents").text("data.0.id"), "dispute": a.get("/v1/disputes").text("data.0.id"),
		"review": a.get("/v1/reviews").text("data.0.id"), "balance_transaction": a.get("/v1/balance_transactions").text("data.0.id"),
		"checkout.session": a.get("/v1/checkout/sessions").text("data.0.id"), "event": a.get("/v1/events").text("data.0.id"),
		"webhook_endpoint": a.get("/v1/webhook_endpoints").text("data.0.id"), "test_helpers.test_clock": clock,
	} {
		page := a.get("/_sim/objects/" + id)
		if page.status != http.StatusOK || !strings.Contains(page.raw, "&#34;object&#34;: &#34;"+kind+"&#34;") || !strings.Contains(page.raw, id) {
			t.Errorf("%s %q: %d", kind, id, page.status)
		}
		if strings.Contains(page.raw, secret) {
			t.Errorf("%s shows the secret", kind)
		}
	}
	charge := a.get("/_sim/objects?id=" + a.get("/v1/disputes").text("data.0.charge")).raw
	if !strings.Contains(charge, "charge.succeeded, ") || strings.Contains(charge, "payment_intent.succeeded, ") {
		t.Error("not the events of the charge")
	}
	if typed := a.get("/_sim/objects?id=+" + plan); typed.status != http.StatusOK {
		t.Errorf("as typed: %d", typed.status)
	}
	for _, unknown := range []string{"", "cus_x", "<script>", "%00"} {
		if r := a.get("/_sim/objects?id=" + unknown); r.status != http.StatusNotFound || strings.Contains(r.raw, "<script>") {
			t.Errorf("%q: %d", unknown, r.status)
		}
	}
	if !strings.Contains(a.get("/_sim").raw, `href="/_sim/objects/`+plan+`"`) {
		t.Error("the log does not lead to the plan")
	}
}

// An object of a connected account is shown on that account's pages alone.
func TestAnObjectOfAConnectedAccountCanBeShown(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	austria := platform.society(austrian())
	session := austria.give(gift())
	if r := platform.get("/_sim/objects?id=" + session); r.status != http.StatusNotFound {
		t.Errorf("the platform shows it: %d", r.status)
	}
	page := platform.get("/_sim/objects/" + session + "?account=" + austria.as)
	if page.status != http.StatusOK || !strings.Contains(page.raw, `?account=`+austria.as+`">evt_`) {
		t.Errorf("%d %s", page.status, page.raw)
	}
}
