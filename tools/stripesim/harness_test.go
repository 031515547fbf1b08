package stripesim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a base clock that only a test turns.
type clock struct {
	mu sync.Mutex
	at time.Time
}

// A Monday in spring, at noon.
func newClock() *clock { return &clock{at: time.Date(2026, 4, 13, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// account is a simulated account with a client that does not follow redirects.
type account struct {
	t      *testing.T
	sim    *Server
	clock  *clock
	url    string
	client *http.Client
	// as is the connected account that is acted for; empty for the platform.
	as string
}

// open starts a simulator whose deliveries run, and stops it with the test.
func open(t *testing.T, change func(*Config)) *account {
	t.Helper()
	a := prepare(t, change)
	a.run()
	return a
}

// run starts the deliveries of all accounts and stops them with the test.
func (a *account) run() {
	a.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.sim.Run(ctx) }()
	a.t.Cleanup(func() {
		cancel()
		err := <-done
		if err != nil {
			a.t.Errorf("run: %v", err)
		}
	})
	a.eventually("the loop runs", func() bool {
		a.sim.mu.RLock()
		defer a.sim.mu.RUnlock()
		return a.sim.outbox.running
	})
}

// prepare opens a simulator without its loop.
func prepare(t *testing.T, change func(*Config)) *account {
	t.Helper()
	a := &account{t: t, clock: newClock()}
	cfg := Config{Seed: 42, Now: a.clock.now}
	if change != nil {
		change(&cfg)
	}
	sim, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.sim = sim
	a.serve(sim.Handler())
	t.Cleanup(func() {
		for _, id := range sim.Accounts() {
			world, err := sim.Account(id)
			if err == nil {
				err = world.CheckInvariants()
			}
			if err != nil {
				t.Errorf("invariants of %s: %v", id, err)
			}
		}
		err := sim.Close()
		if err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return a
}

func (a *account) serve(handler http.Handler) {
	server := httptest.NewServer(handler)
	a.url = server.URL
	a.client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 32},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	a.t.Cleanup(func() {
		a.client.CloseIdleConnections()
		server.Close()
	})
}

// answer is a response with its body decoded.
type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (r answer) path(path string) any {
	at := any(r.body)
	for _, part := range strings.Split(path, ".") {
		switch inner := at.(type) {
		case map[string]any:
			at = inner[part]
		case []any:
			place, err := strconv.Atoi(part)
			if err != nil || place < 0 || place >= len(inner) {
				return nil
			}
			at = inner[place]
		default:
			return nil
		}
	}
	return at
}

func (r answer) text(path string) string {
	text, _ := r.path(path).(string)
	return text
}

func (r answer) number(path string) int64 {
	number, _ := r.path(path).(float64)
	return int64(number)
}

func (a *account) do(method, path string, form url.Values, header map[string]string) answer {
	a.t.Helper()
	r, err := a.try(context.Background(), method, path, form, header)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (a *account) try(ctx context.Context, method, path string, form url.Values, header map[string]string) (answer, error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, method, a.url+path, body)
	if err != nil {
		return answer{}, err
	}
	if strings.HasPrefix(path, "/v1/") {
		request.Header.Set("Authorization", "Bearer sk_test_almoner")
	}
	if a.as != "" && !strings.Contains(path, "account=") && (strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/_sim")) {
		request.Header.Set("Stripe-Account", a.as)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	raw, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return answer{}, err
	}
	out := answer{status: response.StatusCode, header: response.Header, raw: string(raw)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		err = json.Unmarshal(raw, &out.body)
	}
	return out, err
}

func (a *account) get(path string) answer {
	a.t.Helper()
	return a.do(http.MethodGet, path, nil, nil)
}

func (a *account) post(path string, form url.Values) answer {
	a.t.Helper()
	return a.do(http.MethodPost, path, form, nil)
}

// control posts JSON to the control surface and expects it to be taken.
func (a *account) control(path, document string) answer {
	a.t.Helper()
	request, err := http.NewRequest(http.MethodPost, a.url+path, strings.NewReader(document))
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if a.as != "" {
		request.Header.Set("Stripe-Account", a.as)
	}
	response, err := a.client.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	out := answer{status: response.StatusCode, raw: string(raw)}
	_ = json.Unmarshal(raw, &out.body)
	return out
}

func (a *account) knobs(document string) {
	a.t.Helper()
	r := a.control("/_sim/knobs", document)
	if r.status != http.StatusOK {
		a.t.Fatalf("knobs %s: %s", document, r.raw)
	}
}

// gift is a donation of 25.00 EUR with the ids that an application sets.
func gift() url.Values {
	return url.Values{
		"mode": {"payment"}, "submit_type": {"donate"},
		"success_url":                                   {"http://donate.example/thanks?s={CHECKOUT_SESSION_ID}"},
		"cancel_url":                                    {"http://donate.example/cancelled"},
		"line_items[0][quantity]":                       {"1"},
		"line_items[0][price_data][currency]":           {"eur"},
		"line_items[0][price_data][unit_amount]":        {"2500"},
		"line_items[0][price_data][product_data][name]": {"Winter relief"},
		"metadata[donation_id]":                         {"don_1"},
		"payment_intent_data[metadata][donation_id]":    {"don_1"},
	}
}

func giftOf(amount int64, currency string) url.Values {
	form := gift()
	form.Set("line_items[0][price_data][unit_amount]", fmt.Sprint(amount))
	form.Set("line_items[0][price_data][currency]", currency)
	return form
}

// checkout creates a session and returns its id.
func (a *account) checkout(form url.Values) string {
	a.t.Helper()
	r := a.post("/v1/checkout/sessions", form)
	if r.status != http.StatusOK {
		a.t.Fatalf("create session: %d %s", r.status, r.raw)
	}
	return r.text("id")
}

func cardForm(number string) url.Values {
	cvc := "123"
	if strings.HasPrefix(number, "37") {
		cvc = "1234"
	}
	return url.Values{
		"email": {"ann@example.org"}, "card_number": {number}, "exp": {"12/34"}, "cvc": {cvc},
		"name": {"Ann Donor"}, "country": {"DE"}, "postal_code": {"10115"},
	}
}

func (a *account) pay(session, number string) answer {
	a.t.Helper()
	return a.post("/c/pay/"+session, cardForm(number))
}

// give makes a paid gift and returns its session.
func (a *account) give(form url.Values) string {
	a.t.Helper()
	id := a.checkout(form)
	r := a.pay(id, "4242424242424242")
	if r.status != http.StatusSeeOther {
		a.t.Fatalf("pay: %d %s", r.status, r.raw)
	}
	return id
}

// session reads a session with everything below it.
func (a *account) session(id string) answer {
	a.t.Helper()
	return a.get("/v1/checkout/sessions/" + id + "?expand[]=payment_intent.latest_charge.balance_transaction")
}

// eventTypes are the types of all events, oldest first.
func (a *account) eventTypes() []string {
	a.sim.mu.RLock()
	defer a.sim.mu.RUnlock()
	var out []string
	for _, event := range a.sim.state.events.all() {
		out = append(out, event.Type)
	}
	return out
}

func (a *account) settle() {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	err := a.sim.Settle(ctx)
	if err != nil {
		a.t.Fatalf("settle: %v", err)
	}
}

func (a *account) eventually(what string, ok func() bool) {
	a.t.Helper()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			a.t.Fatalf("did not happen: %s", what)
		case <-ticker.C:
		}
	}
}

// received is one webhook as the receiver saw it.
type received struct {
	signature string
	raw       []byte
	event     map[string]any
}

func (r received) id() string        { return r.event["id"].(string) }
func (r received) eventType() string { return r.event["type"].(string) }

// receiver is an application's webhook endpoint.
type receiver struct {
	url    string
	mu     sync.Mutex
	got    []received
	answer func(n int, r received) int
}

func newReceiver(t *testing.T, answer func(n int, r received) int) *receiver {
	t.Helper()
	rec := &receiver{answer: answer}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		in := received{signature: r.Header.Get("Stripe-Signature"), raw: raw}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		err = decoder.Decode(&in.event)
		if err != nil {
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
		rec.mu.Lock()
		rec.got = append(rec.got, in)
		n := len(rec.got)
		rec.mu.Unlock()
		status := http.StatusOK
		if rec.answer != nil {
			status = rec.answer(n, in)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	rec.url = server.URL
	return rec
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

func (r *receiver) types() []string {
	var out []string
	for _, one := range r.all() {
		out = append(out, one.eventType())
	}
	return out
}

// listen sends all events of the account to a receiver and returns the secret.
func (a *account) listen(r *receiver) string {
	a.t.Helper()
	secret, err := a.sim.EnsureWebhookEndpoint(r.url, []string{"*"}, APIVersion)
	if err != nil {
		a.t.Fatal(err)
	}
	return secret
}
