package feed

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// progress is what one transaction did.
type progress struct {
	// at is the checkpoint after it.
	at    Checkpoint
	moved bool
	// gap says that something is missing before the rest of what was given.
	gap bool
	// outcomes are the events that were applied or parked.
	outcomes []outcome
}

// outcome is how one event ended. err is nil when it was applied.
type outcome struct {
	record
	err error
}

// deliver applies what the stream brought and pulls what is missing in between.
func (c *Consumer) deliver(ctx context.Context, deliveries []delivery) (moved bool, err error) {
	if len(deliveries) == 0 {
		return false, nil
	}
	done, err := c.apply(ctx, deliveries)
	if err != nil {
		return false, err
	}
	moved = done.moved
	if !done.gap {
		return moved, nil
	}
	err = c.catchUp(ctx)
	if err != nil {
		return moved, err
	}
	// The producer gave all that it has, and the stream can only have less.
	done, err = c.apply(ctx, deliveries)
	if err != nil {
		return moved, err
	}
	if done.gap {
		return moved, fmt.Errorf("%w: the stream of feed %s goes on after position %d in a way that its producer does not know",
			ErrFork, c.cfg.Feed, done.at.Pos)
	}
	return true, nil
}

// apply applies consecutive events in one transaction with the checkpoint. What
// was applied before is passed over; at a gap it ends.
func (c *Consumer) apply(ctx context.Context, deliveries []delivery) (progress, error) {
	ctx, span := c.tracer.Start(ctx, "apply "+c.cfg.Feed, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(links(deliveries)...), trace.WithAttributes(attribute.String("feed", c.cfg.Feed)))
	defer span.End()
	began := time.Now()
	// Nearly always nothing is wrong, and a savepoint around each run of events
	// would only cost. When something is, all of it is undone and done carefully.
	done, err := c.applyOnce(ctx, deliveries, false)
	if err != nil && parkable(err) {
		done, err = c.applyOnce(ctx, deliveries, true)
	}
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return progress{}, err
	}
	span.SetAttributes(attribute.Int64("position", done.at.Pos), attribute.Int("events", len(done.outcomes)))
	c.standing.did(done)
	c.trace(ctx, began, done.outcomes)
	return done, nil
}

func (c *Consumer) applyOnce(ctx context.Context, deliveries []delivery, careful bool) (done progress, err error) {
	err = c.cfg.DB.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		at, err := lockCheckpoint(ctx, tx, c.cfg.Feed)
		if err != nil {
			return err
		}
		fresh, gap := successors(at, deliveries)
		done = progress{at: at, gap: gap}
		if len(fresh) == 0 {
			return nil
		}
		done.outcomes, err = c.applyRuns(ctx, tx, fresh, careful)
		if err != nil {
			return err
		}
		last := fresh[len(fresh)-1]
		done.at = Checkpoint{Feed: c.cfg.Feed, Epoch: last.epoch, Pos: last.pos, eventID: last.ID, chain: last.chain}
		done.moved = true
		return moveCheckpoint(ctx, tx, done.at)
	})
	return done, err
}

// successors returns the deliveries that follow the checkpoint without a gap. A
// delivery whose predecessor is not the event that we have there counts as a
// gap: the producer is asked, and decides whether it or the stream is another.
func successors(at Checkpoint, deliveries []delivery) (fresh []delivery, gap bool) {
	for _, d := range deliveries {
		if d.pos <= at.Pos || d.epoch < at.Epoch {
			continue // done before, or left over from before an operator's recovery
		}
		if d.pos > at.Pos+1 || !at.mark().follows(d) {
			return fresh, true
		}
		fresh = append(fresh, d)
		at.Pos, at.eventID, at.chain, at.Epoch = d.pos, d.ID, d.chain, d.epoch
	}
	return fresh, false
}

// applyRuns hands runs of events of one type to their handlers. What this program
// knows and has no handler for is passed over; what it does not know is parked.
func (c *Consumer) applyRuns(ctx context.Context, tx *database.Tx, fresh []delivery, careful bool) ([]outcome, error) {
	records := make([]record, 0, len(fresh))
	for _, d := range fresh {
		_, wanted := c.handlers[d.Type]
		if wanted || !c.cfg.Knows(d.Type) {
			records = append(records, d.record)
		}
	}
	if len(records) == 0 {
		return nil, nil
	}
	lot, err := c.openLot(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	for begin := 0; begin < len(records); {
		end := begin + 1
		_, wanted := c.handlers[records[begin].Type]
		switch {
		case lot.blocks(records[begin]):
			err = lot.parkBehind(ctx, records[begin])
		case !wanted:
			err = lot.park(ctx, records[begin], newer(records[begin]))
		default:
			for end < len(records) && records[end].Type == records[begin].Type && !lot.blocks(records[end]) {
				end++
			}
			err = c.applyRun(ctx, tx, lot, records[begin:end], careful)
		}
		if err != nil {
			return nil, err
		}
		begin = end
	}
	return lot.outcomes, nil
}

// applyRun applies events of one type together and, when one of them is poison,
// each on its own, so that only that one is parked.
func (c *Consumer) applyRun(ctx context.Context, tx *database.Tx, lot *lot, run []record, careful bool) error {
	handler := c.handlers[run[0].Type]
	if !careful {
		err := safely(ctx, tx, handler, run)
		if err != nil {
			return fmt.Errorf("apply %s from position %d of %s: %w", run[0].Type, run[0].pos, c.cfg.Feed, err)
		}
		lot.applied(run...)
		return nil
	}
	err := tx.Savepoint(ctx, func(ctx context.Context) error { return safely(ctx, tx, handler, run) })
	switch {
	case err == nil:
		lot.applied(run...)
		return nil
	case !parkable(err):
		return fmt.Errorf("apply %s from position %d of %s: %w", run[0].Type, run[0].pos, c.cfg.Feed, err)
	case len(run) == 1:
		return lot.park(ctx, run[0], err)
	}
	for i := range run {
		if lot.blocks(run[i]) {
			err = lot.parkBehind(ctx, run[i])
		} else {
			err = c.applyRun(ctx, tx, lot, run[i:i+1], true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// links lead from the batch's span to the traces of its events.
func links(deliveries []delivery) []trace.Link {
	found := make([]trace.Link, 0, len(deliveries))
	for _, d := range deliveries {
		remote := trace.SpanContextFromContext(telemetry.ContextWithTraceparent(context.Background(), d.Traceparent))
		if remote.IsValid() {
			found = append(found, trace.Link{SpanContext: remote})
		}
	}
	return found
}

// trace gives each event a span in its own trace, once its transaction is
// committed: a run that was undone happened to nobody.
func (c *Consumer) trace(ctx context.Context, began time.Time, outcomes []outcome) {
	batch := trace.LinkFromContext(ctx)
	ended := time.Now()
	for _, o := range outcomes {
		own := telemetry.ContextWithTraceparent(context.WithoutCancel(ctx), o.Traceparent)
		_, span := c.tracer.Start(own, "apply "+o.Type, trace.WithTimestamp(began), trace.WithLinks(batch),
			trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
				attribute.String("feed", c.cfg.Feed), attribute.Int64("position", o.pos),
				attribute.String("event", o.ID), attribute.String("service", c.cfg.Service)))
		if o.err != nil {
			span.SetStatus(codes.Error, "parked")
		}
		span.End(trace.WithTimestamp(ended))
	}
}
