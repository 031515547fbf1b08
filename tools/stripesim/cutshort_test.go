package stripesim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// in is a moment so many days from now, as a parameter.
func (a *account) in(days int64) string {
	a.t.Helper()
	return itoa64(a.sim.Truth().Now + days*86_400)
}

func TestAPlanThatEndsWithinItsPeriod(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	a.days(2)
	soon := url.Values{"cancel_at": {a.in(10)}}
	refused := func(what string, r answer) {
		t.Helper()
		if r.status != http.StatusBadRequest || r.text("error.param") != "cancel_at" || !strings.Contains(r.raw, "proration_behavior=none") {
			t.Errorf("%s: %d %s", what, r.status, r.raw)
		}
	}
	refused("with another amount", m.change(5, soon))
	refused("alone", a.post("/v1/subscriptions/"+m.plan, soon))
	refused("from the start", a.post("/v1/subscriptions", url.Values{
		"customer": {m.customer}, "items[0][price]": {m.shares}, "cancel_at": soon["cancel_at"],
	}))
	if later := a.post("/v1/subscriptions/"+m.plan, url.Values{"cancel_at": {a.in(40)}}); later.status != http.StatusOK {
		t.Errorf("in a later period: %d %s", later.status, later.raw)
	}

	soon.Set("proration_behavior", "none")
	if r := m.change(5, soon); r.status != http.StatusOK {
		t.Fatalf("without prorations: %d %s", r.status, r.raw)
	}
	refused("a change of a plan that ends so", m.change(3, nil))
	if r := a.post("/v1/subscriptions/"+m.plan, url.Values{"metadata[seen]": {"yes"}}); r.status != http.StatusOK {
		t.Errorf("a note: %d %s", r.status, r.raw)
	}
	if r := a.get("/v1/invoices/upcoming?subscription=" + m.plan); r.status != http.StatusNotFound {
		t.Errorf("to come: %d %s", r.status, r.raw)
	}
	a.days(11)
	if r := a.plan(m.plan); r.text("status") != "canceled" || m.latest().text("billing_reason") != "subscription_create" {
		t.Errorf("ended: %s", r.raw)
	}
}

func TestWhatWaitsForAPlanThatEndsWithinItsPeriod(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	a.days(15)
	m.change(3, nil)
	m.change(3, url.Values{"cancel_at": {a.in(5)}, "proration_behavior": {"none"}})
	said := a.get("/v1/invoices/upcoming?subscription=" + m.plan)

	a.days(6)

	if r := m.latest(); a.plan(m.plan).text("status") != "canceled" || r.text("status") != "paid" || r.number("amount_paid") != 1000 {
		t.Errorf("ended: %s", r.raw)
	}
	compare(m, said, m.latest())
}

// sharing is a membership with credit whose renewal is kept as a draft, and the
// customer's second plan, which uses the same credit.
func (a *account) sharing() (m *membership, draft, card string) {
	a.t.Helper()
	m = a.membership(5)
	a.days(15)
	m.change(1, atOnce()) // 20.00 of credit
	m.pause("keep_as_draft")
	a.days(16)
	kept := m.latest()
	if kept.text("status") != "draft" || kept.number("amount_due") != 0 {
		a.t.Fatalf("kept: %s", kept.raw)
	}
	card = a.get("/v1/subscriptions/" + m.plan).text("default_payment_method")
	return m, kept.text("id"), card
}

func TestADraftIsPaidByWhatIsThereNow(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m, draft, card := a.sharing()
	begun := a.post("/v1/subscriptions", url.Values{
		"customer": {m.customer}, "items[0][price]": {m.shares}, "items[0][quantity]": {"2"}, "default_payment_method": {card},
	})
	if begun.text("status") != "active" || m.balance() != 0 {
		t.Fatalf("second plan: balance %d, %s", m.balance(), begun.raw)
	}
	a.post("/v1/payment_methods/"+card+"/detach", nil)

	r := a.post("/v1/invoices/"+draft+"/pay", nil)

	if r.status != http.StatusBadRequest || !strings.Contains(r.text("error.message"), "default_payment_method") {
		t.Errorf("credit gone, no card: %d %s", r.status, r.raw)
	}
	if now := a.get("/v1/invoices/" + draft); now.text("status") != "draft" {
		t.Errorf("a refusal left something: %s", now.raw)
	}
}

func TestADraftIsPaidByCreditThatCameLater(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	a.days(15)
	m.pause("keep_as_draft")
	a.days(16)
	draft := m.latest().text("id")
	card := a.get("/v1/subscriptions/" + m.plan).text("default_payment_method")
	other := &membership{account: a, customer: m.customer, shares: m.shares}
	begun := a.post("/v1/subscriptions", url.Values{
		"customer": {m.customer}, "items[0][price]": {m.shares}, "items[0][quantity]": {"4"}, "default_payment_method": {card},
	})
	other.plan = begun.text("id")
	other.item = begun.path("items.data").([]any)[0].(map[string]any)["id"].(string)
	other.change(1, atOnce())
	if m.balance() != -3000 {
		t.Fatalf("credit: %d", m.balance())
	}
	a.post("/v1/payment_methods/"+card+"/detach", nil)

	r := a.post("/v1/invoices/"+draft+"/pay", nil)

	if r.status != http.StatusOK || r.text("status") != "paid" || m.balance() != -2000 {
		t.Errorf("balance %d: %d %s", m.balance(), r.status, r.raw)
	}
}
