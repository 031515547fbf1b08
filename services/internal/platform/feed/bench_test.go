package feed_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/testkit"
)

// filledLog is a log with n sequenced events of 500 bytes or so.
func filledLog(b *testing.B, open func(t testing.TB, service string, sets ...database.MigrationSet) *database.DB, n int) (*database.DB, *feed.Log) {
	b.Helper()
	db := open(b, producing, feed.Migrations())
	log := feed.NewLog(db, producing)
	message := &donationv1.DonationSucceeded{DonationId: fmt.Sprintf("%0400d", 7)}
	for done := 0; done < n; {
		err := db.InTx(b.Context(), func(ctx context.Context, tx *database.Tx) error {
			size := min(n-done, 500)
			events := make([]envelope.Event, size)
			for i := range events {
				var err error
				now := time.UnixMicro(int64(1e15 + done + i))
				events[i], err = envelope.New(envelope.NewID(now), fmt.Sprintf("gift-%d", done+i), 1, now, "", message)
				if err != nil {
					return err
				}
			}
			done += size
			return log.Append(ctx, tx, events...)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for count := 1; count > 0; {
		var err error
		count, err = feed.Sequence(log, b.Context())
		if err != nil {
			b.Fatal(err)
		}
	}
	return db, log
}

// BenchmarkRelay lays a backlog, every acknowledgement awaited. Compare its
// events/s with BenchmarkJetStream's: the aim is half of that or more.
func BenchmarkRelay(b *testing.B) {
	for name, open := range map[string]func(t testing.TB, service string, sets ...database.MigrationSet) *database.DB{
		"sqlite": testkit.SQLite, "postgres": testkit.PostgreSQL,
	} {
		b.Run(name, func(b *testing.B) {
			db, log := filledLog(b, open, b.N)
			conn := testkit.NATS(b)
			js, err := jetstream.New(conn)
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			producer := feed.Keeping(feed.NewProducer(feed.ProducerConfig{Feed: producing, Log: log, DB: db, NATS: conn, Tick: time.Hour}), 1<<40)
			var running sync.WaitGroup
			b.ResetTimer()
			running.Go(func() { producer.Run(ctx) })
			testkit.Eventually(b, func() bool {
				stream, err := js.Stream(ctx, feed.StreamName(producing))
				return err == nil && int(stream.CachedInfo().State.LastSeq) == b.N
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			cancel()
			running.Wait()
		})
	}
}

// BenchmarkJetStream is what JetStream takes when messages with the same headers
// are published asynchronously by its own client.
func BenchmarkJetStream(b *testing.B) {
	js, err := jetstream.New(testkit.NATS(b), jetstream.WithPublishAsyncMaxPending(1024))
	if err != nil {
		b.Fatal(err)
	}
	_, err = js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "PLAIN", Subjects: []string{"plain"}})
	if err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 410)
	b.ResetTimer()
	for i := range b.N {
		id := envelope.NewID(time.UnixMicro(int64(i)))
		_, err := js.PublishMsgAsync(&nats.Msg{Subject: "plain", Data: payload, Header: nats.Header{
			"Nats-Msg-Id": {id}, "ce-id": {id}, "ce-specversion": {"1.0"}, "ce-type": {"almoner.donation.v1.DonationSucceeded"},
			"ce-source": {"/donation"}, "ce-subject": {"gift-7"}, "ce-time": {"2026-03-04T12:00:00Z"},
			"ce-datacontenttype": {"application/protobuf"}, "traceparent": {""},
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkConsumer applies a backlog that waits in the stream.
func BenchmarkConsumer(b *testing.B) {
	db, log := filledLog(b, testkit.SQLite, b.N)
	conn := testkit.NATS(b)
	server := feed.NewServer()
	server.AddFeed(producing, log)
	target := testkit.SQLite(b, consuming, feed.Migrations(), entries())
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var running sync.WaitGroup
	producer := feed.Keeping(feed.NewProducer(feed.ProducerConfig{Feed: producing, Log: log, DB: db, NATS: conn, Tick: time.Hour}), 1<<40)
	running.Go(func() { producer.Run(ctx) })
	consumer := feed.NewConsumer(feed.ConsumerConfig{Service: consuming, Feed: producing, DB: target, NATS: conn, Source: source(b, server)})
	applied := make(chan int, 1024)
	feed.Handle(consumer, func(_ context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationSucceeded]) error {
		tx.AfterCommit(func() { applied <- len(items) })
		return nil
	})
	b.ResetTimer()
	running.Go(func() { consumer.Run(ctx) })
	for left := b.N; left > 0; {
		left -= <-applied
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	cancel()
	running.Wait()
}
