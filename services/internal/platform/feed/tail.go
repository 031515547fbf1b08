package feed

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// tail is the end of a stream.
type tail struct {
	// pos is the last sequence, also when the message itself is gone.
	pos int64
	// kept says that the message is still there. ours, id, chain and epoch are read
	// from it.
	kept, ours bool
	id, chain  string
	epoch      int64
	// empty says that the stream holds no message at all.
	empty bool
}

func readTail(ctx context.Context, feed string, handle jetstream.Stream) (tail, error) {
	info := handle.CachedInfo()
	t := tail{pos: int64(info.State.LastSeq), empty: info.State.Msgs == 0}
	if t.pos == 0 || t.empty {
		return t, nil
	}
	message, err := handle.GetMsg(ctx, info.State.LastSeq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return t, nil // aged out
	}
	if err != nil {
		return tail{}, fmt.Errorf("read the stream's tail: %w", err)
	}
	t.kept = true
	t.ours = ours(feed, message.Header)
	t.chain = message.Header.Get(headerChain)
	t.id, err = url.PathUnescape(message.Header.Get(headerID))
	if err != nil {
		t.ours = false
	}
	t.epoch, err = strconv.ParseInt(message.Header.Get(headerEpoch), 10, 64)
	if err != nil {
		t.ours = false
	}
	if message.Header.Get(headerPos) != strconv.FormatInt(t.pos, 10) {
		t.ours = false // laid by us once, and copied to another place by somebody else
	}
	return t, nil
}

// verdict is what a tail means.
type verdict int

const (
	// tailGoOn: the stream is a beginning of our log; what is missing is laid.
	tailGoOn verdict = iota
	// tailRebuild: the stream is not ours any more, or lost what it had.
	tailRebuild
	// tailFork: the stream knows a log that we do not have.
	tailFork
)

// judge compares a stream's tail with the log. keep is how many events a stream
// made anew is filled with.
func judge(t tail, v view, keep int64) verdict {
	switch {
	case t.kept && !t.ours:
		return tailRebuild // somebody else wrote to it
	case t.kept && t.epoch < v.epoch:
		return tailRebuild // left over from before an operator's recovery
	case t.kept && t.epoch > v.epoch, t.pos > v.head:
		return tailFork
	case t.kept && !v.atTail.same(mark{id: t.id, chain: t.chain}):
		return tailFork
	case t.empty && t.pos < firstSequence(v.head, keep)-1:
		return tailRebuild // wiped: filling it from so far back would take long
	default:
		return tailGoOn
	}
}
