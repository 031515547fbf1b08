package donation_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/testkit"
)

// increases are the counters of this service that alarms ask for the increase of, by the
// start of the series' names.
func increases(t *testing.T) []string {
	t.Helper()
	rules, err := os.ReadFile("../../deploy/prometheus/almoner.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile(`increase\((almoner_[a-z_]+)`).FindAllStringSubmatch(string(rules), -1) {
		if slices.Contains([]string{"almoner_declines_total", "almoner_gifts_total", "almoner_stripe_webhooks_total"}, match[1]) && !slices.Contains(found, match[1]) {
			found = append(found, match[1])
		}
	}
	if len(found) != 3 {
		t.Fatalf("alarms ask for %v", found)
	}
	return found
}

// A series that begins with its first count has had no increase: an alarm would be
// silent about the first of each kind. Those of gifts begin with a donor's form.
func TestWhatAlarmsAreAboutBeginsWithNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.checkout(form())
	seen := testkit.Scrape(t, w.metrics)
	for _, name := range increases(t) {
		kinds := 0
		for series, value := range seen {
			if strings.HasPrefix(series, name+"{") && value == 0 {
				kinds++
			}
		}
		if kinds == 0 {
			t.Errorf("%s is not told before its first", name)
		}
	}
	for _, series := range []string{
		`almoner_declines_total{code="insufficient_funds"}`, `almoner_declines_total{code="other"}`, `almoner_gifts_total{currency="EUR"}`,
		`almoner_stripe_webhooks_total{outcome="stored",type="payment_intent.succeeded"}`, `almoner_stripe_webhooks_total{outcome="failed",type="other"}`,
	} {
		if value, told := seen[series]; !told || value != 0 {
			t.Errorf("%s is %v (told: %v) before the first", series, value, told)
		}
	}
}

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
