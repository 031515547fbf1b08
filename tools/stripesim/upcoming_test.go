package stripesim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What a preview shows is what happens, whatever is changed and when.
func TestAPreviewIsTheInvoice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			choose := rand.New(rand.NewPCG(seed, 7))
			a := prepare(t, func(c *Config) { c.Seed = seed + 1 })
			m := a.membership(1 + choose.IntN(5))
			for range 6 {
				a.advance(choose.Int64N(20 * 86_400))
				m.step(choose)
				err := a.sim.CheckInvariants()
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// step changes the number of shares in one of the ways, if the plan may be changed
// now, and compares what comes of it with what was said before.
func (m *membership) step(choose *rand.Rand) {
	m.t.Helper()
	switch choose.IntN(6) {
	case 0:
		m.pause([]string{"void", "mark_uncollectible", "keep_as_draft"}[choose.IntN(3)])
	case 1, 2:
		m.post("/v1/subscriptions/"+m.plan, url.Values{"pause_collection": {""}})
	}
	now := m.get("/v1/subscriptions/" + m.plan)
	shares := choose.IntN(8)
	form := url.Values{"items[0][id]": {m.item}, "items[0][quantity]": {fmt.Sprint(shares)}}
	behavior := []string{"none", "create_prorations", "always_invoice"}[choose.IntN(3)]
	form.Set("proration_behavior", behavior)
	if behavior != "none" {
		from, until := now.number("current_period_start"), m.sim.Truth().Now
		form.Set("proration_date", itoa64(from+choose.Int64N(until-from+1)))
	}
	if choose.IntN(4) == 0 {
		form.Set("billing_cycle_anchor", "now")
	}
	asked := url.Values{"subscription": {m.plan}}
	for name, values := range form {
		head, rest, nested := strings.Cut(name, "[")
		if nested {
			rest = "[" + rest
		}
		asked["subscription_"+head+rest] = values
	}
	events := len(m.eventTypes())
	said := m.get("/v1/invoices/upcoming?" + asked.Encode())
	if len(m.eventTypes()) != events {
		m.t.Fatal("a preview made events")
	}
	changed := m.post("/v1/subscriptions/"+m.plan, form)
	if said.status != changed.status || strings.TrimPrefix(said.text("error.param"), "subscription_") != changed.text("error.param") {
		m.t.Fatalf("previewed %d %s\nchanged %d %s", said.status, said.raw, changed.status, changed.raw)
	}
	if said.status != http.StatusOK {
		return
	}
	if changed.text("latest_invoice") == now.text("latest_invoice") {
		m.advance(changed.number("current_period_end") - m.sim.Truth().Now)
		// A draft is what the preview was of; what it takes of the balance is settled an hour later.
		compare(m, said, m.latest())
		m.advance(3600)
	}
	compare(m, said, m.latest())
}

func compare(m *membership, said, made answer) {
	m.t.Helper()
	for _, path := range []string{"total", "subtotal", "amount_due", "starting_balance", "currency", "customer", "subscription", "period_start", "period_end", "created"} {
		if said.path(path) != made.path(path) {
			m.t.Errorf("%s was to be %v and is %v: %s", path, said.path(path), made.path(path), made.raw)
		}
	}
	before, after := said.path("lines.data").([]any), made.path("lines.data").([]any)
	if len(before) != len(after) {
		m.t.Fatalf("%d lines were to be %d: %s", len(after), len(before), made.raw)
	}
	for i := range before {
		for _, name := range []string{"amount", "description", "quantity", "proration", "type", "subscription_item", "period", "proration_details", "unit_amount_excluding_tax"} {
			was, is := before[i].(map[string]any)[name], after[i].(map[string]any)[name]
			if fmt.Sprint(was) != fmt.Sprint(is) {
				m.t.Errorf("line %d: %s was to be %v and is %v", i, name, was, is)
			}
		}
	}
}

func TestPreviewsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	price := "subscription_items[0][price]=" + m.shares
	more := "subscription=" + m.plan + "&subscription_items[0][id]=" + m.item + "&subscription_items[0][quantity]=3"
	for query, param := range map[string]string{
		"customer=" + m.customer + "&" + price:     "subscription_items",
		more + "&expand[]=lines.data.invoice_item": "expand",
	} {
		r := a.get("/v1/invoices/upcoming?" + query)
		if r.status != http.StatusBadRequest || r.text("error.param") != param || !strings.Contains(r.text("error.message"), "does not offer") {
			t.Errorf("%s: %d %s", query, r.status, r.raw)
		}
	}
	a.days(3)
	m.change(3, nil)
	waiting := a.get("/v1/invoices/upcoming?subscription=" + m.plan + "&expand[]=lines.data.invoice_item")
	if line := waiting.path("lines.data").([]any)[0].(map[string]any); line["invoice_item"].(map[string]any)["object"] != "invoiceitem" {
		t.Errorf("waiting: %s", waiting.raw)
	}
}

func TestAPreviewOfAPlanThatEnds(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	ask := "/v1/invoices/upcoming?customer=" + m.customer
	if next := a.get(ask); next.text("billing_reason") != "upcoming" || next.path("id") != nil || next.number("amount_due") != 1000 {
		t.Errorf("next: %s", next.raw)
	}
	if r := a.get(ask + "&subscription_cancel_at_period_end=true"); r.status != http.StatusNotFound {
		t.Errorf("ends: %d %s", r.status, r.raw)
	}
	a.days(15)
	last := m.change(3, url.Values{"cancel_at_period_end": {"true"}})
	said := a.get(ask)
	if said.number("amount_due") != 1000 || last.status != http.StatusOK {
		t.Errorf("said: %s", said.raw)
	}
	a.days(15)
	compare(m, said, m.latest())
}
