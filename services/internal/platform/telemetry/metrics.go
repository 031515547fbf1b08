package telemetry

import (
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// scrapeTimeout is less than Prometheus waits by default, so that it hears
	// what there is and not nothing.
	scrapeTimeout = 8 * time.Second
	// scrapesAtOnce is enough for two Prometheus servers and somebody who looks.
	scrapesAtOnce = 4
)

// NewMetrics returns a registry with what is known of every Go program and of
// this build. It is handed to whoever counts something; there is no global one.
func NewMetrics(version, stripeVersion string) *prometheus.Registry {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "almoner_build_info", Help: "Always 1; the labels say which program runs.",
			ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version(), "stripe_version": stripeVersion},
		}, func() float64 { return 1 }),
	)
	return metrics
}

// Handler shows the registry to Prometheus. What cannot be collected is left
// out and logged: half of the alarms are better than none.
func Handler(metrics *prometheus.Registry, logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(metrics, promhttp.HandlerOpts{
		ErrorLog:            complaints{logger},
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapesAtOnce,
		Timeout:             scrapeTimeout,
	})
}

type complaints struct{ logger *slog.Logger }

func (c complaints) Println(words ...any) {
	var text []string
	for _, word := range words {
		switch word := word.(type) {
		case error:
			text = append(text, word.Error())
		case string:
			text = append(text, word)
		}
	}
	c.logger.Warn("metrics could not all be collected", slog.String("error", strings.Join(text, " ")))
}
