package stripesim

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hears makes an endpoint and returns its id.
func (a *account) hears(r *receiver, events ...string) string {
	a.t.Helper()
	_, err := a.sim.EnsureWebhookEndpoint(r.url, events, APIVersion)
	if err != nil {
		a.t.Fatal(err)
	}
	return ids(a.get("/v1/webhook_endpoints?limit=1"))[0] // the newest
}

// What is held back leaves when all else has been answered, however many senders there are.
func TestWhatIsHeldLeavesLast(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, nil)
	a := prepare(t, nil)
	a.listen(shop)
	a.knobs(`{"order": {"mode": "hold", "only": "charge."}}`)
	for range 5 {
		a.give(gift())
	}
	runLoop(t, a)
	a.settle()
	got := shop.types()
	if len(got) != 20 || slices.Index(got, "charge.succeeded") != 15 {
		t.Fatalf("%v", got)
	}
	// The event that nobody else waits for is not lost.
	a.clock.advance(time.Hour)
	a.give(gift())
	a.settle()
	if got := shop.types(); len(got) != 24 || got[23] != "charge.succeeded" {
		t.Errorf("alone: %v", got)
	}
}

// An event that failed and waits for its next try holds nothing back.
func TestWhatIsHeldDoesNotWaitForRetries(t *testing.T) {
	t.Parallel()
	a, shop, _ := withShop(t, `{"order": {"mode": "hold", "only": "charge."}, "fail": {"count": 1, "only": "payment_intent.created"}}`, nil)
	a.give(gift())
	a.settle()
	if got := shop.types(); len(got) != 3 || got[2] != "charge.succeeded" {
		t.Fatalf("%v", got)
	}
	a.clock.advance(time.Second)
	a.settle()
	if got := shop.types(); len(got) != 4 {
		t.Errorf("%v", got)
	}
}

// One receiver hears in another order than the rest.
func TestTheOrderOfOneEndpoint(t *testing.T) {
	t.Parallel()
	inOrder := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	for order, want := range map[string][]string{
		`"mode": "hold", "only": "payment_intent.created"`: {inOrder[1], inOrder[2], inOrder[3], inOrder[0]},
		`"mode": "reverse", "window": 8`:                   {inOrder[3], inOrder[2], inOrder[1], inOrder[0]},
		`"mode": "fifo"`:                                   inOrder,
	} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			usual, other := newReceiver(t, nil), newReceiver(t, nil)
			a := prepare(t, func(c *Config) { c.WebhookConcurrency = 1 })
			a.hears(usual, "*")
			id := a.hears(other, "*")
			a.knobs(`{"order": {` + order + `, "webhook_endpoint": "` + id + `"}}`)
			a.give(gift())
			runLoop(t, a)
			a.settle()
			if got := usual.types(); !slices.Equal(got, inOrder) {
				t.Errorf("the usual one: %v", got)
			}
			if got := other.types(); !slices.Equal(got, want) {
				t.Errorf("the other one: %v", got)
			}
		})
	}
}

// Strictly one by one to one endpoint: while it has not answered, the others hear all.
func TestAnEndpointThatHearsOneByOne(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	usual, slow := newReceiver(t, nil), newReceiver(t, func(int, received) int { <-released; return http.StatusOK })
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	t.Cleanup(release) // also when the test fails: a receiver cannot be closed before it has answered
	a.hears(usual, "*")
	id := a.hears(slow, "*")
	a.knobs(`{"order": {"mode": "fifo", "webhook_endpoint": "` + id + `"}}`)
	a.give(gift())
	a.eventually("the others hear all", func() bool { return len(usual.all()) == 4 })
	a.eventually("it hears the first", func() bool { return len(slow.all()) == 1 })
	release()
	a.settle()
	want := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	if got := slow.types(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// sendDue delivers what may leave now, without a loop that the wall clock would wake.
func (a *account) sendDue() {
	a.t.Helper()
	client := a.sim.webhookClient()
	defer client.CloseIdleConnections()
	for d := a.sim.takeDelivery(); d != nil; d = a.sim.takeDelivery() {
		a.sim.deliver(a.t.Context(), client, d)
	}
}

// Events gather for as long as the knob says, and those of other endpoints do not.
func TestEventsGatherBeforeTheyLeave(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]bool{"for all": false, "for one endpoint": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			usual, other := newReceiver(t, nil), newReceiver(t, nil)
			a := prepare(t, nil)
			a.hears(usual, "*")
			order := `{"order": {"mode": "shuffle", "hold_ms": 1000`
			id, atOnce := a.hears(other, "*"), 0
			if alone {
				order += `, "webhook_endpoint": "` + id + `"`
				atOnce = 4
			}
			a.knobs(order + `}}`)
			heard := func(when string, first, second int) {
				t.Helper()
				a.sendDue()
				if len(usual.all()) != first || len(other.all()) != second {
					t.Errorf("%s: %d and %d", when, len(usual.all()), len(other.all()))
				}
			}
			a.give(gift())
			heard("at once", atOnce, 0)
			a.clock.advance(999 * time.Millisecond)
			heard("before the second is over", atOnce, 0)
			a.clock.advance(time.Millisecond)
			heard("after a second", 4, 4)
		})
	}
}

// A twin for one endpoint is an event of its own that the others never hear of.
func TestATwinForOneEndpoint(t *testing.T) {
	t.Parallel()
	usual, other := newReceiver(t, nil), newReceiver(t, nil)
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	a.hears(usual, "*")
	id := a.hears(other, "charge.succeeded")
	a.knobs(`{"twin": {"count": 1, "webhook_endpoint": "` + id + `"}}`)
	a.give(gift())
	a.settle()
	if len(usual.all()) != 4 || len(other.all()) != 2 || len(countByID(other.all())) != 2 {
		t.Errorf("%v and %v", usual.types(), other.types())
	}
	if a.get("/_sim/knobs").path("twin") != nil {
		t.Error("the twin is still to come")
	}
}

// What goes wrong for one endpoint is not used up by the twins that another one gets.
func TestATwinForOneEndpointLeavesTheOthersTheirFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]int{
		`"drop": {"count": 2`:               0,
		`"delay": {"count": 2, "ms": 60000`: 0,
		`"duplicate": {"count": 2`:          4,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			usual, other := newReceiver(t, nil), newReceiver(t, nil)
			a := open(t, func(c *Config) { c.CheckoutWait = -1 })
			usualID := a.hears(usual, "checkout.session.completed")
			otherID := a.hears(other, "checkout.session.completed")
			a.knobs(`{"twin": {"p": 1, "webhook_endpoint": "` + otherID + `"}, ` + fault + `, "webhook_endpoint": "` + usualID + `"}}`)
			a.give(gift())
			a.give(gift())
			a.settle()
			if len(usual.all()) != want || len(other.all()) != 4 {
				t.Errorf("%d and %d deliveries", len(usual.all()), len(other.all()))
			}
		})
	}
}

// Who takes longer than the knob says has not answered.
func TestHowLongAReceiverHasToAnswer(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	shop := newReceiver(t, func(int, received) int { <-released; return http.StatusOK })
	a := open(t, func(c *Config) { c.CheckoutWait, c.WebhookTimeout = -1, time.Minute })
	t.Cleanup(release)
	a.hears(shop, "checkout.session.completed")
	a.knobs(`{"webhook_timeout": 30}`)
	a.give(gift())
	a.settle()
	if event := a.get("/v1/events?type=checkout.session.completed"); event.number("data.0.pending_webhooks") != 1 {
		t.Fatalf("it was answered: %s", event.raw)
	}
	if page := a.get("/_sim").raw; !strings.Contains(page, "deadline exceeded") {
		t.Error("the dashboard does not say why")
	}
	release()
	a.knobs(`{"webhook_timeout": null}`)
	a.clock.advance(time.Second)
	a.settle()
	if after := a.get("/v1/events?type=checkout.session.completed"); after.number("data.0.pending_webhooks") != 0 {
		t.Errorf("the second time: %s", after.raw)
	}
}

// An event about a payment is numbered as payments are.
func TestIDsOfEvents(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	a.give(gift())
	a.post("/v1/refunds", map[string][]string{"charge": {a.get("/v1/charges").text("data.0.id")}})
	events := a.get("/v1/events?limit=100")
	for i := range ids(events) {
		at := "data." + itoa64(int64(i))
		want := "evt_3"
		if strings.HasPrefix(events.text(at+".type"), "checkout.") {
			want = "evt_1"
		}
		if id := events.text(at + ".id"); !strings.HasPrefix(id, want) {
			t.Errorf("%s is %s", events.text(at+".type"), id)
		}
	}
}
