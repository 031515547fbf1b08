package feed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/testkit"
)

var (
	errClosed = apperr.New(apperr.FailedPrecondition, "PERIOD_CLOSED", "The period is closed.")
	errNoFund = fmt.Errorf("find fund of the gift: %w", envelope.ErrNotYet)
)

// parked lists what a consumer parked, through gRPC as the console does.
func parked(t *testing.T, client feedv1.ParkingServiceClient) []*feedv1.ParkedItem {
	t.Helper()
	answer, err := client.ListParked(t.Context(), &feedv1.ListParkedRequest{Service: consuming})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetItems()
}

func retry(t *testing.T, client feedv1.ParkingServiceClient, id string) (applied, left int) {
	t.Helper()
	answer, err := client.RetryParked(t.Context(), &feedv1.RetryParkedRequest{Service: consuming, Id: id})
	if err != nil {
		t.Fatal(err)
	}
	return int(answer.GetApplied()), int(answer.GetParked())
}

func (w *world) parking(consumers ...*feed.Consumer) feedv1.ParkingServiceClient {
	server := feed.NewServer()
	server.AddParking(consuming, feed.NewParking(w.consumer, consumers...))
	return feedv1.NewParkingServiceClient(dial(w.t, server))
}

// Given an event that cannot be applied, then it and the later ones of its gift
// are parked, everything else flows, and a retry applies them in order.
func TestPoisonParksItsGiftOnly(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.newConsumer()
		client := w.parking(consumer)
		w.run(w.newProducer().Run)
		w.run(consumer.Run)
		w.setSick("gift-3", errClosed)
		w.giveMany(100) // six versions of gift-3 among them
		w.settle()
		w.giveMany(17) // one more, in a later transaction
		w.settle()
		items := parked(t, client)
		if len(items) != 7 {
			t.Fatalf("%d items are parked", len(items))
		}
		first := items[0]
		if first.GetPos() != 4 || first.GetAggregateId() != "gift-3" || first.GetAttempts() != 1 || first.GetWaiting() ||
			!strings.Contains(first.GetReason(), "period is closed") || first.GetSource() != producing {
			t.Errorf("the first is %v", first)
		}
		if items[1].GetReason() != "behind position 4" || items[1].GetAttempts() != 0 {
			t.Errorf("the second is %v", items[1])
		}
		if n := len(w.entered()); n != 110 {
			t.Errorf("%d entries, want the 110 others", n)
		}
		// Staff try too early: nothing changes but the count.
		applied, left := retry(t, client, items[3].GetId())
		if applied != 0 || left != 7 || parked(t, client)[0].GetAttempts() != 2 {
			t.Errorf("applied %d, left %d, attempts %d", applied, left, parked(t, client)[0].GetAttempts())
		}
		w.setSick("gift-3", nil)
		applied, left = retry(t, client, first.GetId())
		if applied != 7 || left != 0 {
			t.Errorf("applied %d, left %d", applied, left)
		}
		w.giveMany(17) // the gift flows again
		w.settle()
		w.verify()
	})
}

// Given several kinds of trouble at once, then a retry of everything applies
// what can be applied and leaves the rest in its order.
func TestRetryOfEverythingStopsWhereItMust(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.newConsumer()
		client := w.parking(consumer)
		w.run(w.newProducer().Run)
		w.run(consumer.Run)
		w.setSick("gift-1", errClosed)
		w.setSick("gift-2", errClosed)
		w.giveMany(51)
		w.settle()
		w.setSick("gift-1", nil)
		applied, left := retry(t, client, "")
		if applied != 3 || left != 3 {
			t.Errorf("applied %d, left %d, want 3 and 3", applied, left)
		}
		w.setSick("gift-2", nil)
		applied, left = retry(t, client, "")
		if applied != 3 || left != 0 {
			t.Errorf("applied %d, left %d, want 3 and 0", applied, left)
		}
		w.verify()
	})
}

// Given a gift whose fund is not known yet, then it waits without anybody's
// help, others do not wait for it, and it is applied once the fund is there.
func TestWhatIsNotYetPossibleIsTriedByItself(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.newConsumer()
		client := w.parking(consumer)
		w.run(w.newProducer().Run)
		w.run(consumer.Run)
		w.setSick("gift-5", errNoFund)
		w.giveMany(51)
		w.settle()
		testkit.Eventually(t, func() bool {
			items := parked(t, client)
			return len(items) == 3 && items[0].GetWaiting() && items[0].GetAttempts() > 2
		})
		w.setSick("gift-5", nil)
		testkit.Eventually(t, func() bool { return len(parked(t, client)) == 0 })
		w.verify()
	})
}

// A fact that was waited for turns out to make the event impossible: staff are
// told, and it is not tried by itself any more.
func TestWaitingCanBecomePoison(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.newConsumer()
		client := w.parking(consumer)
		w.run(w.newProducer().Run)
		w.run(consumer.Run)
		w.setSick("gift-5", errNoFund)
		w.giveMany(20)
		w.settle()
		w.setSick("gift-5", errClosed)
		testkit.Eventually(t, func() bool {
			items := parked(t, client)
			return len(items) == 1 && !items[0].GetWaiting() && strings.Contains(items[0].GetReason(), "period is closed")
		})
		w.setSick("gift-5", nil)
		retry(t, client, "")
		w.verify()
	})
}

// A bug that one event uncovers, a payload that is no message, and data that the
// database refuses are all that event's own.
func TestWhatTheEventItselfBreaksIsParked(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		consumer := w.newConsumer()
		feed.Handle(consumer, func(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationSucceeded]) error {
			for _, item := range items {
				switch item.AggregateID {
				case "panics":
					var none *feed.Item[*donationv1.DonationSucceeded]
					_ = none.Pos
				case "refused":
					_, err := tx.ExecContext(ctx, `INSERT INTO entry (event, gift, version) VALUES ($1, NULL, 1)`, item.ID)
					return err
				}
			}
			return w.enter(ctx, tx, items)
		})
		client := w.parking(consumer)
		w.run(w.newProducer().Run)
		w.run(consumer.Run)
		garbled := w.event("garbled")
		garbled.Payload = []byte{0xff, 0xff, 0xff}
		w.append(w.event("before"), w.event("panics"), garbled, w.event("refused"), w.event("after"))
		w.settle()
		var aggregates []string
		for _, item := range parked(t, client) {
			aggregates = append(aggregates, item.GetAggregateId())
			if strings.Contains(item.GetReason(), "\n") {
				t.Errorf("the reason is a stack trace: %s", item.GetReason())
			}
		}
		if !slices.Equal(aggregates, []string{"panics", "garbled", "refused"}) {
			t.Errorf("parked are %v", aggregates)
		}
		if n := len(w.entered()); n != 2 {
			t.Errorf("%d entries, want the two others", n)
		}
	})
}

// An operator's command retries on the database of a service that does not run.
func TestAnOperatorRetriesWithoutTheService(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		stop := w.run(w.newConsumer().Run)
		w.setSick("gift-0", errClosed)
		w.giveMany(40)
		w.settle()
		stop()
		w.setSick("gift-0", nil)
		parking := feed.NewParking(w.consumer, w.newConsumer())
		applied, left, err := parking.RetryParked(t.Context(), "")
		if err != nil || applied != 3 || left != 0 {
			t.Errorf("applied %d, left %d, %v", applied, left, err)
		}
		w.verify()
	})
}

func TestARetryOfSomethingUnknownIsAClearError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.SQLite)
	parking := feed.NewParking(w.consumer, w.newConsumer())
	for _, id := range []string{"donation:7", "donation:", "donation", "other:7", "donation:7;DROP TABLE entry", ":", "stripe:evt_1"} {
		_, _, err := parking.RetryParked(t.Context(), id)
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("%q gave %v", id, err)
		}
	}
}

// While it retries, a failure that is the moment's undoes the whole and is told.
func TestAPassingFailureDuringRetryIsAnError(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		stop := w.run(w.newConsumer().Run)
		w.setSick("gift-0", errClosed)
		w.giveMany(40)
		w.settle()
		stop()
		full := errors.New("the disk is full")
		w.setSick("gift-0", full)
		parking := feed.NewParking(w.consumer, w.newConsumer())
		applied, left, err := parking.RetryParked(t.Context(), "")
		if !errors.Is(err, full) || applied != 0 || left != 3 {
			t.Errorf("applied %d, left %d, %v", applied, left, err)
		}
	})
}

// A letter was refused in the morning; at noon a whole batch was parked, in one
// instant, whose positions as words would be in another order.
func TestWhatIsParkedOfSeveralKindsIsListedOldestFirst(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	items := []feed.ParkedItem{
		{ID: "donation:9", Since: noon}, {ID: "donation:10", Since: noon}, {ID: "donation:11", Since: noon.Add(time.Minute)},
		{ID: "mail:R-2026-7", Since: noon.Add(-time.Hour)}, {ID: "mail:R-2026-8", Since: noon},
	}
	feed.OldestFirst(items)
	var ids []string
	for _, item := range items {
		ids = append(ids, item.ID)
	}
	if want := []string{"mail:R-2026-7", "donation:9", "donation:10", "mail:R-2026-8", "donation:11"}; !slices.Equal(ids, want) {
		t.Errorf("listed %v, want %v", ids, want)
	}
}
