package stripesim

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// questions are three fields, one of each kind, and both kinds of consent.
func questions() url.Values {
	form := gift()
	for name, value := range map[string]string{
		"custom_fields[0][key]": "dedication", "custom_fields[0][type]": "text", "custom_fields[0][optional]": "true",
		"custom_fields[0][label][type]": "custom", "custom_fields[0][label][custom]": "In memory of <whom>",
		"custom_fields[0][text][maximum_length]": "20",
		"custom_fields[1][key]":                  "membership", "custom_fields[1][type]": "numeric",
		"custom_fields[1][label][type]": "custom", "custom_fields[1][label][custom]": "Membership number",
		"custom_fields[1][numeric][minimum_length]": "4",
		"custom_fields[2][key]":                     "heard", "custom_fields[2][type]": "dropdown",
		"custom_fields[2][label][type]": "custom", "custom_fields[2][label][custom]": "How did you hear of us?",
		"custom_fields[2][dropdown][options][0][label]": "From a friend", "custom_fields[2][dropdown][options][0][value]": "friend",
		"custom_fields[2][dropdown][options][1][label]": "On the radio", "custom_fields[2][dropdown][options][1][value]": "radio",
		"consent_collection[promotions]": "auto", "consent_collection[terms_of_service]": "required",
		"custom_text[terms_of_service_acceptance][message]": "I agree to the rules of the society",
	} {
		form.Set(name, value)
	}
	return form
}

func answered(number string) url.Values {
	form := cardForm(number)
	for name, value := range map[string]string{
		"field_dedication": "Grandmother", "field_membership": "00712", "field_heard": "radio", "consent_terms": "yes", "consent_promotions": "yes",
	} {
		form.Set(name, value)
	}
	return form
}

func TestASessionAsksTheDonor(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	made := a.post("/v1/checkout/sessions", questions())
	made.expect(t, map[string]any{
		"custom_fields.0.key": "dedication", "custom_fields.0.text.maximum_length": 20, "custom_fields.0.text.value": nil,
		"custom_fields.1.numeric.minimum_length": 4, "custom_fields.2.dropdown.options.1.value": "radio",
		"consent_collection.promotions": "auto", "consent_collection.terms_of_service": "required", "consent": nil,
	})
	id := made.text("id")
	page := a.get("/c/pay/" + id).raw
	for _, part := range []string{
		"To <bdi>Stripe simulator</bdi>", "In memory of &lt;whom&gt;", "(optional)", `name="field_membership" required inputmode="numeric"`, `<option value="radio">On the radio`,
		`name="consent_promotions"`, "I agree to the rules of the society",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("page lacks %q", part)
		}
	}
	// A declined card loses nothing of what was said, and tells nobody yet.
	declined := a.post("/c/pay/"+id, answered("4000000000000002"))
	for _, part := range []string{`value="Grandmother"`, `value="00712"`, `<option value="radio" selected>`, `id="consent_terms" name="consent_terms" type="checkbox" value="yes" required checked`} {
		if declined.status != http.StatusPaymentRequired || !strings.Contains(declined.raw, part) {
			t.Errorf("after a decline (%d) the page lacks %q", declined.status, part)
		}
	}
	a.session(id).expect(t, map[string]any{"custom_fields.0.text.value": nil, "consent": nil})

	again := answered("4242424242424242")
	again.Set("field_dedication", "")
	again.Del("consent_promotions")
	if r := a.post("/c/pay/"+id, again); r.status != http.StatusSeeOther {
		t.Fatalf("pay: %d %s", r.status, r.raw)
	}
	a.session(id).expect(t, map[string]any{
		"status": "complete", "custom_fields.0.text.value": nil, "custom_fields.1.numeric.value": "00712",
		"custom_fields.2.dropdown.value": "radio", "consent.promotions": "opt_out", "consent.terms_of_service": "accepted",
	})
}

func TestAnswersOutliveThreeDSecure(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(questions())
	asked := a.post("/c/pay/"+id, answered("4000000000003220"))
	if !strings.HasPrefix(asked.header.Get("Location"), "/3ds/") {
		t.Fatalf("%d %s", asked.status, asked.raw)
	}
	a.post(asked.header.Get("Location"), url.Values{"result": {"complete"}})
	a.session(id).expect(t, map[string]any{
		"status": "complete", "custom_fields.0.text.value": "Grandmother", "consent.promotions": "opt_in",
	})
}

func TestWrongAnswersAreRefused(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(questions())
	for name, c := range map[string]struct{ field, value, says string }{
		"nothing where something must be": {"field_membership", " ", "Please fill in: Membership number"},
		"letters in a number":             {"field_membership", "12ab", "digits only"},
		"too short":                       {"field_membership", "123", "4 to 255 characters"},
		"too long":                        {"field_dedication", strings.Repeat("é", 21), "1 to 20 characters"},
		"no choice of ours":               {"field_heard", "television", "one of the options"},
		"no terms":                        {"consent_terms", "", "agree to the terms"},
	} {
		form := answered("4242424242424242")
		form.Set(c.field, c.value)
		r := a.post("/c/pay/"+id, form)
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.raw, c.says) || !strings.Contains(r.raw, `value="ann@example.org"`) {
			t.Errorf("%s: %d", name, r.status)
		}
	}
	if got := a.eventTypes(); len(got) != 0 {
		t.Errorf("events %v", got)
	}
}

func TestQuestionsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for name, change := range map[string]map[string]string{
		"a key twice":             {"custom_fields[1][key]": "dedication"},
		"a key with a space":      {"custom_fields[0][key]": "in memory"},
		"a long label":            {"custom_fields[0][label][custom]": strings.Repeat("x", 51)},
		"options of a text":       {"custom_fields[0][dropdown][options][0][label]": "a", "custom_fields[0][dropdown][options][0][value]": "b"},
		"an option twice":         {"custom_fields[2][dropdown][options][0][value]": "radio"},
		"bounds upside down":      {"custom_fields[1][numeric][maximum_length]": "3"},
		"a bound of nothing":      {"custom_fields[0][text][maximum_length]": "0"},
		"another kind":            {"custom_fields[0][type]": "colour"},
		"a fourth question":       {"custom_fields[3][key]": "d", "custom_fields[3][type]": "text", "custom_fields[3][label][type]": "custom", "custom_fields[3][label][custom]": "D"},
		"terms that are optional": {"consent_collection[terms_of_service]": "optional"},
	} {
		form := questions()
		for param, value := range change {
			form.Set(param, value)
		}
		if r := a.post("/v1/checkout/sessions", form); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	form := questions()
	maps.DeleteFunc(form, func(name string, _ []string) bool { return strings.HasPrefix(name, "custom_fields[2][dropdown]") })
	if r := a.post("/v1/checkout/sessions", form); r.text("error.code") != "parameter_missing" {
		t.Errorf("a dropdown of nothing: %s", r.raw)
	}
}

func TestAnExpiredSessionIsRecovered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, func(c *Config) { c.Dir = dir })
	form := questions()
	form.Set("after_expiration[recovery][enabled]", "true")
	form.Set("metadata[donation_id]", "don_7")
	first := a.post("/v1/checkout/sessions", form)
	first.expect(t, map[string]any{"after_expiration.recovery.enabled": true, "after_expiration.recovery.url": nil, "recovered_from": nil})
	id := first.text("id")
	if r := a.get("/c/recover/" + id); r.status != http.StatusNotFound {
		t.Errorf("an open session is recovered: %d", r.status)
	}
	a.post("/c/pay/"+id, answered("4000000000000002"))
	a.advance(day)
	expired := a.session(id)
	link := expired.text("after_expiration.recovery.url")
	expired.expect(t, map[string]any{"status": "expired", "url": nil})
	if expired.number("after_expiration.recovery.expires_at") != a.sim.now().Unix()+30*day || !strings.Contains(a.get("/v1/events?type=checkout.session.expired").raw, link) {
		t.Errorf("link %q until %v", link, expired.number("after_expiration.recovery.expires_at"))
	}
	path := strings.TrimPrefix(link, a.sim.cfg.BaseURL)

	opened := a.get(path)
	second := strings.TrimPrefix(opened.header.Get("Location"), "/c/pay/")
	if opened.status != http.StatusSeeOther || second == id || a.get(path).header.Get("Location") != "/c/pay/"+second {
		t.Fatalf("%d, to %q", opened.status, opened.header.Get("Location"))
	}
	copied := a.session(second)
	copied.expect(t, map[string]any{
		"status": "open", "recovered_from": id, "amount_total": 2500, "metadata.donation_id": "don_7", "payment_intent": nil,
		"after_expiration.recovery.url": nil, "custom_fields.1.numeric.value": nil,
	})
	if slices.Equal(ids(a.get("/v1/checkout/sessions/"+id+"/line_items")), ids(a.get("/v1/checkout/sessions/"+second+"/line_items"))) {
		t.Error("two sessions share their line items")
	}
	if page := a.get("/c/pay/" + second).raw; strings.Contains(page, "00712") {
		t.Error("what was said in the first session is shown to whoever opens the link")
	}
	if r := a.post("/c/pay/"+second, answered("4242424242424242")); r.status != http.StatusSeeOther {
		t.Fatalf("pay: %d %s", r.status, r.raw)
	}
	b := a.reopen(dir)
	b.session(second).expect(t, map[string]any{"status": "complete", "recovered_from": id})
	b.advance(31 * day)
	if r := b.get(path); r.status != http.StatusGone {
		t.Errorf("the link is good for ever: %d", r.status)
	}
	for _, none := range []string{"/c/recover/cs_test_none", "/c/recover/" + second} {
		if r := b.get(none); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", none, r.status)
		}
	}
}
