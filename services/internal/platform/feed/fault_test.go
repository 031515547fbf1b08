package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Given a relay that is stopped in the middle of its work, as a paused process or
// machine is, and another that took over, when the first wakes up and says what
// it had to say, then the stream refuses every word of it.
func TestARelayThatWakesUpTooLateIsRefused(t *testing.T) {
	t.Parallel()
	const pauses = 6
	eachWorld(t, func(t *testing.T, w *world) {
		refused := w.countRefusals()
		asleep := newLine(w.broker)
		straight := w.connect
		w.connect = func(t testing.TB, name string) *nats.Conn { return testkit.ConnectThrough(t, name, asleep) }
		w.run(feed.Racing(w.newProducer()).Run)
		w.connect = straight
		w.run(w.newConsumer().Run)
		woken := 0
		for range pauses {
			w.giveMany(20)
			w.laid()
			asleep.hold()
			w.giveMany(40)
			stop := w.run(feed.Racing(w.newProducer()).Run)
			w.laid()
			before := refused.Load()
			asleep.letGo()
			w.giveMany(5)
			w.laid()
			stop()
			if refused.Load() > before {
				woken++
			}
		}
		w.settle()
		w.laid()
		w.verify()
		// The pause may fall between two of the relay's words.
		if woken == 0 {
			t.Error("no relay had anything to say when it woke up")
		}
		t.Logf("%d pauses, %d with words refused: %d words; %d events", pauses, woken, refused.Load(), w.status().Head)
	})
}

// countRefusals counts what the stream refuses because something else is there.
func (w *world) countRefusals() *atomic.Int64 {
	w.t.Helper()
	var count atomic.Int64
	_, err := w.connect(w.t, "observer").Subscribe("_INBOX.>", func(answer *nats.Msg) {
		var said struct {
			Error *jetstream.APIError `json:"error"`
		}
		err := json.Unmarshal(answer.Data, &said)
		if err == nil && said.Error != nil && said.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			count.Add(1)
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return &count
}

// Given a broker that is set back to an older state of its disk, then what it
// forgot is laid again, in the same places, whether or not anything new happens;
// and nothing that was applied from those places is applied twice.
func TestAStoreThatIsSetBackIsFilledAgain(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		rollbacks := 0
		for _, meanwhile := range []int{0, 30, 90} {
			w.giveMany(40)
			w.settle()
			w.laid()
			w.broker.Stop()
			putBack := w.broker.Save(t)
			w.broker.Start(t)
			w.giveMany(60)
			w.settle()
			w.laid()
			w.broker.Stop()
			putBack()
			w.giveMany(meanwhile)
			w.broker.Start(t)
			rollbacks++
			w.laid()
			w.giveMany(10)
			w.settle()
		}
		w.laid()
		w.verify()
		t.Logf("%d rollbacks, %d events", rollbacks, w.status().Head)
	})
}

// Given a stream whose messages became too old while a consumer was away, then it
// pulls them, and the relay goes on in the stream as it is.
func TestWhatAgedOutIsPulled(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		stopRelay := w.run(w.newProducer().Run)
		stopConsumer := w.run(w.newConsumer().Run)
		w.giveMany(30)
		w.settle()
		stopConsumer()
		w.giveMany(70)
		w.laid()
		stopRelay()
		before := w.expire()
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		w.settle()
		w.giveMany(20)
		w.settle()
		w.laid()
		w.verify()
		stream, err := w.streams().Stream(t.Context(), feed.StreamName(producing))
		if err != nil {
			t.Fatal(err)
		}
		info := stream.CachedInfo()
		if !info.Created.Equal(before.Created) || info.State.FirstSeq != 101 || info.Config.MaxAge == before.Config.MaxAge {
			t.Errorf("made at %v, it was %v; begins at %d, keeps for %v", info.Created, before.Created, info.State.FirstSeq, info.Config.MaxAge)
		}
	})
}

// expire lets every message of the stream become too old.
func (w *world) expire() *jetstream.StreamInfo {
	w.t.Helper()
	js, ctx := w.streams(), context.Background()
	stream, err := js.Stream(ctx, feed.StreamName(producing))
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxAge, cfg.Duplicates = 100*time.Millisecond, 100*time.Millisecond
	_, err = js.UpdateStream(ctx, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	var info *jetstream.StreamInfo
	testkit.Eventually(w.t, func() bool {
		info, err = stream.Info(ctx)
		return err == nil && info.State.Msgs == 0
	})
	return info
}

// Given a stream that has reached its size, then it takes no more, the relay says
// so, donors notice nothing and consumers pull; with more room it goes on.
func TestAFullStreamWaits(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		producer := feed.Holding(w.newProducer(), 32<<10)
		stop := w.run(producer.Run)
		w.run(w.newConsumer().Run)
		w.giveMany(50)
		w.settle()
		w.giveMany(250)
		w.settle()
		const codeFull jetstream.ErrorCode = 10077
		testkit.Eventually(t, func() bool {
			var refused *jetstream.APIError
			return errors.As(producer.Health(), &refused) && refused.ErrorCode == codeFull
		})
		stream, err := w.streams().Stream(t.Context(), feed.StreamName(producing))
		if err != nil {
			t.Fatal(err)
		}
		held := stream.CachedInfo().State
		if held.FirstSeq != 1 || held.LastSeq >= 300 || held.LastSeq == 0 {
			t.Errorf("the stream holds %d to %d of 300: what was there must stay", held.FirstSeq, held.LastSeq)
		}
		w.verify()
		stop()
		w.run(w.newProducer().Run)
		w.giveMany(10)
		w.settle()
		w.laid()
		w.verify()
		t.Logf("%d of 300 events waited for room", 300-held.LastSeq)
	})
}

// Given a network that loses words in one direction, then nobody knows what
// became of what was sent: time-outs say neither that it was laid nor that it was
// not. When the line is back, the stream says.
func TestLostWordsAreFoundOut(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*line){
		"what the broker said": (*line).loseSaid,
		"what it was told":     (*line).loseHeard,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, testkit.SQLite)
			bad := newLine(w.broker)
			w.connect = func(t testing.TB, name string) *nats.Conn { return testkit.ConnectThrough(t, name, bad) }
			producer := w.newProducer()
			w.run(producer.Run)
			w.run(w.newConsumer().Run)
			w.connect = w.broker.Connect
			w.giveMany(40)
			w.settle()
			w.laid()
			lose(bad)
			w.giveMany(60)
			w.settle() // the consumer asks its producer
			testkit.Eventually(t, func() bool { return producer.Health() != nil })
			bad.cut()
			w.giveMany(20)
			w.settle()
			w.laid()
			w.verify()
			testkit.Eventually(t, func() bool { return producer.Health() == nil })
		})
	}
}
