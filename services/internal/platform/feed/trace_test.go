package feed_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Each event applied has one span in the trace of what caused it, and the
// batch's span links to all of those traces.
func TestAnAppliedEventIsInItsOwnTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.SQLite)
	spans := tracetest.NewSpanRecorder()
	w.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	consumer := w.newConsumer()
	var mu sync.Mutex
	seen := map[string]string{}
	feed.Handle(consumer, func(_ context.Context, _ *database.Tx, items []feed.Item[*donationv1.DonationSucceeded]) error {
		mu.Lock()
		defer mu.Unlock()
		for _, item := range items {
			seen[item.ID] = item.TraceID
		}
		return nil
	})
	w.run(w.newProducer().Run)
	w.run(consumer.Run)
	w.giveMany(20)
	w.settle()
	applied := func() (traces []string, linked map[string]bool) {
		linked = map[string]bool{}
		for _, span := range spans.Ended() {
			switch {
			case strings.HasPrefix(span.Name(), "apply almoner."):
				traces = append(traces, span.SpanContext().TraceID().String())
				if !span.Parent().IsRemote() {
					t.Errorf("%s has no remote parent", span.Name())
				}
			case span.Name() == "apply donation":
				for _, link := range span.Links() {
					linked[link.SpanContext.TraceID().String()] = true
				}
			}
		}
		return traces, linked
	}
	testkit.Eventually(t, func() bool {
		traces, _ := applied()
		return len(traces) >= 20
	})
	traces, linked := applied()
	slices.Sort(traces)
	for i, trace := range traces {
		want := fmt.Sprintf("%032x", i+1)
		if trace != want || !linked[want] {
			t.Errorf("span %d is in trace %s, want %s; linked: %v", i+1, trace, want, linked[want])
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, id := range seen {
		if !linked[id] {
			t.Errorf("the handler saw trace %q", id)
		}
	}
}
