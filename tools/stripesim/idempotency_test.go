package stripesim

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (a *account) keyed(key string, change func(m map[string][]string)) answer {
	a.t.Helper()
	form := gift()
	if change != nil {
		change(form)
	}
	return a.do(http.MethodPost, "/v1/checkout/sessions", form, map[string]string{"Idempotency-Key": key})
}

func TestTheFirstAnswerIsReplayed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })

	first := a.keyed("cs:don_1:1", nil)
	again := a.keyed("cs:don_1:1", nil)

	if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" {
		t.Error("a replay says so, a first answer does not")
	}
	if again.raw != first.raw || again.status != first.status {
		t.Error("the replay differs")
	}
	if again.header.Get("Original-Request") != first.header.Get("Request-Id") || again.header.Get("Request-Id") == first.header.Get("Request-Id") {
		t.Error("request ids")
	}
	if n := len(a.sim.Truth().Sessions); n != 1 {
		t.Errorf("%d sessions", n)
	}

	other := a.keyed("cs:don_1:1", func(m map[string][]string) { m["client_reference_id"] = []string{"other"} })
	if other.status != 400 || other.text("error.type") != "idempotency_error" || !strings.Contains(other.raw, "same parameters") {
		t.Errorf("other parameters: %s", other.raw)
	}
	elsewhere := a.do(http.MethodPost, "/v1/checkout/sessions/"+first.text("id")+"/expire", nil, map[string]string{"Idempotency-Key": "cs:don_1:1"})
	if elsewhere.status != 400 || elsewhere.text("error.type") != "idempotency_error" {
		t.Errorf("other path: %s", elsewhere.raw)
	}

	// The key outlives a restart, and ends after 24 hours by the clock.
	reopened := a.reopen(dir)
	if r := reopened.keyed("cs:don_1:1", nil); r.raw != first.raw || r.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after a restart: %s", r.raw)
	}
	reopened.clock.advance(24*time.Hour - time.Second)
	if r := reopened.keyed("cs:don_1:1", nil); r.raw != first.raw {
		t.Error("forgotten too early")
	}
	reopened.clock.advance(time.Second)
	if r := reopened.keyed("cs:don_1:1", nil); r.text("id") == first.text("id") || r.header.Get("Idempotent-Replayed") != "" {
		t.Error("not forgotten after a day")
	}
}

// reopen opens the store of a, which is closed, with the same clock.
func (a *account) reopen(dir string) *account {
	a.t.Helper()
	return a.reopenAs(dir, nil)
}

func (a *account) reopenAs(dir string, change func(*Config)) *account {
	a.t.Helper()
	err := a.sim.Close()
	if err != nil {
		a.t.Fatal(err)
	}
	clock := a.clock
	b := prepare(a.t, func(c *Config) {
		c.Dir, c.Now, c.Seed = dir, clock.now, 999
		if change != nil {
			change(c)
		}
	})
	b.clock = clock
	return b
}

func TestWhatIsKeptUnderAKeyAndWhatIsNot(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		knob     string
		first    int
		then     int
		sessions int
	}{
		"500 before commit is kept":     {`{"500_before_commit": 1}`, 500, 500, 0},
		"500 after commit is kept":      {`{"500_after_commit": 1}`, 500, 500, 1},
		"503 is not kept":               {`{"503": 1}`, 503, 200, 1},
		"a rate limit is not kept":      {`{"429": 1}`, 429, 200, 1},
		"a lock time-out is not kept":   {`{"lock_timeout": 1}`, 429, 200, 1},
		"a broken gateway is not kept":  {`{"html_502": 1}`, 502, 200, 1},
		"a fault elsewhere is no fault": {`{"503": {"count": 1, "only": "GET "}}`, 200, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := prepare(t, nil)
			a.knobs(test.knob)
			first, then := a.keyed("k", nil), a.keyed("k", nil)
			if first.status != test.first || then.status != test.then {
				t.Errorf("answers %d, %d", first.status, then.status)
			}
			if test.first == 500 && (then.raw != first.raw || then.header.Get("Idempotent-Replayed") != "true") {
				t.Errorf("the 500 was not replayed: %s", then.raw)
			}
			if n := len(a.sim.Truth().Sessions); n != test.sessions {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

func TestAFailedCheckIsNotKept(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	bad := a.keyed("k", func(m map[string][]string) { m["colour"] = []string{"red"} })
	good := a.keyed("k", nil)
	if bad.status != 400 || good.status != 200 {
		t.Errorf("%d, %d", bad.status, good.status)
	}
	long := a.keyed(strings.Repeat("k", 256), nil)
	if long.status != 400 {
		t.Errorf("a key of 256: %d", long.status)
	}
	// A request that got as far as the session's status was executed: it is kept.
	path := "/v1/checkout/sessions/" + good.text("id") + "/expire"
	a.post(path, nil)
	header := map[string]string{"Idempotency-Key": "exp"}
	first := a.do(http.MethodPost, path, nil, header)
	again := a.do(http.MethodPost, path, nil, header)
	if first.status != 400 || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %v", first.status, again.header)
	}
	// GET and DELETE ignore keys.
	for range 2 {
		r := a.do(http.MethodGet, "/v1/balance", nil, header)
		if r.status != 200 || r.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("GET: %d", r.status)
		}
	}
}

func TestTheSameKeyAtTheSameTime(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	a.knobs(`{"latency": {"ms": 60000, "count": 1}}`)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = a.try(ctx, http.MethodPost, "/v1/checkout/sessions", gift(), map[string]string{"Idempotency-Key": "k"})
	}()
	inFlight := func() bool {
		a.sim.mu.RLock()
		defer a.sim.mu.RUnlock()
		return a.sim.inFlight["k"]
	}
	a.eventually("the first request is under way", inFlight)

	second := a.keyed("k", nil)

	if second.status != 409 || second.text("error.code") != "idempotency_key_in_use" {
		t.Errorf("%d %s", second.status, second.raw)
	}
	cancel()
	<-ended
	a.eventually("the first request ended", func() bool { return !inFlight() })
	if third := a.keyed("k", nil); third.status != 200 {
		t.Errorf("afterwards: %d", third.status)
	}
}

func TestTwentyRequestsWithOneKeyMakeOneSession(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	answers := make(chan answer, 20)
	for range 20 {
		go func() {
			r, _ := a.try(t.Context(), http.MethodPost, "/v1/checkout/sessions", gift(), map[string]string{"Idempotency-Key": "k"})
			answers <- r
		}()
	}
	ids := map[string]bool{}
	for range 20 {
		r := <-answers
		switch r.status {
		case 200:
			ids[r.text("id")] = true
		case 409:
		default:
			t.Errorf("status %d", r.status)
		}
	}
	if len(ids) != 1 || len(a.sim.Truth().Sessions) != 1 {
		t.Errorf("%d ids, %d sessions", len(ids), len(a.sim.Truth().Sessions))
	}
}

func TestTimeOutAfterCommit(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	a.knobs(`{"timeout_after_commit": 1}`)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := a.try(ctx, http.MethodPost, "/v1/checkout/sessions", gift(), map[string]string{"Idempotency-Key": "k"})
		ended <- err
	}()
	a.eventually("the session is there", func() bool { return len(a.sim.Truth().Sessions) == 1 })
	cancel()
	err := <-ended
	if err == nil {
		t.Fatal("the client got an answer")
	}
	a.eventually("the key is free", func() bool {
		a.sim.mu.RLock()
		defer a.sim.mu.RUnlock()
		return !a.sim.inFlight["k"]
	})
	retried := a.keyed("k", nil)
	if retried.status != 200 || retried.header.Get("Idempotent-Replayed") != "true" || len(a.sim.Truth().Sessions) != 1 {
		t.Errorf("the retry finds what was done: %d", retried.status)
	}
}
