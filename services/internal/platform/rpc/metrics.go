package rpc

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/almoner/almoner/services/internal/apperr"
)

// stranger stands for every caller that no contract names: its name is whatever
// it says, and would be a label of its own each time.
const stranger = "stranger"

// metrics count calls where they are answered.
type metrics struct {
	took *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) metrics {
	return metrics{took: promauto.With(r).NewHistogramVec(prometheus.HistogramOpts{
		Name: "almoner_rpc_duration_seconds", Help: "How long calls took where they were answered; streams last for as long as somebody watches.",
		Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10},
	}, []string{"method", "caller", "code"})}
}

// answered notes one call.
func (s *Server) answered(method, caller string, took time.Duration, err error) {
	if !s.access.names(caller) {
		caller = stranger
	}
	code := "OK"
	if err != nil {
		code = string(apperr.CodeOf(err))
	}
	s.metrics.took.WithLabelValues(method, caller, code).Observe(took.Seconds())
}
