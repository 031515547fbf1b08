package stripesim

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAPaidGift(t *testing.T) {
	t.Parallel()
	a := open(t, nil)

	id := a.checkout(gift())
	before := a.get("/v1/checkout/sessions/" + id)
	if before.path("payment_intent") != nil || before.text("status") != "open" || before.text("payment_status") != "unpaid" {
		t.Fatalf("a session has no payment intent before the donor confirms: %s", before.raw)
	}
	if !strings.HasSuffix(before.text("url"), "/c/pay/"+id) || !strings.HasPrefix(id, "cs_test_a1") {
		t.Errorf("url %q, id %q", before.text("url"), id)
	}

	paid := a.pay(id, "4000 0027 6000 0016")
	want := "http://donate.example/thanks?s=" + id
	if paid.status != http.StatusSeeOther || paid.header.Get("Location") != want {
		t.Fatalf("paid: %d to %q", paid.status, paid.header.Get("Location"))
	}

	after := a.session(id)
	for path, want := range map[string]string{
		"status": "complete", "payment_status": "paid", "customer_details.email": "ann@example.org",
		"customer_details.address.postal_code": "10115", "metadata.donation_id": "don_1",
		"payment_intent.status": "succeeded", "payment_intent.metadata.donation_id": "don_1",
		"payment_intent.latest_charge.status":                              "succeeded",
		"payment_intent.latest_charge.metadata.donation_id":                "don_1",
		"payment_intent.latest_charge.payment_method_details.card.country": "DE",
		"payment_intent.latest_charge.balance_transaction.type":            "charge",
		"payment_intent.latest_charge.balance_transaction.status":          "pending",
		"payment_intent.latest_charge.balance_transaction.currency":        "eur",
	} {
		if after.text(path) != want {
			t.Errorf("%s is %q, want %q", path, after.text(path), want)
		}
	}
	if after.path("url") != nil {
		t.Error("a completed session still has a url")
	}
	// 1.5 % of 25.00 is 37.5 cents, half up 38, and 25 fixed.
	txn := "payment_intent.latest_charge.balance_transaction."
	if after.number(txn+"fee") != 63 || after.number(txn+"net") != 2437 || after.number(txn+"amount") != 2500 {
		t.Errorf("fee %d, net %d", after.number(txn+"fee"), after.number(txn+"net"))
	}
	order := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	if !slices.Equal(a.eventTypes(), order) {
		t.Errorf("events %v", a.eventTypes())
	}
}

func TestMetadataIsNotInherited(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := gift()
	form.Del("payment_intent_data[metadata][donation_id]")

	after := a.session(a.give(form))

	if len(after.path("payment_intent.metadata").(map[string]any)) != 0 {
		t.Error("the payment intent took the metadata of the session")
	}
}

func TestDonorTriesAgainAfterADecline(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(gift())

	declined := a.pay(id, "4000000000009995")
	if declined.status != http.StatusPaymentRequired || !strings.Contains(declined.raw, "insufficient funds") {
		t.Fatalf("declined: %d", declined.status)
	}
	if strings.Contains(declined.raw, `value="4000`) || !strings.Contains(declined.raw, `value="ann@example.org"`) {
		t.Error("the form keeps what the donor typed, and never the card")
	}
	first := a.session(id)
	if first.text("status") != "open" || first.text("payment_intent.last_payment_error.decline_code") != "insufficient_funds" {
		t.Fatalf("after the decline: %s", first.raw)
	}

	paid := a.pay(id, "4242424242424242")
	if paid.status != http.StatusSeeOther {
		t.Fatalf("second try: %d", paid.status)
	}
	second := a.session(id)
	if second.text("payment_intent.id") != first.text("payment_intent.id") {
		t.Error("the payment intent was not used again")
	}
	if second.path("payment_intent.last_payment_error") != nil {
		t.Error("the error outlived the success")
	}
	order := []string{
		"payment_intent.created", "charge.failed", "payment_intent.payment_failed",
		"charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
	}
	if !slices.Equal(a.eventTypes(), order) {
		t.Errorf("events %v", a.eventTypes())
	}
	charges := a.get("/v1/charges?payment_intent=" + first.text("payment_intent.id"))
	if rows := charges.path("data").([]any); len(rows) != 2 {
		t.Errorf("%d charges", len(rows))
	}
}

func TestPressingTheButtonTwentyTimesPaysOnce(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(gift())
	statuses := make(chan int, 20)
	for range 20 {
		go func() {
			r, err := a.try(t.Context(), http.MethodPost, "/c/pay/"+id, cardForm("4242424242424242"), nil)
			if err != nil {
				statuses <- 0
				return
			}
			statuses <- r.status
		}()
	}
	for range 20 {
		status := <-statuses
		if status != http.StatusSeeOther {
			t.Errorf("status %d", status)
		}
	}
	if truth := a.sim.Truth(); len(truth.BalanceTransactions) != 1 || len(truth.Charges) != 1 {
		t.Errorf("%d charges, %d transactions", len(truth.Charges), len(truth.BalanceTransactions))
	}
}

func TestThreeDSecure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		card, button string
		status       string
		events       []string
	}{
		"completed": {"4000002760003184", "complete", "succeeded", []string{"charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}},
		"failed":    {"4000002760003184", "fail", "requires_payment_method", []string{"payment_intent.payment_failed"}},
		"declined":  {"4000008260003178", "complete", "requires_payment_method", []string{"charge.failed", "payment_intent.payment_failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, nil)
			id := a.checkout(gift())
			asked := a.pay(id, test.card)
			page := asked.header.Get("Location")
			if asked.status != http.StatusSeeOther || !strings.HasPrefix(page, "/3ds/pi_") {
				t.Fatalf("asked: %d %s", asked.status, page)
			}
			if waiting := a.session(id); waiting.text("payment_intent.status") != "requires_action" ||
				!strings.HasSuffix(waiting.text("payment_intent.next_action.redirect_to_url.url"), page) {
				t.Errorf("waiting: %s", waiting.raw)
			}
			if shown := a.get(page); shown.status != http.StatusOK || !strings.Contains(shown.raw, "Fail authentication") {
				t.Errorf("page: %d", shown.status)
			}
			answered := a.post(page, map[string][]string{"result": {test.button}})
			if answered.status != http.StatusSeeOther {
				t.Fatalf("answered: %d", answered.status)
			}
			if after := a.session(id); after.text("payment_intent.status") != test.status {
				t.Errorf("status %s", after.text("payment_intent.status"))
			}
			want := append([]string{"payment_intent.created", "payment_intent.requires_action"}, test.events...)
			if !slices.Equal(a.eventTypes(), want) {
				t.Errorf("events %v", a.eventTypes())
			}
			if test.status != "succeeded" {
				back := a.get(answered.header.Get("Location"))
				if back.status != http.StatusOK || !strings.Contains(back.raw, `role="alert"`) {
					t.Errorf("the form does not say what went wrong: %d", back.status)
				}
			}
			// Pressing the button again changes nothing.
			before := len(a.eventTypes())
			a.post(page, map[string][]string{"result": {"complete"}})
			if len(a.eventTypes()) != before {
				t.Error("the answered question was asked again")
			}
		})
	}
}

func TestASessionExpiresByTheClock(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := gift()
	form.Set("expires_at", itoa64(a.clock.now().Add(40*time.Minute).Unix()))
	id := a.checkout(form)

	a.control("/_sim/clock", `{"advance_seconds": 2399}`)
	if early := a.session(id); early.text("status") != "open" {
		t.Fatalf("a second early it is %s", early.text("status"))
	}
	a.control("/_sim/clock", `{"advance_seconds": 1}`)

	late := a.pay(id, "4242424242424242")
	if late.status != http.StatusSeeOther || late.header.Get("Location") != "/c/expired/"+id {
		t.Errorf("paying an expired session: %d %s", late.status, late.header.Get("Location"))
	}
	if page := a.get("/c/expired/" + id); page.status != http.StatusOK || !strings.Contains(page.raw, "expired") {
		t.Errorf("page %d", page.status)
	}
	if got := a.eventTypes(); !slices.Equal(got, []string{"checkout.session.expired"}) {
		t.Errorf("events %v", got)
	}
	if a.session(id).path("url") != nil {
		t.Error("an expired session still has a url")
	}
}

func TestExpireEndsAnOpenSessionOnce(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(gift())
	a.pay(id, "4000000000000002")

	first := a.post("/v1/checkout/sessions/"+id+"/expire", nil)
	second := a.post("/v1/checkout/sessions/"+id+"/expire", nil)

	if first.status != http.StatusOK || first.text("status") != "expired" {
		t.Errorf("first: %s", first.raw)
	}
	wanted := "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `expired`."
	if second.status != http.StatusBadRequest || second.text("error.message") != wanted {
		t.Errorf("second: %s", second.raw)
	}
	if status := a.session(id).text("payment_intent.status"); status != "canceled" {
		t.Errorf("the payment intent is %s", status)
	}
}

func TestACompletedSessionShowsItsPage(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.give(gift())

	page := a.get("/c/pay/" + id)
	if page.header.Get("Location") != "/c/complete/"+id {
		t.Fatalf("location %q", page.header.Get("Location"))
	}
	if shown := a.get("/c/complete/" + id); !strings.Contains(shown.raw, "http://donate.example/thanks?s="+id) {
		t.Error("the page has no way back")
	}
	for _, path := range []string{"/c/expired/" + id, "/c/pay/cs_test_unknown", "/c/complete/x", "/3ds/pi_unknown"} {
		if r := a.get(path); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}

func TestAsynchronousCaptureBringsTheFeeLater(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.knobs(`{"async_capture": true}`)
	id := a.give(gift())
	if now := a.session(id); now.path("payment_intent.latest_charge.balance_transaction") != nil {
		t.Fatal("the balance transaction is there already")
	}
	if balance := a.sim.Truth(); len(balance.Pending) != 0 {
		t.Error("money without balance transaction")
	}

	a.clock.advance(3 * time.Second)

	if later := a.session(id); later.number("payment_intent.latest_charge.balance_transaction.net") == 0 {
		t.Error("the balance transaction never came")
	}
	events := a.get("/v1/events?limit=1")
	event := events.path("data").([]any)[0].(map[string]any)
	previous := event["data"].(map[string]any)["previous_attributes"].(map[string]any)
	was, named := previous["balance_transaction"]
	if event["type"] != "charge.updated" || !named || was != nil {
		t.Errorf("event %v", event)
	}
}

func TestForeignMoney(t *testing.T) {
	t.Parallel()
	a := open(t, nil)

	r := a.control("/_sim/foreign_charge", `{"amount": 990, "currency": "usd", "description": "Webshop 17"}`)

	if r.status != http.StatusOK || r.text("status") != "succeeded" || len(r.path("metadata").(map[string]any)) != 0 {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	truth := a.sim.Truth()
	if len(truth.BalanceTransactions) != 1 || len(truth.Sessions) != 0 || truth.Pending["usd"] != 990-(29+30) {
		t.Errorf("truth %+v", truth)
	}
	for _, bad := range []string{`{"amount": 1}`, `{"amount": 500, "currency": "zzz"}`, `{"amount": 500, "card": "4000002760003184"}`, `{"amnt": 5}`, `x`} {
		if r := a.control("/_sim/foreign_charge", bad); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, r.status)
		}
	}
}
