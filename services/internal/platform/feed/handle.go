package feed

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// Item is an event as a handler gets it.
type Item[M proto.Message] struct {
	// Pos is the event's position in its feed.
	Pos         int64
	ID          string
	AggregateID string
	// Version counts the events of the aggregate. Where order matters, it decides.
	Version    int64
	OccurredAt time.Time
	// Traceparent is the context of what caused the event, TraceID the 32 hex
	// digits of its trace. Both may be empty.
	Traceparent string
	TraceID     string
	Message     M
}

// Handle registers what to do with events of M's type, before Run. The handler
// gets one or more consecutive events of that type and writes their effect in
// tx; the consumer's position moves in the same transaction. Its error decides:
//
//   - wrapping envelope.ErrNotYet: the event waits, and is tried again by itself;
//   - permanent (apperr.Permanent), or data that the database refuses, or a
//     panic: the event is parked for staff;
//   - any other: the whole batch is undone and tried again until it succeeds.
//
// When events that came together fail, they are tried one by one, so that only
// the one that is to blame is parked, with its aggregate. The effects must be
// idempotent by unique business keys too.
func Handle[M proto.Message](c *Consumer, handler func(ctx context.Context, tx *database.Tx, items []Item[M]) error) {
	var zero M
	kind := zero.ProtoReflect().Type()
	c.handlers[string(kind.Descriptor().FullName())] = func(ctx context.Context, tx *database.Tx, records []record) error {
		items := make([]Item[M], len(records))
		for i, r := range records {
			message := kind.New().Interface()
			err := proto.Unmarshal(r.Payload, message)
			if err != nil {
				return poison{fmt.Errorf("decode %s: %w", r.Type, err)}
			}
			items[i] = Item[M]{
				Pos: r.pos, ID: r.ID, AggregateID: r.AggregateID, Version: r.Version, OccurredAt: r.OccurredAt,
				Traceparent: r.Traceparent, TraceID: traceID(r.Traceparent), Message: message.(M),
			}
		}
		return handler(ctx, tx, items)
	}
}

// handlerFunc applies consecutive events of one type.
type handlerFunc func(ctx context.Context, tx *database.Tx, records []record) error

// safely runs a handler. A panic is a bug that this event uncovers; it must not
// end the process again and again, and with it everything else that flows.
func safely(ctx context.Context, tx *database.Tx, handler handlerFunc, records []record) (err error) {
	defer func() {
		value := recover()
		if value != nil {
			err = poison{fmt.Errorf("handler panicked: %v\n%s", value, debug.Stack())}
		}
	}()
	return handler(ctx, tx, records)
}

// poison marks an error of an event that no repetition will cure.
type poison struct{ error }

func (p poison) Unwrap() error { return p.error }

// parkable tells whether an error is the event's own and not the moment's.
func parkable(err error) bool {
	var poisoned poison
	return errors.Is(err, envelope.ErrNotYet) || errors.Is(err, errNewer) || errors.As(err, &poisoned) ||
		apperr.Permanent(err) || database.IsRefused(err)
}

// traceID returns the trace id of a traceparent, "" when it has none.
func traceID(traceparent string) string {
	if len(traceparent) < 55 || traceparent[2] != '-' || traceparent[35] != '-' {
		return ""
	}
	return traceparent[3:35]
}
