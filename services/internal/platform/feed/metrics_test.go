package feed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

const (
	lagEvents  = `almoner_feed_lag_events{consumer="ledger",feed="donation"}`
	lagSeconds = `almoner_feed_lag_seconds{consumer="ledger",feed="donation"}`
	forkHere   = `almoner_feed_fork{feed="donation",part="ledger"}`
	forkRelay  = `almoner_feed_fork{feed="donation",part="relay"}`
	resyncs    = `almoner_feed_relay_resyncs_total{feed="donation"}`
)

// Given gifts that flow, then the metrics say so: nothing is behind, and each
// event is counted once.
func TestMetricsOfAFeedThatFlows(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.metrics = prometheus.NewRegistry()
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		w.giveMany(100)
		w.settle()
		testkit.Eventually(t, func() bool {
			seen := testkit.Scrape(t, w.metrics)
			return seen[lagEvents] == 0 && seen[`almoner_feed_events_total{consumer="ledger",feed="donation"}`] == 100 &&
				seen[`almoner_feed_stream_position{feed="donation"}`] == 100
		})
		seen := testkit.Scrape(t, w.metrics)
		if seen[forkHere] != 0 || seen[forkRelay] != 0 || seen[lagSeconds] > 30 ||
			seen[`almoner_feed_batches_total{consumer="ledger",feed="donation"}`] < 1 {
			t.Errorf("the feed flows, and it tells %v", seen)
		}
	})
}

// Given a producer that cannot be asked and a broker that is down, then the lag
// in seconds grows although nobody can say how many events that is.
func TestTheLagGrowsWhenNobodyCanBeAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.SQLite)
	w.metrics = prometheus.NewRegistry()
	w.clock = testkit.Clock(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	w.source = mute{}
	w.broker.Stop()
	consumer := w.newConsumer()
	w.run(consumer.Run)
	testkit.Eventually(t, func() bool { return consumer.Health() != nil })
	w.clock.Advance(90 * time.Second)
	seen := testkit.Scrape(t, w.metrics)
	if seen[lagSeconds] != 90 || seen[lagEvents] != 0 {
		t.Errorf("after 90 s it tells %v seconds, %v events", seen[lagSeconds], seen[lagEvents])
	}
}

// mute is a producer that is away.
type mute struct{ feedv1.FeedServiceClient }

func (mute) Head(context.Context, *feedv1.HeadRequest, ...grpc.CallOption) (*feedv1.HeadResponse, error) {
	return nil, errors.New("no route to host")
}

// Given committed events that nobody sequences, then their age is told.
func TestTheAgeOfWhatHasNoPosition(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		const age = `almoner_feed_unsequenced_age_seconds{feed="donation"}`
		w.metrics = prometheus.NewRegistry()
		w.clock = testkit.Clock(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
		w.newProducer() // it does not run
		if seen := testkit.Scrape(t, w.metrics); seen[age] != 0 {
			t.Errorf("without events it is %v s", seen[age])
		}
		w.give("gift-1")
		w.clock.Advance(40 * time.Second)
		if seen := testkit.Scrape(t, w.metrics); seen[age] < 39 || seen[age] > 40 {
			t.Errorf("after 40 s it is %v s", seen[age])
		}
		w.sequence()
		w.clock.Advance(40 * time.Second)
		seen := testkit.Scrape(t, w.metrics)
		if seen[age] != 0 || seen[`almoner_feed_head_position{feed="donation"}`] != 1 {
			t.Errorf("sequenced, it is %v s, the head %v", seen[age], seen[`almoner_feed_head_position{feed="donation"}`])
		}
	})
}

// Given a fork, then both sides raise the alarm, and the relay counts that it
// lost its place.
func TestMetricsOfAFork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.SQLite)
	stopProducer := w.run(w.newProducer().Run)
	stopConsumer := w.run(w.newConsumer().Run)
	w.giveMany(30)
	w.settle()
	w.laid()
	stopConsumer()
	stopProducer()
	w.restore(20)

	w.metrics = prometheus.NewRegistry()
	producer, consumer := w.newProducer(), w.newConsumer()
	w.run(producer.Run)
	w.run(consumer.Run)
	testkit.Eventually(t, func() bool {
		return errors.Is(producer.Health(), feed.ErrFork) && errors.Is(consumer.Health(), feed.ErrFork)
	})
	seen := testkit.Scrape(t, w.metrics)
	if seen[forkHere] != 1 || seen[forkRelay] != 1 || seen[resyncs] == 0 {
		t.Errorf("forked, it tells %v and %v, %v resyncs", seen[forkHere], seen[forkRelay], seen[resyncs])
	}
}

// What waits for staff is an alarm; what waits for a fact is not.
func TestMetricsOfWhatIsParked(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		metrics := prometheus.NewRegistry()
		metrics.MustRegister(feed.NewParkedLook(consuming, w.consumer, time.Now))
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		w.setSick("gift-3", errClosed)
		w.setSick("gift-5", errNoFund)
		w.giveMany(51) // three versions of each
		w.settle()
		seen := testkit.Scrape(t, metrics)
		if seen[`almoner_parked_items{kind="event",service="ledger"}`] != 3 ||
			seen[`almoner_parked_aggregates{service="ledger",waits_for="staff"}`] != 1 ||
			seen[`almoner_parked_aggregates{service="ledger",waits_for="fact"}`] != 1 {
			t.Errorf("it tells %v", seen)
		}
	})
}
