package stripesim

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

// withShop is an account whose events all go to one receiver.
func withShop(t *testing.T, knobs string, answer func(int, received) int) (*account, *receiver, string) {
	t.Helper()
	shop := newReceiver(t, answer)
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	secret := a.listen(shop)
	a.knobs(knobs)
	return a, shop, secret
}

func countByID(all []received) map[string]int {
	out := map[string]int{}
	for _, r := range all {
		out[r.id()]++
	}
	return out
}

func TestDuplicateSendsTheSameEventTwice(t *testing.T) {
	t.Parallel()
	a, shop, _ := withShop(t, `{"duplicate": 1}`, nil)
	a.give(gift())
	a.settle()
	counts := countByID(shop.all())
	if len(counts) != 4 || len(shop.all()) != 8 {
		t.Errorf("%v", counts)
	}
	if event := a.get("/v1/events/" + shop.all()[0].id()); event.number("pending_webhooks") != 0 {
		t.Error("both deliveries were answered")
	}
}

func TestTwinAnnouncesOneFactTwice(t *testing.T) {
	t.Parallel()
	a, shop, _ := withShop(t, `{"twin": {"p": 1, "only": "payment_intent.succeeded"}}`, nil)
	a.give(gift())
	a.settle()
	var twins []received
	for _, r := range shop.all() {
		if r.eventType() == "payment_intent.succeeded" {
			twins = append(twins, r)
		}
	}
	if len(twins) != 2 || len(shop.all()) != 5 || twins[0].id() == twins[1].id() {
		t.Fatalf("%v", shop.types())
	}
	object := func(r received) any { return r.event["data"].(map[string]any)["object"].(map[string]any)["id"] }
	if object(twins[0]) != object(twins[1]) {
		t.Error("twins of different objects")
	}
}

func TestDropLosesAnEvent(t *testing.T) {
	t.Parallel()
	a, shop, _ := withShop(t, `{"drop": {"count": 1, "only": "checkout.session"}}`, nil)
	a.give(gift())
	a.settle()
	if slices.Contains(shop.types(), "checkout.session.completed") || len(shop.all()) != 3 {
		t.Errorf("%v", shop.types())
	}
	a.clock.advance(80 * time.Hour)
	a.settle()
	if len(shop.all()) != 3 {
		t.Error("a lost event came back")
	}
	if missing := a.get("/v1/events?delivery_success=false"); len(ids(missing)) != 1 {
		t.Errorf("%s", missing.raw)
	}
}

func TestDelayHoldsBackTheFirstAttempt(t *testing.T) {
	t.Parallel()
	a, shop, _ := withShop(t, `{"delay": {"ms": 90000, "only": "charge."}}`, nil)
	a.give(gift())
	a.settle()
	if len(shop.all()) != 3 {
		t.Fatalf("%v", shop.types())
	}
	a.clock.advance(90 * time.Second)
	a.settle()
	if got := shop.types(); len(got) != 4 || got[3] != "charge.succeeded" {
		t.Errorf("%v", got)
	}
}

func TestFailedAttemptsAreTriedAgain(t *testing.T) {
	t.Parallel()
	a, shop, secret := withShop(t, `{"fail": {"count": 4}, "corrupt_signature": {"count": 1}}`, nil)
	a.give(gift())
	a.settle()
	if len(shop.all()) != 0 {
		t.Fatalf("%v", shop.types())
	}
	a.clock.advance(time.Second)
	a.settle()
	bad := 0
	for _, r := range shop.all() {
		_, good := verify(t, r, secret)
		if good == 0 {
			bad++
		}
	}
	if len(shop.all()) != 4 || bad != 1 {
		t.Errorf("%d deliveries, %d with a bad signature", len(shop.all()), bad)
	}
}

func TestForgedLookingDeliveries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		knob  string
		check func(a *account, r received, stamp int64) bool
	}{
		"stale":    {`{"stale_timestamp": true}`, func(a *account, _ received, stamp int64) bool { return stamp == a.clock.now().Unix()-3600 }},
		"future":   {`{"future_timestamp": true}`, func(a *account, _ received, stamp int64) bool { return stamp == a.clock.now().Unix()+3600 }},
		"livemode": {`{"livemode_flip": true}`, func(_ *account, r received, _ int64) bool { return r.event["livemode"] == true }},
		"version":  {`{"api_version": "2025-03-31.basil"}`, func(_ *account, r received, _ int64) bool { return r.event["api_version"] == "2025-03-31.basil" }},
		"foreign": {`{"foreign_object": true}`, func(_ *account, r received, _ int64) bool {
			object := r.event["data"].(map[string]any)["object"].(map[string]any)
			return len(object["metadata"].(map[string]any)) == 0
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, shop, secret := withShop(t, test.knob, nil)
			a.give(gift())
			a.settle()
			if len(shop.all()) != 4 {
				t.Fatalf("%v", shop.types())
			}
			for _, r := range shop.all() {
				stamp, good := verify(t, r, secret)
				if good != 1 || !test.check(a, r, stamp) {
					t.Errorf("%s %s", r.signature, r.raw)
				}
			}
		})
	}
}

// Shuffled and reversed, all arrive, once, within the window.
func TestOrder(t *testing.T) {
	t.Parallel()
	inOrder := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	var runs [][]string
	for _, order := range []string{`"fifo"`, `{"mode": "reverse", "window": 4}`, `{"mode": "shuffle", "window": 50}`, `{"mode": "shuffle", "window": 50}`} {
		shop := newReceiver(t, nil)
		a := prepare(t, func(c *Config) { c.WebhookConcurrency = 1 })
		a.listen(shop)
		a.knobs(`{"order": ` + order + `}`)
		for range 5 {
			a.give(gift())
		}
		runLoop(t, a)
		a.settle()
		if len(shop.all()) != 20 || len(countByID(shop.all())) != 20 {
			t.Fatalf("%s: %d deliveries", order, len(shop.all()))
		}
		runs = append(runs, shop.types())
	}
	for i := range 5 {
		part := runs[0][4*i : 4*i+4]
		if !slices.Equal(part, inOrder) {
			t.Errorf("fifo: %v", part)
		}
		reversed := slices.Clone(runs[1][4*i : 4*i+4])
		slices.Reverse(reversed)
		if !slices.Equal(reversed, inOrder) {
			t.Errorf("reverse: %v", reversed)
		}
	}
	if slices.Equal(runs[2], runs[0]) {
		t.Error("shuffle left everything in order")
	}
	if !slices.Equal(runs[2], runs[3]) {
		t.Error("the same seed shuffles differently")
	}
}

func runLoop(t *testing.T, a *account) {
	t.Helper()
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- a.sim.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		err := <-done
		if err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestProbabilitiesAreSeeded(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) []bool {
		k := newKnobs(nil, "")
		k.seed(seed)
		err := k.set([]byte(`{"drop": 0.3}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		var out []bool
		for i := range 200 {
			out = append(out, k.hit("drop", "charge.succeeded", itoa64(int64(i))))
		}
		return out
	}
	first, again, other := draw(1), draw(1), draw(2)
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Error("the seed alone decides")
	}
	hits := 0
	for _, hit := range first {
		if hit {
			hits++
		}
	}
	if hits < 40 || hits > 80 {
		t.Errorf("%d of 200 at 0.3", hits)
	}
}

func TestKnobsAreShownResetAndChecked(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	a.knobs(`{"duplicate": 0.5, "503": 2, "order": "shuffle", "latency": 5, "delay": 2, "settlement": {"eur": {"to": "usd", "rate_micros": 1084200}}}`)
	shown := a.get("/_sim/knobs")
	for path, want := range map[string]float64{"duplicate.p": 0.5, "503.count": 2, "latency.ms": 5, "delay.ms": 2000, "order.window": 8} {
		if got := shown.path(path); got != want {
			t.Errorf("%s is %v", path, got)
		}
	}
	for _, bad := range []string{
		`[]`, `{"duplicate": 2}`, `{"duplicate": -1}`, `{"dupe": 1}`, `{"order": "random"}`, `{"order": {"mode": "shuffle", "window": -1}}`,
		`{"order": "hold"}`, `{"order": {"mode": "fifo", "only": "charge."}}`, `{"order": {"mode": "fifo", "webhook_endpoint": "we_x"}}`, `{"webhook_timeout": -1}`, `{"webhook_timeout": 0}`,
		`{"503": {"n": 1}}`, `{"settlement": {"eur": {"to": "zzz", "rate_micros": 1}}}`, `{"settlement": {"eur": {"to": "usd"}}}`,
		`{"settlement": {"usd aed": {"to": "eur", "rate_micros": 920000}}}`,
		`{"drop": 1, "fail": "often"}`, `{"api_version": 5}`,
	} {
		if r := a.control("/_sim/knobs", bad); r.status != 400 || r.text("error") == "" {
			t.Errorf("%s: %d %s", bad, r.status, r.raw)
		}
	}
	if now := a.get("/_sim/knobs"); now.raw != shown.raw {
		t.Errorf("a refused document changed something: %s", now.raw)
	}
	a.knobs(`{"reset": true}`)
	if now := a.get("/_sim/knobs"); now.path("duplicate") != nil || now.path("order") != nil || len(now.path("settlement").(map[string]any)) != 0 {
		t.Errorf("after reset: %s", now.raw)
	}
}

func TestSettlementInAnotherCurrency(t *testing.T) {
	t.Parallel()
	a := prepare(t, func(c *Config) { c.Settlement = map[string]Settlement{"jpy": {To: "usd", RateMicros: 6_512}} })
	id := a.give(giftOf(5000, "jpy"))
	txn := a.session(id)
	at := "payment_intent.latest_charge.balance_transaction."
	// 5000 JPY at 0.006512 is 32.56 USD; 2.9 % of it is 94.4 cents, and 30.
	if txn.text(at+"currency") != "usd" || txn.number(at+"amount") != 3256 || txn.number(at+"fee") != 124 || txn.path(at+"exchange_rate") != 0.006512 {
		t.Errorf("%v", txn.path("payment_intent.latest_charge.balance_transaction"))
	}
	if txn.text("payment_intent.latest_charge.currency") != "jpy" {
		t.Error("the charge was converted, too")
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	start := a.clock.now().Unix()
	if r := a.control("/_sim/clock", `{"advance_seconds": 60}`); r.number("now") != start+60 {
		t.Errorf("%s", r.raw)
	}
	if r := a.control("/_sim/clock", `{"set": `+itoa64(start+3600)+`}`); r.number("now") != start+3600 {
		t.Errorf("%s", r.raw)
	}
	for _, bad := range []string{`{"set": 5}`, `{"advance_seconds": -1}`, `{}`, `{"advance_seconds": 1, "set": 1}`, `{"advance_seconds": 99999999999}`, `soon`} {
		if r := a.control("/_sim/clock", bad); r.status != 400 {
			t.Errorf("%s: %d", bad, r.status)
		}
	}
	if got := a.sim.Truth().Now; got != start+3600 {
		t.Errorf("now %d", got)
	}
}

func TestDashboardWorksWithoutScript(t *testing.T) {
	t.Parallel()
	a, shop, _ := withShop(t, `{}`, func(n int, _ received) int { return 500 })
	a.give(gift())
	a.pay(a.checkout(gift()), "4000000000000002")
	a.settle()
	page := a.get("/_sim")
	for _, part := range []string{"24.00", "EUR", "charge.succeeded", "pending, 1 attempts, last answer 500", "card_declined", shop.url, `action="/_sim/resend"`} {
		if !strings.Contains(page.raw, part) {
			t.Errorf("dashboard lacks %q", part)
		}
	}
	event := shop.all()[0].id()
	sent := a.post("/_sim/resend", map[string][]string{"event": {event}})
	if sent.status != 303 {
		t.Errorf("resend: %d", sent.status)
	}
	a.settle()
	if countByID(shop.all())[event] != 2 {
		t.Error("not sent again")
	}
	if r := a.post("/_sim/clock", map[string][]string{"advance_seconds": {"60"}}); r.status != 303 {
		t.Errorf("clock: %d", r.status)
	}
	if r := a.post("/_sim/knobs", map[string][]string{"knobs": {`{"drop": 9}`}}); r.status != 400 || !strings.Contains(r.raw, `role="alert"`) {
		t.Errorf("bad knobs: %d", r.status)
	}
	if r := a.post("/_sim/resend", map[string][]string{"event": {"evt_x"}}); r.status != 400 {
		t.Errorf("unknown event: %d", r.status)
	}
	// Another site cannot press the buttons.
	r := a.do("POST", "/_sim/clock", map[string][]string{"advance_seconds": {"60"}}, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"})
	if r.status != 403 {
		t.Errorf("cross-site: %d", r.status)
	}
}
