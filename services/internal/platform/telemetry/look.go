package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// LookEvery is how old an answer may be that is told again. Alarms are about
	// minutes; asking a database at every scrape of every Prometheus is not free.
	LookEvery = 15 * time.Second
	// lookTimeout bounds one look: a database that hangs must not hang the scrape.
	lookTimeout = 2 * time.Second
)

// Tell gives one value of a metric; labels are in the order of its description.
type Tell func(metric *prometheus.Desc, value float64, labels ...string)

// Look is gauges whose values must be asked for, such as by a query. It asks when
// it is scraped, at most every so often, and tells the same in between. Without
// anybody who scrapes it costs nothing. It is safe for concurrent use.
type Look struct {
	every   time.Duration
	now     func() time.Time
	ask     func(ctx context.Context, tell Tell) error
	metrics []*prometheus.Desc
	failed  prometheus.Counter

	mu    sync.Mutex
	asked time.Time
	found []prometheus.Metric
}

// NewLook names the look for the count of its failures: an alarm whose gauge
// cannot be read is silent, and that is an alarm, too. ask tells the values of
// the metrics; when it fails, none of them is told until it succeeds again.
func NewLook(name string, every time.Duration, now func() time.Time, ask func(ctx context.Context, tell Tell) error, metrics ...*prometheus.Desc) *Look {
	return &Look{
		every: every, now: now, ask: ask, metrics: metrics,
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "almoner_look_failures_total", Help: "How often gauges could not be read, such as from a database that was away.",
			ConstLabels: prometheus.Labels{"look": name},
		}),
	}
}

// Describe implements prometheus.Collector.
func (l *Look) Describe(out chan<- *prometheus.Desc) {
	l.failed.Describe(out)
	for _, metric := range l.metrics {
		out <- metric
	}
}

// Collect implements prometheus.Collector.
func (l *Look) Collect(out chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.asked.IsZero() || now.Sub(l.asked) >= l.every {
		l.asked = now
		l.refresh()
	}
	l.failed.Collect(out)
	for _, metric := range l.found {
		out <- metric
	}
}

func (l *Look) refresh() {
	// Prometheus gives no context; the look has its own limit.
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	l.found = nil
	var found []prometheus.Metric
	err := l.ask(ctx, func(metric *prometheus.Desc, value float64, labels ...string) {
		found = append(found, prometheus.MustNewConstMetric(metric, prometheus.GaugeValue, value, labels...))
	})
	if err != nil {
		l.failed.Inc()
		return
	}
	l.found = found
}
