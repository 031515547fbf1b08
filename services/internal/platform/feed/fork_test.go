package feed_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

// restore takes the producer's database back to a position, as restoring a
// backup does.
func (w *world) restore(pos int) {
	w.t.Helper()
	w.change(w.producer,
		fmt.Sprintf(`DELETE FROM event WHERE pos > %d OR pos IS NULL`, pos),
		fmt.Sprintf(`UPDATE event_head SET pos = %d`, pos))
	// The producer forgot its newest events, so the same versions come again.
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.versions)
}

// entered returns the ids of what was applied.
func (w *world) entered() []string {
	return w.strings(w.consumer, `SELECT event FROM entry ORDER BY number`)
}

// Given a producer restored to an older state and a stream that was lost with
// it, then the consumer notices that the new events are not the successors of
// those it knows, and stops before it takes one for the other.
func TestAConsumerStopsWhenItsProducerWasRestored(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]int{
		"the producer is behind it":    5,
		"the producer has caught up":   10,
		"the producer is ahead of it":  25,
		"the producer gave none again": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWorld(t, func(t *testing.T, w *world) {
				stopProducer := w.run(w.newProducer().Run)
				stopConsumer := w.run(w.newConsumer().Run)
				w.giveMany(30)
				w.settle()
				before := len(w.entered())
				stopConsumer()
				stopProducer()
				w.restore(20)
				w.wipe()
				for i := range after {
					w.give(fmt.Sprintf("new-gift-%d", i))
				}
				w.sequence()
				w.run(w.newProducer().Run)
				w.laid()
				consumer := w.newConsumer()
				w.run(consumer.Run)
				testkit.Eventually(t, func() bool { return errors.Is(consumer.Health(), feed.ErrFork) })
				w.give("new-gift-at-last")
				w.laid()
				testkit.Eventually(t, func() bool { return errors.Is(consumer.Health(), feed.ErrFork) })
				if len(w.entered()) != before || w.checkpoint().Pos != 30 {
					t.Errorf("%d entries of %d, checkpoint %d: it went on", len(w.entered()), before, w.checkpoint().Pos)
				}
			})
		})
	}
}

// The same while the consumer runs: its next message names another predecessor.
func TestARunningConsumerStopsWhenItsProducerWasRestored(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		stopProducer := w.run(w.newProducer().Run)
		consumer := w.newConsumer()
		w.run(consumer.Run)
		w.giveMany(30)
		w.settle()
		before := len(w.entered())
		stopProducer()
		w.restore(20)
		w.wipe()
		for i := range 15 {
			w.give(fmt.Sprintf("new-gift-%d", i))
		}
		w.run(w.newProducer().Run)
		testkit.Eventually(t, func() bool { return errors.Is(consumer.Health(), feed.ErrFork) })
		if len(w.entered()) != before {
			t.Errorf("%d entries, %d before the restore", len(w.entered()), before)
		}
	})
}

// Given a producer restored to an older state and a stream that still knows the
// newer one, then the relay stops and leaves the stream as evidence.
func TestARelayStopsWhenTheStreamKnowsMore(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]int{"the log is shorter": 3, "the log is as long": 10, "the log is longer": 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWorld(t, func(t *testing.T, w *world) {
				stop := w.run(w.newProducer().Run)
				w.giveMany(30)
				w.laid()
				stop()
				w.restore(20)
				for i := range after {
					w.give(fmt.Sprintf("new-gift-%d", i))
				}
				w.sequence()
				producer := w.newProducer()
				w.run(producer.Run)
				testkit.Eventually(t, func() bool { return errors.Is(producer.Health(), feed.ErrFork) })
				stream, err := w.streams().Stream(t.Context(), feed.StreamName(producing))
				if err != nil {
					t.Fatal(err)
				}
				if stream.CachedInfo().State.LastSeq != 30 {
					t.Errorf("the stream ends at %d", stream.CachedInfo().State.LastSeq)
				}
			})
		})
	}
}

// Given a consumer restored to an older state, then it applies again what it
// forgot; nobody else notices.
func TestAConsumerRestoredToAnOlderStateCatchesUp(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		stop := w.run(w.newConsumer().Run)
		w.giveMany(60)
		w.settle()
		stop()
		id := w.strings(w.producer, `SELECT id FROM event WHERE pos = 20`)[0]
		w.change(w.consumer, `DELETE FROM entry WHERE number > (SELECT number FROM entry WHERE event = '`+id+`')`,
			`UPDATE feed_checkpoint SET pos = 20, event_id = '`+id+`'`)
		w.run(w.newConsumer().Run)
		w.giveMany(20)
		w.settle()
		w.verify()
	})
}

// Given an operator's recovery from a fork (the feed's epoch is raised), then
// the old stream is made anew and consumers whose last event still stands go on.
func TestARaisedEpochGoesOn(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		stop := w.run(w.newProducer().Run)
		stopConsumer := w.run(w.newConsumer().Run)
		w.giveMany(20)
		w.settle()
		stopConsumer()
		w.giveMany(10)
		w.laid()
		stop()
		w.restore(20)
		w.change(w.producer, `UPDATE event_head SET epoch = epoch + 1`)
		producer, consumer := w.newProducer(), w.newConsumer()
		w.run(producer.Run)
		w.run(consumer.Run)
		w.give("new-gift-1", "new-gift-2")
		w.settle()
		w.laid()
		w.verify()
		if w.checkpoint().Epoch != 2 {
			t.Errorf("the consumer is in epoch %d", w.checkpoint().Epoch)
		}
	})
}
