package donation_test

import (
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/testkit"
)

// A gift, a decline, a form that was refused and a forged webhook are counted; no
// series names a donation, a payment or a donor, and Stripe's operations have no
// ids in them.
func TestWhatHappensToGiftsIsCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"duplicate": 1.0}`)
	paid := w.checkout(form())
	w.pay(paid.GetSessionId(), visa)
	w.settled(paid.GetDonationId())
	declined := w.checkout(form())
	w.pay(declined.GetSessionId(), noFunds)
	w.eventually("the decline is heard of", func() bool { return w.donation(declined.GetDonationId()).GetDeclineCode() != "" })
	w.quiet()
	bad := form()
	bad.Email = "amina at example"
	_, err := w.web.StartCheckout(t.Context(), bad)
	if err == nil {
		t.Error("a form without an address was taken")
	}
	w.deliver([]byte(`{}`), "whsec_of_someone_else", w.clock.Now())

	seen := testkit.Scrape(t, w.metrics)
	for series, want := range map[string]float64{
		`almoner_gifts_total{currency="EUR"}`:                                                     1,
		`almoner_gifts_minor_total{currency="EUR"}`:                                               100_00,
		`almoner_declines_total{code="insufficient_funds"}`:                                       1,
		`almoner_checkouts_total{outcome="session"}`:                                              2,
		`almoner_checkouts_total{outcome="invalid_argument"}`:                                     1,
		`almoner_stripe_webhooks_total{outcome="refused",type="other"}`:                           1,
		`almoner_stripe_webhooks_total{outcome="failed",type="other"}`:                            0,
		`almoner_parked_items{kind="stripe",service="donation"}`:                                  0,
		`almoner_recon_unmatched{kind="gift_without_money"}`:                                      0,
		`almoner_recon_oldest_unmatched_age_seconds{kind="stripe_event"}`:                         0,
		`almoner_feed_unsequenced_age_seconds{feed="donation"}`:                                   0,
		`almoner_stripe_calls_seconds_count{operation="POST /v1/checkout/sessions",outcome="ok"}`: 2,
	} {
		if got, told := seen[series]; !told || got != want {
			t.Errorf("%s is %v (told: %v), want %v", series, got, told, want)
		}
	}
	if last, now := seen["almoner_stripe_webhook_last_timestamp_seconds"], float64(w.clock.Now().Unix()); last < now-3600 || last > now {
		t.Errorf("the last webhook was at %v, it is %v", last, now)
	}
	if twice := seen[`almoner_stripe_webhooks_total{outcome="stored",type="payment_intent.succeeded"}`]; twice != 2 {
		t.Errorf("a webhook that came twice is counted %v times", twice)
	}
	for series := range seen {
		for _, secret := range []string{paid.GetDonationId(), paid.GetSessionId(), "pi_1", "cs_test", "amina", "Amina"} {
			if strings.Contains(series, secret) {
				t.Errorf("a metric tells %s", series)
			}
		}
	}
}
