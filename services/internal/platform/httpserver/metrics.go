package httpserver

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics count requests by the route's pattern, never by the path: paths hold
// tokens, and a stranger can invent any number of them.
type metrics struct {
	took     *prometheus.HistogramVec
	answers  *prometheus.CounterVec
	underway prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) metrics {
	factory := promauto.With(r)
	m := metrics{
		took: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "almoner_http_request_duration_seconds", Help: "How long requests took; live streams last for as long as somebody watches.",
			Buckets: []float64{.0025, .01, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route", "method", "status"}),
		answers: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "almoner_http_answers_total", Help: "Requests that were answered, by the class of the status.",
		}, []string{"status"}),
		underway: factory.NewGauge(prometheus.GaugeOpts{
			Name: "almoner_http_requests_in_flight", Help: "Requests that are being answered, live streams included.",
		}),
	}
	// An alarm counts errors, and of a series that begins with the first one it sees no
	// increase. Those of routes begin so, for nobody knows all of them here.
	for status := 100; status < 600; status += 100 {
		m.answers.WithLabelValues(class(status))
	}
	return m
}

// class is what a status is told by: 2xx, 4xx.
func class(status int) string { return strconv.Itoa(status/100) + "xx" }

// answered notes one request.
func (m metrics) answered(route, method string, status int, took time.Duration) {
	m.took.WithLabelValues(route, method, class(status)).Observe(took.Seconds())
	m.answers.WithLabelValues(class(status)).Inc()
}
