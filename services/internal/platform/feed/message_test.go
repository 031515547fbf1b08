package feed

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// What a relay writes is what a consumer reads, through NATS's own header
// format, whatever is in the ids.
func TestAMessageIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := delivery{
			record: record{pos: rapid.Int64Range(1, 1<<52).Draw(t, "pos"), chain: rapid.SampledFrom([]string{"", link("", "e")}).Draw(t, "chain"), Event: envelope.Event{
				ID:          rapid.StringN(1, 40, -1).Draw(t, "id"),
				Type:        "almoner.donation.v1.DonationSucceeded",
				AggregateID: rapid.StringN(1, 40, -1).Draw(t, "aggregate"),
				Version:     rapid.Int64Range(1, 1<<52).Draw(t, "version"),
				OccurredAt:  time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")).UTC(),
				Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
				Payload:     rapid.SliceOf(rapid.Byte()).Draw(t, "payload"),
			}},
			epoch: rapid.Int64Range(1, 9).Draw(t, "epoch"),
			prev:  rapid.StringN(0, 40, -1).Draw(t, "prev"),
		}
		message := encode("donation", want.epoch, want.prev, want.pos+1, want.record)
		for name, values := range message.Header {
			for _, value := range values {
				if strings.ContainsAny(value, "\r\n") {
					t.Fatalf("header %s would be torn: %q", name, value)
				}
			}
		}
		if !ours("donation", message.Header) || ours("receipt", message.Header) {
			t.Fatal("the source is not recognised")
		}
		got, err := decode(message.Subject, message.Header, message.Data)
		if err != nil {
			t.Fatal(err)
		}
		if got.pos != want.pos || got.epoch != want.epoch || got.prev != want.prev || got.chain != want.chain || got.ID != want.ID ||
			got.AggregateID != want.AggregateID || got.Version != want.Version || !got.OccurredAt.Equal(want.OccurredAt) ||
			got.Type != want.Type || got.Traceparent != want.Traceparent || !bytes.Equal(got.Payload, want.Payload) {
			t.Fatalf("read %+v, written %+v", got, want)
		}
	})
}

func TestAMessageThatCannotBeTrustedIsAnError(t *testing.T) {
	t.Parallel()
	good := encode("donation", 1, "before", 7, record{pos: 7, Event: envelope.Event{
		ID: "id", Type: "almoner.donation.v1.DonationSucceeded", AggregateID: "gift", Version: 1, OccurredAt: time.UnixMicro(1).UTC(),
	}})
	for name, value := range map[string]string{
		headerPos: "seven", headerEpoch: "", headerVersion: "0", headerTime: "yesterday", headerID: "", headerSubject: "%zz",
	} {
		spoiled := nats.Header{}
		for key, values := range good.Header {
			spoiled[key] = values
		}
		spoiled[name] = []string{value}
		_, err := decode(good.Subject, spoiled, nil)
		if err == nil {
			t.Errorf("%s %q was read", name, value)
		}
	}
}

// What the end of a stream means, in a table.
func TestJudgement(t *testing.T) {
	t.Parallel()
	const keep = 10
	log := view{head: 100, epoch: 2, atTail: mark{id: "e", chain: "c"}}
	for name, c := range map[string]struct {
		tail tail
		want verdict
	}{
		"ours, the newest":                     {tail{pos: 100, kept: true, ours: true, id: "e", epoch: 2}, tailGoOn},
		"ours, far behind after an outage":     {tail{pos: 3, kept: true, ours: true, id: "e", epoch: 2}, tailGoOn},
		"aged out, but known":                  {tail{pos: 100, empty: true}, tailGoOn},
		"aged out among others":                {tail{pos: 60}, tailGoOn},
		"empty and about to be filled":         {tail{pos: 90, empty: true}, tailGoOn},
		"empty, and too far back":              {tail{pos: 0, empty: true}, tailRebuild},
		"a stranger's":                         {tail{pos: 101, kept: true}, tailRebuild},
		"from before a recovery":               {tail{pos: 140, kept: true, ours: true, id: "x", epoch: 1}, tailRebuild},
		"ours, but another event":              {tail{pos: 50, kept: true, ours: true, id: "x", epoch: 2}, tailFork},
		"ours, but others before it":           {tail{pos: 50, kept: true, ours: true, id: "e", chain: "other", epoch: 2}, tailFork},
		"ours, and all before it":              {tail{pos: 50, kept: true, ours: true, id: "e", chain: "c", epoch: 2}, tailGoOn},
		"ahead of the log":                     {tail{pos: 101, kept: true, ours: true, id: "x", epoch: 2}, tailFork},
		"ahead of the log, and the tail's age": {tail{pos: 101, empty: true}, tailFork},
		"of an epoch to come":                  {tail{pos: 50, kept: true, ours: true, id: "e", epoch: 3}, tailFork},
	} {
		got := judge(c.tail, log, keep)
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for head, first := range map[int64]int64{0: 1, 1: 1, 10: 1, 11: 2, 1000: 991} {
		if firstSequence(head, keep) != first {
			t.Errorf("with head %d a stream made anew begins at %d", head, firstSequence(head, keep))
		}
	}
}

func TestTheStreamIsSetAsDesigned(t *testing.T) {
	t.Parallel()
	cfg := streamConfig("donation", 3, streamBytes, 501)
	if cfg.Name != "ALMONER_DONATION" || cfg.Subjects[0] != "almoner.donation.>" || cfg.Replicas != 3 || cfg.FirstSeq != 501 ||
		!cfg.DenyDelete || !cfg.DenyPurge || cfg.AllowDirect || cfg.MaxAge != 14*24*time.Hour || cfg.MaxBytes != 4<<30 ||
		cfg.Discard.String() != "DiscardNew" || cfg.Retention.String() != "Limits" || cfg.PersistMode != 0 {
		t.Errorf("the stream is %+v", cfg)
	}
	durable := consumerConfig("ledger", 12)
	if durable.Durable != "ledger" || durable.MaxDeliver != -1 || durable.AckPolicy.String() != "AckAll" ||
		durable.OptStartSeq != 12 || durable.FilterSubject != "" || durable.InactiveThreshold != 0 {
		t.Errorf("the durable is %+v", durable)
	}
}
