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

// Given a producer that was restored, has another event in the place of one that it
// forgot, and then found the others again, so that the newest is where it was: the
// fork does not hide behind it, neither from the relay nor, when the stream was lost,
// too, from the consumer.
func TestAForkDoesNotHideBehindTheSameEvent(t *testing.T) {
	t.Parallel()
	for name, streamLost := range map[string]bool{"the relay": false, "the consumer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWorld(t, func(t *testing.T, w *world) {
				stopProducer := w.run(w.newProducer().Run)
				stopConsumer := w.run(w.newConsumer().Run)
				w.giveMany(30)
				w.settle()
				w.laid()
				stopConsumer()
				stopProducer()
				forgotten := w.restoreTo(20)
				if streamLost {
					w.wipe()
				}
				w.give("new-gift-1")
				w.append(forgotten[1:]...)
				w.sequence()
				if newest := w.strings(w.producer, `SELECT id FROM event WHERE pos = 30`); newest[0] != forgotten[9].ID {
					t.Fatalf("at position 30 is %v, and not what was there before", newest)
				}
				if fork := w.look(); fork == nil || !streamLost && fork.Common != 20 {
					t.Errorf("the operator is shown %+v", fork)
				}
				producer, consumer := w.newProducer(), w.newConsumer()
				w.run(producer.Run)
				w.run(consumer.Run)
				testkit.Eventually(t, func() bool { return errors.Is(consumer.Health(), feed.ErrFork) })
				if !streamLost {
					testkit.Eventually(t, func() bool { return errors.Is(producer.Health(), feed.ErrFork) })
				}

				err := w.recovery().Do(t.Context(), w.look())
				if err != nil {
					t.Fatal(err)
				}
				testkit.Eventually(t, func() bool { at := w.checkpoint(); return at.Epoch == 2 && at.Pos == 30 })
				if gifts := w.strings(w.consumer, `SELECT COUNT(DISTINCT event) FROM entry`); gifts[0] != "31" {
					t.Errorf("%s different gifts were applied, 31 were told", gifts[0])
				}
			})
		})
	}
}

// Logs of before there were chains go on, and a process of that time beside us breaks
// none: what has no chain is known by its id.
func TestAnEarlierVersionKnowsNoChain(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		stopProducer := w.run(w.newProducer().Run)
		stopConsumer := w.run(w.newConsumer().Run)
		w.giveMany(10)
		w.settle()
		stopConsumer()
		w.laid()
		stopProducer()
		// It gave the newest positions, and moved the consumer's checkpoint, in its way.
		w.change(w.producer, `UPDATE event SET chain = NULL WHERE pos > 5`)
		id := w.strings(w.producer, `SELECT id FROM event WHERE pos = 8`)[0]
		w.change(w.consumer, `DELETE FROM entry WHERE number > 8`, `UPDATE feed_checkpoint SET pos = 8, event_id = '`+id+`'`)
		producer, consumer := w.newProducer(), w.newConsumer()
		w.run(producer.Run)
		w.run(consumer.Run)
		w.giveMany(10)
		w.settle()
		w.laid()
		w.verify()
		testkit.Eventually(t, func() bool { return producer.Health() == nil && consumer.Health() == nil })
		if chained := w.strings(w.producer, `SELECT COUNT(*) FROM event WHERE pos > 10 AND chain <> ''`); chained[0] != "10" {
			t.Errorf("%s of 10 new events have a chain", chained[0])
		}
	})
}
