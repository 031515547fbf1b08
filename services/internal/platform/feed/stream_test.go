package feed_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestAWipedStreamIsMadeAnew(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		w.giveMany(100)
		w.laid()
		// While events come…
		w.wipe()
		w.giveMany(100)
		w.settle()
		w.laid()
		// …and while nothing happens: nobody tells the relay.
		w.wipe()
		w.laid()
		w.giveMany(10)
		w.settle()
		w.verify()
	})
}

func TestAPollutedStreamIsMadeAnew(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		js := w.streams()
		for range 3 {
			w.giveMany(40)
			w.laid()
			_, err := js.Publish(t.Context(), "almoner.donation.v1.DonationSucceeded", []byte("a stranger's gift"))
			if err != nil {
				t.Fatal(err)
			}
			w.giveMany(40)
			w.settle()
			w.laid()
		}
		w.verify()
	})
}

func TestADeletedConsumerIsMadeAgain(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		w.giveMany(30)
		w.settle()
		js := w.streams()
		exists := func() bool {
			_, err := js.Consumer(context.Background(), feed.StreamName(producing), consuming)
			return err == nil
		}
		for range 2 {
			testkit.Eventually(t, exists)
			err := js.DeleteConsumer(t.Context(), feed.StreamName(producing), consuming)
			if err != nil {
				t.Fatal(err)
			}
			w.giveMany(30)
			w.settle()
			testkit.Eventually(t, exists)
		}
		w.verify()
	})
}

// createStream makes a stream where one was just taken away: the server may still
// be removing the files of that one, and then refuses.
func (w *world) createStream(js jetstream.JetStream, cfg jetstream.StreamConfig) (made jetstream.Stream) {
	w.t.Helper()
	testkit.Eventually(w.t, func() bool {
		var err error
		made, err = js.CreateStream(w.t.Context(), cfg)
		return err == nil
	})
	return made
}

// Given a stream that somebody set otherwise, by hand or in an earlier version,
// then its settings are put right, and where they cannot be, it is made anew.
func TestAStreamIsSetRight(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(cfg *jetstream.StreamConfig){
		"kept for a day only":            func(cfg *jetstream.StreamConfig) { cfg.MaxAge = 24 * time.Hour },
		"old messages may be dropped":    func(cfg *jetstream.StreamConfig) { cfg.Discard = jetstream.DiscardOld },
		"in memory, which is immutable":  func(cfg *jetstream.StreamConfig) { cfg.Storage = jetstream.MemoryStorage },
		"holes may be made in it":        func(cfg *jetstream.StreamConfig) { cfg.DenyDelete, cfg.DenyPurge = false, false },
		"read from replicas that trail":  func(cfg *jetstream.StreamConfig) { cfg.AllowDirect = true },
		"it takes messages of all feeds": func(cfg *jetstream.StreamConfig) { cfg.Subjects = []string{"almoner.>"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, testkit.SQLite)
			stop := w.run(w.newProducer().Run)
			w.giveMany(20)
			w.laid()
			stop()
			js := w.streams()
			stream, err := js.Stream(t.Context(), feed.StreamName(producing))
			if err != nil {
				t.Fatal(err)
			}
			want := stream.CachedInfo().Config
			other := want
			change(&other)
			w.wipe()
			w.createStream(js, other)
			w.run(w.newProducer().Run)
			testkit.Eventually(t, func() bool {
				stream, err := js.Stream(context.Background(), feed.StreamName(producing))
				if err != nil {
					return false
				}
				got := stream.CachedInfo().Config
				return got.MaxAge == want.MaxAge && got.Discard == want.Discard && got.Storage == want.Storage &&
					got.DenyDelete && got.DenyPurge && !got.AllowDirect && got.Subjects[0] == want.Subjects[0]
			})
			w.laid()
		})
	}
}
