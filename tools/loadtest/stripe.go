package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/almoner/almoner/tools/stripesim"
)

// stripe stands in for Stripe. What it says is the simulator's, word for word;
// when it says it is ours: the payments are made beforehand and their webhooks
// caught, so that while the clock runs nothing is left to do but to sign and to
// send them, and the machine's two cores belong to what is measured.
type stripe struct {
	sim    *stripesim.Server
	server *http.Server
	url    string
	stop   context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	caught map[string][]caught // by payment intent

	money moneyList
	// calls counts what the program asked while a burst ran.
	calls atomic.Int64
}

// caught is a webhook as the simulator sent it.
type caught struct {
	kind string
	body []byte
}

// kinds are the events that a gift by card causes, of those that the endpoint is
// set up for, in the order in which Stripe makes them.
func kinds() []string {
	return []string{"payment_intent.succeeded", "checkout.session.completed"}
}

func openStripe(ctx context.Context) (*stripe, error) {
	s := &stripe{caught: map[string][]caught{}, ended: make(chan error, 2)}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as Stripe: %w", err)
	}
	s.url = "http://" + listener.Addr().String()
	s.sim, err = stripesim.Open(stripesim.Config{BaseURL: s.url, CheckoutWait: -1, WebhookConcurrency: 32})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the simulator: %w", err), listener.Close())
	}
	_, err = s.sim.EnsureWebhookEndpoint(s.url+"/caught", kinds(), stripesim.APIVersion)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.sim.Handler())
	mux.HandleFunc("POST /caught", s.catch)
	mux.HandleFunc("GET /v1/balance_transactions", s.listMoney)
	s.server = &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		mux.ServeHTTP(w, r)
	})}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() { s.ended <- s.sim.Run(ctx) }()
	go func() { s.ended <- s.server.Serve(listener) }()
	return s, nil
}

func (s *stripe) close() error {
	s.stop()
	err := errors.Join(s.server.Close(), <-s.ended, <-s.ended)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, s.sim.Close())
}

// catch keeps a webhook instead of the program.
func (s *stripe) catch(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var event struct {
		Type string `json:"type"`
		Data struct {
			Object struct {
				ID            string `json:"id"`
				Object        string `json:"object"`
				PaymentIntent string `json:"payment_intent"`
			} `json:"object"`
		} `json:"data"`
	}
	err = errors.Join(err, json.Unmarshal(body, &event))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	intent := event.Data.Object.PaymentIntent
	if event.Data.Object.Object == "payment_intent" {
		intent = event.Data.Object.ID
	}
	s.mu.Lock()
	s.caught[intent] = append(s.caught[intent], caught{event.Type, body})
	s.mu.Unlock()
}

// gift is a payment that was made and that the program has not been told of.
type gift struct {
	donationID string
	intent     string
	webhooks   [][]byte // in the order of kinds
	// place of its money in the list of balance transactions.
	place int
}

// pay pays the sessions one after the other and returns the gifts in that order,
// with every webhook caught.
func (s *stripe) pay(ctx context.Context, sessions []string) ([]gift, error) {
	card := url.Values{
		"card_number": {"4242424242424242"}, "exp": {"12/40"}, "cvc": {"123"},
		"name": {"Nadia Rahman"}, "email": {"nadia@example.org"}, "country": {"DE"}, "postal_code": {"10115"},
	}.Encode()
	for _, session := range sessions {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/c/pay/"+session, strings.NewReader(card))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := s.inside(request)
		if answer.status != http.StatusSeeOther {
			return nil, fmt.Errorf("pay session %s: the simulator answered %d", session, answer.status)
		}
	}
	err := s.sim.Settle(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for the webhooks: %w", err)
	}
	err = s.readMoney(ctx)
	if err != nil {
		return nil, err
	}
	return s.gifts(len(sessions))
}

// gifts takes what was caught since the last call, in the order of the money.
func (s *stripe) gifts(want int) ([]gift, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []gift
	for intent, events := range s.caught {
		g := gift{intent: intent}
		var found bool
		g.place, found = s.money.placeOf(intent)
		for _, kind := range kinds() {
			at := slices.IndexFunc(events, func(c caught) bool { return c.kind == kind })
			if at < 0 || !found {
				return nil, fmt.Errorf("payment %s has no %s or no money", intent, kind)
			}
			g.webhooks = append(g.webhooks, events[at].body)
		}
		_, after, _ := bytes.Cut(g.webhooks[1], []byte(`"donation_id":"`))
		id, _, _ := bytes.Cut(after, []byte(`"`))
		g.donationID = string(id)
		list = append(list, g)
	}
	if len(list) != want {
		return nil, fmt.Errorf("%d of %d payments told of themselves", len(list), want)
	}
	clear(s.caught)
	slices.SortFunc(list, func(a, b gift) int { return a.place - b.place })
	return list, nil
}

// answer is what the simulator said, without a network in between.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header               { return a.header }
func (a *answer) WriteHeader(status int)            { a.status = status }
func (a *answer) Write(content []byte) (int, error) { return a.body.Write(content) }

func (s *stripe) inside(request *http.Request) *answer {
	a := &answer{header: http.Header{}, status: http.StatusOK}
	s.sim.Handler().ServeHTTP(a, request)
	return a
}

// moneyList is Stripe's list of balance transactions. One is on it from the
// moment when its payment's webhooks are sent, and is dated then: that is how it
// is at Stripe, where nothing is paid in advance.
type moneyList struct {
	mu      sync.Mutex
	rows    []json.RawMessage // oldest first
	ids     []string
	place   map[string]int // by id
	intents map[string]int // place by payment intent
	shown   int
}

func (m *moneyList) placeOf(intent string) (int, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, found := m.intents[intent]
	return at, found
}

// show puts all up to a place on the list, dated now.
func (m *moneyList) show(place int) {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	m.mu.Lock()
	defer m.mu.Unlock()
	for ; m.shown <= place; m.shown++ {
		row := m.rows[m.shown]
		// The first one is the transaction's own: keys are in alphabetical order,
		// and its source comes behind.
		at := bytes.Index(row, []byte(`"created":`)) + len(`"created":`)
		copy(row[at:at+len(now)], now)
	}
}

// readMoney reads what the simulator has booked since the last time.
func (s *stripe) readMoney(ctx context.Context) error {
	m := &s.money
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.place == nil {
		m.place, m.intents = map[string]int{}, map[string]int{}
	}
	var fresh []json.RawMessage
	for more, after := true, ""; more; {
		query := url.Values{"limit": {"100"}, "expand[0]": {"data.source"}}
		if after != "" {
			query.Set("starting_after", after)
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/v1/balance_transactions?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+secretKey)
		said := s.inside(request)
		var page struct {
			HasMore bool              `json:"has_more"`
			Data    []json.RawMessage `json:"data"`
		}
		err = json.Unmarshal(said.body.Bytes(), &page)
		if err != nil || said.status != http.StatusOK {
			return fmt.Errorf("list the simulator's money: status %d, %w", said.status, err)
		}
		more = page.HasMore
		for _, row := range page.Data {
			id, _, err := rowIDs(row)
			if err != nil {
				return err
			}
			_, known := m.place[id]
			more = more && !known
			if !known {
				fresh = append(fresh, row)
			}
			after = id
		}
	}
	for _, row := range slices.Backward(fresh) {
		id, intent, err := rowIDs(row)
		if err != nil {
			return err
		}
		m.place[id], m.intents[intent] = len(m.rows), len(m.rows)
		m.rows, m.ids = append(m.rows, row), append(m.ids, id)
	}
	return nil
}

func rowIDs(row json.RawMessage) (id, intent string, err error) {
	var r struct {
		ID     string `json:"id"`
		Source struct {
			PaymentIntent string `json:"payment_intent"`
		} `json:"source"`
	}
	err = json.Unmarshal(row, &r)
	if err != nil {
		return "", "", fmt.Errorf("read a balance transaction: %w", err)
	}
	return r.ID, r.Source.PaymentIntent, nil
}

// listMoney answers like the simulator, newest first, with what is shown.
func (s *stripe) listMoney(w http.ResponseWriter, r *http.Request) {
	m := &s.money
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		limit = 10
	}
	m.mu.Lock()
	from, to := max(0, m.shown-limit), m.shown
	more := from > 0
	after, before := query.Get("starting_after"), query.Get("ending_before")
	at, known := m.place[after+before]
	switch {
	case after+before == "":
	case !known || at >= m.shown:
		m.mu.Unlock()
		s.sim.Handler().ServeHTTP(w, r)
		return
	case after != "":
		from, to = max(0, at-limit), at
		more = from > 0
	default:
		from, to = at+1, min(at+1+limit, m.shown)
		more = to < m.shown
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"object":"list","url":"/v1/balance_transactions","has_more":%t,"data":[`, more)
	for i := to - 1; i >= from; i-- {
		if i < to-1 {
			out.WriteByte(',')
		}
		out.Write(m.rows[i])
	}
	m.mu.Unlock()
	out.WriteString("]}")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out.Bytes())
}
