package payments

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/testkit"
)

// The first question that Stripe does not answer is an increase for the alarm, so
// there is a zero before it.
func TestTheFirstQuestionInVainIsAnIncrease(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := newMetrics(registry)
	const away, ok = `almoner_stripe_answers_total{outcome="away"}`, `almoner_stripe_answers_total{outcome="ok"}`
	before := testkit.Scrape(t, registry)
	if count, told := before[away]; !told || count != 0 {
		t.Errorf("before the first it is told %t, %v", told, count)
	}
	m.ended("GET /v1/balance", fmt.Errorf("ask: %w", app.ErrStripeAway), time.Second)
	m.ended("GET /v1/balance", nil, time.Second)
	m.ended("GET /v1/charges", nil, time.Second)
	if after := testkit.Scrape(t, registry); after[away] != 1 || after[ok] != 2 || len(after) <= len(before) {
		t.Errorf("in vain %v, answered %v", after[away], after[ok])
	}
}
