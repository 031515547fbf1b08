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
	underway prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) metrics {
	factory := promauto.With(r)
	return metrics{
		took: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "almoner_http_request_duration_seconds", Help: "How long requests took; live streams last for as long as somebody watches.",
			Buckets: []float64{.0025, .01, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route", "method", "status"}),
		underway: factory.NewGauge(prometheus.GaugeOpts{
			Name: "almoner_http_requests_in_flight", Help: "Requests that are being answered, live streams included.",
		}),
	}
}

// answered notes one request. Statuses are told by their class: 2xx, 4xx.
func (m metrics) answered(route, method string, status int, took time.Duration) {
	m.took.WithLabelValues(route, method, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}
