package stripesim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// portal opens the billing portal of a plan's customer and returns its path.
func (a *account) portal(plan string, more url.Values) string {
	a.t.Helper()
	form := url.Values{"customer": {a.get("/v1/subscriptions/" + plan).text("customer")}, "return_url": {"http://donate.example/plan"}}
	for name, values := range more {
		form[name] = values
	}
	r := a.post("/v1/billing_portal/sessions", form)
	if r.status != http.StatusOK {
		a.t.Fatalf("portal: %d %s", r.status, r.raw)
	}
	return strings.TrimPrefix(r.text("url"), a.sim.cfg.BaseURL)
}

// The story of a failed renewal: the donor follows a link, updates the card, and
// the open invoice is charged to it.
func TestADonorUpdatesTheCard(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.failing()
	a.advance(30*86_400 + 3600)
	page := a.portal(plan, nil)
	if policy := a.get(page).header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self' http://donate.example") {
		t.Errorf("policy %q", policy)
	}
	home := a.get(page)
	for _, text := range []string{"Payment due (past_due)", "visa ending in 0341", "Pay ", "http://donate.example/plan", "Simulator: no real money"} {
		if !strings.Contains(home.raw, text) {
			t.Errorf("the page does not say %q: %s", text, home.raw)
		}
	}
	refused := a.post(page+"/card", cardForm("4000000000000002"))
	if refused.status != http.StatusUnprocessableEntity || strings.Contains(refused.raw, `value="4000`) {
		t.Errorf("declined: %d", refused.status)
	}

	events := a.newEvents(func() {
		saved := a.post(page+"/card", cardForm("5555555555554444"))
		if saved.header.Get("Location") != page+"?done=card" {
			t.Errorf("saved: %d to %q", saved.status, saved.header.Get("Location"))
		}
	})

	same(t, "events", events, []string{"payment_method.attached", "customer.updated", "customer.subscription.updated"})
	if after := a.get(page + "?done=card"); !strings.Contains(after.raw, "mastercard ending in 4444") || !strings.Contains(after.raw, `role="status"`) {
		t.Errorf("after: %s", after.raw)
	}
	a.days(3)
	if paid := a.plan(plan); paid.text("status") != "active" || paid.text("latest_invoice.status") != "paid" {
		t.Errorf("paid: %s", paid.raw)
	}
}

func TestACardThatNeedsSetUpInThePortal(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.pledge(monthly(), "4242424242424242")
	page := a.portal(plan, url.Values{
		"flow_data[type]": {"payment_method_update"}, "flow_data[after_completion][type]": {"redirect"},
		"flow_data[after_completion][redirect][return_url]": {"http://donate.example/thanks"},
	})
	if r := a.get(page); r.header.Get("Location") != page+"/card" {
		t.Errorf("flow leads to %q", r.header.Get("Location"))
	}
	asked := a.post(page+"/card", cardForm("4000002500003155"))
	if asked.header.Get("Location") != page+"/secure" {
		t.Fatalf("asked: %d to %q", asked.status, asked.header.Get("Location"))
	}
	if r := a.get(page + "/secure"); r.status != http.StatusOK || !strings.Contains(r.raw, "Complete authentication") {
		t.Errorf("page: %d", r.status)
	}
	if r := a.post(page+"/secure", url.Values{"result": {"fail"}}); r.status != http.StatusPaymentRequired {
		t.Errorf("failed: %d", r.status)
	}
	for range 2 {
		done := a.post(page+"/secure", url.Values{"result": {"complete"}})
		if done.header.Get("Location") != "http://donate.example/thanks" {
			t.Errorf("done: %d to %q", done.status, done.header.Get("Location"))
		}
	}
	a.advance(30*86_400 + 3600)
	if renewed := a.plan(plan); renewed.text("latest_invoice.payment_intent.latest_charge.payment_method_details.card.last4") != "3155" ||
		renewed.text("status") != "active" {
		t.Errorf("renewed: %s", renewed.raw)
	}
}

func TestADonorCancelsInThePortal(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.pledge(monthly(), "4242424242424242")
	page := a.portal(plan, nil)
	asked := a.get(page + "/cancel/" + plan)
	if !strings.Contains(asked.raw, "13 May 2026") || !strings.Contains(asked.raw, "25.90 EUR / month") {
		t.Errorf("asked: %s", asked.raw)
	}
	a.post(page+"/cancel/"+plan, url.Values{"when": {"period_end"}})
	if r := a.plan(plan); r.path("cancel_at_period_end") != true || !strings.Contains(a.get(page).raw, "Ends on 13 May 2026") {
		t.Errorf("ends: %s", r.raw)
	}
	a.post(page+"/keep/"+plan, nil)
	if r := a.plan(plan); r.path("cancel_at_period_end") != false || r.path("canceled_at") != nil {
		t.Errorf("kept: %s", r.raw)
	}
	if r := a.post(page+"/cancel/"+plan, url.Values{"when": {"later"}}); r.status != http.StatusBadRequest {
		t.Errorf("later: %d", r.status)
	}
	for range 2 {
		if r := a.post(page+"/cancel/"+plan, url.Values{"when": {"now"}}); r.header.Get("Location") != page+"?done=canceled" {
			t.Errorf("now: %d", r.status)
		}
	}
	if r := a.plan(plan); r.text("status") != "canceled" {
		t.Errorf("canceled: %s", r.raw)
	}
}

func TestThePortalIsForOneCustomerAndNotForLong(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan, other := a.pledge(monthly(), "4242424242424242"), a.pledge(monthly(), "4242424242424242")
	page := a.portal(plan, nil)
	for _, path := range []string{page + "/cancel/" + other, "/p/session/bps_none", "/p/session/bps_none/card"} {
		if r := a.get(path); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	if strings.Contains(a.get(page).raw, other) {
		t.Error("the page shows another customer's plan")
	}
	for name, more := range map[string]url.Values{
		"another's plan": {"flow_data[type]": {"subscription_cancel"}, "flow_data[subscription_cancel][subscription]": {other}},
		"no plan":        {"flow_data[type]": {"subscription_cancel"}},
		"update":         {"flow_data[type]": {"subscription_update"}},
		"configuration":  {"configuration": {"bpc_none"}},
		"customer":       {"customer": {"cus_none"}},
	} {
		form := url.Values{"customer": {a.get("/v1/subscriptions/" + plan).text("customer")}}
		for param, values := range more {
			form[param] = values
		}
		if r := a.post("/v1/billing_portal/sessions", form); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	configurations := a.get("/v1/billing_portal/configurations?is_default=true")
	if len(configurations.ids()) != 1 || a.get("/v1/billing_portal/configurations/"+configurations.ids()[0]).status != http.StatusOK {
		t.Errorf("configurations: %s", configurations.raw)
	}
	a.advance(3600)
	if r := a.get(page); r.status != http.StatusGone || !strings.Contains(r.raw, "http://donate.example/plan") {
		t.Errorf("an hour later: %d", r.status)
	}
}

func TestTheInvoicePage(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.failing()
	a.advance(30 * 86_400)
	draft := a.plan(plan).text("latest_invoice.id")
	if r := a.get("/invoice/" + draft); r.status != http.StatusNotFound {
		t.Errorf("a draft has a page: %d", r.status)
	}
	a.advance(3600)
	late := a.plan(plan)
	page := strings.TrimPrefix(late.text("latest_invoice.hosted_invoice_url"), a.sim.cfg.BaseURL)
	if r := a.get(page); r.status != http.StatusOK || !strings.Contains(r.raw, "25.90 EUR") || !strings.Contains(r.raw, `value="ann@example.org"`) {
		t.Fatalf("page: %d %s", r.status, r.raw)
	}
	if r := a.post(page, cardForm("4000000000009995")); r.status != http.StatusPaymentRequired || !strings.Contains(r.raw, "insufficient funds") {
		t.Errorf("declined: %d", r.status)
	}
	if r := a.post(page, cardForm("4000000000009999")); r.status != http.StatusUnprocessableEntity {
		t.Errorf("no test card: %d", r.status)
	}
	next := a.plan(plan).number("latest_invoice.next_payment_attempt")
	if next != late.number("latest_invoice.next_payment_attempt") {
		t.Error("paying by hand moved the schedule")
	}
	asked := a.post(page, cardForm("4000002760003184"))
	secure := asked.header.Get("Location")
	if !strings.HasPrefix(secure, "/3ds/pi_") || !strings.Contains(a.get(secure).raw, "Complete authentication") {
		t.Fatalf("asked: %d to %q", asked.status, secure)
	}
	a.post(secure, url.Values{"result": {"fail"}})
	if r := a.get(page); !strings.Contains(r.raw, "unable to authenticate") {
		t.Errorf("failed: %s", r.raw)
	}
	a.post(page, cardForm("4000002760003184"))
	events := a.newEvents(func() {
		for range 2 {
			if r := a.post(secure, url.Values{"result": {"complete"}}); r.header.Get("Location") != page {
				t.Errorf("confirmed: %d", r.status)
			}
		}
	})
	same(t, "events", events, []string{
		"charge.succeeded", "payment_intent.succeeded", "invoice.updated", "invoice.paid", "invoice.payment_succeeded",
		"customer.subscription.updated",
	})
	if paid := a.get(page); strings.Contains(paid.raw, "card_number") || !strings.Contains(paid.raw, "paid") {
		t.Errorf("paid: %s", paid.raw)
	}
	if a.plan(plan).text("status") != "active" {
		t.Error("the plan is not active again")
	}
}
