package testkit

import (
	"bufio"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// Scrape returns what a registry shows to Prometheus, by series as it is written
// there: `almoner_feed_lag_events{consumer="ledger",feed="donation"}`.
func Scrape(t testing.TB, metrics *prometheus.Registry) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	telemetry.Handler(metrics, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return ReadMetrics(t, w.Body.String())
}

// ReadMetrics reads a page of metrics.
func ReadMetrics(t testing.TB, page string) map[string]float64 {
	t.Helper()
	series := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(page)); lines.Scan(); {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("read metric %q: %v", line, err)
		}
		series[line[:at]] = value
	}
	return series
}
