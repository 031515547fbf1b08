package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
)

// customer makes a customer and returns its id.
func (a *account) customer(form url.Values) string {
	a.t.Helper()
	r := a.post("/v1/customers", form)
	if r.status != http.StatusOK {
		a.t.Fatalf("create customer: %d %s", r.status, r.raw)
	}
	return r.text("id")
}

// ids are those of a list answer, in its order.
func (r answer) ids() []string {
	var out []string
	rows, _ := r.path("data").([]any)
	for _, row := range rows {
		out = append(out, row.(map[string]any)["id"].(string))
	}
	return out
}

func TestACustomerLives(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.customer(url.Values{
		"email": {"ann@example.org"}, "name": {"Ann Donor"}, "metadata[donor_id]": {"dnr_1"},
		"address[country]": {"DE"}, "address[postal_code]": {"10115"},
	})

	changed := a.post("/v1/customers/"+id, url.Values{"name": {"Anna Donor"}, "address": {""}, "metadata[tier]": {"gold"}})
	if changed.text("name") != "Anna Donor" || changed.path("address") != nil || changed.text("metadata.donor_id") != "dnr_1" {
		t.Errorf("changed: %s", changed.raw)
	}
	a.post("/v1/customers/"+id, url.Values{"name": {"Anna Donor"}})
	newest := a.get("/v1/events?type=customer.updated").path("data").([]any)
	if len(newest) != 1 {
		t.Fatalf("an update that changes nothing is no event: %d", len(newest))
	}
	previous := newest[0].(map[string]any)["data"].(map[string]any)["previous_attributes"].(map[string]any)
	if previous["name"] != "Ann Donor" || previous["email"] != nil {
		t.Errorf("previous %v", previous)
	}
	if found := a.get("/v1/customers?email=ann%40example.org").ids(); !slices.Equal(found, []string{id}) {
		t.Errorf("found %v", found)
	}

	gone := a.do(http.MethodDelete, "/v1/customers/"+id, nil, nil)
	if gone.path("deleted") != true {
		t.Errorf("deleted: %s", gone.raw)
	}
	if after := a.get("/v1/customers/" + id); after.status != http.StatusOK || after.path("deleted") != true || after.path("email") != nil {
		t.Errorf("after: %s", after.raw)
	}
	for name, r := range map[string]answer{
		"update":  a.post("/v1/customers/"+id, url.Values{"name": {"X"}}),
		"delete":  a.do(http.MethodDelete, "/v1/customers/"+id, nil, nil),
		"unknown": a.get("/v1/customers/cus_none"),
	} {
		if r.status != http.StatusNotFound || r.text("error.code") != "resource_missing" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if want := []string{"customer.created", "customer.updated", "customer.deleted"}; !slices.Equal(a.eventTypes(), want) {
		t.Errorf("events %v", a.eventTypes())
	}
}

func TestPaymentMethodsOfACustomer(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	ann, ben := a.customer(url.Values{"email": {"ann@example.org"}}), a.customer(nil)
	attach := func(pm, customer string) answer {
		return a.post("/v1/payment_methods/"+pm+"/attach", url.Values{"customer": {customer}})
	}
	first, second := attach("pm_card_visa", ann), attach("pm_card_chargeCustomerFail", ann)
	if first.text("customer") != ann || second.text("card.last4") != "0341" {
		t.Fatalf("first %s\nsecond %s", first.raw, second.raw)
	}
	want := []string{second.text("id"), first.text("id")}
	if got := a.get("/v1/customers/" + ann + "/payment_methods?type=card").ids(); !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	set := a.post("/v1/customers/"+ann, url.Values{"invoice_settings[default_payment_method]": {first.text("id")}})
	if set.text("invoice_settings.default_payment_method") != first.text("id") {
		t.Errorf("default: %s", set.raw)
	}
	for name, r := range map[string]answer{
		"taken by another":   attach(first.text("id"), ben),
		"no such customer":   attach("pm_card_visa", "cus_none"),
		"default of another": a.post("/v1/customers/"+ben, url.Values{"invoice_settings[default_payment_method]": {first.text("id")}}),
		"not attached":       a.post("/v1/payment_methods/pm_none/detach", nil),
	} {
		if r.status != http.StatusBadRequest && r.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}

	gone := a.post("/v1/payment_methods/"+first.text("id")+"/detach", nil)
	if gone.status != http.StatusOK || gone.path("customer") != nil {
		t.Errorf("detached: %s", gone.raw)
	}
	if after := a.get("/v1/customers/" + ann); after.path("invoice_settings.default_payment_method") != nil {
		t.Error("a detached card is still the default")
	}
	if again := attach(first.text("id"), ann); again.status != http.StatusBadRequest {
		t.Errorf("a detached card was attached again: %d", again.status)
	}
	if r := a.get("/v1/customers/" + ann + "/payment_methods/" + first.text("id")); r.status != http.StatusNotFound {
		t.Errorf("the customer still has it: %d", r.status)
	}
}

// Each of Stripe's ready-made payment methods is attached as the card that it stands
// for, or refused in its bank's words.
func TestReadyMadePaymentMethods(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	customer := a.customer(url.Values{"email": {"ann@example.org"}})
	for id, name := range testMethods() {
		c, r := cardNamed(name), a.post("/v1/payment_methods/"+id+"/attach", url.Values{"customer": {customer}})
		switch {
		case c.number == "":
			t.Errorf("%s stands for %s, which is no card", id, name)
		case r.status == http.StatusPaymentRequired:
			if r.text("error.type") != "card_error" || r.text("error.code") != c.code || c.code == "" || c.secure != secureNever {
				t.Errorf("%s: %s", id, r.raw)
			}
		case r.status != http.StatusOK || r.text("card.last4") != c.last4() || r.text("card.country") != c.country || r.text("id") == id:
			t.Errorf("%s: %d %s", id, r.status, r.raw)
		}
	}
	if r := a.post("/v1/payment_methods/pm_card_visa_chargeDeclinedLostCard/attach", url.Values{"customer": {customer}}); r.text("error.decline_code") != "lost_card" {
		t.Errorf("a lost card: %s", r.raw)
	}
	if r := a.post("/v1/payment_methods/pm_card_none/attach", url.Values{"customer": {customer}}); r.status != http.StatusNotFound {
		t.Errorf("one that there is not: %s", r.raw)
	}
}

func TestProductsAndPrices(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	product := a.post("/v1/products", url.Values{"name": {"Monthly gift"}, "metadata[organization]": {"org_1"}}).text("id")
	price := a.post("/v1/prices", url.Values{
		"product": {product}, "currency": {"EUR"}, "unit_amount": {"1500"}, "recurring[interval]": {"month"}, "lookup_key": {"gift-15"},
	})
	if price.text("type") != "recurring" || price.text("currency") != "eur" || price.number("recurring.interval_count") != 1 ||
		price.text("unit_amount_decimal") != "1500" {
		t.Fatalf("price: %s", price.raw)
	}
	inline := a.post("/v1/prices", url.Values{"product_data[name]": {"One gift"}, "currency": {"usd"}, "unit_amount": {"500"}})
	if inline.text("type") != "one_time" || inline.path("recurring") != nil {
		t.Errorf("inline: %s", inline.raw)
	}
	expanded := a.get("/v1/prices/" + inline.text("id") + "?expand[]=product")
	if expanded.text("product.name") != "One gift" {
		t.Errorf("expanded: %s", expanded.raw)
	}
	if got := a.get("/v1/prices?type=recurring&lookup_keys[]=gift-15").ids(); !slices.Equal(got, []string{price.text("id")}) {
		t.Errorf("listed %v", got)
	}
	if r := a.post("/v1/prices/"+price.text("id"), url.Values{"active": {"false"}}); r.path("active") != false {
		t.Errorf("archived: %s", r.raw)
	}
	renamed := a.post("/v1/products/"+product, url.Values{"name": {"Gift each month"}, "default_price": {price.text("id")}})
	if renamed.text("name") != "Gift each month" || renamed.text("default_price") != price.text("id") {
		t.Errorf("renamed: %s", renamed.raw)
	}
	if got := a.get("/v1/products?active=true").ids(); len(got) != 2 || got[1] != product {
		t.Errorf("products %v", got)
	}
	for name, test := range map[string]struct {
		path string
		form url.Values
		code string
	}{
		"no product":       {"/v1/prices", url.Values{"currency": {"usd"}, "unit_amount": {"5"}}, "parameter_missing"},
		"unknown product":  {"/v1/prices", url.Values{"currency": {"usd"}, "unit_amount": {"5"}, "product": {"prod_x"}}, "resource_missing"},
		"two products":     {"/v1/prices", url.Values{"currency": {"usd"}, "unit_amount": {"5"}, "product": {product}, "product_data[name]": {"x"}}, "parameters_exclusive"},
		"no amount":        {"/v1/prices", url.Values{"currency": {"usd"}, "product": {product}}, "parameter_missing"},
		"negative":         {"/v1/prices", url.Values{"currency": {"usd"}, "product": {product}, "unit_amount": {"-1"}}, "parameter_invalid_integer"},
		"every four years": {"/v1/prices", url.Values{"currency": {"usd"}, "product": {product}, "unit_amount": {"100"}, "recurring[interval]": {"year"}, "recurring[interval_count]": {"4"}}, "parameter_invalid_integer"},
		"key taken":        {"/v1/prices", url.Values{"currency": {"usd"}, "product": {product}, "unit_amount": {"100"}, "lookup_key": {"gift-15"}}, "resource_already_exists"},
		"id taken":         {"/v1/products", url.Values{"name": {"x"}, "id": {product}}, "resource_already_exists"},
		"tiers":            {"/v1/prices", url.Values{"currency": {"usd"}, "product": {product}, "tiers_mode": {"volume"}}, ""},
	} {
		if r := a.post(test.path, test.form); r.status != http.StatusBadRequest || r.text("error.code") != test.code {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
}
