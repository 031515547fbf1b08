package feed_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Everything is stopped at any moment here, and leaves nothing behind.
func TestMain(m *testing.M) {
	if store := os.Getenv(storeVariable); store != "" {
		err := serveNATS(store)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m, testkit.ForgottenByNATS()...)
}

const (
	producing = "donation"
	consuming = "ledger"
	// quick is the tests' second.
	quick = 40 * time.Millisecond
)

// entries is the effect of the events: one row for each that was applied, with
// no key that would hide a second one.
func entries() database.MigrationSet {
	return database.MigrationSet{Name: "entry", FS: fstest.MapFS{
		"sqlite/0001_init.sql": {Data: []byte(`-- +goose Up
CREATE TABLE entry (number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, gift TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
`)},
		"postgres/0001_init.sql": {Data: []byte(`-- +goose Up
CREATE TABLE entry (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event TEXT NOT NULL, gift TEXT NOT NULL, version BIGINT NOT NULL);
`)},
	}, Grants: database.Grants{"entry": "SELECT, INSERT, DELETE"}}
}

// world is a producer, a broker and a consumer, each of which can be taken away.
type world struct {
	t      *testing.T
	broker *testkit.Broker
	// connect opens a service's connection to the broker, or to what the story has
	// in its place. Streams there have so many replicas.
	connect  func(t testing.TB, name string) *nats.Conn
	replicas int
	producer *database.DB
	consumer *database.DB
	log      *feed.Log
	source   feedv1.FeedServiceClient
	tracer   trace.TracerProvider
	// metrics and clock are the system's own, or none, unless a story sets them.
	metrics *prometheus.Registry
	clock   *testkit.FakeClock

	mu       sync.Mutex
	versions map[string]int64
	// keyed makes the handler pass over what it has, as services do by Stripe's ids.
	keyed bool
	// sick makes the handler fail for a gift.
	sick map[string]error
	// given counts events, for ids that tell their order.
	given int
}

// eachWorld runs a story on both engines.
func eachWorld(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	for name, open := range map[string]func(t testing.TB, service string, sets ...database.MigrationSet) *database.DB{
		"sqlite": testkit.SQLite, "postgres": testkit.PostgreSQL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, newWorld(t, open))
		})
	}
}

func newWorld(t *testing.T, open func(t testing.TB, service string, sets ...database.MigrationSet) *database.DB) *world {
	t.Helper()
	broker := testkit.NewBroker(t)
	broker.Start(t)
	return worldAt(t, open, broker, broker.Connect)
}

// worldAt is a world whose broker is reached in another way.
func worldAt(t *testing.T, open func(t testing.TB, service string, sets ...database.MigrationSet) *database.DB, broker *testkit.Broker, connect func(t testing.TB, name string) *nats.Conn) *world {
	t.Helper()
	w := &world{
		t:        t,
		broker:   broker,
		connect:  connect,
		replicas: 1,
		producer: open(t, producing, feed.Migrations()),
		consumer: open(t, consuming, feed.Migrations(), entries()),
		versions: map[string]int64{},
		sick:     map[string]error{},
	}
	w.log = feed.NewLog(w.producer, producing)
	server := feed.NewServer()
	server.AddFeed(producing, w.log)
	w.source = source(t, server)
	return w
}

// dial serves a feed server over gRPC in memory.
func dial(t testing.TB, server *feed.Server) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	grpcServer := grpc.NewServer()
	feedv1.RegisterFeedServiceServer(grpcServer, server)
	feedv1.RegisterParkingServiceServer(grpcServer, server)
	served := make(chan error, 1)
	go func() { served <- grpcServer.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///feeds", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		grpcServer.Stop()
		err := <-served
		if err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return conn
}

// source asks a feed server over gRPC in memory.
func source(t testing.TB, server *feed.Server) feedv1.FeedServiceClient {
	t.Helper()
	return feedv1.NewFeedServiceClient(dial(t, server))
}

// run starts a loop and returns how to stop it, which also happens at the end.
func (w *world) run(loop func(ctx context.Context)) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { loop(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	w.t.Cleanup(stop)
	return stop
}

func (w *world) newProducer() *feed.Producer {
	w.t.Helper()
	return feed.NewProducer(feed.ProducerConfig{
		Logger: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Feed:   producing, Log: w.log, DB: w.producer, NATS: w.connect(w.t, producing), Tracer: w.tracer, Tick: quick,
		Metrics: w.registerer(), Now: w.now(), Replicas: w.replicas,
	})
}

// registerer is nil where nobody counts; a nil registry would not be.
func (w *world) registerer() prometheus.Registerer {
	if w.metrics == nil {
		return nil
	}
	return w.metrics
}

func (w *world) now() func() time.Time {
	if w.clock == nil {
		return time.Now
	}
	return w.clock.Now
}

func (w *world) newConsumer(but ...func(cfg *feed.ConsumerConfig)) *feed.Consumer {
	w.t.Helper()
	cfg := feed.ConsumerConfig{
		Logger:  slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Service: consuming, Feed: producing, DB: w.consumer, NATS: w.connect(w.t, consuming),
		Source: w.source, Tracer: w.tracer, Tick: quick, Metrics: w.registerer(), Now: w.now(),
	}
	for _, change := range but {
		change(&cfg)
	}
	c := feed.NewConsumer(cfg)
	feed.Handle(c, w.enter)
	return c
}

// enter is the handler: it writes an entry for each event, and only then fails
// for a gift that is sick, so that what it wrote must be undone.
func (w *world) enter(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationSucceeded]) error {
	for _, item := range items {
		insert := `INSERT INTO entry (event, gift, version) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT)`
		if w.keyed {
			insert += ` WHERE NOT EXISTS (SELECT 1 FROM entry WHERE event = $1)`
		}
		_, err := tx.ExecContext(ctx, insert, item.ID, item.Message.GetDonationId(), item.Version)
		if err != nil {
			return err
		}
		w.mu.Lock()
		err = w.sick[item.Message.GetDonationId()]
		w.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) setSick(gift string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sick[gift] = err
}

// event builds the next event of a gift.
func (w *world) event(gift string) envelope.Event {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.versions[gift]++
	w.given++
	at := time.Date(2026, 3, 4, 12, 0, 0, w.given*1000, time.UTC)
	event, err := envelope.New(envelope.NewID(at), gift, w.versions[gift], at,
		fmt.Sprintf("00-%032x-%016x-01", w.given, w.given), &donationv1.DonationSucceeded{DonationId: gift})
	if err != nil {
		w.t.Fatal(err)
	}
	return event
}

// give commits an event for each of the gifts named, in one transaction.
func (w *world) give(gifts ...string) {
	w.t.Helper()
	events := make([]envelope.Event, len(gifts))
	for i, gift := range gifts {
		events[i] = w.event(gift)
	}
	w.append(events...)
}

func (w *world) append(events ...envelope.Event) {
	w.t.Helper()
	err := w.producer.InTx(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		return w.log.Append(ctx, tx, events...)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// giveMany commits n events over a few gifts, in transactions of up to 50.
func (w *world) giveMany(n int) {
	w.t.Helper()
	for n > 0 {
		size := min(n, 50)
		gifts := make([]string, size)
		for i := range gifts {
			gifts[i] = "gift-" + strconv.Itoa(i%17)
		}
		w.give(gifts...)
		n -= size
	}
}

func (w *world) status() feed.Status {
	w.t.Helper()
	status, err := w.log.Status(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return status
}

func (w *world) checkpoint() (at feed.Checkpoint) {
	w.t.Helper()
	w.read(w.consumer, func(ctx context.Context, tx *database.Tx) error {
		all, err := feed.Checkpoints(ctx, tx)
		if len(all) > 0 {
			at = all[0]
		}
		return err
	})
	return at
}

func (w *world) read(db *database.DB, fn func(ctx context.Context, tx *database.Tx) error) {
	w.t.Helper()
	err := db.InReadTx(context.Background(), fn)
	if err != nil {
		w.t.Fatal(err)
	}
}

// change runs statements on a database, as a fault would.
func (w *world) change(db *database.DB, statements ...string) {
	w.t.Helper()
	err := testkit.Owner(w.t, db).InTx(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		for _, statement := range statements {
			_, err := tx.ExecContext(ctx, statement)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// settle waits until everything given is applied.
func (w *world) settle() {
	w.t.Helper()
	testkit.Eventually(w.t, func() bool {
		status := w.status()
		return status.Unsequenced == 0 && w.checkpoint().Pos == status.Head
	})
}

// laid waits until the stream is a copy of the log's end, sequence for position.
func (w *world) laid() {
	w.t.Helper()
	w.laidBut(false)
}

// laidBut is laid, and may let strangers' messages stand in between: a relay that
// is killed the moment one takes an event's place tells nobody. The consumers do
// not mind.
func (w *world) laidBut(strangers bool) {
	w.t.Helper()
	js := w.streams()
	var fault error
	defer func() {
		if fault != nil {
			w.t.Log(fault)
		}
	}()
	testkit.Eventually(w.t, func() bool {
		fault = w.streamFault(js, strangers)
		return fault == nil
	})
}

func (w *world) streamFault(js jetstream.JetStream, strangers bool) error {
	ctx := context.Background()
	status := w.status()
	if status.Unsequenced != 0 {
		return fmt.Errorf("%d events have no position", status.Unsequenced)
	}
	stream, err := js.Stream(ctx, feed.StreamName(producing))
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	ids := w.strings(w.producer, `SELECT id FROM event WHERE pos IS NOT NULL ORDER BY pos`)
	if int64(state.LastSeq) != status.Head || len(ids) != int(status.Head) {
		return fmt.Errorf("the stream ends at %d, the log at %d", state.LastSeq, len(ids))
	}
	for sequence := state.FirstSeq; sequence <= state.LastSeq; sequence++ {
		message, err := stream.GetMsg(ctx, sequence)
		if err != nil {
			return fmt.Errorf("sequence %d: %w", sequence, err)
		}
		if strangers && message.Header.Get("ce-source") == "" {
			continue
		}
		if message.Header.Get("ce-id") != ids[sequence-1] {
			return fmt.Errorf("sequence %d holds %q, the log has %s there", sequence, message.Header.Get("ce-id"), ids[sequence-1])
		}
	}
	return nil
}

func (w *world) streams() jetstream.JetStream {
	w.t.Helper()
	js, err := jetstream.New(w.connect(w.t, "operator"), jetstream.WithDefaultTimeout(time.Second))
	if err != nil {
		w.t.Fatal(err)
	}
	return js
}

// wipe deletes the stream, and says whether there was one.
func (w *world) wipe() bool {
	w.t.Helper()
	err := w.streams().DeleteStream(context.Background(), feed.StreamName(producing))
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		w.t.Fatal(err)
	}
	return err == nil
}

// verify compares what was given with what was entered: nothing lost, nothing
// doubled, each gift's events in order. Parked events count as not entered.
func (w *world) verify() {
	w.t.Helper()
	log := w.strings(w.producer, `SELECT id FROM event ORDER BY pos`)
	entered := w.strings(w.consumer, `SELECT event FROM entry ORDER BY number`)
	times := map[string]int{}
	for _, id := range entered {
		times[id]++
	}
	for pos, id := range log {
		if times[id] != 1 {
			w.t.Errorf("the event at position %d was entered %d times", pos+1, times[id])
		}
		delete(times, id)
	}
	for id := range times {
		w.t.Errorf("an event %s was entered that nobody gave", id)
	}
	next := map[string]int64{}
	for _, row := range w.strings(w.consumer, `SELECT gift || ' ' || CAST(version AS TEXT) FROM entry ORDER BY number`) {
		gift, number, _ := strings.Cut(row, " ")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		next[gift]++
		if version != next[gift] {
			w.t.Fatalf("%s: version %d was entered where %d was due", gift, version, next[gift])
		}
	}
}

// strings reads a column.
func (w *world) strings(db *database.DB, query string, args ...any) (column []string) {
	w.t.Helper()
	w.read(db, func(ctx context.Context, tx *database.Tx) error {
		column = nil
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var value sql.NullString
			err := rows.Scan(&value)
			if err != nil {
				return err
			}
			column = append(column, value.String)
		}
		return rows.Err()
	})
	return column
}
