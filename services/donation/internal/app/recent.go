package app

import "sync"

// mostRecent bounds the memory of what the intake read: some hundred bytes each.
const mostRecent = 4096

// recent hands what the intake read in a webhook to the processor, which usually
// comes a moment later in the same process and need not open and read the body a
// second time. The stored row is the truth: what is not found here, because the
// process was started anew or another one took it in, is read there.
type recent struct {
	mu    sync.Mutex
	found map[eventKey]*Found
}

// eventKey is what Stripe's events differ in.
type eventKey struct{ account, event string }

func (e *StripeEvent) key() eventKey { return eventKey{e.AccountID, e.EventID} }

// put remembers what an event that is stored says. The first of two deliveries
// counts, as it does in the table.
func (r *recent) put(e *StripeEvent, found *Found) {
	if found == nil || e.State != EventPending {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found == nil || len(r.found) >= mostRecent {
		// What nobody came for was taken by another process.
		r.found = map[eventKey]*Found{}
	}
	if r.found[e.key()] == nil {
		r.found[e.key()] = found
	}
}

// take answers nil when the body has to be read.
func (r *recent) take(e *StripeEvent) *Found {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.found[e.key()]
	delete(r.found, e.key())
	return found
}
