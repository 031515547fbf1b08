package rpc_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Calls are counted by method, caller and how they ended. Whoever invents callers
// makes one series and no more.
func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	p := start(t, rpc.ServerConfig{Metrics: metrics}, func(s *rpc.Server) { feedv1.RegisterFeedServiceServer(s, feedServer{}) })
	for caller, works := range map[string]bool{"ledger": true, "receipt": true, "mallory": false, "mallory-2": false} {
		_, err := feedv1.NewFeedServiceClient(p.dial(t, caller)).Head(t.Context(), &feedv1.HeadRequest{Feed: "donation"})
		if (err == nil) != works {
			t.Errorf("%s: %v", caller, err)
		}
	}
	_, err := feedv1.NewFeedServiceClient(p.dial(t, "ledger")).Read(t.Context(), &feedv1.ReadRequest{Feed: "donation"})
	if err == nil {
		t.Error("a method that is not there answered")
	}

	seen := testkit.Scrape(t, metrics)
	const took = "almoner_rpc_duration_seconds_count"
	for series, want := range map[string]float64{
		took + `{caller="ledger",code="OK",method="/almoner.feed.v1.FeedService/Head"}`:                  1,
		took + `{caller="receipt",code="OK",method="/almoner.feed.v1.FeedService/Head"}`:                 1,
		took + `{caller="stranger",code="PERMISSION_DENIED",method="/almoner.feed.v1.FeedService/Head"}`: 2,
	} {
		if seen[series] != want {
			t.Errorf("%s is %v, want %v", series, seen[series], want)
		}
	}
	for series := range seen {
		if strings.Contains(series, "mallory") {
			t.Errorf("a stranger's name is a label: %s", series)
		}
	}
}
