package feed_test

import (
	"context"
	"strings"
	"testing"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/testkit"
)

// told is an event of a gift that is not its success.
func (w *world) told(gift, kind string) envelope.Event {
	event := w.event(gift)
	event.Type = kind
	return event
}

const (
	refunded = "almoner.donation.v1.DonationRefunded"
	failed   = "almoner.donation.v1.DonationFailed"
)

// older is a consumer of a version that was built before there were refunds.
func (w *world) older() *feed.Consumer {
	return w.newConsumer(func(cfg *feed.ConsumerConfig) {
		cfg.Knows = func(eventType string) bool { return eventType != refunded }
	})
}

// newerToo is a consumer of the version after, which enters refunds.
func (w *world) newerToo() *feed.Consumer {
	c := w.newConsumer()
	feed.Handle(c, func(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationRefunded]) error {
		for _, item := range items {
			_, err := tx.ExecContext(ctx, `INSERT INTO entry (event, gift, version) VALUES ($1, $2, $3)`, item.ID, item.AggregateID, item.Version)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return c
}

// Given a producer that was upgraded before its consumer, then what the consumer was
// built without waits, with what comes behind it about the same gift; everything
// else flows; and the newer consumer applies it in order, without anybody's help.
func TestWhatAnOlderProgramDoesNotKnowWaitsForTheNewer(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.older()
		client := w.parking(consumer)
		w.run(w.newProducer().Run)
		stop := w.run(consumer.Run)
		w.give("gift-1", "gift-2")
		w.append(w.told("gift-1", refunded))
		w.give("gift-1", "gift-2")
		w.settle()
		items := parked(t, client)
		if len(items) != 2 || items[0].GetPos() != 3 || !items[0].GetWaiting() || !strings.Contains(items[0].GetReason(), "upgrade this service") {
			t.Fatalf("parked are %v", items)
		}
		if n := len(w.entered()); n != 3 {
			t.Errorf("%d entries, want the three that it knows and that nothing is before", n)
		}
		// Staff cannot help, and neither can the same version started again.
		applied, left := retry(t, client, items[0].GetId())
		if applied != 0 || left != 2 {
			t.Errorf("applied %d, left %d", applied, left)
		}
		stop()
		stop = w.run(w.older().Run)
		w.give("gift-2")
		w.settle()
		stop()
		if n := len(parked(t, client)); n != 2 {
			t.Errorf("%d are parked, want the two", n)
		}

		w.run(w.newerToo().Run)
		testkit.Eventually(t, func() bool { return len(parked(t, client)) == 0 })
		w.give("gift-1") // it flows again
		w.settle()
		w.verify()
	})
}

// Of what a program knows and has no use for, nothing is kept; an older one could
// not tell, and the newer one lets go of it.
func TestWhatNobodyCaresForDoesNotWait(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.older()
		client := w.parking(consumer)
		w.run(w.newProducer().Run)
		stop := w.run(consumer.Run)
		w.append(w.told("gift-1", failed), w.told("gift-2", refunded))
		w.settle()
		items := parked(t, client)
		if len(items) != 1 || items[0].GetAggregateId() != "gift-2" {
			t.Fatalf("parked are %v", items)
		}
		stop()
		w.run(w.newConsumer().Run) // knows refunds, and does nothing about them
		testkit.Eventually(t, func() bool { return len(parked(t, client)) == 0 })
		if n := len(w.entered()); n != 0 {
			t.Errorf("%d entries of events that nobody handles", n)
		}
	})
}

// A projection that is folded again by the older program keeps what it does not
// know for the newer one, too.
func TestFoldingAgainKeepsWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		consumer := w.older()
		client := w.parking(consumer)
		stop := w.run(consumer.Run)
		w.give("gift-1")
		w.append(w.told("gift-1", refunded))
		w.settle()
		stop()
		err := w.refold(consumer, w.checkpoint())
		if err != nil {
			t.Fatal(err)
		}
		if items := parked(t, client); len(items) != 1 || items[0].GetPos() != 2 || !items[0].GetWaiting() {
			t.Errorf("parked are %v", items)
		}
	})
}
