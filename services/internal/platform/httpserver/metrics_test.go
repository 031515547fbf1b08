package httpserver

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/internal/testkit"
)

// Somebody who tries a thousand paths and invents methods makes no series: the
// route's pattern is the label, and what matched nothing is one.
func TestRequestsAreCountedByTheirRoute(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	routes := http.NewServeMux()
	routes.HandleFunc("GET /receipts/{number}/{token}", func(http.ResponseWriter, *http.Request) {})
	s := build(Config{Handler: routes, Metrics: metrics})
	for _, path := range []string{"/receipts/HW-2026-000001/s3cr3t", "/receipts/HW-2026-000002/t0k3n", "/wp-admin", "/.env"} {
		s.get(path)
	}
	s.get("/receipts/HW-2026-000003/s3cr3t", func(r *http.Request) { r.Method = "AMINA" })

	seen := testkit.Scrape(t, metrics)
	const took = "almoner_http_request_duration_seconds_count"
	for series, want := range map[string]float64{
		took + `{method="GET",route="/receipts/{number}/{token}",status="2xx"}`: 2,
		took + `{method="GET",route="-",status="4xx"}`:                          2,
		took + `{method="other",route="-",status="4xx"}`:                        1,
		"almoner_http_requests_in_flight":                                       0,
	} {
		if got, shown := seen[series]; got != want || !shown {
			t.Errorf("%s is %v (shown: %v), want %v", series, got, shown, want)
		}
	}
	for series := range seen {
		for _, personal := range []string{"s3cr3t", "t0k3n", "AMINA", "wp-admin"} {
			if strings.Contains(series, personal) {
				t.Errorf("a metric tells %s", series)
			}
		}
	}
}
