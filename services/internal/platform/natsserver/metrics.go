package natsserver

import (
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Watch tells operators whether a service's connection stands, and how often it
// was made again. Metrics may be nil.
func Watch(metrics prometheus.Registerer, service string, conn *nats.Conn) {
	if metrics == nil {
		return
	}
	labels := prometheus.Labels{"service": service}
	promauto.With(metrics).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "almoner_nats_connected", Help: "1 while the service's connection to NATS stands.", ConstLabels: labels,
	}, func() float64 {
		if conn.IsConnected() {
			return 1
		}
		return 0
	})
	promauto.With(metrics).NewCounterFunc(prometheus.CounterOpts{
		Name: "almoner_nats_reconnects_total", Help: "How often the connection to NATS was lost and made again.", ConstLabels: labels,
	}, func() float64 { return float64(conn.Stats().Reconnects) })
}
