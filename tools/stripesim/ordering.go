package stripesim

import (
	"container/heap"
	"math"
	"strings"
	"time"
)

// orderKnob says in which order deliveries leave: as they come, strictly one by
// one (fifo), mixed within a window, or those of one type after all others (hold).
type orderKnob struct {
	Mode   string `json:"mode"`
	Window int    `json:"window,omitempty"`
	// HoldMS lets later events catch up before any of them leaves.
	HoldMS int64 `json:"hold_ms,omitempty"`
	// Only is what hold holds back: events whose type begins so.
	Only string `json:"only,omitempty"`
	// Endpoint restricts it to one webhook endpoint; to others all goes as it comes.
	Endpoint string `json:"webhook_endpoint,omitempty"`
}

const (
	orderFIFO    = "fifo"
	orderShuffle = "shuffle"
	orderReverse = "reverse"
	orderHold    = "hold"
)

// never is a time that does not come.
const never = math.MaxInt64

func (o orderKnob) concerns(d *delivery) bool { return o.Endpoint == "" || o.Endpoint == d.endpoint }

func (o orderKnob) holds(d *delivery) bool {
	return o.Mode == orderHold && o.concerns(d) && strings.HasPrefix(d.event.Type, o.Only)
}

// scans tells whether the head of the queue is not enough to know what leaves next.
func (o orderKnob) scans() bool {
	return o.Endpoint != "" || (o.Mode != "" && o.Mode != orderFIFO)
}

// untilNext is how long the loop may sleep. The clock may be turned meanwhile:
// that wakes it.
func (s *Server) untilNext() time.Duration {
	order := s.knobs.ordering()
	s.mu.RLock()
	defer s.mu.RUnlock()
	wait := time.Minute
	now := s.now()
	// With all senders busy, the next one that ends wakes the loop.
	if s.outbox.inFlight < s.senders(order) {
		_, at := s.pick(order)
		if at != never {
			wait = min(wait, time.UnixMicro(at).Sub(now))
		}
	}
	if len(s.state.timers) > 0 {
		wait = min(wait, time.Unix(s.state.timers[0].at, 0).Sub(now))
	}
	return max(wait, time.Millisecond)
}

// takeDelivery picks what is sent next; nil when nothing is due or all senders
// are busy.
func (s *Server) takeDelivery() *delivery {
	order := s.knobs.ordering()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outbox.inFlight >= s.senders(order) {
		return nil
	}
	place, _ := s.pick(order)
	if place < 0 {
		return nil
	}
	d := heap.Remove(&s.outbox.queue, place).(*delivery)
	s.outbox.inFlight++
	s.outbox.flying[d.endpoint]++
	return d
}

// landed says that an attempt has ended.
func (o *outbox) landed(d *delivery) {
	o.inFlight--
	o.flying[d.endpoint]--
}

// senders is how many deliveries may be under way: strict order needs one.
func (s *Server) senders(order orderKnob) int {
	if order.Mode == orderFIFO && order.Endpoint == "" {
		return 1
	}
	return s.cfg.WebhookConcurrency
}

// pick returns the place in the queue of the next delivery, and when it may leave,
// in unix microseconds. A place below zero says that none may leave before that
// time, and never that one under way has to end first. The caller holds the lock.
func (s *Server) pick(order orderKnob) (place int, at int64) {
	queue := s.outbox.queue
	now := s.now().UnixMicro()
	if len(queue) == 0 {
		return -1, never
	}
	if !order.scans() {
		at = queue[0].nextAt + order.HoldMS*1000
		if at > now {
			return -1, at
		}
		return 0, at
	}
	opens := s.opens(order)
	place, at = -1, never
	for i, d := range queue {
		from := d.nextAt
		if order.concerns(d) {
			from = max(from, opens)
		}
		switch {
		case from > now:
			if place < 0 {
				at = min(at, from)
			}
		case s.waits(order, d):
		case place < 0 || s.before(order, d, queue[place]):
			place, at = i, from
		}
	}
	return place, at
}

// opens is when the first that an order concerns has waited as long as it asks.
func (s *Server) opens(order orderKnob) int64 {
	first := int64(never)
	for _, d := range s.outbox.queue {
		if order.concerns(d) {
			first = min(first, d.nextAt)
		}
	}
	if first == never {
		return never
	}
	return first + order.HoldMS*1000
}

// waits tells whether a delivery that is due lets those under way end first.
func (s *Server) waits(order orderKnob, d *delivery) bool {
	if !order.holds(d) && (order.Mode != orderFIFO || !order.concerns(d)) {
		return false
	}
	if order.Endpoint == "" {
		return s.outbox.inFlight > 0
	}
	return s.outbox.flying[order.Endpoint] > 0
}

// before tells which of two that are due leaves first.
func (s *Server) before(order orderKnob, a, b *delivery) bool {
	switch order.Mode {
	case orderShuffle, orderReverse:
		return s.rank(order, a) < s.rank(order, b)
	case orderHold:
		if order.holds(a) != order.holds(b) {
			return order.holds(b)
		}
	}
	return earlier(a, b)
}

// rank moves a delivery within its window and not beyond.
func (s *Server) rank(order orderKnob, d *delivery) float64 {
	if !order.concerns(d) {
		return float64(d.place)
	}
	if d.rankedBy == order {
		return d.rank
	}
	window := int64(order.Window)
	d.rankedBy = order
	d.rank = float64(d.place) + float64(window)*chance(s.state.init.Seed, "order", d.event.ID, uint64(d.index))
	if order.Mode == orderReverse {
		d.rank = float64(d.place/window*window + window - d.place%window)
	}
	return d.rank
}
