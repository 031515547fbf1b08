package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// frozen is a test clock at a moment, with a customer on it who has a card.
func (a *account) frozen(at time.Time) (clock, customer string) {
	a.t.Helper()
	made := a.post("/v1/test_helpers/test_clocks", url.Values{"frozen_time": {itoa64(at.Unix())}, "name": {"Monthly gift"}})
	if made.text("status") != "ready" {
		a.t.Fatalf("clock: %s", made.raw)
	}
	clock = made.text("id")
	customer = a.customer(url.Values{"email": {"ann@example.org"}, "test_clock": {clock}})
	card := a.post("/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {customer}}).text("id")
	a.post("/v1/customers/"+customer, url.Values{"invoice_settings[default_payment_method]": {card}})
	return clock, customer
}

func (a *account) advanceTo(clock string, at time.Time) answer {
	a.t.Helper()
	return a.post("/v1/test_helpers/test_clocks/"+clock+"/advance", url.Values{"frozen_time": {itoa64(at.Unix())}})
}

func TestATestClockMovesItsOwn(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	start := time.Date(2025, 1, 31, 10, 0, 0, 0, time.UTC)
	clock, customer := a.frozen(start)
	form := monthly()
	form.Set("customer", customer)
	plan := a.pledge(form, "4242424242424242")
	bystander := a.pledge(monthly(), "4242424242424242")
	begun := a.plan(plan)
	if begun.text("test_clock") != clock || begun.number("current_period_start") != start.Unix() ||
		begun.text("latest_invoice.test_clock") != clock || begun.number("latest_invoice.created") != start.Unix() {
		t.Fatalf("begun: %s", begun.raw)
	}
	if far := a.advanceTo(clock, start.AddDate(0, 0, 70)); far.status != http.StatusBadRequest {
		t.Errorf("more than two intervals: %d", far.status)
	}

	moving := a.advanceTo(clock, start.AddDate(0, 0, 59))
	if moving.text("status") != "advancing" {
		t.Errorf("moving: %s", moving.raw)
	}
	if arrived := a.get("/v1/test_helpers/test_clocks/" + clock); arrived.text("status") != "ready" ||
		arrived.number("frozen_time") != start.AddDate(0, 0, 59).Unix() {
		t.Errorf("arrived: %s", arrived.raw)
	}
	renewed := a.plan(plan)
	if day := time.Unix(renewed.number("current_period_end"), 0).UTC().Format(time.DateOnly); day != "2025-04-30" {
		// 31 March is the 59th day after 31 January, and a renewal.
		t.Errorf("period ends %s", day)
	}
	if got := a.get("/v1/invoices?subscription=" + plan).ids(); len(got) != 3 {
		t.Errorf("invoices %v", got)
	}
	if other := a.get("/v1/invoices?subscription=" + bystander).ids(); len(other) != 1 {
		t.Error("the clock moved a plan that is not on it")
	}
	a.days(20)
	if still := a.get("/v1/invoices?subscription=" + plan).ids(); len(still) != 3 {
		t.Error("the account's clock moved a plan on a test clock")
	}
	if listed := a.get("/v1/subscriptions").ids(); slices.Contains(listed, plan) || !slices.Contains(listed, bystander) {
		t.Errorf("listed %v", listed)
	}
	if listed := a.get("/v1/subscriptions?test_clock=" + clock).ids(); !slices.Equal(listed, []string{plan}) {
		t.Errorf("on the clock %v", listed)
	}
	types := strings.Join(a.eventTypes(), " ")
	for _, eventType := range []string{"created", "advancing", "ready"} {
		if !strings.Contains(types, "test_helpers.test_clock."+eventType) {
			t.Errorf("no event %s", eventType)
		}
	}
}

func TestTestClocksGo(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	clock, customer := a.frozen(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	form := monthly()
	form.Set("customer", customer)
	plan := a.pledge(form, "4242424242424242")
	for name, r := range map[string]answer{
		"back":        a.advanceTo(clock, time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)),
		"unknown":     a.advanceTo("clock_none", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)),
		"no time":     a.post("/v1/test_helpers/test_clocks", nil),
		"no clock":    a.post("/v1/customers", url.Values{"test_clock": {"clock_none"}}),
		"other years": a.post("/v1/test_helpers/test_clocks", url.Values{"frozen_time": {"99999999999"}}),
	} {
		if r.status != http.StatusBadRequest && r.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if got := a.get("/v1/test_helpers/test_clocks").ids(); !slices.Equal(got, []string{clock}) {
		t.Errorf("clocks %v", got)
	}

	a.days(30)

	if got := a.get("/v1/test_helpers/test_clocks").ids(); len(got) != 0 {
		t.Errorf("after 30 days %v", got)
	}
	if a.get("/v1/customers/"+customer).path("deleted") != true || a.get("/v1/subscriptions/"+plan).text("status") != "canceled" {
		t.Error("what was on the clock outlives it")
	}
	second, _ := a.frozen(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if r := a.do(http.MethodDelete, "/v1/test_helpers/test_clocks/"+second, nil, nil); r.path("deleted") != true {
		t.Errorf("deleted: %s", r.raw)
	}
	if r := a.get("/v1/test_helpers/test_clocks/" + second); r.status != http.StatusNotFound {
		t.Errorf("after: %d", r.status)
	}
}

func TestATestClockGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock, customer := a.frozen(start)
	form := monthly()
	form.Set("customer", customer)
	plan := a.pledge(form, "4242424242424242")
	// The answer says advancing; the process ends before anything else is asked.
	a.advanceTo(clock, start.AddDate(0, 1, 1))

	b := a.reopen(dir)

	if r := b.get("/v1/test_helpers/test_clocks/" + clock); r.text("status") != "ready" {
		t.Errorf("clock: %s", r.raw)
	}
	if r := b.plan(plan); r.text("latest_invoice.status") != "paid" || r.text("latest_invoice.billing_reason") != "subscription_cycle" {
		t.Errorf("plan: %s", r.raw)
	}
}

// A webhook that is answered while the clock leaps must not make what was due on the
// way late: a renewal would wait for its hour from the end of the leap on.
func TestALeapIsOneStepForDeliveries(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.listen(newReceiver(t, nil))
	plan := a.pledge(monthly(), "4242424242424242")
	a.settle()
	event := a.sim.state.events.all()[0]
	stop := make(chan struct{})
	var answers sync.WaitGroup
	answers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				a.sim.mu.Lock()
				answered := a.sim.begin(requestInfo{})
				answered.rec.Sent = []sentRecord{{Event: event.ID, Attempt: 1, Status: 200, State: deliverySucceeded}}
				err := a.sim.commit(answered)
				a.sim.mu.Unlock()
				if err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 12 {
		a.days(32)
		if r := a.plan(plan); r.text("latest_invoice.status") != "paid" {
			t.Errorf("after a leap the renewal is %s", r.text("latest_invoice.status"))
			break
		}
	}
	close(stop)
	answers.Wait()
}
