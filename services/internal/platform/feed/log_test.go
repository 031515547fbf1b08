package feed_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestAnEventOfAFailedTransactionNeverHappened(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		refused := errors.New("refused")
		err := w.producer.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			err := w.log.Append(ctx, tx, w.event("gift-1"))
			return errors.Join(err, refused)
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		w.sequence()
		if w.status() != (feed.Status{Epoch: 1}) {
			t.Errorf("status is %+v", w.status())
		}
	})
}

func TestPositionsAreGivenAfterTheCommitWithoutGaps(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		position := func(id string) (pos int64, err error) {
			w.read(w.producer, func(ctx context.Context, tx *database.Tx) error {
				pos, err = w.log.Position(ctx, tx, id)
				return nil
			})
			return pos, err
		}
		event := w.event("gift-1")
		w.append(event)
		pos, err := position(event.ID)
		if pos != 0 || err != nil {
			t.Errorf("before it is sequenced: %d, %v", pos, err)
		}
		w.giveMany(600) // more than one round of the sequencer
		w.sequence()
		pos, err = position(event.ID)
		if pos != 1 || err != nil {
			t.Errorf("afterwards: %d, %v", pos, err)
		}
		_, err = position("nobody's")
		if !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("an unknown event gave %v", err)
		}
		if w.status() != (feed.Status{Head: 601, Epoch: 1}) {
			t.Errorf("status is %+v", w.status())
		}
		for i, pos := range w.strings(w.producer, `SELECT CAST(pos AS TEXT) FROM event ORDER BY seq`) {
			if pos != fmt.Sprint(i+1) {
				t.Fatalf("insertion %d has position %s", i+1, pos)
			}
		}
	})
}

// Whoever appends alone has its events' positions when it commits, and none when it
// does not. What waits for a position goes first.
func TestPositionsComeWithTheCommit(t *testing.T) {
	t.Parallel()
	eachWorld(t, positionsComeWithTheCommit)
}

func positionsComeWithTheCommit(t *testing.T, w *world) {
	w.give("gift-1") // the first of all begins the head
	w.sequence()
	w.give("gift-1", "gift-2")
	if w.status() != (feed.Status{Head: 3, Epoch: 1}) {
		t.Errorf("before the sequencer runs, status is %+v", w.status())
	}
	refused := errors.New("refused")
	err := w.producer.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		err := tx.Savepoint(ctx, func(ctx context.Context) error {
			return errors.Join(w.log.Append(ctx, tx, w.event("gift-3")), refused)
		})
		if !errors.Is(err, refused) {
			t.Error(err)
		}
		return w.log.Append(ctx, tx, w.event("gift-4"), w.event("gift-4"))
	})
	if err != nil {
		t.Fatal(err)
	}
	// As an earlier version of the program would have left them.
	w.change(w.producer, `UPDATE event SET pos = NULL WHERE pos = 5`, `UPDATE event_head SET pos = 4`)
	w.give("gift-4")
	if w.status() != (feed.Status{Head: 4, Epoch: 1, Unsequenced: 2}) {
		t.Errorf("behind one without a position, status is %+v", w.status())
	}
	w.sequence()
	w.give("gift-5")
	if w.status() != (feed.Status{Head: 7, Epoch: 1}) {
		t.Errorf("at the end, status is %+v", w.status())
	}
	for i, pos := range w.strings(w.producer, `SELECT CAST(pos AS TEXT) FROM event ORDER BY seq`) {
		if pos != fmt.Sprint(i+1) {
			t.Errorf("insertion %d has position %s", i+1, pos)
		}
	}
}

func TestTheLogRefusesWhatItCouldNotDeliver(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		known := w.event("gift-1")
		w.append(known)
		for name, spoil := range map[string]func(e *envelope.Event){
			"an id that exists":                 func(e *envelope.Event) { e.ID = known.ID },
			"a version that exists":             func(e *envelope.Event) { e.AggregateID, e.Version = known.AggregateID, known.Version },
			"no id":                             func(e *envelope.Event) { e.ID = "" },
			"no version":                        func(e *envelope.Event) { e.Version = 0 },
			"no aggregate":                      func(e *envelope.Event) { e.AggregateID = "" },
			"a type of another service":         func(e *envelope.Event) { e.Type = "almoner.ledger.v1.EntryPosted" },
			"more than a message may carry":     func(e *envelope.Event) { e.Payload = make([]byte, 300<<10) },
			"a type that only begins like ours": func(e *envelope.Event) { e.Type = "almoner.donations.v1.Gift" },
		} {
			event := w.event("gift-2")
			spoil(&event)
			err := w.producer.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error { return w.log.Append(ctx, tx, event) })
			if err == nil || !strings.Contains(err.Error(), "append to feed donation") {
				t.Errorf("%s gave %v", name, err)
			}
		}
		if w.status().Unsequenced != 1 {
			t.Errorf("%d events are in the log", w.status().Unsequenced)
		}
	})
}

func TestTheServerReadsInOrderAndInBounds(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		empty, err := w.source.Head(t.Context(), &feedv1.HeadRequest{Feed: producing})
		if err != nil || empty.GetPos() != 0 || empty.GetEventId() != "" || empty.GetEpoch() != 1 {
			t.Errorf("an empty feed's head is %v, %v", empty, err)
		}
		w.giveMany(600)
		unsequenced, err := w.source.Read(t.Context(), &feedv1.ReadRequest{Feed: producing})
		if err != nil || len(unsequenced.GetEvents()) != 0 {
			t.Errorf("%d events without a position were served, %v", len(unsequenced.GetEvents()), err)
		}
		w.sequence()
		ids := w.strings(w.producer, `SELECT id FROM event ORDER BY pos`)
		head, err := w.source.Head(t.Context(), &feedv1.HeadRequest{Feed: producing})
		if err != nil || head.GetPos() != 600 || head.GetEventId() != ids[599] {
			t.Errorf("head is %v, %v", head, err)
		}
		for _, c := range []struct {
			after int64
			limit int32
			first int64
			count int
			id    string
		}{
			{0, 0, 1, 512, ""}, {0, 100000, 1, 512, ""}, {0, 7, 1, 7, ""}, {0, -3, 1, 512, ""},
			{590, 0, 591, 10, ids[589]}, {600, 0, 0, 0, ids[599]}, {700, 0, 0, 0, ""},
		} {
			answer, err := w.source.Read(t.Context(), &feedv1.ReadRequest{Feed: producing, After: c.after, Limit: c.limit})
			if err != nil {
				t.Fatal(err)
			}
			if len(answer.GetEvents()) != c.count || answer.GetAfterEventId() != c.id {
				t.Errorf("after %d, limit %d: %d events behind %q", c.after, c.limit, len(answer.GetEvents()), answer.GetAfterEventId())
			}
			for i, event := range answer.GetEvents() {
				if event.GetPos() != c.first+int64(i) || event.GetId() != ids[event.GetPos()-1] {
					t.Fatalf("after %d: event %d is %v", c.after, i, event)
				}
			}
		}
	})
}

// An answer stays far below gRPC's limit, and has at least one event.
func TestAnAnswerIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.SQLite)
	for range 20 {
		event := w.event("gift-1")
		event.Payload = make([]byte, 250<<10)
		w.append(event)
	}
	w.sequence()
	seen := int64(0)
	for seen < 20 {
		answer, err := w.source.Read(t.Context(), &feedv1.ReadRequest{Feed: producing, After: seen})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.GetEvents()) == 0 || len(answer.GetEvents()) > 4 {
			t.Fatalf("%d events of 250 KiB in one answer", len(answer.GetEvents()))
		}
		seen += int64(len(answer.GetEvents()))
	}
}

func TestTheServerRefusesWhatItDoesNotServe(t *testing.T) {
	t.Parallel()
	server := feed.NewServer()
	server.AddFeed(producing, feed.NewLog(testkit.SQLite(t, producing, feed.Migrations()), producing))
	_, err := server.Head(t.Context(), &feedv1.HeadRequest{Feed: "fundraiser"})
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Errorf("a feed of another process gave %v", err)
	}
	_, err = server.Read(t.Context(), &feedv1.ReadRequest{Feed: producing, After: -1})
	if apperr.CodeOf(err) != apperr.InvalidArgument {
		t.Errorf("a negative position gave %v", err)
	}
	_, err = server.ListParked(t.Context(), &feedv1.ListParkedRequest{Service: "nobody"})
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("an unknown service gave %v", err)
	}
	_, err = server.RetryParked(t.Context(), &feedv1.RetryParkedRequest{})
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("no service gave %v", err)
	}
}

func TestBothEnginesHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	names := func(dir string) (names []string) {
		entries, err := fs.ReadDir(feed.Migrations().FS, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
	if !slices.Equal(names("sqlite"), names("postgres")) {
		t.Errorf("sqlite has %v, postgres %v", names("sqlite"), names("postgres"))
	}
}
