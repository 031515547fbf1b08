package httpserver

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/apperr"
)

func well(context.Context) error { return nil }

func failing(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	noNATS := apperr.Wrap(errors.New("dial nats://events:hunter2@nats:4222"), apperr.Unavailable, "NATS_UNREACHABLE", "Events are delayed.")
	migration := apperr.New(apperr.FailedPrecondition, "MIGRATION_PENDING", "A migration is pending.")
	tests := []struct {
		name   string
		checks []Check
		status int
		body   string
	}{
		{"nothing to check", nil, 200, `{"status":"ok"}`},
		{"all well", []Check{{"database", true, well}, {"nats", false, well}}, 200, `{"status":"ok"}`},
		{
			"donors can still give without NATS", []Check{{"database", true, well}, {"nats", false, failing(noNATS)}},
			200, `{"status":"degraded","degraded":[{"name":"nats","reason":"NATS_UNREACHABLE","message":"Events are delayed."}]}`,
		},
		{
			"but not without the database", []Check{{"database", true, failing(migration)}, {"nats", false, failing(noNATS)}},
			503, `{"status":"unavailable","failed":[{"name":"database","reason":"MIGRATION_PENDING","message":"A migration is pending."}],` +
				`"degraded":[{"name":"nats","reason":"NATS_UNREACHABLE","message":"Events are delayed."}]}`,
		},
		{
			"an error's inside is not shown", []Check{{"stripe", false, failing(errors.New("sk_live_hunter2 refused"))}},
			200, `{"status":"degraded","degraded":[{"name":"stripe","reason":"INTERNAL","message":"Something went wrong on our side."}]}`,
		},
	}
	for _, tt := range tests {
		var log bytes.Buffer
		w := httptest.NewRecorder()
		Ready(slog.New(slog.NewTextHandler(&log, nil)), tt.checks...).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if w.Code != tt.status || strings.TrimSpace(w.Body.String()) != tt.body {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: content type %s", tt.name, w.Header().Get("Content-Type"))
		}
		if strings.Contains(tt.body, "degraded") != strings.Contains(log.String(), "hard=false") {
			t.Errorf("%s: logged %s", tt.name, log.String())
		}
	}
}

// Checks run together and have an end, or a prober would give up first.
func TestChecksRunTogetherAndAreBounded(t *testing.T) {
	t.Parallel()
	met := make(chan struct{})
	meet := func(ctx context.Context) error {
		_, bounded := ctx.Deadline()
		if !bounded {
			return errors.New("no deadline")
		}
		select {
		case met <- struct{}{}:
		case <-met:
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
	w := httptest.NewRecorder()
	Ready(slog.New(slog.DiscardHandler), Check{"ledger", false, meet}, Check{"receipt", false, meet}).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if strings.TrimSpace(w.Body.String()) != `{"status":"ok"}` {
		t.Errorf("answered %s", w.Body)
	}
}

func TestLiveness(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Live().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/livez", nil))
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"status":"ok"}` {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}
