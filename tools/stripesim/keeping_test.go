package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func keepingGift(usage string) url.Values {
	form := gift()
	form.Set("payment_intent_data[setup_future_usage]", usage)
	return form
}

// A donor's card is kept with the gift, and pays again without the donor.
func TestAGiftKeepsTheCardOfItsCustomer(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := keepingGift("off_session")
	form.Set("customer_creation", "always")
	id := a.checkout(form)
	if page := a.get("/c/pay/" + id); !strings.Contains(page.raw, "kept for later payments") {
		t.Error("the donor is not told")
	}
	secure := a.pay(id, "4000002500003155").header.Get("Location")
	events := a.newEvents(func() { a.post(secure, url.Values{"result": {"complete"}}) })
	same(t, "events", events, []string{
		"customer.created", "charge.succeeded", "payment_method.attached", "payment_intent.succeeded", "checkout.session.completed",
	})
	paid := a.get("/v1/checkout/sessions/" + id + "?expand[]=payment_intent")
	customer, card := paid.text("customer"), paid.text("payment_intent.payment_method")
	if paid.text("payment_intent.setup_future_usage") != "off_session" {
		t.Errorf("paid: %s", paid.raw)
	}
	if kept := ids(a.get("/v1/customers/" + customer + "/payment_methods")); len(kept) != 1 || kept[0] != card {
		t.Errorf("kept: %v", kept)
	}
	again := a.post("/v1/payment_intents", url.Values{
		"amount": {"1000"}, "currency": {"eur"}, "customer": {customer}, "payment_method": {card}, "confirm": {"true"}, "off_session": {"true"},
	})
	again.expect(t, map[string]any{"status": "succeeded"})
}

// Whoever is no customer yet may become one with the card that they gave by.
func TestAGiftKeepsTheCardOfAGuest(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	guest := a.session(a.give(keepingGift("on_session"))).text("payment_intent.payment_method")
	stranger := a.session(a.give(gift())).text("payment_intent.payment_method")
	customer := a.post("/v1/customers", url.Values{"email": {"ann@example.org"}}).text("id")
	for card, want := range map[string]int{guest: http.StatusOK, stranger: http.StatusBadRequest} {
		if r := a.post("/v1/payment_methods/"+card+"/attach", url.Values{"customer": {customer}}); r.status != want {
			t.Errorf("attach: %d %s", r.status, r.raw)
		}
	}
}

// A customer who was deleted before the donor paid gets no card; another may get it.
func TestAGiftKeepsNoCardForADeletedCustomer(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := keepingGift("off_session")
	customer := a.post("/v1/customers", url.Values{"email": {"ann@example.org"}}).text("id")
	form.Set("customer", customer)
	id := a.checkout(form)
	a.do(http.MethodDelete, "/v1/customers/"+customer, nil, nil)
	events := a.newEvents(func() { a.pay(id, "4242424242424242") })
	if slices.Contains(events, "payment_method.attached") {
		t.Errorf("events %v", events)
	}
	card := a.session(id).text("payment_intent.payment_method")
	next := a.post("/v1/customers", url.Values{"email": {"ann@example.org"}}).text("id")
	a.post("/v1/payment_methods/"+card+"/attach", url.Values{"customer": {next}}).expect(t, map[string]any{"customer": next})
}

// A card that was to be kept and did not pay is used up, that of a gift and that of a plan.
func TestADeclinedCardIsNotKept(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	customer := a.post("/v1/customers", url.Values{"email": {"ann@example.org"}}).text("id")
	for name, form := range map[string]url.Values{"gift": keepingGift("off_session"), "plan": monthly()} {
		a.pay(a.checkout(form), "4000000000000341")
		charge := a.get("/v1/charges?limit=1")
		charge.expect(t, map[string]any{"data.0.status": "failed"})
		r := a.post("/v1/payment_methods/"+charge.text("data.0.payment_method")+"/attach", url.Values{"customer": {customer}})
		if r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
}

func TestWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	debit := keepingGift("off_session")
	debit.Set("payment_method_types[0]", "sepa_debit")
	for name, form := range map[string]url.Values{"debit": debit, "unknown": keepingGift("always")} {
		if r := a.post("/v1/checkout/sessions", form); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, r.status)
		}
	}
}

// A list that is not in the order of creation is found, and a test clock's objects are not taken for it.
func TestListsAreInTheOrderOfCreation(t *testing.T) {
	t.Parallel()
	var kept table[Customer]
	for _, one := range []Customer{{ID: "cus_1", Created: 20}, {ID: "cus_2", Created: 10, TestClock: "clock_1"}, {ID: "cus_3", Created: 20}} {
		kept.put(one.ID, &one)
	}
	at := func(c *Customer) int64 { return accountTime(c.Created, c.TestClock) }
	err := inOrder(&kept, at)
	if err != nil {
		t.Error(err)
	}
	kept.put("cus_4", &Customer{ID: "cus_4", Created: 19})
	if inOrder(&kept, at) == nil {
		t.Error("a customer of before was not noticed")
	}
}
