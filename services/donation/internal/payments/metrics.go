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
	skew prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) metrics {
	factory := promauto.With(r)
	return metrics{
		took: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "almoner_stripe_calls_seconds", Help: "How long questions to Stripe took, all tries included.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"operation", "outcome"}),
		skew: factory.NewGauge(prometheus.GaugeOpts{
			Name: "almoner_clock_skew_seconds", Help: "How far another clock is ahead of ours.", ConstLabels: prometheus.Labels{"against": "stripe"},
		}),
	}
}

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
		return "ok"
	case errors.Is(err, app.ErrStripeAway):
		return "away"
	case errors.Is(err, app.ErrStripeUnknown):
		return "unknown"
	case errors.Is(err, app.ErrKeyUsedUp):
		return "key_used_up"
	case errors.As(err, &refused):
		return "refused"
	}
	return "failed"
}

// told compares clocks by the date of an answer, which has whole seconds.
func (m metrics) told(header http.Header, now time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err == nil {
		m.skew.Set(date.Add(500 * time.Millisecond).Sub(now).Seconds())
	}
}
