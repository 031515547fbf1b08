package stripesim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// verify checks a signature the way Stripe's documentation tells receivers to.
func verify(t *testing.T, r received, secret string) (stamp int64, good int) {
	t.Helper()
	var v1 []string
	for _, part := range strings.Split(r.signature, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "t":
			stamp, _ = strconv.ParseInt(value, 10, 64)
		case "v1":
			v1 = append(v1, value)
		}
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(strconv.FormatInt(stamp, 10) + "." + string(r.raw)))
	want := hex.EncodeToString(h.Sum(nil))
	for _, have := range v1 {
		if have == want {
			good++
		}
	}
	return stamp, good
}

func TestEventsArriveSigned(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, nil)
	a := open(t, nil)
	secret := a.listen(shop)
	a.knobs(`{"order": "fifo"}`)

	a.give(gift())
	a.settle()

	want := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	if !slices.Equal(shop.types(), want) {
		t.Fatalf("received %v", shop.types())
	}
	for _, r := range shop.all() {
		stamp, good := verify(t, r, secret)
		if good != 1 || stamp != a.clock.now().Unix() || !strings.Contains(r.signature, ",v0=") {
			t.Errorf("signature %s", r.signature)
		}
		if r.event["api_version"] != APIVersion || r.event["livemode"] != false || r.event["object"] != "event" {
			t.Errorf("envelope %s", r.raw)
		}
	}
	// What was announced is what the API shows of that moment.
	completed := shop.all()[3].event["data"].(map[string]any)["object"].(map[string]any)
	shown := a.get("/v1/checkout/sessions/" + completed["id"].(string))
	if !reflect.DeepEqual(completed, shown.body) {
		t.Errorf("announced %v\nshown %v", completed, shown.body)
	}
	created := shop.all()[0].event["data"].(map[string]any)["object"].(map[string]any)
	if created["status"] != "requires_payment_method" || created["latest_charge"] != nil {
		t.Error("payment_intent.created announces a later version")
	}
	if event := a.get("/v1/events/" + shop.all()[3].id()); event.number("pending_webhooks") != 0 {
		t.Error("still pending after a 200")
	}
}

// A receiver refuses what was signed minutes from now by its own clock, which does
// not leap when the simulated one does.
func TestWebhooksAreSignedByTheReceiversClock(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, nil)
	a := open(t, nil)
	secret := a.listen(shop)
	a.control("/_sim/clock", `{"advance_seconds": 2678400}`)
	a.give(gift())
	a.settle()
	for _, r := range shop.all() {
		stamp, good := verify(t, r, secret)
		created, _ := r.event["created"].(float64)
		if good != 1 || stamp != a.clock.now().Unix() || int64(created) != stamp+2678400 {
			t.Errorf("signed at %d, created at %.0f", stamp, created)
		}
	}
	if len(shop.all()) == 0 {
		t.Error("nothing arrived")
	}
}

func TestOnlyWantedEventsAreSent(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, nil)
	a := open(t, nil)
	_, err := a.sim.EnsureWebhookEndpoint(shop.url, []string{"checkout.session.completed", "charge.*"}, APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	a.give(gift())
	a.settle()
	got := shop.types()
	slices.Sort(got)
	if !slices.Equal(got, []string{"charge.succeeded", "checkout.session.completed"}) {
		t.Errorf("received %v", got)
	}
	// A deleted endpoint hears nothing more.
	list := a.get("/v1/webhook_endpoints")
	a.do(http.MethodDelete, "/v1/webhook_endpoints/"+ids(list)[0], nil, nil)
	a.give(gift())
	a.settle()
	if n := len(shop.all()); n != 2 {
		t.Errorf("%d deliveries", n)
	}
}

func TestDeliveryIsTriedOnASchedule(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, func(int, received) int { return http.StatusInternalServerError })
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	secret := a.listen(shop)
	start := a.clock.now()
	_, err := a.sim.EnsureWebhookEndpoint(shop.url, []string{"checkout.session.completed"}, APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	a.give(gift())
	a.settle()
	if n := len(shop.all()); n != 1 {
		t.Fatalf("%d attempts at once", n)
	}
	for i, pause := range embeddedRetries() {
		a.clock.advance(pause - time.Second)
		a.settle()
		if n := len(shop.all()); n != i+1 {
			t.Fatalf("%d attempts before pause %d was over", n, i)
		}
		a.clock.advance(time.Second)
		a.settle()
		if n := len(shop.all()); n != i+2 {
			t.Fatalf("%d attempts after pause %d", n, i)
		}
	}
	for _, r := range shop.all() {
		stamp, good := verify(t, r, secret)
		if good != 1 {
			t.Error("bad signature")
		}
		_ = stamp
	}
	// Each attempt has its own time, and the body is the same event.
	last, _ := verify(t, shop.all()[10], secret)
	if last != a.clock.now().Unix() || shop.all()[10].id() != shop.all()[0].id() {
		t.Errorf("last attempt at %d", last)
	}
	for range 10 {
		a.clock.advance(12 * time.Hour)
		a.settle()
	}
	n := len(shop.all())
	if a.clock.now().Sub(start) < 72*time.Hour || n > 16 || n < 14 {
		t.Errorf("%d attempts in three days", n)
	}
	if a.sim.Truth().Undelivered != 0 {
		t.Error("still being tried after three days")
	}
	if failed := a.get("/v1/events?delivery_success=false"); len(ids(failed)) != 1 {
		t.Error("the event that was never delivered is not listed as such")
	}
	// What was given up can still be sent by hand.
	shop.mu.Lock()
	shop.answer = nil
	shop.mu.Unlock()
	if r := a.control("/_sim/resend", `{"event": "`+shop.all()[0].id()+`"}`); r.number("resent") != 1 {
		t.Errorf("resend: %s", r.raw)
	}
	a.settle()
	if got := shop.all(); len(got) != n+1 {
		t.Errorf("%d deliveries after the resend", len(got))
	}
}

func TestWhatCountsAsDelivered(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(elsewhere.Close)
	statuses := []int{http.StatusFound, http.StatusBadRequest, http.StatusNoContent}
	var n atomic.Int64
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := statuses[n.Add(1)-1]
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader(status)
	}))
	t.Cleanup(shop.Close)
	a := open(t, func(c *Config) { c.CheckoutWait = -1 })
	_, err := a.sim.EnsureWebhookEndpoint(shop.URL, []string{"checkout.session.completed"}, "")
	if err != nil {
		t.Fatal(err)
	}
	a.give(gift())
	for range 5 {
		a.settle()
		a.clock.advance(time.Minute)
	}
	if n.Load() != 3 || hits.Load() != 0 {
		t.Errorf("%d attempts, %d redirects followed", n.Load(), hits.Load())
	}
}

func TestUndeliveredEventsAreSentAtTheNextStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop := newReceiver(t, nil)
	a := prepare(t, func(c *Config) { c.Dir = dir }) // nothing runs: nothing is sent
	secret := a.listen(shop)
	a.give(gift())
	if len(shop.all()) != 0 {
		t.Fatal("sent without Run")
	}
	b := a.reopen(dir)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.sim.Run(ctx) }()
	b.settle()
	cancel()
	err := <-done
	if err != nil {
		t.Fatal(err)
	}
	if n := len(shop.all()); n != 4 {
		t.Fatalf("%d deliveries", n)
	}
	_, good := verify(t, shop.all()[0], secret)
	if good != 1 {
		t.Error("signed with another secret")
	}
	// What was answered is not sent again.
	c := b.reopen(dir)
	if c.sim.Truth().Undelivered != 0 {
		t.Error("delivered events wait again")
	}
}

func TestASecretIsRolledWithOverlap(t *testing.T) {
	t.Parallel()
	shop := newReceiver(t, nil)
	a := open(t, nil)
	old := a.listen(shop)
	endpoint := ids(a.get("/v1/webhook_endpoints"))[0]
	rolled := a.control("/_sim/webhook_endpoints/"+endpoint+"/roll", `{"overlap_seconds": 3600}`)
	fresh := rolled.text("secret")
	if fresh == old || !strings.HasPrefix(fresh, "whsec_") {
		t.Fatalf("%s", rolled.raw)
	}
	a.give(gift())
	a.settle()
	during := shop.all()[0]
	_, withOld := verify(t, during, old)
	_, withNew := verify(t, during, fresh)
	if withOld != 1 || withNew != 1 {
		t.Errorf("during the overlap: %s", during.signature)
	}
	a.clock.advance(time.Hour)
	a.give(gift())
	a.settle()
	after := shop.all()[4]
	_, withOld = verify(t, after, old)
	_, withNew = verify(t, after, fresh)
	if withOld != 0 || withNew != 1 {
		t.Errorf("after the overlap: %s", after.signature)
	}
	if r := a.control("/_sim/webhook_endpoints/we_x/roll", ``); r.status != 400 {
		t.Errorf("unknown endpoint: %d", r.status)
	}
}

// The donor comes back when the shop has answered, or after CheckoutWait.
func TestTheRedirectWaitsForTheWebhook(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var answered atomic.Bool
	shop := newReceiver(t, func(_ int, r received) int {
		if r.eventType() == "checkout.session.completed" {
			<-release
			answered.Store(true)
		}
		return 200
	})
	a := open(t, nil)
	a.listen(shop)
	id := a.checkout(gift())
	redirected := make(chan bool, 1)
	go func() {
		_, err := a.try(t.Context(), http.MethodPost, "/c/pay/"+id, cardForm("4242424242424242"), nil)
		redirected <- err == nil && answered.Load()
	}()
	a.eventually("the webhook is under way", func() bool { return slices.Contains(shop.types(), "checkout.session.completed") })
	select {
	case <-redirected:
		t.Fatal("redirected before the webhook was answered")
	default:
	}
	close(release)
	if !<-redirected {
		t.Error("redirected without the answer")
	}
}

func TestTheRedirectDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	shop := newReceiver(t, func(int, received) int { <-release; return 200 })
	a := open(t, func(c *Config) { c.CheckoutWait = 30 * time.Millisecond })
	t.Cleanup(func() { close(release) })
	a.listen(shop)
	if id := a.give(gift()); id == "" {
		t.Error("not redirected")
	}
}

func TestEnsureWebhookEndpoint(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	first, err := a.sim.EnsureWebhookEndpoint("http://127.0.0.1:8080/webhooks/stripe", []string{"*"}, APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	seq := a.sim.state.seq
	second, err := a.sim.EnsureWebhookEndpoint("http://127.0.0.1:8080/webhooks/stripe", []string{"*"}, APIVersion)
	if err != nil || second != first || a.sim.state.seq != seq {
		t.Errorf("the same again: %q, %v, %d records", second, err, a.sim.state.seq-seq)
	}
	third, err := a.sim.EnsureWebhookEndpoint("http://127.0.0.1:8080/webhooks/stripe", []string{"charge.*"}, APIVersion)
	if err != nil || third != first || len(ids(a.get("/v1/webhook_endpoints"))) != 1 {
		t.Errorf("with other events: %q, %v", third, err)
	}
	for _, bad := range []string{"", "donate.example", "ftp://donate.example"} {
		_, err := a.sim.EnsureWebhookEndpoint(bad, []string{"*"}, APIVersion)
		if err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	given := prepare(t, func(c *Config) { c.WebhookSecret = "whsec_given" })
	secret, err := given.sim.EnsureWebhookEndpoint("http://127.0.0.1:8080/webhooks/stripe", []string{"*"}, "")
	if err != nil || secret != "whsec_given" {
		t.Errorf("%q, %v", secret, err)
	}
}
