package stripesim

import (
	"net/http"
	"strings"
	"testing"
)

func TestASessionAsksForTheWholeAddress(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	asked := gift()
	asked.Set("billing_address_collection", "required")
	asked.Set("customer_creation", "always")
	for number, check := range map[string]string{"4242424242424242": "pass", "4000000000000028": "fail", "4000000000000010": "fail"} {
		id := a.checkout(asked)
		form := cardForm(number)
		form.Set("line1", "Invalidenstraße 44")
		short := a.post("/c/pay/"+id, form)
		if short.status != http.StatusUnprocessableEntity || !strings.Contains(short.raw, "street, town") || !strings.Contains(short.raw, "Invalidenstraße 44") {
			t.Fatalf("without a town: %d", short.status)
		}
		form.Set("city", "Berlin")
		if paid := a.post("/c/pay/"+id, form); paid.status != http.StatusSeeOther {
			t.Fatalf("pay: %d %s", paid.status, paid.raw)
		}
		after := a.get("/v1/checkout/sessions/" + id + "?expand[]=payment_intent.latest_charge&expand[]=customer")
		for path, want := range map[string]string{
			"payment_intent.latest_charge.payment_method_details.card.checks.address_line1_check": check,
			"payment_intent.latest_charge.billing_details.address.line1":                          "Invalidenstraße 44",
			"customer_details.address.city":                                                       "Berlin",
			"customer.address.line1":                                                              "Invalidenstraße 44",
		} {
			if got := after.text(path); got != want {
				t.Errorf("%s of %s is %q", path, number, got)
			}
		}
	}
	// Whoever is not asked for it does not see the field, and its check is not made.
	id := a.give(gift())
	if page := a.get("/c/pay/" + a.checkout(gift())); strings.Contains(page.raw, `name="line1"`) {
		t.Error("asked without being told to")
	}
	if line := a.session(id).path("payment_intent.latest_charge.payment_method_details.card.checks.address_line1_check"); line != nil {
		t.Errorf("checked without an address: %v", line)
	}
}

// The donor sees the fee that they cover as a line with its own amount.
func TestEachLineShowsItsAmount(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := gift()
	form.Set("line_items[1][quantity]", "2")
	form.Set("line_items[1][price_data][currency]", "eur")
	form.Set("line_items[1][price_data][unit_amount]", "45")
	form.Set("line_items[1][price_data][product_data][name]", "Towards the payment fee")
	page := a.get("/c/pay/" + a.checkout(form)).raw
	for _, part := range []string{"Winter relief: 25.00 EUR", "Towards the payment fee × 2: 0.90 EUR", "Donate 25.90 EUR"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}
