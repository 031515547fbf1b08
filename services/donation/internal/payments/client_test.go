package payments

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/tools/stripesim"
)

// account is a simulated Stripe that keeps what it was sent.
type account struct {
	t      *testing.T
	url    string
	client *Client

	mu   sync.Mutex
	sent []sent
}

type sent struct {
	method, path, key, body string
	header                  http.Header
}

func open(t *testing.T) *account {
	t.Helper()
	sim, err := stripesim.Open(stripesim.Config{Seed: 3, CheckoutWait: -1})
	if err != nil {
		t.Fatal(err)
	}
	a := &account{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			a.mu.Lock()
			a.sent = append(a.sent, sent{r.Method, r.URL.Path, r.Header.Get("Idempotency-Key"), string(body), r.Header.Clone()})
			a.mu.Unlock()
		}
		sim.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		_ = sim.Close()
	})
	a.url = server.URL
	a.client, err = New(Config{Key: config.NewSecret("sk_test_x"), URL: server.URL + "/", HTTPClient: &http.Client{Timeout: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *account) requests() []sent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sent)
}

func (a *account) post(path, kind, body string) {
	a.t.Helper()
	response, err := http.Post(a.url+path, kind, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= 400 {
		a.t.Fatalf("%s: %d", path, response.StatusCode)
	}
}

func (a *account) knobs(document string) { a.post("/_sim/knobs", "application/json", document) }

func (a *account) foreign(document string) {
	a.post("/_sim/foreign_charge", "application/json", document)
}

func (a *account) pay(session string) {
	a.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(a.url+"/c/pay/"+session, url.Values{
		"email": {"amina@example.org"}, "card_number": {"4242424242424242"}, "exp": {"12/34"}, "cvc": {"123"},
		"name": {"Amina Yusuf"}, "country": {"DE"}, "postal_code": {"20457"},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	_ = response.Body.Close()
}

func request() app.SessionRequest {
	eur := money.MustCurrency("EUR")
	return app.SessionRequest{
		Methods: []string{"card"},
		Donation: domain.Donation{
			ID: "7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f", Gift: money.Amount{Minor: 100_00, Currency: eur},
			Cover: money.Amount{Minor: 3_30, Currency: eur}, ProductName: "A warm room – Harbour Relief",
			Attribution: domain.Attribution{OrganizationID: "org-harbour"},
		},
		Email: "amina@example.org", Attempt: 1, BaseURL: "https://give.example.org", ExpiresAt: time.Now().Add(time.Hour).Unix(),
	}
}

func TestSessionIsAskedForAsDesigned(t *testing.T) {
	t.Parallel()
	a := open(t)
	id, address, err := a.client.CreateSession(t.Context(), request())
	if err != nil || !strings.Contains(address, id) {
		t.Fatalf("%q, %q, %v", id, address, err)
	}
	got := a.requests()[0]
	values, err := url.ParseQuery(got.body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"mode": "payment", "submit_type": "donate", "customer_email": "amina@example.org",
		"success_url":                            "https://give.example.org/donations/7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f/thanks?session_id={CHECKOUT_SESSION_ID}",
		"cancel_url":                             "https://give.example.org/donations/7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f/cancelled",
		"line_items[0][price_data][unit_amount]": "10000", "line_items[1][price_data][unit_amount]": "330",
		"line_items[0][price_data][currency]": "eur", "metadata[almoner]": "1",
		"metadata[donation_id]": "7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f", "metadata[organization_id]": "org-harbour",
		"payment_intent_data[metadata][donation_id]": "7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f",
	} {
		if values.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, values.Get(name), want)
		}
	}
	if got.key != "cs:7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f:1" || got.header.Get("Stripe-Version") != APIVersion {
		t.Errorf("key %q, version %q", got.key, got.header.Get("Stripe-Version"))
	}
	for _, name := range []string{"X-Stripe-Client-User-Agent", "X-Stripe-Client-Telemetry"} {
		if got.header.Get(name) != "" {
			t.Errorf("%s tells Stripe %q", name, got.header.Get(name))
		}
	}
}

func TestTheSameRequestIsTheSameToTheByte(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.knobs(`{"503": 2}`)
	r := request()
	first, _, err := a.client.CreateSession(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := a.client.CreateSession(t.Context(), r)
	if err != nil || second != first {
		t.Fatalf("asked twice: %q and %q, %v", first, second, err)
	}
	sent := a.requests()
	for _, s := range sent[1:] {
		if s.body != sent[0].body || s.key != sent[0].key {
			t.Errorf("sent %q\nand %q", sent[0].body, s.body)
		}
	}
	if len(sent) != 4 {
		t.Errorf("%d requests", len(sent))
	}
}

func TestFailuresInTheAppsWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		knobs string
		want  error
		sent  int
	}{
		"500 and its replay":   {`{"500_after_commit": 1}`, app.ErrKeyUsedUp, 2},
		"down for a while":     {`{"503": 10}`, app.ErrStripeAway, tries},
		"too many requests":    {`{"429": 10}`, app.ErrStripeAway, tries},
		"a proxy's error page": {`{"html_502": 10}`, app.ErrStripeAway, tries},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t)
			a.knobs(c.knobs)
			_, _, err := a.client.CreateSession(t.Context(), request())
			if !errors.Is(err, c.want) || len(a.requests()) != c.sent {
				t.Errorf("%v after %d requests; want %v after %d", err, len(a.requests()), c.want, c.sent)
			}
			if err != nil && strings.Contains(err.Error(), "amina") {
				t.Errorf("the error quotes the donor: %v", err)
			}
		})
	}
}

func TestTheCallersDeadlineIsKept(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.knobs(`{"503": 100}`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := a.client.Session(ctx, "cs_test_1")
	if !errors.Is(err, app.ErrStripeAway) {
		t.Fatal(err)
	}
	if ctx.Err() == nil || len(a.requests()) == tries {
		t.Errorf("the deadline was slept through: %d requests", len(a.requests()))
	}
}

func TestRefusalsNameTheirParameter(t *testing.T) {
	t.Parallel()
	a := open(t)
	r := request()
	r.Donation.Cover.Minor, r.Donation.Gift.Minor = 0, 10
	_, _, err := a.client.CreateSession(t.Context(), r)
	var refused *app.RefusedError
	if !errors.As(err, &refused) || refused.Code != "amount_too_small" {
		t.Errorf("ten cents: %v", err)
	}
	r = request()
	r.Email, r.Attempt = "nobody", 2
	_, _, err = a.client.CreateSession(t.Context(), r)
	if !errors.As(err, &refused) || refused.Param != "customer_email" || strings.Contains(err.Error(), "nobody") {
		t.Errorf("a bad address: %v", err)
	}
}

func TestSessionsExpireOnceAndForAll(t *testing.T) {
	t.Parallel()
	a := open(t)
	id, _, err := a.client.CreateSession(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second answer is the first one, kept under its key
		err = a.client.ExpireSession(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := a.client.Session(t.Context(), id)
	if err != nil || found.Snapshot.Session.Status != domain.SessionExpired || !found.Ours {
		t.Errorf("%+v, %v", found.Snapshot.Session, err)
	}
	for name, ask := range map[string]func() error{
		"session": func() error { _, err := a.client.Session(t.Context(), "cs_test_none"); return err },
		"intent":  func() error { _, err := a.client.PaymentIntent(t.Context(), "pi_none"); return err },
		"expire":  func() error { return a.client.ExpireSession(t.Context(), "cs_test_none") },
		"page":    func() error { _, _, err := a.client.TransactionsBefore(t.Context(), "txn_none"); return err },
	} {
		if err := ask(); !errors.Is(err, app.ErrStripeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPaidSessionIsNotOpen(t *testing.T) {
	t.Parallel()
	a := open(t)
	r := request()
	id, _, err := a.client.CreateSession(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	a.pay(id)
	if err := a.client.ExpireSession(t.Context(), id); !errors.Is(err, app.ErrNotOpen) {
		t.Errorf("expire: %v", err)
	}
	found, err := a.client.Session(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	p := found.Snapshot.Payment
	if p == nil || p.Status != domain.PaymentSucceeded || p.Received.Minor != 103_30 || p.ChargeID == "" || p.PaidAt == 0 || found.DonationID != r.Donation.ID {
		t.Fatalf("found %+v, payment %+v", found, p)
	}
	again, err := a.client.PaymentIntent(t.Context(), p.ID)
	if err != nil || *again.Snapshot.Payment != *p || !again.Ours {
		t.Errorf("by intent: %+v, %v", again.Snapshot.Payment, err)
	}
	page, more, err := a.client.TransactionsAfter(t.Context(), "")
	if err != nil || more || len(page) != 1 || !page[0].Ours || page[0].PaymentIntentID != p.ID || page[0].SourceID != p.ChargeID ||
		page[0].SourceAmount != (app.Money{Minor: 103_30, Currency: "EUR"}) || page[0].Category != "charge" || len(page[0].FeeDetails) == 0 {
		t.Errorf("transactions %+v, %v", page, err)
	}
	balance, err := a.client.Balance(t.Context())
	if err != nil || len(balance) != 1 || balance[0].Minor != page[0].Net.Minor {
		t.Errorf("balance %+v, %v", balance, err)
	}
}

// 230 charges: read forwards from the first, in pages, none twice and none missing.
func TestPagesTowardsTheNewest(t *testing.T) {
	t.Parallel()
	a := open(t)
	for range 230 {
		a.foreign(`{"amount": 500, "currency": "eur"}`)
	}
	var newestFirst []string
	for more, after := true, ""; more; {
		var page []app.Transaction
		var err error
		page, more, err = a.client.TransactionsAfter(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page {
			newestFirst = append(newestFirst, x.ID)
			after = x.ID
		}
	}
	oldest := newestFirst[len(newestFirst)-1]
	forward := []string{oldest}
	for more := true; more; {
		var page []app.Transaction
		var err error
		page, more, err = a.client.TransactionsBefore(t.Context(), forward[len(forward)-1])
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page {
			forward = append(forward, x.ID)
		}
	}
	slices.Reverse(forward)
	if len(forward) != 230 || !slices.Equal(forward, newestFirst) {
		t.Errorf("%d forwards, %d backwards", len(forward), len(newestFirst))
	}
}

func TestBodiesThatAreNoEvents(t *testing.T) {
	t.Parallel()
	c := &Client{}
	for _, raw := range []string{
		``, `null`, `[]`, `{}`, `{"id":"evt_1"}`, `{"id":"evt_1","type":7}`, `{"id":"evt_1","type":"a b"}`, `{"id":"evt_1","type":"x","data":1}`,
		`{"id":"evt_1","type":"x","created":"today"}`, `{"id":"evt_1","type":"x","livemode":"no"}`, `{"id":"evt_1","type":"x"}{}`,
		`{"id":"evt_1","type":"x","data":{"object":{"id":"caf\u00e9"}}}`, `{"id":"evt_1","type":"x","data":{"object":{"id":"pi_1",}}}`,
	} {
		event, found, err := c.ReadEvent([]byte(raw))
		if err == nil || event.EventID != "" || found != nil {
			t.Errorf("%s was read as %+v, %+v", raw, event, found)
		}
	}
}

// The event is known whatever its object is; what that says is either understood
// as a whole or not at all.
func TestObjectsThatSayNothingOfAGift(t *testing.T) {
	t.Parallel()
	c := &Client{}
	for object, id := range map[string]string{
		`null`: "", `[]`: "", `"pi_1"`: "", `{"object":"payment_intent"}`: "", `{"object":"payment_intent","id":7}`: "",
		`{"object":"payout","id":"po_1","status":"paid"}`:                          "po_1",
		`{"id":"pi_1","object":"payment_intent","amount_received":"much"}`:         "pi_1",
		`{"id":"pi_1","object":"payment_intent","amount_received":1.5}`:            "pi_1",
		`{"id":"cs_1","object":"checkout.session","payment_intent":[1]}`:           "cs_1",
		`{"id":"cs_1","object":"checkout.session","metadata":{"donation_id":[1]}}`: "cs_1",
	} {
		event, found, err := c.ReadEvent([]byte(`{"data":{"object":` + object + `},"id":"evt_1","type":"x"}`))
		if err != nil || found != nil || event.EventID != "evt_1" || event.Type != "x" || event.ObjectID != id {
			t.Errorf("%s: %+v, %+v, %v", object, event, found, err)
		}
	}
}

func TestAnEventIsReadAtOnce(t *testing.T) {
	t.Parallel()
	event, found, err := (&Client{}).ReadEvent([]byte(`{"id":"evt_1","object":"event","account":"acct_1","api_version":"2023-10-16","created":7,
		"data":{"object":{"id":"pi_1","object":"payment_intent","status":"succeeded","currency":"zzz","created":5,"livemode":true,
			"amount_received":5,"latest_charge":{"id":"ch_1","created":9},"last_payment_error":{"code":"expired_card"},
			"metadata":{"almoner":"1","donation_id":"7b2f8a52"},"shipping":{"address":{"id":"other"}}},"previous_attributes":{"id":"old"}},
		"livemode":true,"type":"payment_intent.succeeded","request":{"id":"req_1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := app.StripeEvent{
		AccountID: "acct_1", EventID: "evt_1", Type: "payment_intent.succeeded", ObjectID: "pi_1",
		APIVersion: "2023-10-16", Livemode: true, CreatedAt: 7,
	}
	if !reflect.DeepEqual(event, want) {
		t.Errorf("event %+v", event)
	}
	p := found.Snapshot.Payment
	if !found.Ours || found.DonationID != "7b2f8a52" || p.ChargeID != "ch_1" || p.PaidAt != 9_000_000 || !p.Livemode ||
		!p.Received.Currency.IsZero() || p.Received.Minor != 5 || p.DeclineCode != "expired_card" || p.DeclinedAt != 9_000_000 {
		t.Errorf("%+v, %+v", found, p)
	}
}

func TestLivemodeIsInTheKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{"sk_live_1": true, "rk_live_1": true, "sk_test_1": false, "": false} {
		if Livemode(config.NewSecret(key)) != want {
			t.Errorf("%q: %v", key, !want)
		}
	}
}
