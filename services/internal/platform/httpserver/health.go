package httpserver

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
)

// checkTimeout bounds one check: an orchestrator that waits longer than a few
// seconds takes the process for dead.
const checkTimeout = 2 * time.Second

// Check is one thing that a process needs or would like to have.
type Check struct {
	Name string // "database", "nats"
	// Hard means that without it the process must get no requests: its own
	// database is gone, a migration is pending, it is stopping. Everything
	// else only degrades it, because donors can still give.
	Hard bool
	// Run returns nil when all is well. The public half of its error is shown;
	// it ends when its context does, and is called from any goroutine.
	Run func(context.Context) error
}

// Live answers 200 for as long as the process can answer at all.
func Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, http.StatusOK, health{Status: "ok"})
	})
}

// Ready answers 503 when a hard check fails, else 200, and lists under
// "degraded" what soft checks found. Checks run together. What is wrong inside
// goes to the logger, because anybody may read the answer.
func Ready(logger *slog.Logger, checks ...Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		found := make([]error, len(checks))
		var running sync.WaitGroup
		for i, check := range checks {
			running.Go(func() { found[i] = check.Run(ctx) })
		}
		running.Wait()

		answer, status := health{Status: "ok"}, http.StatusOK
		for i, err := range found {
			if err == nil {
				continue
			}
			public := apperr.Public(err)
			finding := finding{Name: checks[i].Name, Reason: public.Reason, Message: public.Message}
			if checks[i].Hard {
				answer.Failed = append(answer.Failed, finding)
			} else {
				answer.Degraded = append(answer.Degraded, finding)
			}
			logger.LogAttrs(r.Context(), slog.LevelWarn, "not ready",
				slog.String("check", checks[i].Name), slog.Bool("hard", checks[i].Hard), slog.String("error", err.Error()))
		}
		switch {
		case len(answer.Failed) > 0:
			answer.Status, status = "unavailable", http.StatusServiceUnavailable
		case len(answer.Degraded) > 0:
			answer.Status = "degraded"
		}
		writeHealth(w, status, answer)
	})
}

// health is the document of both addresses.
type health struct {
	Status   string    `json:"status"` // ok, degraded, unavailable
	Failed   []finding `json:"failed,omitempty"`
	Degraded []finding `json:"degraded,omitempty"`
}

type finding struct {
	Name    string `json:"name"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func writeHealth(w http.ResponseWriter, status int, answer health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A prober that hung up needs no answer.
	_ = json.NewEncoder(w).Encode(answer)
}
