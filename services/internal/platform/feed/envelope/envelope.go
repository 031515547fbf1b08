// Package envelope is what every event looks like before it has a place in a
// feed: who it is about, which step of that thing's life, when, and the fact
// itself. It depends on no broker and no database, so the code that decides
// facts can build them.
//
// An event carries no personal data: streams are kept and replicated, and a
// donor's wish to be forgotten must be fulfilled in one database.
package envelope

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
)

// ErrNotYet is wrapped by a handler that lacks a fact which another feed will
// bring (the fund of a gift, say). The event is set aside and tried again by
// itself until the fact is there; no one has to look at it.
var ErrNotYet = errors.New("a fact that this event needs has not been seen yet")

// Event is one fact about one aggregate.
type Event struct {
	// ID is unique for ever, in all feeds.
	ID string
	// Type is the protobuf full name of the payload, and also the NATS subject.
	Type string
	// AggregateID names the thing that the fact is about.
	AggregateID string
	// Version counts the facts about that thing: 1, 2, 3, …
	Version int64
	// OccurredAt is when it happened, to the microsecond, in UTC.
	OccurredAt time.Time
	// Traceparent is the W3C trace context of what caused it, or empty.
	Traceparent string
	// Payload is the encoded message.
	Payload []byte
}

// New builds an event and encodes its message once. It fails when the event
// lacks an id, an aggregate, a version or a time.
func New(id, aggregateID string, version int64, occurredAt time.Time, traceparent string, msg proto.Message) (Event, error) {
	if msg == nil {
		return Event{}, errors.New("build event: no message")
	}
	kind := string(msg.ProtoReflect().Descriptor().FullName())
	switch {
	case id == "":
		return Event{}, fmt.Errorf("build event %s: no id", kind)
	case aggregateID == "":
		return Event{}, fmt.Errorf("build event %s: no aggregate id", kind)
	case version < 1:
		return Event{}, fmt.Errorf("build event %s: version %d, the first is 1", kind, version)
	case occurredAt.IsZero():
		return Event{}, fmt.Errorf("build event %s: no time", kind)
	}
	// Deterministic, so that the same fact built again after a retry is the same
	// bytes.
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(msg)
	if err != nil {
		return Event{}, fmt.Errorf("build event %s: %w", kind, err)
	}
	return Event{
		ID:          id,
		Type:        kind,
		AggregateID: aggregateID,
		Version:     version,
		OccurredAt:  occurredAt.UTC().Truncate(time.Microsecond),
		Traceparent: traceparent,
		Payload:     payload,
	}, nil
}

// onceSpace is the UUID namespace of facts that happen once.
const onceSpace = "6f2f8c0e-3f0b-5a57-9c6d-7f1d0a3e9b42"

// OnceID returns the id of a fact that can happen only once, derived from what
// makes it unique (Stripe account, object, kind of fact, status). However often
// and by whichever route the fact is found, it is the same event.
func OnceID(account, object, kind, status string) string {
	// Lengths keep ("ab","c") and ("a","bc") apart.
	var key strings.Builder
	for _, part := range []string{account, object, kind, status} {
		fmt.Fprintf(&key, "%d:%s,", len(part), part)
	}
	return uuid.NewSHA1(uuid.MustParse(onceSpace), []byte(key.String())).String()
}

// NewID returns a fresh UUIDv7 with the given time in front. Ids made in the
// same millisecond have no order among themselves; positions do.
func NewID(now time.Time) string {
	var id uuid.UUID
	_, _ = rand.Read(id[:]) // never fails: it ends the program instead
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(now.UnixMilli()))
	copy(id[:6], stamp[2:])
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	return id.String()
}
