package feed_test

import (
	"context"
	"errors"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// folded reads what the entries say, whichever number each has.
func (w *world) folded() (fold feed.Fold) {
	w.t.Helper()
	w.read(w.consumer, func(ctx context.Context, tx *database.Tx) error {
		fold = feed.Fold{}
		return fold.Add(ctx, tx, `SELECT event, gift, version FROM entry`)
	})
	return fold
}

// refold takes every entry back and applies the feed once more, up to a
// checkpoint.
func (w *world) refold(c *feed.Consumer, through feed.Checkpoint) error {
	return w.consumer.InTx(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM entry`)
		if err != nil {
			return err
		}
		return c.Refold(ctx, tx, through)
	})
}

// Given a projection that somebody changed by hand, then folding it again makes
// it what the events say, and what comes afterwards is applied once.
func TestFoldedAgainItIsWhatTheEventsSay(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.newConsumer()
		w.run(w.newProducer().Run)
		stop := w.run(consumer.Run)
		w.giveMany(600) // more than one page of the log
		w.settle()
		stop()
		told := w.folded()
		w.change(w.consumer, `DELETE FROM entry WHERE gift = 'gift-3'`, `UPDATE entry SET version = 99 WHERE gift = 'gift-5' AND version = 1`)
		spoilt := w.folded()
		if spoilt.Hash() == told.Hash() || len(told.Differences(&spoilt)) != 36+1 {
			t.Fatalf("the spoiling shows in %d keys", len(told.Differences(&spoilt)))
		}

		at := w.checkpoint()
		err := w.refold(consumer, at)
		if err != nil {
			t.Fatal(err)
		}
		again := w.folded()
		if again.Hash() != told.Hash() || again.Keys() != 600 || w.checkpoint() != at {
			t.Errorf("folded again there are %d entries, %d differ; the checkpoint is %+v, was %+v",
				again.Keys(), len(told.Differences(&again)), w.checkpoint(), at)
		}
		w.run(consumer.Run)
		w.giveMany(20)
		w.settle()
		if n := len(w.entered()); n != 620 {
			t.Errorf("%d entries after 20 more gifts, want 620", n)
		}
	})
}

// What was parked is decided anew: what has been cured is applied in its place,
// what has not is parked again.
func TestFoldingAgainDecidesAnewAboutWhatWasParked(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.newConsumer()
		client := w.parking(consumer)
		w.run(w.newProducer().Run)
		stop := w.run(consumer.Run)
		w.setSick("gift-3", errClosed)
		w.setSick("gift-4", errClosed)
		w.giveMany(34) // two of each gift
		w.settle()
		stop()
		w.setSick("gift-3", nil)
		err := w.refold(consumer, w.checkpoint())
		if err != nil {
			t.Fatal(err)
		}
		left := parked(t, client)
		if len(left) != 2 || left[0].GetAggregateId() != "gift-4" || left[1].GetAggregateId() != "gift-4" {
			t.Errorf("parked are %v", left)
		}
		if n := len(w.entered()); n != 32 {
			t.Errorf("%d entries, want all but the two of the gift that is still sick", n)
		}
	})
}

// Given a producer that went back in time, or is another, then nothing is folded:
// the projection may be all that is left of what happened.
func TestAForkIsNotFoldedAgain(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.newConsumer()
		stopProducer := w.run(w.newProducer().Run)
		stop := w.run(consumer.Run)
		w.giveMany(40)
		w.settle()
		stop()
		stopProducer()
		known := w.folded()
		for name, statements := range map[string][]string{
			"another event there": {`UPDATE event SET id = 'forged' WHERE pos = 40`},
			"an older producer":   {`DELETE FROM event WHERE pos > 30`, `UPDATE event_head SET pos = 30`},
		} {
			w.change(w.producer, statements...)
			err := w.refold(consumer, w.checkpoint())
			if !errors.Is(err, feed.ErrFork) {
				t.Errorf("%s: %v, want a fork", name, err)
			}
			if after := w.folded(); after.Hash() != known.Hash() {
				t.Errorf("%s: the projection was changed", name)
			}
		}
	})
}
