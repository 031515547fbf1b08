package stripesim

import (
	"container/heap"
	"fmt"
)

// state is everything that the records say. apply is the only function that
// changes it, live and in replay alike, so a restart cannot end elsewhere.
type state struct {
	seq         uint64
	ids         uint64
	boots       uint64
	clockOffset int64
	// leapFrom and leapTo are the last stretch of time that nobody lived
	// through, in unix microseconds.
	leapFrom, leapTo int64
	lastAt           int64
	init             initRecord

	sessions  table[Session]
	intents   table[PaymentIntent]
	methods   table[PaymentMethod]
	charges   table[Charge]
	txns      table[BalanceTransaction]
	endpoints table[WebhookEndpoint]
	events    table[Event]
	accounts  table[ConnectedAccount]
	billingTables
	aftermath

	chargesOfIntent map[string][]string
	completedBy     map[string]*Event
	// draftedBy are the announcements of invoices that their receivers can hold up.
	draftedBy map[string]*Event
	idem      map[string]*idemEntry
	idemOrder []*idemEntry
	timers    timerHeap
	planned   int
	// onDelivery is told of each delivery that may have to be sent.
	onDelivery func(*delivery)
}

// table holds the newest version of each object, in the order of creation.
type table[T any] struct {
	byID  map[string]*T
	place map[string]int
	order []string
}

func (t *table[T]) put(id string, object *T) {
	if t.byID == nil {
		t.byID, t.place = make(map[string]*T), make(map[string]int)
	}
	_, known := t.place[id]
	if !known {
		t.place[id] = len(t.order)
		t.order = append(t.order, id)
	}
	t.byID[id] = object
}

// all returns the newest versions in the order of creation.
func (t *table[T]) all() []*T {
	out := make([]*T, 0, len(t.order))
	for _, id := range t.order {
		out = append(out, t.byID[id])
	}
	return out
}

func newState() *state {
	return &state{
		chargesOfIntent: make(map[string][]string),
		completedBy:     make(map[string]*Event),
		draftedBy:       make(map[string]*Event),
		idem:            make(map[string]*idemEntry),
		aftermath:       newAftermath(),
	}
}

func (st *state) apply(rec *record) error {
	if rec.Seq != st.seq+1 {
		return fmt.Errorf("record %d follows record %d", rec.Seq, st.seq)
	}
	if rec.Init != nil {
		if rec.Init.Format != 1 {
			return fmt.Errorf("store has format %d, this simulator reads format 1", rec.Init.Format)
		}
		st.init = *rec.Init
	}
	if rec.Boot {
		st.boots++
	}
	if rec.ClockOffset != nil {
		st.leapFrom, st.leapTo = rec.At, rec.At+*rec.ClockOffset-st.clockOffset
		st.clockOffset = *rec.ClockOffset
	}
	for i := range rec.Puts {
		st.applyPut(&rec.Puts[i])
	}
	for _, event := range rec.Events {
		err := st.applyEvent(event, rec)
		if err != nil {
			return err
		}
	}
	if rec.Idempotency != nil {
		st.idem[rec.Idempotency.Key] = rec.Idempotency
		st.idemOrder = append(st.idemOrder, rec.Idempotency)
		st.forgetKeys(rec.At)
	}
	for _, again := range rec.Resends {
		event := st.events.byID[again.Event]
		if event == nil {
			return fmt.Errorf("resend of unknown event %q", again.Event)
		}
		st.plan(event, route{Endpoint: again.Endpoint}, rec.At)
	}
	for _, sent := range rec.Sent {
		err := st.applySent(sent)
		if err != nil {
			return err
		}
	}
	st.seq, st.ids, st.lastAt = rec.Seq, rec.IDs, rec.At
	return nil
}

func (st *state) applyPut(p *put) {
	switch {
	case p.Session != nil:
		if st.sessions.byID[p.Session.ID] == nil {
			st.addTimer(p.Session.ExpiresAt, timerSession, p.Session.ID)
		}
		st.sessions.put(p.Session.ID, p.Session)
	case p.PaymentIntent != nil:
		st.intents.put(p.PaymentIntent.ID, p.PaymentIntent)
	case p.PaymentMethod != nil:
		st.indexMethod(st.methods.byID[p.PaymentMethod.ID], p.PaymentMethod)
		st.methods.put(p.PaymentMethod.ID, p.PaymentMethod)
	case p.Charge != nil:
		if st.charges.byID[p.Charge.ID] == nil {
			of := p.Charge.PaymentIntent
			st.chargesOfIntent[of] = append(st.chargesOfIntent[of], p.Charge.ID)
			if p.Charge.CaptureDue != 0 {
				st.addTimer(p.Charge.CaptureDue, timerCapture, p.Charge.ID)
			}
		}
		st.applyCharge(p.Charge)
	case p.Transaction != nil:
		st.applyTransaction(p.Transaction)
	case p.Endpoint != nil:
		st.endpoints.put(p.Endpoint.ID, p.Endpoint)
	case p.Account != nil:
		st.accounts.put(p.Account.ID, p.Account)
	default:
		st.applyBilling(&p.billingPut)
		st.applyAftermath(&p.aftermathPut)
	}
}

func (st *state) applyEvent(event *Event, rec *record) error {
	if event.Put < 0 || event.Put >= len(rec.Puts) {
		return fmt.Errorf("event %s names object %d of %d", event.ID, event.Put, len(rec.Puts))
	}
	event.object = rec.Puts[event.Put].object()
	st.events.put(event.ID, event)
	if event.Type == "checkout.session.completed" && rec.Puts[event.Put].Session != nil {
		st.completedBy[rec.Puts[event.Put].Session.ID] = event
	}
	if drafted := rec.Puts[event.Put].Invoice; drafted != nil && event.Type == "invoice.created" {
		st.draftedBy[drafted.ID] = event
	}
	for _, to := range event.To {
		st.plan(event, to, rec.At)
	}
	return nil
}

// plan adds one delivery of an event.
func (st *state) plan(event *Event, to route, at int64) {
	d := &delivery{
		event: event, index: len(event.deliveries), endpoint: to.Endpoint,
		place: int64(st.planned), state: deliveryPending, nextAt: at + to.DelayMS*1000,
	}
	st.planned++
	event.deliveries = append(event.deliveries, d)
	if to.Dropped {
		d.state = deliveryDropped
		return
	}
	if st.onDelivery != nil {
		st.onDelivery(d)
	}
}

func (st *state) applySent(sent sentRecord) error {
	event := st.events.byID[sent.Event]
	if event == nil || sent.Index < 0 || sent.Index >= len(event.deliveries) {
		return fmt.Errorf("result for unknown delivery %d of event %q", sent.Index, sent.Event)
	}
	d := event.deliveries[sent.Index]
	d.attempts, d.lastStatus, d.failure = sent.Attempt, sent.Status, sent.Failure
	d.state, d.nextAt = sent.State, sent.NextAt
	return nil
}

// forgetKeys drops idempotency keys that are older than Stripe keeps them.
func (st *state) forgetKeys(now int64) {
	kept := 0
	for kept < len(st.idemOrder) && st.idemOrder[kept].At+idemLifetime.Microseconds() <= now {
		old := st.idemOrder[kept]
		if st.idem[old.Key] == old {
			delete(st.idem, old.Key)
		}
		st.idemOrder[kept] = nil
		kept++
	}
	st.idemOrder = st.idemOrder[kept:]
}

// What happens by the passing of time alone.
const (
	timerSession = "session"
	timerCapture = "capture"
)

type timer struct {
	at   int64 // unix seconds
	kind string
	id   string
}

func (st *state) addTimer(at int64, kind, id string) {
	heap.Push(&st.timers, timer{at, kind, id})
}

type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }

// Less leaves nothing to the shape of the heap, which a restart changes.
func (h timerHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	if h[i].kind != h[j].kind {
		return h[i].kind < h[j].kind
	}
	return h[i].id < h[j].id
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
