package feed

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// inbox holds the messages that have arrived. The zero value is closed and
// never has one.
type inbox struct {
	durable  jetstream.Consumer
	consume  jetstream.ConsumeContext
	messages chan jetstream.Msg
	// ended is closed when no more will come: the durable was deleted, or the
	// broker does not know us any more.
	ended   chan struct{}
	stopped chan struct{}
}

// listen lets messages come into a new inbox.
func listen(durable jetstream.Consumer) (*inbox, error) {
	in := &inbox{
		durable:  durable,
		messages: make(chan jetstream.Msg, prefetch),
		ended:    make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	var once sync.Once
	end := func() { once.Do(func() { close(in.ended) }) }
	consume, err := durable.Consume(
		func(message jetstream.Msg) {
			select {
			case in.messages <- message:
			case <-in.stopped:
			}
		},
		jetstream.PullMaxMessages(prefetch),
		jetstream.PullHeartbeat(heartbeat),
		// Whatever it is, a new subscription cures it. A consumer that was deleted
		// while the broker was away says nothing; its silence is an error too.
		jetstream.ConsumeErrHandler(func(jetstream.ConsumeContext, error) { end() }),
	)
	if err != nil {
		return &inbox{}, err
	}
	in.consume = consume
	return in, nil
}

func (in *inbox) open() bool { return in.consume != nil }

// take returns a message with what has arrived behind it, and with what the relay
// laid together with them, which arrives one by one: a transaction costs as much
// for each of them as for all. There is no waiting for anything else.
func (in *inbox) take(ctx context.Context, first jetstream.Msg) []jetstream.Msg {
	batch := make([]jetstream.Msg, 1, batchSize)
	batch[0] = first
	late := time.NewTimer(longestArrival)
	defer late.Stop()
	for len(batch) < batchSize {
		select {
		case message := <-in.messages:
			batch = append(batch, message)
			continue
		default:
		}
		if !followed(batch[len(batch)-1].Headers()) {
			return batch
		}
		select {
		case message := <-in.messages:
			batch = append(batch, message)
		case <-late.C: // the rest got lost, and will be pulled
			return batch
		case <-in.ended:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// known tells whether the broker still has our durable. When it cannot be
// asked, the answer is yes: the client resumes by itself.
func (in *inbox) known(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := in.durable.Info(ctx)
	return !errors.Is(err, jetstream.ErrConsumerNotFound) && !errors.Is(err, jetstream.ErrStreamNotFound)
}

// close stops the messages. Those that were not taken are missing at the next
// delivery, and pulled.
func (in *inbox) close() {
	if !in.open() {
		return
	}
	close(in.stopped)
	in.consume.Stop()
	in.consume = nil
}
