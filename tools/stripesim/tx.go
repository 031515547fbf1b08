package stripesim

import (
	"slices"
	"time"
)

// tx collects what one transition changes. It reads through to the state, and
// nothing of it is seen by others before commit.
type tx struct {
	s    *Server
	rec  record
	now  time.Time
	call requestInfo
	// quiet transitions look what would be; they are not committed.
	quiet bool

	sessions map[string]*Session
	intents  map[string]*PaymentIntent
	methods  map[string]*PaymentMethod
	charges  map[string]*Charge
	txns     map[string]*BalanceTransaction
	hooks    map[string]*WebhookEndpoint
	billingChanges
	aftermathTx
}

// requestInfo is what an event says about the request that caused it.
type requestInfo struct {
	id  string
	key string
}

// view finds the newest version of an object; nil when there is none. A tx sees
// its own changes, the state does not.
type view interface {
	session(id string) *Session
	intent(id string) *PaymentIntent
	method(id string) *PaymentMethod
	charge(id string) *Charge
	transaction(id string) *BalanceTransaction
	aftermathView
	clock() time.Time
	baseURL() string
	billingView
}

func (t *tx) clock() time.Time { return t.now }
func (t *tx) baseURL() string  { return t.s.cfg.BaseURL }

func (t *tx) session(id string) *Session {
	return overlay(t.sessions, t.s.state.sessions.byID, id)
}
func (t *tx) intent(id string) *PaymentIntent {
	return overlay(t.intents, t.s.state.intents.byID, id)
}
func (t *tx) method(id string) *PaymentMethod {
	return overlay(t.methods, t.s.state.methods.byID, id)
}
func (t *tx) charge(id string) *Charge {
	return overlay(t.charges, t.s.state.charges.byID, id)
}
func (t *tx) transaction(id string) *BalanceTransaction {
	return overlay(t.txns, t.s.state.txns.byID, id)
}
func (t *tx) endpoint(id string) *WebhookEndpoint {
	return overlay(t.hooks, t.s.state.endpoints.byID, id)
}

func overlay[T any](mine, stored map[string]*T, id string) *T {
	own, ok := mine[id]
	if ok {
		return own
	}
	return stored[id]
}

func remember[T any](mine *map[string]*T, id string, object *T) {
	if *mine == nil {
		*mine = make(map[string]*T)
	}
	(*mine)[id] = object
}

func (t *tx) newID(kind string) string {
	t.rec.IDs++
	return makeID(t.s.state.init.Seed, kind, t.rec.IDs)
}

// The put functions take a value: each call is a new version.

func (t *tx) putSession(v Session) *Session {
	remember(&t.sessions, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{Session: &v})
	return &v
}

func (t *tx) putIntent(v PaymentIntent) *PaymentIntent {
	remember(&t.intents, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{PaymentIntent: &v})
	return &v
}

func (t *tx) putMethod(v PaymentMethod) *PaymentMethod {
	remember(&t.methods, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{PaymentMethod: &v})
	return &v
}

func (t *tx) putCharge(v Charge) {
	remember(&t.charges, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{Charge: &v})
}

func (t *tx) putTransaction(v BalanceTransaction) *BalanceTransaction {
	remember(&t.txns, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{Transaction: &v})
	return &v
}

func (t *tx) putEndpoint(v WebhookEndpoint) *WebhookEndpoint {
	remember(&t.hooks, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{Endpoint: &v})
	return &v
}

// emit announces the version that was put last. Call it right after the put.
func (t *tx) emit(eventType string, previous map[string]any) {
	if t.quiet {
		return // neither events nor knobs are used up
	}
	event := t.announced(eventType, previous)
	event.To = t.routes(event, "")
	t.rec.Events = append(t.rec.Events, event)
	// Stripe now and then makes two events of one fact: another id, same object.
	endpoint := t.s.knobs.addressee("twin")
	if endpoint != "" && !event.goesTo(endpoint) {
		return
	}
	if t.s.knobs.hitAt(endpoint, "twin", eventType, event.ID) {
		t.twin(eventType, previous, endpoint)
	}
}

// twin announces the same once more, to all endpoints or to one.
func (t *tx) twin(eventType string, previous map[string]any, endpoint string) {
	event := t.announced(eventType, previous)
	event.To = t.routes(event, endpoint)
	t.rec.Events = append(t.rec.Events, event)
}

func (t *tx) announced(eventType string, previous map[string]any) *Event {
	last := len(t.rec.Puts) - 1
	return &Event{
		ID: t.newID(eventKind(t.rec.Puts[last].object())), Type: eventType, Created: t.now.Unix(), Put: last,
		Previous: previous, RequestID: t.call.id, IdempotencyKey: t.call.key,
	}
}

// eventKind is what the id of an event shows: those about payments are numbered
// with the payments.
func eventKind(object any) string {
	switch object.(type) {
	case *PaymentIntent, *Charge, *Refund:
		return "payment_event"
	}
	return "event"
}

func (e *Event) goesTo(endpoint string) bool {
	return slices.ContainsFunc(e.To, func(to route) bool { return to.Endpoint == endpoint })
}

// routes plans the deliveries of an event to all endpoints, or to the only one,
// faults included, so that a replay plans them alike. Faults with a count are not
// spent on deliveries that are not planned.
func (t *tx) routes(event *Event, only string) []route {
	var out []route
	for _, endpoint := range t.listeners() {
		id := endpoint.ID
		if !endpoint.wants(event.Type) || (only != "" && id != only) {
			continue
		}
		subject := event.ID + id
		to := route{Endpoint: id}
		to.Dropped = t.s.knobs.hitAt(id, "drop", event.Type, subject)
		to.DelayMS = t.s.knobs.delay(id, event.Type, subject)
		out = append(out, to)
		if t.s.knobs.hitAt(id, "duplicate", event.Type, subject) {
			out = append(out, to)
		}
	}
	return out
}
