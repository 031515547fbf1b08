package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// errSource marks what kept the producer from answering.
var errSource = errors.New("the producer cannot be asked")

// checkpoint reads how far the feed has been applied, without a lock.
func (c *Consumer) checkpoint(ctx context.Context) (Checkpoint, error) {
	at := Checkpoint{Feed: c.cfg.Feed}
	err := c.cfg.DB.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		all, err := Checkpoints(ctx, tx)
		for _, one := range all {
			if one.Feed == c.cfg.Feed {
				at = one
			}
		}
		return err
	})
	return at, err
}

// catchUp compares our checkpoint with the producer and applies what we lack.
// It fails with ErrFork when the producer is not the one that we knew.
func (c *Consumer) catchUp(ctx context.Context) error {
	// Our side is read first: the producer can only be ahead of it then.
	at, err := c.checkpoint(ctx)
	if err != nil {
		return err
	}
	head, err := c.ask(ctx, at.Epoch)
	if err != nil {
		return fmt.Errorf("%w: head of feed %s: %w", errSource, c.cfg.Feed, err)
	}
	c.standing.asked(head.GetPos())
	if at.Pos > 0 && at.Epoch < head.GetEpoch() {
		at, err = c.enterEpoch(ctx, at, head)
		if err != nil {
			return err
		}
	}
	switch {
	case at.Pos > head.GetPos():
		return fmt.Errorf("%w: feed %s is applied up to %d, and its producer does not know that position", ErrFork, c.cfg.Feed, at.Pos)
	case at.Epoch > head.GetEpoch() && at.Pos > 0:
		return fmt.Errorf("%w: feed %s is applied in epoch %d, and its producer is in an earlier one", ErrFork, c.cfg.Feed, at.Epoch)
	case at.Pos == head.GetPos():
		err = c.compare(at, mark{id: head.GetEventId(), chain: head.GetChain()})
		if err != nil {
			return err
		}
		c.standing.reached(at.Pos)
		return nil
	}
	for at.Pos < head.GetPos() {
		at, err = c.pull(ctx, at)
		if err != nil {
			return err
		}
	}
	return nil
}

// ask returns the producer's head, for who knows the feed in an epoch. It does
// not wait long: meanwhile nothing that the stream brings is applied.
func (c *Consumer) ask(ctx context.Context, epoch int64) (*feedv1.HeadResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.cfg.Source.Head(ctx, &feedv1.HeadRequest{Feed: c.cfg.Feed, Epoch: epoch})
}

// compare tells a producer that was restored from the one that we knew.
func (c *Consumer) compare(at Checkpoint, theirs mark) error {
	if at.mark().same(theirs) {
		return nil
	}
	return fmt.Errorf("%w: feed %s has at position %d event %q (chain %q) here and %q (chain %q) at its producer",
		ErrFork, c.cfg.Feed, at.Pos, at.eventID, at.chain, theirs.id, theirs.chain)
}

// pull applies the events behind a checkpoint, as many as the producer gives.
func (c *Consumer) pull(ctx context.Context, at Checkpoint) (Checkpoint, error) {
	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := c.cfg.Source.Read(callCtx, &feedv1.ReadRequest{Feed: c.cfg.Feed, After: at.Pos})
	if err != nil {
		return at, fmt.Errorf("%w: feed %s after %d: %w", errSource, c.cfg.Feed, at.Pos, err)
	}
	err = c.compare(at, mark{id: answer.GetAfterEventId(), chain: answer.GetAfterChain()})
	if err != nil {
		return at, err
	}
	if len(answer.GetEvents()) == 0 {
		return at, fmt.Errorf("%w: feed %s has nothing after %d, less than its head", errSource, c.cfg.Feed, at.Pos)
	}
	prev := at.eventID
	deliveries := make([]delivery, 0, len(answer.GetEvents()))
	for _, event := range answer.GetEvents() {
		deliveries = append(deliveries, delivery{record: fromProto(event), epoch: answer.GetEpoch(), prev: prev})
		prev = event.GetId()
	}
	for len(deliveries) > 0 {
		n := min(len(deliveries), batchSize)
		done, err := c.apply(ctx, deliveries[:n])
		if err != nil {
			return at, err
		}
		at, deliveries = done.at, deliveries[n:]
	}
	return at, nil
}

func fromProto(event *feedv1.Event) record {
	return record{pos: event.GetPos(), chain: event.GetChain(), Event: envelope.Event{
		ID: event.GetId(), Type: event.GetType(), AggregateID: event.GetAggregateId(), Version: event.GetAggregateVersion(),
		OccurredAt: time.UnixMicro(event.GetOccurredAt()).UTC(), Traceparent: event.GetTraceparent(), Payload: event.GetPayload(),
	}}
}

func toProto(r record) *feedv1.Event {
	return &feedv1.Event{
		Pos: r.pos, Id: r.ID, Type: r.Type, AggregateId: r.AggregateID, AggregateVersion: r.Version,
		OccurredAt: r.OccurredAt.UnixMicro(), Traceparent: r.Traceparent, Payload: r.Payload,
		Chain: r.chain,
	}
}
