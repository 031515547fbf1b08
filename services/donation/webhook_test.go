package donation_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
)

func TestWebhooksThatAreNotStripes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := event("evt_1", "payment_intent.succeeded", map[string]any{"id": "pi_1", "object": "payment_intent"}, nil)
	now := w.clock.Now()
	signed := func(secret string, at time.Time) func() int { return func() int { return w.deliver(body, secret, at) } }
	for name, c := range map[string]struct {
		send func() int
		want int
	}{
		"unsigned":             {func() int { return w.deliverSigned(body, "") }, 400},
		"a signature of words": {func() int { return w.deliverSigned(body, "let me in") }, 400},
		"no time":              {func() int { return w.deliverSigned(body, "v1="+strings.Repeat("00", 32)) }, 400},
		"forged":               {signed("whsec_of_someone_else", now), 400},
		"signed with nothing":  {signed("", now), 400},
		"stale":                {signed(webhookSecret, now.Add(-301*time.Second)), 400},
		"from the future":      {signed(webhookSecret, now.Add(301*time.Second)), 400},
		"2 MiB":                {func() int { return w.deliver(bytes.Repeat([]byte("x"), 2<<20), webhookSecret, now) }, 413},
	} {
		if got := c.send(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	response, err := http.Get(w.hook)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", response.StatusCode)
	}
	if rows := w.rows(`SELECT COUNT(*) FROM stripe_event`); rows != 0 {
		t.Errorf("%d of them left a row", rows)
	}
}

func TestWebhooksThatStripeSignedAndFewExpect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.clock.Now()
	intent := func(id, donation string) map[string]any {
		return map[string]any{
			"id": id, "object": "payment_intent", "status": "succeeded", "amount_received": 100_00, "currency": "eur",
			"livemode": false, "latest_charge": "ch_" + id, "metadata": map[string]any{"almoner": "1", "donation_id": donation},
		}
	}
	for name, c := range map[string]struct {
		body   []byte
		state  string
		reason string
	}{
		"not JSON":      {[]byte("<html>hello</html>"), "parked", "it cannot be decoded"},
		"an id of nul":  {event("evt_\x00", "payment_intent.succeeded", intent("pi_nul", ""), nil), "parked", "it cannot be decoded"},
		"an endless id": {event("evt_"+strings.Repeat("x", 3000), "payment_intent.succeeded", intent("pi_x", ""), nil), "parked", "it cannot be decoded"},
		"JSON of else":  {[]byte(`{"hello": "world"}`), "parked", "it cannot be decoded"},
		"unknown type":  {event("evt_type", "customer.created", map[string]any{"id": "cus_1"}, nil), "ignored", ""},
		"live mode": {event("evt_live", "payment_intent.succeeded", intent("pi_live", ""), func(b map[string]any) {
			b["livemode"] = true
		}), "parked", "test and live mode are mixed up"},
		"no such donation": {event("evt_none", "payment_intent.succeeded", intent("pi_none", "0a7e0a2e-5c0a-4f0c-8ad1-111111111111"), nil), "parked", "our metadata, but no such donation"},
		"donation by hand": {event("evt_hand", "payment_intent.succeeded", intent("pi_hand", "'; --"), nil), "parked", "our metadata, but no such donation"},
		"not ours": {event("evt_shop", "payment_intent.succeeded", map[string]any{
			"id": "pi_shop", "object": "payment_intent", "status": "succeeded", "amount_received": 5_00, "currency": "eur",
		}, nil), "ignored", ""},
		"another account": {event("evt_acct", "payment_intent.succeeded", intent("pi_acct", ""), func(b map[string]any) {
			b["account"] = "acct_of_another"
		}), "parked", "it belongs to another Stripe account"},
		"unknown at Stripe": {event("evt_gone", "payment_intent.succeeded", intent("pi_gone", ""), func(b map[string]any) {
			b["api_version"] = "2025-03-31.basil"
		}), "parked", "Stripe does not know the object"},
		"an object of words": {event("evt_odd", "payment_intent.succeeded", map[string]any{"id": "pi_odd", "object": "payment_intent", "amount_received": "much"}, nil), "parked", "it cannot be decoded"},
		"no object":          {event("evt_bare", "payment_intent.succeeded", nil, nil), "parked", "it cannot be decoded"},
	} {
		before := w.rows(`SELECT COUNT(*) FROM stripe_event`)
		for range 2 {
			if status := w.deliver(c.body, webhookSecret, now); status != 200 {
				t.Errorf("%s: %d", name, status)
			}
		}
		if rows := w.rows(`SELECT COUNT(*) FROM stripe_event`) - before; rows != 1 {
			t.Errorf("%s: two deliveries left %d rows", name, rows)
		}
		w.eventually(name+" is done", func() bool {
			return w.rows(`SELECT COUNT(*) FROM stripe_due`) == 0
		})
		if found := w.rows(`SELECT COUNT(*) FROM stripe_event WHERE state = $1 AND reason = $2
			AND seq = (SELECT MAX(seq) FROM stripe_event)`, c.state, c.reason); found != 1 {
			t.Errorf("%s is not %s for %q", name, c.state, c.reason)
		}
	}
	if len(w.events()) != 0 {
		t.Errorf("events %v", w.kinds())
	}
	if got := len(w.parked()); got != 11 {
		t.Errorf("%d are listed as parked", got)
	}
}

// The old secret of an endpoint that is being rolled is still good.
func TestEachConfiguredSecretIsGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := event("evt_rolled", "customer.created", map[string]any{"id": "cus_1"}, nil)
	for _, secret := range []string{"whsec_rolled_away", webhookSecret} {
		if status := w.deliver(body, secret, w.clock.Now()); status != 200 {
			t.Errorf("%s: %d", secret, status)
		}
	}
}

func TestWebhooksOfAnotherVersionAreAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"api_version": "2025-03-31.basil"}`)
	started := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	w.settled(started.GetDonationId())
	w.quiet()
	if asked := w.stripe.count("GET /v1/payment_intents/*"); asked == 0 {
		t.Error("a body in another version was believed")
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}

// Somebody paid a session whose amount was changed, or paid twice. It is kept,
// listed, and can be tried again.
func TestParkedIsListedAndTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	w.settled(started.GetDonationId())
	w.quiet()
	second := event("evt_second", "payment_intent.succeeded", map[string]any{
		"id": "pi_second", "object": "payment_intent", "status": "succeeded", "amount_received": 100_00, "currency": "eur",
		"latest_charge": "ch_second", "metadata": map[string]any{"almoner": "1", "donation_id": started.GetDonationId()},
	}, nil)
	w.deliver(second, webhookSecret, w.clock.Now())
	w.eventually("the second payment is parked", func() bool { return len(w.parked()) == 1 })
	item := w.parked()[0]
	if item.GetReason() != "the gift has been paid by another payment" || item.GetAggregateId() != "pi_second" || item.GetSource() != "stripe" {
		t.Errorf("parked %v", item)
	}
	retry := func(id string) (*feedv1.RetryParkedResponse, error) {
		return w.parking.RetryParked(t.Context(), &feedv1.RetryParkedRequest{Service: "donation", Id: id})
	}
	for _, id := range []string{item.GetId(), ""} {
		answer, err := retry(id)
		if err != nil || answer.GetApplied() != 0 || answer.GetParked() != 1 {
			t.Errorf("retry %q: %v, %v", id, answer, err)
		}
	}
	for _, id := range []string{"999", "x", "-1"} {
		_, err := retry(id)
		if err == nil {
			t.Errorf("retry of %q was taken", id)
		}
	}
	if sums := w.quiet(); sums.GetSums()[0].GetGifts() != 1 || sums.GetStripeEventsParked() != 1 {
		t.Errorf("sums %v", sums)
	}
	if got := w.kinds()["DonationSucceeded"]; got != 1 {
		t.Errorf("%d successes", got)
	}
}

// The database is locked away while Stripe delivers: it is told to come again,
// and it does.
func TestNoDatabaseNo200(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := event("evt_db", "customer.created", map[string]any{"id": "cus_1"}, nil)
	_ = w.service.db.Close()
	if status := w.deliver(body, webhookSecret, w.clock.Now()); status != http.StatusServiceUnavailable {
		t.Errorf("without a database: %d", status)
	}
}

func TestTwoHundredWebhooksAtOnceShareCommits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	_ = started
	statuses := make(chan int, 200)
	for i := range 200 {
		body := event("evt_burst_"+string(rune('a'+i%26))+strings.Repeat("x", i/26), "customer.updated", map[string]any{"id": "cus_1"}, nil)
		go func() { statuses <- w.deliver(body, webhookSecret, w.clock.Now()) }()
	}
	for range 200 {
		if status := <-statuses; status != 200 {
			t.Fatalf("one was answered %d", status)
		}
	}
	if rows := w.rows(`SELECT COUNT(*) FROM stripe_event WHERE state = 'ignored'`); rows != 200 {
		t.Errorf("%d of 200 are stored", rows)
	}
	if state := w.donation(started.GetDonationId()).GetState(); state != donationv1.State_STATE_CHECKOUT_OPEN {
		t.Errorf("the gift is %s", state)
	}
}
