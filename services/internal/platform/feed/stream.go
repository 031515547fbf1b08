package feed

import (
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// keepOnRebuild is how many events a stream that was lost is filled with
	// again. Consumers that are further behind pull from the log.
	keepOnRebuild = 10_000
	// A stream outlives a long weekend; whoever was away longer pulls.
	streamAge   = 14 * 24 * time.Hour
	streamBytes = 4 << 30
)

func streamName(feed string) string    { return "ALMONER_" + strings.ToUpper(feed) }
func subjectPrefix(feed string) string { return "almoner." + feed + "." }

// firstSequence is where a stream that is made anew begins, so that it is
// filled in seconds and its sequences are still positions.
func firstSequence(head, keep int64) int64 { return max(1, head-keep+1) }

// streamConfig is the stream of a feed. When it is full it refuses what is new
// and the events wait in the log; dropping the old would be silent. Nobody may
// make holes by hand, and the tail is read from the leader, not from a replica
// that may be behind.
func streamConfig(feed string, replicas int, bytes, first int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamName(feed),
		Description: "events of " + feed + ", a cache of its database",
		Subjects:    []string{subjectPrefix(feed) + ">"},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxAge:      streamAge,
		MaxBytes:    bytes,
		DenyDelete:  true,
		DenyPurge:   true,
		Replicas:    replicas,
		FirstSeq:    uint64(first),
	}
}

// settled tells whether a stream has the settings that matter. The server adds
// defaults of its own to the others.
func settled(have, want jetstream.StreamConfig) bool {
	return slices.Equal(have.Subjects, want.Subjects) && have.Storage == want.Storage && have.Retention == want.Retention &&
		have.Discard == want.Discard && have.MaxAge == want.MaxAge && have.MaxBytes == want.MaxBytes &&
		have.DenyDelete == want.DenyDelete && have.DenyPurge == want.DenyPurge && have.Replicas == want.Replicas &&
		have.AllowDirect == want.AllowDirect && have.PersistMode == want.PersistMode
}

// consumerConfig is a durable that delivers the whole feed in order, for ever.
// Its acknowledgements only save deliveries: the checkpoint is the truth.
func consumerConfig(service string, start int64) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       service,
		AckPolicy:     jetstream.AckAllPolicy,
		AckWait:       30 * time.Second,
		MaxDeliver:    -1,
		MaxAckPending: 4 * batchSize,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   uint64(start),
	}
}
