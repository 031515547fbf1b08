package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestPlansByAPI(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	customer := a.customer(url.Values{"email": {"ben@example.org"}})
	price := a.post("/v1/prices", url.Values{
		"product_data[name]": {"Monthly gift"}, "currency": {"usd"}, "unit_amount": {"1000"}, "recurring[interval]": {"month"},
	}).text("id")
	card := func(name string) string {
		return a.post("/v1/payment_methods/"+name+"/attach", url.Values{"customer": {customer}}).text("id")
	}
	start := func(pm, behavior string) answer {
		return a.post("/v1/subscriptions", url.Values{
			"customer": {customer}, "items[0][price]": {price}, "default_payment_method": {pm}, "payment_behavior": {behavior},
			"expand[]": {"latest_invoice"},
		})
	}
	good, bad := card("pm_card_visa"), card("pm_card_chargeCustomerFail")
	if r := start(good, "allow_incomplete"); r.text("status") != "active" || r.text("latest_invoice.status") != "paid" {
		t.Errorf("good: %s", r.raw)
	}
	before := len(a.get("/v1/subscriptions?status=all").ids())
	if r := start(bad, "error_if_incomplete"); r.status != http.StatusPaymentRequired || r.text("error.type") != "card_error" {
		t.Errorf("error_if_incomplete: %d %s", r.status, r.raw)
	}
	if len(a.get("/v1/subscriptions?status=all").ids()) != before {
		t.Error("a refused plan was made")
	}
	waiting := start(bad, "allow_incomplete")
	if waiting.text("status") != "incomplete" || waiting.text("latest_invoice.status") != "open" || waiting.path("latest_invoice.next_payment_attempt") != nil {
		t.Errorf("waiting: %s", waiting.raw)
	}
	paid := a.post("/v1/invoices/"+waiting.text("latest_invoice.id")+"/pay", url.Values{"payment_method": {good}})
	if paid.text("status") != "paid" || a.plan(waiting.text("id")).text("status") != "active" {
		t.Errorf("paid: %s", paid.raw)
	}
	lost := start(bad, "default_incomplete").text("id")
	a.advance(23 * 3600)
	if after := a.plan(lost); after.text("status") != "incomplete_expired" || after.text("latest_invoice.status") != "void" {
		t.Errorf("expired: %s", after.raw)
	}
}

func TestInvoicesByAPI(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.failing()
	a.advance(30*86_400 + 3600)
	invoice := a.plan(plan).text("latest_invoice.id")

	declined := a.post("/v1/invoices/"+invoice+"/pay", nil)
	if declined.status != http.StatusPaymentRequired || declined.text("error.decline_code") != "generic_decline" ||
		!strings.HasPrefix(declined.text("error.charge"), "ch_") {
		t.Errorf("declined: %d %s", declined.status, declined.raw)
	}
	if again := a.get("/v1/invoices/" + invoice); again.number("attempt_count") != 2 {
		t.Errorf("attempts: %s", again.raw)
	}
	off := a.post("/v1/invoices/"+invoice+"/mark_uncollectible", nil)
	if off.text("status") != "uncollectible" || a.plan(plan).text("status") != "active" {
		t.Errorf("written off: %s", off.raw)
	}
	void := a.post("/v1/invoices/"+invoice+"/void", nil)
	if void.text("status") != "void" {
		t.Errorf("void: %s", void.raw)
	}
	for _, act := range []string{"pay", "void", "mark_uncollectible", "finalize"} {
		if r := a.post("/v1/invoices/"+invoice+"/"+act, nil); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", act, r.status)
		}
	}
	a.advance(31*86_400 - 3600)
	draft := a.plan(plan).text("latest_invoice.id")
	if r := a.post("/v1/invoices/"+draft+"/finalize", nil); r.text("status") != "open" {
		t.Errorf("finalize: %s", r.raw)
	}
	elsewhere := a.post("/v1/invoices/"+draft+"/pay", url.Values{"paid_out_of_band": {"true"}})
	if elsewhere.path("paid_out_of_band") != true || elsewhere.path("charge") != nil || elsewhere.text("status") != "paid" {
		t.Errorf("out of band: %s", elsewhere.raw)
	}
	if got := a.get("/v1/invoices?status=void").ids(); !slices.Equal(got, []string{invoice}) {
		t.Errorf("listed %v", got)
	}
}

func TestARestartGoesOnWithPlans(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	plan := a.failing()
	a.advance(30*86_400 + 3600)
	before := a.plan(plan).raw

	b := a.reopen(dir)

	if after := b.plan(plan).raw; after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
	events := b.newEvents(func() { b.days(3) })
	same(t, "retry", events, []string{"charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed"})
}
