package telemetry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Two Prometheus servers scrape every few seconds; the database is asked four
// times a minute. When it is away the gauge is gone, which is counted.
func TestAGaugeIsAskedForAtMostEverySoOften(t *testing.T) {
	t.Parallel()
	clock := testkit.Clock(t, time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC))
	metrics := prometheus.NewRegistry()
	due := prometheus.NewDesc("almoner_receipts_due", "Gifts without their receipt.", []string{"organization"}, nil)
	asked, gifts := 0, 3.0
	var away error
	metrics.MustRegister(telemetry.NewLook("receipt", telemetry.LookEvery, clock.Now, func(ctx context.Context, tell telemetry.Tell) error {
		asked++
		_, limited := ctx.Deadline()
		if !limited {
			t.Error("a look has no limit")
		}
		tell(due, gifts, "hope-works")
		return away
	}, due))

	if got := value(t, metrics, "almoner_receipts_due"); got != 3 || asked > 2 {
		t.Errorf("it tells %v after asking %d times", got, asked)
	}
	before := asked
	gifts = 5
	clock.Advance(14 * time.Second)
	if got := value(t, metrics, "almoner_receipts_due"); got != 3 || asked != before {
		t.Errorf("within 15 s it tells %v and asked %d times more", got, asked-before)
	}
	clock.Advance(time.Second)
	if got := value(t, metrics, "almoner_receipts_due"); got != 5 || asked != before+1 {
		t.Errorf("after 15 s it tells %v and asked %d times more", got, asked-before)
	}

	away = errors.New("the database is away")
	clock.Advance(15 * time.Second)
	page := scrape(t, metrics)
	if strings.Contains(page, "almoner_receipts_due{") || !strings.Contains(page, `almoner_look_failures_total{look="receipt"} 1`) {
		t.Errorf("without the database it shows\n%s", page)
	}
}

func TestWhatEveryProgramTells(t *testing.T) {
	t.Parallel()
	page := scrape(t, telemetry.NewMetrics("v1.4.0", "2023-10-16"))
	for _, want := range []string{
		`almoner_build_info{go_version="go1.`, `stripe_version="2023-10-16",version="v1.4.0"} 1`, "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("it lacks %q:\n%s", want, page)
		}
	}
}

// One part that is broken does not hide the others.
func TestABrokenPartDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(broken{}, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "almoner_fine", Help: "Fine."}, func() float64 { return 1 }))
	if page := scrape(t, metrics); !strings.Contains(page, "almoner_fine 1") {
		t.Errorf("it shows\n%s", page)
	}
}

type broken struct{}

func (broken) Describe(out chan<- *prometheus.Desc) {
	out <- prometheus.NewDesc("almoner_broken", "Broken.", nil, nil)
}

func (broken) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.NewInvalidMetric(prometheus.NewDesc("almoner_broken", "Broken.", nil, nil), errors.New("no value"))
}

func scrape(t *testing.T, metrics *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	telemetry.Handler(metrics, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	page, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("answered %d as %s", w.Code, w.Header().Get("Content-Type"))
	}
	return string(page)
}
