package feed_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestEveryEventArrivesOnceAndInOrder(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.giveMany(120) // before anybody listens
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		w.giveMany(700)
		w.settle()
		w.verify()
		w.laid()
	})
}

// What was laid together is applied together, although it arrives one by one: in
// one transaction of ten, for the machine may take a break in between.
func TestWhatWasLaidTogetherIsAppliedTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.SQLite)
	const rounds, gifts = 10, 300
	var largest atomic.Int64
	consumer := feed.NewConsumer(feed.ConsumerConfig{
		Service: consuming, Feed: producing, DB: w.consumer, NATS: w.broker.Connect(t, consuming), Source: w.source, Tick: quick,
	})
	feed.Handle(consumer, func(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationSucceeded]) error {
		largest.Store(max(largest.Load(), int64(len(items))))
		return w.enter(ctx, tx, items)
	})
	w.give("gift-1")
	w.run(w.newProducer().Run)
	w.run(consumer.Run)
	w.settle()
	for round := 0; round < rounds && largest.Load() < gifts; round++ {
		list := make([]string, gifts)
		for i := range list {
			list[i] = "gift-" + strconv.Itoa(i)
		}
		w.give(list...)
		w.settle()
	}
	if largest.Load() != gifts {
		t.Errorf("of %d events at most %d were applied together", gifts, largest.Load())
	}
	w.verify()
}

// Given two transactions of which the first to insert commits last, then the
// late one gets later positions and is not passed over.
func TestALateCommitIsNotPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.PostgreSQL)
	w.run(w.newProducer().Run)
	w.run(w.newConsumer().Run)
	early, late := w.event("gift-early"), w.event("gift-late")
	err := w.producer.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		err := w.log.Append(ctx, tx, late) // the lower insertion number
		if err != nil {
			return err
		}
		w.append(early)
		w.settle()
		if w.status().Head != 1 {
			t.Errorf("head is %d while the late one is uncommitted", w.status().Head)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.settle()
	if w.status().Head != 2 {
		t.Errorf("head is %d", w.status().Head)
	}
	w.verify()
	w.laid()
}

// Given two transactions that append at the same time, then the second waits for
// nobody: its events get their positions behind those of the first.
func TestWhoAppendsBesideAnotherDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.PostgreSQL)
	w.give("gift-1") // the first of all begins the head
	w.sequence()
	first, second := w.event("gift-1"), w.event("gift-2")
	err := w.producer.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		err := w.log.Append(ctx, tx, first)
		if err != nil {
			return err
		}
		w.append(second)
		w.give("gift-2") // which must not come before what waits
		if w.status() != (feed.Status{Head: 1, Epoch: 1, Unsequenced: 2}) {
			t.Errorf("beside the first, status is %+v", w.status())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.status() != (feed.Status{Head: 2, Epoch: 1, Unsequenced: 2}) {
		t.Errorf("behind the first, status is %+v", w.status())
	}
	w.run(w.newProducer().Run)
	w.run(w.newConsumer().Run)
	w.give("gift-1")
	w.settle()
	if w.status() != (feed.Status{Head: 5, Epoch: 1}) {
		t.Errorf("at the end, status is %+v", w.status())
	}
	ids := w.strings(w.producer, `SELECT id FROM event ORDER BY pos`)
	if ids[1] != first.ID || ids[2] != second.ID {
		t.Errorf("positions 2 and 3 are of %q and %q", ids[1], ids[2])
	}
	w.verify()
	w.laid()
}

// Given many who append at the same time, then no position is missing or given
// twice, and each aggregate's versions are in their order.
func TestManyAppendAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.PostgreSQL)
	w.run(w.newProducer().Run)
	w.run(w.newConsumer().Run)
	var writers sync.WaitGroup
	for writer := range 8 {
		writers.Go(func() {
			for range 20 {
				w.give(fmt.Sprintf("gift-%d", writer))
			}
		})
	}
	writers.Wait()
	w.settle()
	if w.status() != (feed.Status{Head: 160, Epoch: 1}) {
		t.Errorf("status is %+v", w.status())
	}
	for _, gift := range w.strings(w.producer, `SELECT DISTINCT e.aggregate_id FROM event e JOIN event later
			ON later.aggregate_id = e.aggregate_id AND later.aggregate_version > e.aggregate_version AND later.pos < e.pos`) {
		t.Errorf("the versions of %s are not in their order", gift)
	}
	w.verify()
	w.laid()
}

func TestTwoRelaysDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(feed.Racing(w.newProducer()).Run)
		w.run(feed.Racing(w.newProducer()).Run)
		w.run(w.newConsumer().Run)
		for range 20 {
			w.giveMany(60)
		}
		w.settle()
		w.verify()
		w.laid()
	})
}

// Given two processes on one PostgreSQL database, then one relays, and when it
// is gone the other does.
func TestTheSecondRelayTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.PostgreSQL)
	stopFirst := w.run(w.newProducer().Run)
	w.giveMany(10)
	w.laid()
	w.run(w.newProducer().Run)
	stopFirst()
	w.giveMany(10)
	w.laid()
}

// Given a stream that begins at 41, then a new consumer gets 1 to 40 from the
// producer.
func TestWhatIsOlderThanTheStreamIsPulled(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.giveMany(50)
		w.sequence()
		stopRelay := w.run(feed.Keeping(w.newProducer(), 10).Run)
		w.laid()
		stream, err := w.streams().Stream(t.Context(), feed.StreamName(producing))
		if err != nil {
			t.Fatal(err)
		}
		if stream.CachedInfo().State.FirstSeq != 41 {
			t.Fatalf("the stream begins at %d", stream.CachedInfo().State.FirstSeq)
		}
		w.run(w.newConsumer().Run)
		w.settle()
		stopRelay()
		w.verify()
	})
}

// Given a message that the broker lost in mid-stream, then it is pulled.
func TestAGapIsPulled(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		stopRelay := w.run(w.newProducer().Run)
		w.giveMany(40)
		w.laid()
		stopRelay()
		w.loseMessages(17, 18, 30)
		w.run(w.newConsumer().Run)
		w.settle()
		w.verify()
	})
}

// loseMessages makes holes in the stream. Ours refuses that, so a copy without
// the refusal takes its place.
func (w *world) loseMessages(sequences ...uint64) {
	w.t.Helper()
	js, ctx := w.streams(), context.Background()
	stream, err := js.Stream(ctx, feed.StreamName(producing))
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	last := stream.CachedInfo().State.LastSeq
	var copies []*nats.Msg
	for sequence := uint64(1); sequence <= last; sequence++ {
		message, err := stream.GetMsg(ctx, sequence)
		if err != nil {
			w.t.Fatal(err)
		}
		copies = append(copies, &nats.Msg{Subject: message.Subject, Header: message.Header, Data: message.Data})
	}
	w.wipe()
	cfg.DenyDelete = false
	stream = w.createStream(js, cfg)
	for _, message := range copies {
		_, err := js.PublishMsg(ctx, message)
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for _, sequence := range sequences {
		err := stream.DeleteMsg(ctx, sequence)
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// sequence gives positions without a producer.
func (w *world) sequence() {
	w.t.Helper()
	for w.status().Unsequenced > 0 {
		_, err := feed.Sequence(w.log, context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// Given a durable that starts again from the first message, and a second
// instance that takes half of the deliveries, then nothing is applied twice.
func TestASecondDeliveryFindsItsWorkDone(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		stop := w.run(w.newConsumer().Run)
		w.giveMany(100)
		w.laid()
		w.settle()
		js := w.streams()
		testkit.Eventually(t, func() bool {
			_, err := js.Consumer(context.Background(), feed.StreamName(producing), consuming)
			return err == nil
		})
		stop()
		err := js.DeleteConsumer(t.Context(), feed.StreamName(producing), consuming)
		if err != nil {
			t.Fatal(err)
		}
		_, err = js.CreateConsumer(t.Context(), feed.StreamName(producing), jetstream.ConsumerConfig{
			Durable: consuming, AckPolicy: jetstream.AckAllPolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.run(w.newConsumer().Run)
		w.run(w.newConsumer().Run)
		w.giveMany(100)
		w.settle()
		w.verify()
	})
}

func TestTheFeedFlowsWithoutTheBroker(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.broker.Stop()
		producer := w.newProducer()
		w.run(producer.Run)
		w.run(w.newConsumer().Run)
		w.giveMany(300)
		w.settle()
		w.giveMany(300)
		w.settle()
		w.verify()
		testkit.Eventually(t, func() bool { return producer.Health() != nil })
		// It comes up for the first time, goes down, and comes back.
		w.broker.Start(t)
		w.giveMany(10)
		w.laid()
		testkit.Eventually(t, func() bool { return producer.Health() == nil })
		w.broker.Stop()
		w.giveMany(10)
		w.settle()
		w.broker.Start(t)
		w.giveMany(10)
		w.settle()
		w.laid()
		w.verify()
	})
}

// A service that is only asked has no connection at all.
func TestTheFeedFlowsWithoutAConnection(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(feed.NewProducer(feed.ProducerConfig{Feed: producing, Log: w.log, DB: w.producer, Tick: quick}).Run)
		c := feed.NewConsumer(feed.ConsumerConfig{Service: consuming, Feed: producing, DB: w.consumer, Source: w.source, Tick: quick})
		feed.Handle(c, w.enter)
		w.run(c.Run)
		w.giveMany(20)
		w.settle()
		w.verify()
	})
}

// Given a handler that fails for a while, for no fault of the event, then the
// batch is tried again until it succeeds, and nothing overtakes it.
func TestAPassingFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		consumer := w.newConsumer()
		w.run(consumer.Run)
		w.setSick("gift-3", errors.New("the disk is full"))
		w.giveMany(40)
		testkit.Eventually(t, func() bool { return consumer.Health() != nil })
		if len(w.strings(w.consumer, `SELECT id FROM parked_event`)) != 0 {
			t.Error("an event was parked for a passing failure")
		}
		w.setSick("gift-3", nil)
		w.settle()
		w.verify()
		testkit.Eventually(t, func() bool { return consumer.Health() == nil })
	})
}

// Events that the consumer does not know move its position and nothing else.
func TestUnknownTypesArePassedOver(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		w.run(w.newProducer().Run)
		w.run(w.newConsumer().Run)
		for i := range 10 {
			unknown := w.event("payout-" + strconv.Itoa(i))
			unknown.Type = "almoner.donation.v1.SomethingOfTomorrow"
			w.append(unknown)
		}
		w.settle()
		if n := len(w.strings(w.consumer, `SELECT event FROM entry`)); n != 0 {
			t.Errorf("%d entries", n)
		}
	})
}
