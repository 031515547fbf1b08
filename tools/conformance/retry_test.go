package conformance

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/almoner/almoner/tools/stripesim"
)

// What Stripe's own client makes of faults: whether it tries again, always under the
// same key, and that the money moved once, or not at all when nothing was done.
func TestRetries(t *testing.T) {
	t.Parallel()
	const retries = 2
	for i, fault := range []struct {
		name, knob string
		// cut and half spoil so many answers on the way.
		cut, half int
		// tries is how often the request is sent, failed that the client gives up.
		tries  int
		failed bool
		// refunds is how many there are when the client is done.
		refunds int
	}{
		{name: "none", tries: 1, refunds: 1},
		{name: "500 before it is done", knob: `{"500_before_commit": 1}`, tries: 1, failed: true},
		{name: "500 after it is done", knob: `{"500_after_commit": 1}`, tries: 1, failed: true, refunds: 1},
		{name: "503", knob: `{"503": 1}`, tries: 2, refunds: 1},
		{name: "429", knob: `{"429": 1}`, tries: 1, failed: true},
		{name: "429 for a lock", knob: `{"lock_timeout": 1}`, tries: 2, refunds: 1},
		{name: "a proxy's page", knob: `{"html_502": 1}`, tries: 2, refunds: 1},
		{name: "a line that breaks", cut: 1, tries: 2, refunds: 1},
		{name: "half an answer", half: 1, tries: 1, failed: true, refunds: 1},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			a := open(t, func(c *stripesim.Config) { c.Seed = uint64(1300 + i) })
			s := &story{account: a}
			charge := s.give("4242424242424242").text("payment_intent.latest_charge.id")
			if fault.knob != "" {
				s.do("/_sim/knobs", fault.knob)
			}
			if s.err != nil {
				t.Fatal(s.err)
			}
			a.mu.Lock()
			a.cut, a.half = fault.cut, fault.half
			a.mu.Unlock()
			api := stripeGo(a, retries)
			ask := func() error {
				params := &stripe.RefundParams{Charge: stripe.String(charge), Amount: stripe.Int64(2500)}
				params.IdempotencyKey = stripe.String("re:1")
				_, err := api.Refunds.New(params)
				return err
			}
			err := ask()
			if (err != nil) != fault.failed {
				t.Errorf("the client ended with %v", err)
			}
			var keys []string
			for _, e := range a.heard() {
				if e.method == http.MethodPost && e.path == "/v1/refunds" {
					keys = append(keys, e.header.Get("Idempotency-Key"))
				}
			}
			if len(keys) != fault.tries || strings.Trim(strings.Join(keys, " "), "re:1 ") != "" {
				t.Errorf("sent %d times, want %d, with keys %v", len(keys), fault.tries, keys)
			}
			made := func() int { return len(a.sim.Truth().Refunds) }
			if made() != fault.refunds {
				t.Errorf("%d refunds, want %d", made(), fault.refunds)
			}
			// Asked again under the same key, nothing happens twice.
			err = ask()
			var kept *stripe.Error
			if err != nil && (!errors.As(err, &kept) || kept.HTTPStatusCode != http.StatusInternalServerError) {
				t.Errorf("asked again: %v", err)
			}
			if made() > 1 {
				t.Errorf("%d refunds after the second request", made())
			}
		})
	}
}

// What a key is worth to Stripe's client for Go.
func TestIdempotencyInGo(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *stripesim.Config) { c.Seed = 12 })
	api := stripeGo(a, 0)
	refund := func(charge, key string, amount int64) (*stripe.Refund, error) {
		params := &stripe.RefundParams{Charge: stripe.String(charge), Amount: stripe.Int64(amount)}
		params.IdempotencyKey = stripe.String(key)
		return api.Refunds.New(params)
	}
	s := &story{account: a}
	charge := s.give("4242424242424242").text("payment_intent.latest_charge.id")
	if s.err != nil {
		t.Fatal(s.err)
	}
	first, err := refund(charge, "re:first", 1000)
	if err != nil {
		t.Fatal(err)
	}
	code := func(err error) (out stripe.Error) {
		var failure *stripe.Error
		if errors.As(err, &failure) {
			out = *failure
		}
		return out
	}
	t.Run("the same request is answered with the same refund", func(t *testing.T) {
		again, err := refund(charge, "re:first", 1000)
		if err != nil || again.ID != first.ID || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%v %v", again, err)
		}
	})
	t.Run("another amount under the key is refused", func(t *testing.T) {
		_, err := refund(charge, "re:first", 2000)
		if got := code(err); got.Type != stripe.ErrorTypeIdempotency || got.HTTPStatusCode != http.StatusBadRequest {
			t.Errorf("%v", err)
		}
	})
	t.Run("more than is left is refused, and the refusal kept", func(t *testing.T) {
		for range 2 {
			_, err := refund(charge, "re:much", 20_000)
			if got := code(err); got.Param != "amount" || got.HTTPStatusCode != http.StatusBadRequest {
				t.Errorf("%v", err)
			}
		}
	})
	t.Run("of many at once, one is executed", func(t *testing.T) {
		_, err := a.control("/_sim/knobs", `{"latency": {"ms": 50, "count": 8}}`)
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error, 8)
		for range 8 {
			go func() {
				_, err := refund(charge, "re:many", 500)
				results <- err
			}()
		}
		for range 8 {
			err := <-results
			if err != nil && code(err).Code != stripe.ErrorCodeIdempotencyKeyInUse {
				t.Errorf("%v", err)
			}
		}
		if made := len(a.sim.Truth().Refunds); made != 2 {
			t.Errorf("%d refunds, want the first and this one", made)
		}
	})
	t.Run("a GET needs no key and ignores one", func(t *testing.T) {
		for _, charge := range []string{charge, "ch_none"} {
			params := &stripe.ChargeParams{}
			params.IdempotencyKey = stripe.String("re:first")
			_, err := api.Charges.Get(charge, params)
			if (err == nil) != (charge != "ch_none") {
				t.Errorf("%s: %v", charge, err)
			}
		}
	})
}
