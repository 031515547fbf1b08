package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/tools/stripesim"
)

const testKey = "sk_test_conformance"

// exchange is one request to the API and its answer.
type exchange struct {
	method, path string
	query, form  url.Values
	header       http.Header
	status       int
	answered     http.Header
	raw          []byte
	body         any
}

func (e exchange) String() string {
	return fmt.Sprintf("%s %s?%s %s → %d", e.method, e.path, e.query.Encode(), e.form.Encode(), e.status)
}

// at follows a path through the answer: "payment_intent.id".
func (e exchange) at(path string) any { return follow(e.body, path) }

func (e exchange) text(path string) string {
	text, _ := e.at(path).(string)
	return text
}

func follow(at any, path string) any {
	for _, name := range strings.Split(path, ".") {
		switch inner := at.(type) {
		case map[string]any:
			at = inner[name]
		case []any:
			var i int
			_, err := fmt.Sscan(name, &i)
			if err != nil || i >= len(inner) {
				return nil
			}
			at = inner[i]
		default:
			return nil
		}
	}
	return at
}

// account is a simulated Stripe account behind a proxy that overhears everything.
type account struct {
	sim    *stripesim.Server
	url    string
	client *http.Client

	mu        sync.Mutex
	exchanges []exchange
	// cut makes the proxy hang up in the middle of the next so many answers, half
	// makes it end them there as if that were all.
	cut, half int
	hook      hook
	// stop ends all that was started, and says what went wrong.
	stop func() error
}

// hook is a webhook endpoint that takes everything.
type hook struct {
	url, secret string
	mu          sync.Mutex
	got         []delivery
}

// delivery is one webhook as it came.
type delivery struct {
	signature string
	raw       []byte
	event     map[string]any
}

func (h *hook) deliveries() []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]delivery(nil), h.got...)
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	d := delivery{signature: r.Header.Get("Stripe-Signature"), raw: raw}
	err = json.Unmarshal(raw, &d.event)
	if err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.got = append(h.got, d)
	h.mu.Unlock()
}

// openAccount starts a simulator with an endpoint that hears of everything.
func openAccount(change func(*stripesim.Config)) (*account, error) {
	a := &account{client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 32},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(a.overhear))
	a.url = "http://" + proxy.Listener.Addr().String()
	cfg := stripesim.Config{Seed: 9, BaseURL: a.url, CheckoutWait: -1}
	if change != nil {
		change(&cfg)
	}
	var err error
	a.sim, err = stripesim.Open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open the simulator: %w", err)
	}
	proxy.Start()
	receiver := httptest.NewServer(&a.hook)
	a.hook.url = receiver.URL
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- a.sim.Run(ctx) }()
	a.stop = func() error {
		cancel()
		err := <-ran
		a.client.CloseIdleConnections()
		proxy.CloseClientConnections()
		proxy.Close()
		receiver.Close()
		checked := a.each(func(one *stripesim.Server) error { return one.CheckInvariants() })
		return errors.Join(err, checked, a.sim.Close())
	}
	a.hook.secret, err = a.sim.EnsureWebhookEndpoint(a.hook.url, []string{"*"}, stripesim.APIVersion)
	if err != nil {
		return nil, errors.Join(err, a.stop())
	}
	return a, nil
}

func open(t *testing.T, change func(*stripesim.Config)) *account {
	t.Helper()
	a, err := openAccount(change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := a.stop()
		if err != nil {
			t.Errorf("stop the simulator: %v", err)
		}
	})
	return a
}

// overhear hands a request on and keeps it with its answer.
func (a *account) overhear(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		a.sim.Handler().ServeHTTP(w, r)
		return
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(content))
	e := exchange{method: r.Method, path: r.URL.Path, query: r.URL.Query(), header: r.Header.Clone()}
	e.form, _ = url.ParseQuery(string(content)) // what is no form is for the simulator to refuse
	answer := httptest.NewRecorder()
	a.sim.Handler().ServeHTTP(answer, r)
	e.status, e.answered, e.raw = answer.Code, answer.Header(), answer.Body.Bytes()
	if strings.HasPrefix(e.answered.Get("Content-Type"), "application/json") {
		err = json.Unmarshal(e.raw, &e.body)
		if err != nil {
			e.body = err.Error() // no schema takes that
		}
	}
	a.mu.Lock()
	a.exchanges = append(a.exchanges, e)
	cut, half := a.cut > 0, a.half > 0
	a.cut, a.half = max(a.cut-1, 0), max(a.half-1, 0)
	a.mu.Unlock()
	for name, values := range e.answered {
		w.Header()[name] = values
	}
	sent := e.raw
	if half {
		sent = sent[:len(sent)/2]
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(sent)))
	w.WriteHeader(e.status)
	if cut {
		_, _ = w.Write(sent[:len(sent)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(sent) // the client may have gone
}

// heard are the requests so far.
func (a *account) heard() []exchange {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]exchange(nil), a.exchanges...)
}

// call sends a request as any client would; the answer may be an error.
func (a *account) call(method, path, fields string, headers ...string) (exchange, error) {
	form, err := url.ParseQuery(fields)
	if err != nil {
		return exchange{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	address, content := a.url+path, ""
	if method == http.MethodPost {
		content = form.Encode()
	} else if fields != "" {
		address += "?" + form.Encode()
	}
	request, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(content))
	if err != nil {
		return exchange{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Authorization", "Bearer "+testKey)
	request.Header.Set("Stripe-Version", stripesim.APIVersion)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			request.Header.Del(headers[i])
		}
	}
	response, err := a.client.Do(request)
	if err != nil {
		return exchange{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return exchange{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	e := exchange{method: method, path: path, form: form, status: response.StatusCode, answered: response.Header, raw: raw}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		err = json.Unmarshal(raw, &e.body)
	}
	return e, err
}

// control uses the surface that no Stripe has.
func (a *account) control(path, document string) (map[string]any, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, a.url+path, strings.NewReader(document))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	out := map[string]any{}
	err = json.NewDecoder(response.Body).Decode(&out)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %v", path, out["error"])
	}
	return out, err
}

// paying is what a donor types into the checkout page.
func paying(number string) url.Values {
	cvc := "123"
	if len(number) == 15 {
		cvc = "1234" // American Express
	}
	return url.Values{
		"email": {"amina@example.org"}, "card_number": {number}, "exp": {"12/34"}, "cvc": {cvc},
		"name": {"Amina Yusuf"}, "country": {"DE"}, "postal_code": {"20457"}, "line1": {"Kehrwieder 4"}, "city": {"Hamburg"},
	}
}

// submit sends a page's form and answers status and where it leads.
func (a *account) submit(path string, form url.Values) (status int, location string, err error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, a.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := a.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Header.Get("Location"), errors.Join(err, response.Body.Close())
}

// settle waits until every webhook has been delivered.
func (a *account) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return a.each(func(one *stripesim.Server) error { return one.Settle(ctx) })
}

// each does something with the account and with those connected to it.
func (a *account) each(act func(*stripesim.Server) error) error {
	for _, id := range a.sim.Accounts() {
		one, err := a.sim.Account(id)
		if err == nil {
			err = act(one)
		}
		if err != nil {
			return fmt.Errorf("account %s: %w", id, err)
		}
	}
	return nil
}
