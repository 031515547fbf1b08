package conformance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/almoner/almoner/tools/stripesim"
)

// signed makes a header as Stripe does.
func signed(body []byte, at time.Time, secret string) string {
	stamp := fmt.Sprint(at.Unix())
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(stamp + "."))
	h.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(h.Sum(nil))
}

// oneDelivery is a webhook of a new account, and the account.
func oneDelivery(t *testing.T, seed uint64) (*account, delivery) {
	t.Helper()
	a := open(t, func(c *stripesim.Config) { c.Seed = seed })
	_, err := a.control("/_sim/foreign_charge", `{"amount": 990}`)
	if err == nil {
		err = a.settle()
	}
	got := a.hook.deliveries()
	if err != nil || len(got) == 0 {
		t.Fatalf("%d webhooks: %v", len(got), err)
	}
	return a, got[0]
}

// What the simulator signs, both of Stripe's libraries take; what somebody changed,
// signed with something else or kept for long, neither does.
func TestSignatures(t *testing.T) {
	t.Parallel()
	a, d := oneDelivery(t, 10)
	now := time.Now()
	changed := []byte(strings.Replace(string(d.raw), `"livemode":false`, `"livemode":true `, 1))
	for _, check := range []struct {
		name, header, secret string
		body                 []byte
		want                 error
	}{
		{"the simulator's own", d.signature, a.hook.secret, d.raw, nil},
		{"two secrets during a change", signed(d.raw, now, "whsec_new") + strings.TrimPrefix(signed(d.raw, now, a.hook.secret), fmt.Sprintf("t=%d", now.Unix())), a.hook.secret, d.raw, nil},
		{"a changed body", d.signature, a.hook.secret, changed, webhook.ErrNoValidSignature},
		{"another secret", d.signature, "whsec_other", d.raw, webhook.ErrNoValidSignature},
		{"kept for too long", signed(d.raw, now.Add(-301*time.Second), a.hook.secret), a.hook.secret, d.raw, webhook.ErrTooOld},
		{"no signature", "t=1,v0=abc", a.hook.secret, d.raw, webhook.ErrNoValidSignature},
		{"no header", "", a.hook.secret, d.raw, webhook.ErrNotSigned},
	} {
		t.Run("in Go, "+check.name, func(t *testing.T) {
			_, err := webhook.ConstructEvent(check.body, check.header, check.secret)
			if !errors.Is(err, check.want) {
				t.Errorf("%v, want %v", err, check.want)
			}
		})
	}
	runNode(t, a, "signatures.mjs", "DELIVERY="+encoded(map[string]string{
		"body": string(d.raw), "signature": d.signature, "secret": a.hook.secret,
	}))
	t.Run("a corrupted one", func(t *testing.T) {
		_, err := a.control("/_sim/knobs", `{"corrupt_signature": {"count": 1}}`)
		if err == nil {
			_, err = a.control("/_sim/resend", encoded(map[string]string{"event": fmt.Sprint(d.event["id"])}))
		}
		if err == nil {
			err = a.settle()
		}
		if err != nil {
			t.Fatal(err)
		}
		got := a.hook.deliveries()
		last := got[len(got)-1]
		_, err = webhook.ConstructEvent(last.raw, last.signature, a.hook.secret)
		if !errors.Is(err, webhook.ErrNoValidSignature) {
			t.Errorf("the knob's signature: %v", err)
		}
	})
}
