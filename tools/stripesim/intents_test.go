package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func (a *account) intent(fields ...string) answer {
	form := url.Values{"amount": {"2500"}, "currency": {"eur"}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return a.post("/v1/payment_intents", form)
}

// A payment without a page: begun, described, confirmed, and charged once.
func TestPaymentsThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	begun := a.intent("metadata[case]", "7", "description", "A collection tin")
	id := begun.text("id")
	if begun.text("status") != "requires_payment_method" || begun.path("latest_charge") != nil {
		t.Fatalf("begun: %s", begun.raw)
	}
	given := a.post("/v1/payment_intents/"+id, url.Values{"payment_method": {"pm_card_visa"}, "receipt_email": {"ann@example.org"}})
	if given.text("status") != "requires_confirmation" || given.text("receipt_email") != "ann@example.org" || given.text("metadata.case") != "7" {
		t.Fatalf("with a card: %s", given.raw)
	}
	paid := a.post("/v1/payment_intents/"+id+"/confirm", nil)
	charge := a.get("/v1/charges/" + paid.text("latest_charge"))
	if paid.text("status") != "succeeded" || paid.number("amount_received") != 2500 || charge.text("metadata.case") != "7" || charge.text("description") != "A collection tin" {
		t.Errorf("paid: %s\ncharge: %s", paid.raw, charge.raw)
	}
	for name, r := range map[string]answer{
		"confirmed twice":    a.post("/v1/payment_intents/"+id+"/confirm", nil),
		"canceled afterward": a.post("/v1/payment_intents/"+id+"/cancel", nil),
		"another card":       a.post("/v1/payment_intents/"+id, url.Values{"payment_method": {"pm_card_visa"}}),
	} {
		if r.status != http.StatusBadRequest || r.text("error.code") != "payment_intent_unexpected_state" {
			t.Errorf("%s: %s", name, r.raw)
		}
	}
	want := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"}
	if !slices.Equal(a.eventTypes(), want) {
		t.Errorf("events %v", a.eventTypes())
	}
}

func TestPaymentsThroughTheAPIThatFail(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	declined := a.intent("payment_method", "pm_card_visa_chargeDeclinedInsufficientFunds", "confirm", "true")
	if declined.status != http.StatusPaymentRequired || declined.text("error.decline_code") != "insufficient_funds" || declined.text("error.charge") == "" {
		t.Fatalf("declined: %s", declined.raw)
	}
	id := a.get("/v1/payment_intents").ids()[0]
	again := a.post("/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {"pm_card_visa"}})
	if again.text("status") != "succeeded" || again.path("last_payment_error") != nil {
		t.Errorf("with another card: %s", again.raw)
	}

	left := a.intent("payment_method", "pm_card_visa").text("id")
	canceled := a.post("/v1/payment_intents/"+left+"/cancel", url.Values{"cancellation_reason": {"abandoned"}})
	if canceled.text("status") != "canceled" || canceled.text("cancellation_reason") != "abandoned" || canceled.number("canceled_at") == 0 {
		t.Errorf("canceled: %s", canceled.raw)
	}
	session := a.post("/v1/checkout/sessions", gift()).text("id")
	a.pay(session, "4000000000000002")
	of := a.get("/v1/checkout/sessions/" + session).text("payment_intent")
	customer := a.customer(url.Values{"email": {"ann@example.org"}})
	attached := a.post("/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {customer}}).text("id")
	for name, c := range map[string]struct {
		r    answer
		want string
	}{
		"a session's":           {a.post("/v1/payment_intents/"+of+"/cancel", nil), "expire or void"},
		"a session's confirmed": {a.post("/v1/payment_intents/"+of+"/confirm", url.Values{"payment_method": {"pm_card_visa"}}), "Checkout Session"},
		"ten cents":             {a.intent("amount", "10"), "at least 0.50"},
		"far too much":          {a.intent("amount", "100000000"), "no more than"},
		"no currency":           {a.intent("currency", "zzz"), "Invalid currency"},
		"no card":               {a.post("/v1/payment_intents/"+a.intent().text("id")+"/confirm", nil), "requires_payment_method"},
		"a card of another":     {a.intent("payment_method", attached), "does not belong"},
		"a card that is none":   {a.intent("payment_method", "pm_none"), "No such PaymentMethod"},
		"away and unconfirmed":  {a.intent("off_session", "true"), "confirm"},
		"no SDK":                {a.intent("payment_method", "pm_card_authenticationRequired", "confirm", "true"), "return_url"},
		"reason of ours":        {a.post("/v1/payment_intents/"+left+"/cancel", url.Values{"cancellation_reason": {"bored"}}), "cancellation_reason"},
	} {
		if c.r.status != http.StatusBadRequest || !strings.Contains(c.r.raw, c.want) {
			t.Errorf("%s: %d %s", name, c.r.status, c.r.raw)
		}
	}
	if r := a.post("/v1/payment_intents/pi_none/cancel", nil); r.status != http.StatusNotFound {
		t.Errorf("one that there is not: %s", r.raw)
	}
}

// A card that asks for 3-D Secure leads over a page and back to the caller's; of a
// donor who is away it cannot ask.
func TestPaymentsThroughTheAPIWith3DSecure(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	const back = "https://give.example.org/back"
	for result, want := range map[string]string{"complete": "succeeded", "fail": "requires_payment_method"} {
		asked := a.intent("payment_method", "pm_card_authenticationRequired", "confirm", "true", "return_url", back)
		page := "/3ds/" + asked.text("id")
		if asked.text("status") != "requires_action" || asked.text("next_action.redirect_to_url.return_url") != back ||
			!strings.HasSuffix(asked.text("next_action.redirect_to_url.url"), page) {
			t.Fatalf("asked: %s", asked.raw)
		}
		if r := a.get(page); r.status != http.StatusOK || !strings.Contains(r.raw, "25.00") {
			t.Errorf("the page: %d %s", r.status, r.raw)
		}
		if r := a.post(page, url.Values{"result": {"perhaps"}}); r.status != http.StatusBadRequest {
			t.Errorf("an answer that is none: %d", r.status)
		}
		for range 2 { // the second time there is nothing left to answer
			if r := a.post(page, url.Values{"result": {result}}); r.status != http.StatusSeeOther || r.header.Get("Location") != back {
				t.Errorf("%s leads to %d %s", result, r.status, r.header.Get("Location"))
			}
		}
		if r := a.get("/v1/payment_intents/" + asked.text("id")); r.text("status") != want {
			t.Errorf("%s: %s", result, r.raw)
		}
	}
	away := a.intent("payment_method", "pm_card_authenticationRequired", "confirm", "true", "off_session", "true")
	if away.status != http.StatusPaymentRequired || away.text("error.code") != "authentication_required" {
		t.Errorf("away: %s", away.raw)
	}
}
