package feed_test

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/testkit"
)

// restoreTo takes the producer's database back and returns the events that it
// forgot: Stripe still knows of what they tell.
func (w *world) restoreTo(pos int) (forgotten []envelope.Event) {
	w.t.Helper()
	w.read(w.producer, func(ctx context.Context, tx *database.Tx) error {
		forgotten = nil
		rows, err := tx.QueryContext(ctx, `SELECT id, type, aggregate_id, aggregate_version, occurred_at, traceparent, payload
			FROM event WHERE pos > $1 ORDER BY pos`, pos)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var e envelope.Event
			var at int64
			err := rows.Scan(&e.ID, &e.Type, &e.AggregateID, &e.Version, &at, &e.Traceparent, &e.Payload)
			if err != nil {
				return err
			}
			e.OccurredAt = time.UnixMicro(at).UTC()
			forgotten = append(forgotten, e)
		}
		return rows.Err()
	})
	w.restore(pos)
	return forgotten
}

func (w *world) recovery() *feed.Recovery {
	w.t.Helper()
	// The role that runs a service may not do this.
	owner := testkit.Owner(w.t, w.producer)
	recovery, err := feed.NewRecovery(feed.ProducerConfig{
		Feed: producing, Log: feed.NewLog(owner, producing), DB: owner, NATS: w.connect(w.t, producing), Replicas: w.replicas,
	}, map[string]*database.DB{consuming: w.consumer})
	if err != nil {
		w.t.Fatal(err)
	}
	return recovery
}

func (w *world) look() *feed.Fork {
	w.t.Helper()
	fork, err := w.recovery().Look(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return fork
}

// The drill: a producer is restored to an older state, goes on from there, and
// finds again what it forgot. After an operator's decision the services that run
// follow by themselves, and the books are those of the log: nothing is lost and
// nothing is in them twice.
func TestARecoveryEndsInEqualBooks(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		// consumed is how far the consumer was, streamLost that the stream went, too.
		consumed   int
		streamLost bool
		common     int64
		lost       int
		ahead      int
	}{
		"the stream knows":                        {consumed: 30, common: 20, lost: 10, ahead: 1},
		"only the consumer knows":                 {consumed: 30, streamLost: true, common: 0, lost: 0, ahead: 1},
		"the stream knows, the consumer does not": {consumed: 10, common: 20, lost: 10, ahead: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWorld(t, func(t *testing.T, w *world) {
				w.keyed = true
				stopProducer := w.run(w.newProducer().Run)
				stopConsumer := w.run(w.newConsumer().Run)
				w.giveMany(story.consumed)
				w.settle()
				stopConsumer()
				w.giveMany(30 - story.consumed)
				w.laid()
				stopProducer()
				if fork := w.look(); fork != nil {
					t.Errorf("nothing has happened yet: %+v", fork)
				}

				forgotten := w.restoreTo(20)
				if story.streamLost {
					w.wipe()
				}
				w.give("new-gift-1", "new-gift-2", "new-gift-3")
				w.sequence()
				producer, consumer := w.newProducer(), w.newConsumer()
				w.run(producer.Run)
				w.run(consumer.Run)
				if story.ahead > 0 {
					testkit.Eventually(t, func() bool { return errors.Is(consumer.Health(), feed.ErrFork) })
				}
				if !story.streamLost {
					testkit.Eventually(t, func() bool { return errors.Is(producer.Health(), feed.ErrFork) })
				}

				fork := w.look()
				lost := fork.Lost["almoner.donation.v1.DonationSucceeded"]
				if fork.Common != story.common || lost != story.lost || len(fork.Ahead) != story.ahead || fork.Head != 23 || fork.Own != 23-story.common {
					t.Errorf("the fork is %+v", fork)
				}
				err := w.recovery().Do(t.Context(), fork)
				if err != nil {
					t.Fatal(err)
				}
				w.append(forgotten...)
				w.settle()
				w.laid()
				w.verify()
				testkit.Eventually(t, func() bool { return producer.Health() == nil && consumer.Health() == nil })
				if w.checkpoint().Epoch != 2 || w.status().Epoch != 2 {
					t.Errorf("the consumer is in epoch %d, the log in %d", w.checkpoint().Epoch, w.status().Epoch)
				}
				if kept := w.strings(w.producer, `SELECT id FROM salvaged_event ORDER BY pos`); len(kept) != story.lost || len(kept) > 0 && kept[0] != forgotten[0].ID {
					t.Errorf("%d events were salvaged, want %d", len(kept), story.lost)
				}
				for i, gone := range forgotten[:min(2, story.lost)] {
					w.read(w.producer, func(ctx context.Context, tx *database.Tx) error {
						kept, err := feed.NewLog(w.producer, producing).Salvaged(ctx, tx, gone.Type, gone.AggregateID)
						if err != nil || !reflect.DeepEqual(kept, gone) {
							t.Errorf("forgotten event %d was\n%+v\nand is kept as\n%+v (%v)", i, gone, kept, err)
						}
						return nil
					})
				}
				w.read(w.producer, func(ctx context.Context, tx *database.Tx) error {
					_, err := feed.NewLog(w.producer, producing).Salvaged(ctx, tx, "almoner.donation.v1.DonationSucceeded", "never-told")
					if !errors.Is(err, sql.ErrNoRows) {
						t.Errorf("an event that nobody told is kept (%v)", err)
					}
					return nil
				})
				if fork := w.look(); fork != nil {
					t.Errorf("after the recovery: %+v", fork)
				}
				err = w.recovery().Do(t.Context(), fork)
				if err == nil {
					t.Error("the same fork was ended twice")
				}
			})
		})
	}
}

// Given a consumer that had parked events which never happened, then after the
// recovery they are not parked any more, and what happened is parked where it is.
func TestARecoveryForgetsWhatWasParkedInVain(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.keyed = true
		stopProducer := w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		w.giveMany(20)
		w.settle()
		w.setSick("gift-of-the-past", errClosed)
		w.give("gift-of-the-past", "gift-of-the-past", "gift-20")
		w.settle()
		stopProducer()
		w.restore(20)
		w.wipe()
		w.run(w.newProducer().Run)
		fork := w.look()
		if fork == nil {
			t.Fatal("no fork")
		}
		err := w.recovery().Do(t.Context(), fork)
		if err != nil {
			t.Fatal(err)
		}
		w.give("gift-21")
		testkit.Eventually(t, func() bool { at := w.checkpoint(); return at.Epoch == 2 && at.Pos == 21 })
		for _, table := range []string{"parked_event", "parked_aggregate"} {
			if left := w.strings(w.consumer, `SELECT aggregate_id FROM `+table); len(left) != 0 {
				t.Errorf("%s: %v", table, left)
			}
		}
	})
}

// What was forgotten is found again under the ids that it had, all but one event, in
// whose place there is another: behind the fork most positions are alike again.
func TestTheFirstDifferenceCountsAndNotTheLast(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		stop := w.run(w.newProducer().Run)
		w.giveMany(30)
		w.laid()
		stop()
		forgotten := w.restoreTo(20)
		w.give("new-gift-1")
		w.append(forgotten[1:9]...)
		w.give("new-gift-2")
		w.sequence()
		if fork := w.look(); fork == nil || fork.Common != 20 {
			t.Errorf("the fork is %+v, all are alike up to 20", fork)
		}
	})
}
