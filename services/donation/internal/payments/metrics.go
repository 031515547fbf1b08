package payments

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/almoner/almoner/services/donation/internal/app"
)

// metrics are what operators see of Stripe.
type metrics struct {
	took *prometheus.HistogramVec
	// answers are what the alarm reads: their series are there before the first call.
	answers *prometheus.CounterVec
	skew    prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) metrics {
	factory := promauto.With(r)
	m := metrics{
		took: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "almoner_stripe_calls_seconds", Help: "How long questions to Stripe took, all tries included.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"operation", "outcome"}),
		answers: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "almoner_stripe_answers_total", Help: "Questions to Stripe by how they ended, all tries included.",
		}, []string{"outcome"}),
		skew: factory.NewGauge(prometheus.GaugeOpts{
			Name: "almoner_clock_skew_seconds", Help: "How far another clock is ahead of ours.", ConstLabels: prometheus.Labels{"against": "stripe"},
		}),
	}
	for _, how := range []string{outcomeOK, outcomeAway, outcomeUnknown, outcomeUsedUp, outcomeRefused, outcomeFailed} {
		m.answers.WithLabelValues(how)
	}
	return m
}

// ended notes how a question ended, and how long it took.
func (m metrics) ended(operation string, err error, took time.Duration) {
	how := outcome(err)
	m.took.WithLabelValues(operation, how).Observe(took.Seconds())
	m.answers.WithLabelValues(how).Inc()
}

// How questions end.
const (
	outcomeOK      = "ok"
	outcomeAway    = "away"
	outcomeUnknown = "unknown"
	outcomeUsedUp  = "key_used_up"
	outcomeRefused = "refused"
	outcomeFailed  = "failed"
)

// words are what paths at Stripe are made of; everything else in them is an id.
var words = []string{
	"v1", "account", "balance", "balance_transactions", "billing_portal", "charges", "checkout", "disputes", "events", "expire", "invoices",
	"payment_intents", "refunds", "sessions", "subscriptions", "void",
}

// operation is what is asked, without ids.
func operation(method, path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if !slices.Contains(words, part) {
			parts[i] = "{id}"
		}
	}
	return method + " /" + strings.Join(parts, "/")
}

// outcome is how a question ended, in few words.
func outcome(err error) string {
	var refused *app.RefusedError
	switch {
	case err == nil:
		return outcomeOK
	case errors.Is(err, app.ErrStripeAway):
		return outcomeAway
	case errors.Is(err, app.ErrStripeUnknown):
		return outcomeUnknown
	case errors.Is(err, app.ErrKeyUsedUp):
		return outcomeUsedUp
	case errors.As(err, &refused):
		return outcomeRefused
	}
	return outcomeFailed
}

// told compares clocks by the date of an answer, which has whole seconds.
func (m metrics) told(header http.Header, now time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err == nil {
		m.skew.Set(date.Add(500 * time.Millisecond).Sub(now).Seconds())
	}
}
