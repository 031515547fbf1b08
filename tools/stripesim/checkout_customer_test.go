package stripesim

import (
	"net/http"
	"slices"
	"testing"
)

func TestADonorBecomesACustomerWhenTheSessionSaysSo(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := gift()
	form.Set("customer_creation", "always")
	made := a.post("/v1/checkout/sessions", form)
	made.expect(t, map[string]any{"customer": nil, "customer_creation": "always"})
	id := made.text("id")
	a.pay(id, "4000000000000002")
	a.session(id).expect(t, map[string]any{"customer": nil, "payment_intent.customer": nil})
	before := len(a.eventTypes())
	a.pay(id, "4242424242424242")
	paid := a.session(id)
	customer := paid.text("customer")
	paid.expect(t, map[string]any{
		"status": "complete", "payment_intent.customer": customer, "payment_intent.latest_charge.customer": customer,
	})
	a.get("/v1/customers/"+customer).expect(t, map[string]any{"email": "ann@example.org", "name": "Ann Donor", "address.country": "DE"})
	want := []string{"customer.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	if got := a.since(before); !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}
	if listed := ids(a.get("/v1/checkout/sessions?customer=" + customer)); !slices.Equal(listed, []string{id}) {
		t.Errorf("sessions of the customer: %v", listed)
	}
}

func TestADebitedDonorBecomesACustomer(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := debitGift(methodSEPA)
	form.Set("customer_creation", "always")
	id := a.checkout(form)
	if r := a.post("/c/pay/"+id, accountForm(bankAccountNamed("sepa_fails"))); r.status != http.StatusSeeOther {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	a.advance(5 * day)
	failed := a.session(id)
	customer := failed.text("customer")
	failed.expect(t, map[string]any{"payment_status": "unpaid", "payment_intent.latest_charge.customer": customer})
	if a.get("/v1/customers/"+customer).text("email") != "ann@example.org" {
		t.Errorf("customer %q", customer)
	}
}

// Who gives as a customer stays that customer; nobody is made twice.
func TestACustomerGives(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	customer := a.customer(nil)
	form := gift()
	form.Set("customer", customer)
	id := a.checkout(form)
	a.pay(id, "4242424242424242")
	a.session(id).expect(t, map[string]any{
		"customer": customer, "payment_intent.customer": customer, "payment_intent.latest_charge.customer": customer,
	})
	if all := ids(a.get("/v1/customers")); len(all) != 1 {
		t.Errorf("customers %v", all)
	}
	guest := a.give(gift())
	a.session(guest).expect(t, map[string]any{"customer": nil, "payment_intent.customer": nil, "customer_creation": "if_required"})
}
