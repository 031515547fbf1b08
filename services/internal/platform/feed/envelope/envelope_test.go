package envelope_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))

func TestAnEventIsNamedAfterItsMessage(t *testing.T) {
	t.Parallel()
	event, err := envelope.New("ev-1", "gift-1", 3, noon, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", wrapperspb.Int64(2500))
	if err != nil {
		t.Fatal(err)
	}
	if event.Type != "google.protobuf.Int64Value" {
		t.Errorf("type is %q", event.Type)
	}
	want := time.Date(2026, 3, 4, 11, 0, 0, 123456000, time.UTC)
	if !event.OccurredAt.Equal(want) || event.OccurredAt.Location() != time.UTC {
		t.Errorf("occurred at %v, want %v: microseconds, UTC", event.OccurredAt, want)
	}
	var back wrapperspb.Int64Value
	err = proto.Unmarshal(event.Payload, &back)
	if err != nil || back.Value != 2500 {
		t.Errorf("payload decodes to %v, %v", back.Value, err)
	}
}

func TestAnIncompleteEventIsRefused(t *testing.T) {
	t.Parallel()
	gift := wrapperspb.String("gift")
	for _, c := range []struct {
		name, id, aggregate string
		version             int64
		at                  time.Time
		msg                 proto.Message
		says                string
	}{
		{"no id", "", "g", 1, noon, gift, "no id"},
		{"no aggregate", "e", "", 1, noon, gift, "no aggregate id"},
		{"version zero", "e", "g", 0, noon, gift, "version 0"},
		{"no time", "e", "g", 1, time.Time{}, gift, "no time"},
		{"no message", "e", "g", 1, noon, nil, "no message"},
		{"text that is not UTF-8", "e", "g", 1, noon, wrapperspb.String("\xff"), "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := envelope.New(c.id, c.aggregate, c.version, c.at, "", c.msg)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error about %q", err, c.says)
			}
		})
	}
}

func TestTheSameFactHasTheSameID(t *testing.T) {
	t.Parallel()
	webhook := envelope.OnceID("acct_1", "pi_3Nx", "donation", "succeeded")
	sweep := envelope.OnceID("acct_1", "pi_3Nx", "donation", "succeeded")
	if webhook != sweep {
		t.Errorf("%s by webhook, %s by sweep", webhook, sweep)
	}
	parsed, err := uuid.Parse(webhook)
	if err != nil || parsed.Version() != 5 {
		t.Errorf("%s is not a UUIDv5: %v", webhook, err)
	}
}

func TestDifferentFactsHaveDifferentIDs(t *testing.T) {
	t.Parallel()
	part := rapid.StringMatching(`[a-c:,0-9]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		a := [4]string{part.Draw(t, "a0"), part.Draw(t, "a1"), part.Draw(t, "a2"), part.Draw(t, "a3")}
		b := [4]string{part.Draw(t, "b0"), part.Draw(t, "b1"), part.Draw(t, "b2"), part.Draw(t, "b3")}
		same := envelope.OnceID(a[0], a[1], a[2], a[3]) == envelope.OnceID(b[0], b[1], b[2], b[3])
		if same != (a == b) {
			t.Fatalf("%q and %q: same id is %v", a, b, same)
		}
	})
}

func TestNewIDsAreUniqueAndCarryTheirTime(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := envelope.NewID(noon)
		if seen[id] {
			t.Fatalf("%s twice", id)
		}
		seen[id] = true
		parsed, err := uuid.Parse(id)
		if err != nil || parsed.Version() != 7 || parsed.Variant() != uuid.RFC4122 {
			t.Fatalf("%s is not a UUIDv7: %v", id, err)
		}
	}
	earlier, later := envelope.NewID(noon), envelope.NewID(noon.Add(time.Millisecond))
	if earlier >= later {
		t.Errorf("%s of an earlier millisecond sorts behind %s", earlier, later)
	}
}

func TestNotYetIsRecognisedThroughWrapping(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("apply gift to fund 7: %w", envelope.ErrNotYet)
	if !errors.Is(err, envelope.ErrNotYet) {
		t.Error("a handler's wrapped error is not recognised")
	}
}
