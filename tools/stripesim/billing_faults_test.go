package stripesim

import (
	"net/http"
	"strings"
	"testing"
)

// last is the newest delivery of a type.
func (r *receiver) last(t *testing.T, eventType string) map[string]any {
	t.Helper()
	var out map[string]any
	for _, one := range r.all() {
		if one.eventType() == eventType {
			out = one.event["data"].(map[string]any)["object"].(map[string]any)
		}
	}
	if out == nil {
		t.Fatalf("no %s was received", eventType)
	}
	return out
}

func TestALaterVersionHidesThePaymentOfAnInvoice(t *testing.T) {
	t.Parallel()
	a, r := open(t, nil), newReceiver(t, nil)
	a.listen(r)
	a.knobs(`{"api_version": "2025-03-31.basil"}`)
	plan := a.pledge(monthly(), "4242424242424242")
	a.settle()

	invoice := r.last(t, "invoice.paid")
	for _, name := range []string{"charge", "payment_intent", "subscription", "subscription_details", "paid"} {
		if _, has := invoice[name]; has {
			t.Errorf("invoice.%s is still there", name)
		}
	}
	details := invoice["parent"].(map[string]any)["subscription_details"].(map[string]any)
	if details["subscription"] != plan || details["metadata"].(map[string]any)["pledge_id"] != "plg_1" {
		t.Errorf("parent %v", details)
	}
	if _, has := r.last(t, "charge.succeeded")["invoice"]; has {
		t.Error("charge.invoice is still there")
	}
	begun := r.last(t, "customer.subscription.created")
	item := begun["items"].(map[string]any)["data"].([]any)[0].(map[string]any)
	if _, has := begun["current_period_end"]; has || item["current_period_end"] == nil {
		t.Errorf("subscription %v", begun)
	}
	// The API goes on speaking the pinned version.
	if pinned := a.plan(plan); pinned.path("latest_invoice.subscription") == nil || pinned.path("current_period_end") == nil {
		t.Errorf("pinned: %s", pinned.raw)
	}
}

func TestForeignPlansAndTwins(t *testing.T) {
	t.Parallel()
	a, r := open(t, nil), newReceiver(t, nil)
	a.listen(r)
	a.knobs(`{"foreign_object": true, "twin": {"p": 1, "only": "invoice.paid"}}`)
	a.pledge(monthly(), "4242424242424242")
	a.settle()
	for _, one := range r.all() {
		if strings.Contains(string(one.raw), "plg_1") && one.event["data"].(map[string]any)["previous_attributes"] == nil {
			t.Errorf("%s shows our metadata: %s", one.eventType(), one.raw)
		}
	}
	paid := 0
	for _, eventType := range a.eventTypes() {
		if eventType == "invoice.paid" {
			paid++
		}
	}
	if paid != 2 {
		t.Errorf("%d events of one paid invoice", paid)
	}
}

func TestRenewNowAndFailNext(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.pledge(monthly(), "4242424242424242")
	if r := a.control("/_sim/subscriptions/"+plan+"/renew", `{}`); r.status != http.StatusBadRequest {
		t.Errorf("in the first second: %d", r.status)
	}
	a.days(3)
	renewed := a.control("/_sim/subscriptions/"+plan+"/renew", `{}`)
	if renewed.text("invoice.status") != "paid" || renewed.number("subscription.current_period_start") != a.sim.Truth().Now {
		t.Errorf("renewed: %s", renewed.raw)
	}
	a.control("/_sim/subscriptions/"+plan+"/fail_next", `{"attempts": 2}`)
	a.days(10)
	failed := a.control("/_sim/subscriptions/"+plan+"/renew", `{}`)
	if failed.text("invoice.status") != "open" || failed.text("subscription.status") != "past_due" {
		t.Errorf("failed: %s", failed.raw)
	}
	a.days(3)
	if late := a.plan(plan); late.text("status") != "past_due" || late.number("latest_invoice.attempt_count") != 2 {
		t.Errorf("late: %s", late.raw)
	}
	a.days(5)
	if paid := a.plan(plan); paid.text("status") != "active" {
		t.Errorf("paid: %s", paid.raw)
	}
	page := a.get("/_sim")
	for _, text := range []string{plan, "Fail next", "Renew", "25.90 EUR / month", "/invoice/in_"} {
		if !strings.Contains(page.raw, text) {
			t.Errorf("the dashboard has no %q", text)
		}
	}
	pressed := a.post("/_sim/subscriptions/"+plan+"/fail_next", nil)
	if pressed.status != http.StatusSeeOther {
		t.Errorf("button: %d %s", pressed.status, pressed.raw)
	}
	for path, bad := range map[string]string{
		"/_sim/subscriptions/sub_none/renew":         `{}`,
		"/_sim/subscriptions/" + plan + "/fail_next": `{"attempts": -1}`,
		"/_sim/settings":                             `{"after_last_retry": "forget"}`,
		"/_sim/settings?":                            `{"webhook_retries": "for ever"}`,
		"/_sim/payment_methods/pm_none/update_card":  `{"exp_month": 4, "exp_year": 2039}`,
	} {
		if r := a.control(path, bad); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	truth := a.sim.Truth()
	if len(truth.Subscriptions) != 1 || len(truth.Invoices) != 3 || len(truth.Customers) != 1 {
		t.Errorf("truth has %d plans, %d invoices", len(truth.Subscriptions), len(truth.Invoices))
	}
}
