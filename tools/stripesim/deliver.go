package stripesim

import (
	"bytes"
	"container/heap"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// delivery is one event on its way to one endpoint.
type delivery struct {
	event      *Event
	index      int
	endpoint   string
	place      int64 // order of planning
	state      string
	attempts   int
	nextAt     int64 // simulated unix microseconds
	lastStatus int
	failure    string

	// rank is where the order knob puts it, kept while that knob is rankedBy.
	rank     float64
	rankedBy orderKnob
}

const (
	deliveryPending   = "pending"
	deliverySucceeded = "succeeded"
	deliveryGivenUp   = "given_up"
	deliveryDropped   = "dropped"
	deliveryCanceled  = "canceled"
)

// outbox is what has to be sent, apart from the state so that the log alone
// decides what was sent. Server.mu guards the queue; inFlight too.
type outbox struct {
	queue    deliveryHeap
	inFlight int
	// flying counts those in flight by their endpoint.
	flying  map[string]int
	running bool

	mu      sync.Mutex
	changed chan struct{}
	wake    chan struct{}
}

func newOutbox() *outbox {
	return &outbox{flying: make(map[string]int), changed: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// signal says that something changed: work arrived, or was done.
func (o *outbox) signal() {
	o.mu.Lock()
	close(o.changed)
	o.changed = make(chan struct{})
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// next is closed at the next signal.
func (o *outbox) next() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

// earlier is the order in which deliveries leave when no knob says another.
func earlier(a, b *delivery) bool {
	if a.nextAt != b.nextAt {
		return a.nextAt < b.nextAt
	}
	return a.place < b.place
}

type deliveryHeap []*delivery

func (h deliveryHeap) Len() int           { return len(h) }
func (h deliveryHeap) Less(i, j int) bool { return earlier(h[i], h[j]) }
func (h deliveryHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *deliveryHeap) Push(x any)        { *h = append(*h, x.(*delivery)) }
func (h *deliveryHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// recoverDeliveries queues, at start, all that nobody answered: now, whatever
// the schedule said, and also what had been given up. What a knob dropped stays
// dropped. From here on the state tells the queue of new deliveries.
func (s *Server) recoverDeliveries() {
	now := s.now().UnixMicro()
	for _, event := range s.state.events.all() {
		for _, d := range event.deliveries {
			if d.state == deliveryPending || d.state == deliveryGivenUp {
				d.state, d.nextAt = deliveryPending, now
				heap.Push(&s.outbox.queue, d)
			}
		}
	}
	s.state.onDelivery = func(d *delivery) { heap.Push(&s.outbox.queue, d) }
}

// Run delivers webhooks and expires sessions, of all accounts, until ctx ends; it
// returns when the deliveries under way have ended. It may run once at a time.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var loops sync.WaitGroup
	var first sync.Once
	var failure error
	loop := func(account *Server) {
		err := account.loop(ctx)
		if err != nil {
			first.Do(func() { failure = err })
			cancel()
		}
	}
	s.eachAccount(func(account *Server) {
		account.begun() // before anybody can ask whether an event was answered
		loops.Go(func() { loop(account) })
	})
	loop(s)
	s.eachAccount(nil)
	loops.Wait()
	return failure
}

func (s *Server) begun() {
	s.mu.Lock()
	s.outbox.running = true
	s.mu.Unlock()
}

// loop is what one account does by itself.
func (s *Server) loop(ctx context.Context) error {
	s.begun()
	client := s.webhookClient()
	defer client.CloseIdleConnections()
	var workers sync.WaitGroup
	defer workers.Wait()
	defer func() {
		s.mu.Lock()
		s.outbox.running = false
		s.mu.Unlock()
		s.outbox.signal()
	}()
	for !s.ended() {
		err := s.refresh()
		if err != nil {
			return err
		}
		for ctx.Err() == nil && !s.ended() {
			d := s.takeDelivery()
			if d == nil {
				break
			}
			workers.Go(func() { s.deliver(ctx, client, d) })
		}
		timer := time.NewTimer(s.untilNext())
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.outbox.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
	return nil
}

// webhookClient goes to the endpoint itself: no proxy, no redirects.
func (s *Server) webhookClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			MaxIdleConnsPerHost: s.cfg.WebhookConcurrency, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// deliver makes one attempt and writes down how it ended.
func (s *Server) deliver(ctx context.Context, client *http.Client, d *delivery) {
	s.mu.RLock()
	endpoint, now := s.receiver(d.endpoint)
	attempt := d.attempts + 1
	var body []byte
	if endpoint != nil && !endpoint.Deleted && !endpoint.Disabled {
		body = s.webhookBody(d, endpoint, attempt)
	}
	seq := s.state.seq
	s.mu.RUnlock()
	result := sentRecord{Event: d.event.ID, Index: d.index, Attempt: attempt, State: deliveryCanceled}
	// Nobody may learn of what a power cut could still take back.
	err := s.durable(seq)
	if err != nil {
		result.Failure = "store failed"
	} else if body != nil {
		result.Status, result.Failure = s.send(ctx, client, d, endpoint, body, now, attempt)
		result.State = deliverySucceeded
		if result.Status < 200 || result.Status > 299 {
			result.State = deliveryPending
		}
	}
	if ctx.Err() != nil && result.State != deliverySucceeded {
		// The process is stopping: this was no answer. The next start sends it.
		s.mu.Lock()
		s.outbox.landed(d)
		heap.Push(&s.outbox.queue, d)
		s.mu.Unlock()
		s.outbox.signal()
		return
	}
	s.finish(d, result)
}

// finish records the result and plans the next attempt. It does not wait for the
// disk: forgetting a success costs one duplicate.
func (s *Server) finish(d *delivery, result sentRecord) {
	s.mu.Lock()
	t := s.begin(requestInfo{})
	if result.State == deliveryPending {
		result.NextAt = s.nextTry(d.event, result.Attempt, t.rec.At)
		if result.NextAt == 0 {
			result.State = deliveryGivenUp
		}
	}
	t.rec.Sent = []sentRecord{result}
	err := s.commit(t)
	s.outbox.landed(d)
	if d.state == deliveryPending {
		if err != nil {
			// Not written down: try again when the schedule says, from memory.
			d.attempts, d.nextAt = result.Attempt, t.rec.At+time.Minute.Microseconds()
		}
		heap.Push(&s.outbox.queue, d)
	}
	s.mu.Unlock()
	if err != nil {
		s.log.Error("record delivery", "event", d.event.ID, "error", err)
	}
	s.outbox.signal()
}

// sandboxRetries are the pauses of a sandbox, which tries three times within a few
// hours. How many hours nobody publishes.
func sandboxRetries() []time.Duration { return []time.Duration{time.Hour, 3 * time.Hour} }

// nextTry is when an event is sent again after so many attempts, in unix
// microseconds; zero for never.
func (s *Server) nextTry(event *Event, attempts int, now int64) int64 {
	pauses := s.cfg.RetrySchedule
	if s.state.chosen().WebhookRetries == retriesSandbox {
		pauses = sandboxRetries()
		if attempts > len(pauses) {
			return 0
		}
	}
	next := now + pauses[min(attempts, len(pauses))-1].Microseconds()
	if next > s.state.firstTried(event)+s.cfg.RetryFor.Microseconds() {
		return 0
	}
	return next
}

// firstTried is when delivery of an event could begin, in unix microseconds. What
// happened while the clock leapt had its first chance after the leap.
func (st *state) firstTried(event *Event) int64 {
	created := event.Created * 1_000_000
	if created > st.leapFrom && created < st.leapTo {
		return st.leapTo
	}
	return created
}

// webhookBody renders the event as the endpoint gets it. The caller holds the
// read lock.
func (s *Server) webhookBody(d *delivery, endpoint *WebhookEndpoint, attempt int) []byte {
	event := renderEvent(s.view(), d.event, s.knobs.renderVersion(endpoint.APIVersion))
	if endpoint.Connect {
		event["account"] = s.state.init.Account
	}
	if s.attemptFault("livemode_flip", d, attempt) {
		event["livemode"] = true
	}
	if s.attemptFault("foreign_object", d, attempt) {
		object := event["data"].(map[string]any)["object"].(map[string]any)
		estrange(object)
	}
	return encode(event)
}

func (s *Server) attemptFault(name string, d *delivery, attempt int) bool {
	return s.knobs.hitAt(d.endpoint, name, d.event.Type, d.event.ID+d.endpoint+string(rune(d.index))+string(rune(attempt)))
}

// send posts one attempt, signed with the time of this attempt by the base clock:
// receivers compare it with their own, which did not leap with the simulated time.
func (s *Server) send(ctx context.Context, client *http.Client, d *delivery, endpoint *WebhookEndpoint, body []byte, now int64, attempt int) (int, string) {
	if s.attemptFault("fail", d, attempt) {
		return 0, "failed by knob"
	}
	ctx, cancel := context.WithTimeout(ctx, s.knobs.webhookTimeout(s.cfg.WebhookTimeout))
	defer cancel()
	stamp := s.cfg.Now().Unix()
	if s.attemptFault("stale_timestamp", d, attempt) {
		stamp -= 3600
	}
	if s.attemptFault("future_timestamp", d, attempt) {
		stamp += 3600
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.URL, bytes.NewReader(body))
	if err != nil {
		return 0, "bad endpoint URL"
	}
	corrupt := s.attemptFault("corrupt_signature", d, attempt)
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("Accept", "*/*; q=0.5, application/xml")
	request.Header.Set("Stripe-Signature", signature(body, stamp, endpoint.activeSecrets(now), corrupt))
	response, err := client.Do(request)
	if err != nil {
		return 0, "no answer: " + plainError(err)
	}
	// Reading the rest lets the connection be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return response.StatusCode, http.StatusText(response.StatusCode)
	}
	return response.StatusCode, ""
}

// plainError is the cause without the URL, which may carry secrets.
func plainError(err error) string {
	type unwrapper interface{ Unwrap() error }
	if wrapped, ok := err.(unwrapper); ok && wrapped.Unwrap() != nil {
		return wrapped.Unwrap().Error()
	}
	return err.Error()
}

// Settle waits until nothing is due now and nothing is under way. Run must be
// running. What is due later by the clock is not waited for.
func (s *Server) Settle(ctx context.Context) error {
	for {
		changed := s.outbox.next()
		s.outbox.signalLoop()
		if s.settled() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// signalLoop wakes the loop only: a base clock that a test turns by hand does
// not wake it by itself.
func (o *outbox) signalLoop() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (s *Server) settled() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := s.now().UnixMicro()
	due := len(s.outbox.queue) > 0 && s.outbox.queue[0].nextAt <= now
	return !due && s.outbox.inFlight == 0 && !s.timerDue()
}

// waitAnswered waits until the first attempts to deliver an event have ended, as
// Stripe does before it sends the donor back.
func (s *Server) waitAnswered(ctx context.Context, event *Event) {
	ctx, cancel := context.WithTimeout(ctx, max(s.cfg.CheckoutWait, 0))
	defer cancel()
	for {
		changed := s.outbox.next()
		if s.answered(event) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

func (s *Server) answered(event *Event) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.outbox.running {
		return true
	}
	for _, d := range event.deliveries {
		if d.state == deliveryPending && d.attempts == 0 {
			return false
		}
	}
	return true
}
