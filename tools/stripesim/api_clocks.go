package stripesim

import (
	"container/heap"
	"maps"
	"slices"
)

// FrozenClock is a test clock: a time of its own for some customers, their plans and invoices.
// Payments and events keep the account's time: money is moved now.
type FrozenClock struct {
	ID      string `json:"id"`
	Created int64  `json:"created"`
	Name    string `json:"name,omitempty"`
	Frozen  int64  `json:"frozen_time"`
	// Target is where an advancing clock goes.
	Target  int64  `json:"target,omitempty"`
	Status  string `json:"status"`
	Deleted bool   `json:"deleted,omitempty"`
}

const (
	clockReady     = "ready"
	clockAdvancing = "advancing"
	clockLife      = 30 * 86_400

	timerClock = "test_clock"
)

func (c *FrozenClock) deletesAfter() int64 { return c.Created + clockLife }

func (st *state) applyClock(clock *FrozenClock) {
	if st.clocks.byID[clock.ID] == nil {
		st.wake("", timer{clock.deletesAfter(), timerClock, clock.ID})
	}
	st.clocks.put(clock.ID, clock)
	if clock.Status == clockAdvancing && !clock.Deleted {
		if st.advancing == nil {
			st.advancing = make(map[string]bool)
		}
		st.advancing[clock.ID] = true
		return
	}
	delete(st.advancing, clock.ID)
}

// wake sets a timer on a test clock, or on the account's when that is empty.
func (st *state) wake(clock string, due timer) {
	if clock == "" {
		heap.Push(&st.timers, due)
		return
	}
	if st.clockTimers == nil {
		st.clockTimers = make(map[string]*timerHeap)
	}
	if st.clockTimers[clock] == nil {
		st.clockTimers[clock] = &timerHeap{}
	}
	heap.Push(st.clockTimers[clock], due)
}

// at is the time of an object: that of its test clock, or the account's.
func (t *tx) at(clock string) int64 {
	if frozen := t.testClock(clock); frozen != nil {
		return frozen.Frozen
	}
	return t.now.Unix()
}

// moveClocks takes all advancing clocks to where they go, a record each step, so
// that a process that dies on the way goes on from there. The caller holds the
// lock.
func (s *Server) moveClocks() error {
	for len(s.state.advancing) > 0 {
		clock := s.state.clocks.byID[slices.Min(slices.Collect(maps.Keys(s.state.advancing)))]
		err := s.moveClock(clock)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) moveClock(clock *FrozenClock) error {
	timers := s.state.clockTimers[clock.ID]
	t := s.begin(requestInfo{})
	next := *clock
	if timers == nil || timers.Len() == 0 || (*timers)[0].at > clock.Target {
		next.Frozen, next.Status = clock.Target, clockReady
		t.putClock(next)
		t.emit("test_helpers.test_clock.ready", nil)
		return s.commit(t)
	}
	due := heap.Pop(timers).(timer)
	next.Frozen = max(clock.Frozen, due.at)
	t.putClock(next)
	t.fire(due)
	if len(t.rec.Puts) == 1 {
		return nil // an old timer: nothing happened then
	}
	err := s.commit(t)
	if err != nil {
		heap.Push(timers, due)
	}
	return err
}

func clockParams() schema {
	return schema{"frozen_time": {kind: isInteger, required: true}, "name": {kind: isString, max: 300}}
}

func advanceParams() schema { return schema{"frozen_time": {kind: isInteger, required: true}} }

func createClock(c *call, t *tx) (map[string]any, *apiError) {
	frozen, _ := c.params.integer("frozen_time")
	if frozen < 0 || frozen >= 1<<33 {
		return nil, badRequest("parameter_invalid_integer", "frozen_time", "Invalid timestamp: must be an integer Unix timestamp within range.")
	}
	clock := t.putClock(FrozenClock{
		ID: t.newID("test_clock"), Created: t.now.Unix(), Name: c.params.str("name"), Frozen: frozen, Status: clockReady,
	})
	t.emit("test_helpers.test_clock.created", nil)
	return renderClock(clock), nil
}

func liveClock(v view, id string) (*FrozenClock, *apiError) {
	clock := v.testClock(id)
	if clock == nil || clock.Deleted {
		return nil, missing("test clock", "test_clock", shorten(id))
	}
	return clock, nil
}

// advanceClock answers before it is done, as Stripe does: the clock is advancing
// first and ready later.
func advanceClock(c *call, t *tx) (map[string]any, *apiError) {
	clock, failure := liveClock(t, c.r.PathValue("id"))
	if failure != nil {
		return nil, failure
	}
	target, _ := c.params.integer("frozen_time")
	switch {
	case target <= clock.Frozen:
		return nil, badRequest("", "frozen_time", "Test clock time must be advanced to a time later than its current frozen time.")
	case target > t.furthest(clock):
		return nil, badRequest("", "frozen_time", "Test clocks can be advanced by at most two intervals of the shortest subscription on them, "+
			"or two years without one. Advance several times instead.")
	}
	next := *clock
	next.Target, next.Status = target, clockAdvancing
	out := t.putClock(next)
	t.emit("test_helpers.test_clock.advancing", nil)
	return renderClock(out), nil
}

// furthest is how far a clock may go at once.
func (t *tx) furthest(clock *FrozenClock) int64 {
	limit := Recurring{"year", 1}.boundary(clock.Frozen, 2)
	for _, plan := range t.s.state.plans.all() {
		if plan.TestClock == clock.ID && !plan.ended() {
			limit = min(limit, plan.Recurring.boundary(clock.Frozen, 2))
		}
	}
	return limit
}

func deleteClock(c *call, t *tx) (map[string]any, *apiError) {
	clock, failure := liveClock(t, c.r.PathValue("id"))
	if failure != nil {
		return nil, failure
	}
	t.removeClock(clock.ID)
	return map[string]any{"id": clock.ID, "object": "test_helpers.test_clock", "deleted": true}, nil
}

// removeClock takes its customers with it, as Stripe does after 30 days, too.
func (t *tx) removeClock(id string) {
	clock := t.testClock(id)
	if clock == nil || clock.Deleted {
		return
	}
	for _, customer := range t.s.state.customers.all() {
		if customer.TestClock == id && !customer.Deleted {
			t.removeCustomer(customer)
		}
	}
	next := *clock
	next.Deleted = true
	t.putClock(next)
	t.emit("test_helpers.test_clock.deleted", nil)
}

func getClock(c *call, v reader) (map[string]any, *apiError) {
	clock, failure := liveClock(v, c.r.PathValue("id"))
	if failure != nil {
		return nil, failure
	}
	return renderClock(clock), nil
}

func listClocks(c *call, v reader) (map[string]any, *apiError) {
	return listing[FrozenClock]{
		url: "/v1/test_helpers/test_clocks", kind: "test clock", table: &v.clocks,
		created: func(row *FrozenClock) int64 { return row.Created },
		keep:    func(row *FrozenClock) bool { return !row.Deleted },
		render:  renderClock,
	}.page(c, v)
}

func renderClock(c *FrozenClock) map[string]any {
	return map[string]any{
		"id": c.ID, "object": "test_helpers.test_clock", "created": c.Created, "deletes_after": c.deletesAfter(),
		"frozen_time": c.Frozen, "livemode": false, "name": orNull(c.Name), "status": c.Status,
	}
}
