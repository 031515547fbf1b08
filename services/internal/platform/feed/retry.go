package feed

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// waitingBatch is how many waiting aggregates are tried at a tick, those not
// tried for longest first, so that thousands of them do not stop the feed.
const waitingBatch = 64

// retryWaiting tries what waits for a fact. It is not a reason to stop the feed
// when that fails: what is parked stays parked.
func (c *Consumer) retryWaiting(ctx context.Context) {
	aggregates, err := c.parkedAggregates(ctx, `SELECT aggregate_id FROM parked_aggregate
		WHERE feed = $1 AND waiting = 1 ORDER BY tried_at, first_pos LIMIT $2`, c.cfg.Feed, waitingBatch)
	if err == nil {
		err = c.retryEach(ctx, aggregates)
	}
	if err != nil && ctx.Err() == nil {
		c.cfg.Logger.WarnContext(ctx, "waiting events could not be tried", "error", err)
	}
}

// retryEach stops at the first aggregate that could not even be tried, and at ctx's end.
func (c *Consumer) retryEach(ctx context.Context, aggregates []string) error {
	for _, aggregate := range aggregates {
		err := ctx.Err()
		if err == nil {
			_, err = c.retryAggregate(ctx, aggregate)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parkedAggregates returns the ids that a query selects.
func (c *Consumer) parkedAggregates(ctx context.Context, query string, args ...any) (ids []string, err error) {
	err = c.cfg.DB.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		ids = nil
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id string
			err := rows.Scan(&id)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("look for parked aggregates: %w", err)
	}
	return ids, nil
}

// retryAggregate applies an aggregate's parked events in order, up to the first
// that fails again, and returns how many it applied.
func (c *Consumer) retryAggregate(ctx context.Context, aggregate string) (applied int, err error) {
	for more := true; more; {
		began := time.Now()
		var outcomes []outcome
		batchCtx, span := c.tracer.Start(ctx, "retry "+c.cfg.Feed, trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithAttributes(attribute.String("feed", c.cfg.Feed)))
		err = c.cfg.DB.InTx(batchCtx, func(ctx context.Context, tx *database.Tx) error {
			// The checkpoint's lock keeps the running consumer from parking an event
			// behind an aggregate that is just being released.
			_, err := lockCheckpoint(ctx, tx, c.cfg.Feed)
			if err != nil {
				return err
			}
			outcomes, more, err = c.retryBatch(ctx, tx, aggregate)
			return err
		})
		if err == nil {
			c.trace(batchCtx, began, outcomes)
			applied += len(outcomes)
		}
		span.End()
		if err != nil {
			return applied, fmt.Errorf("retry aggregate %s of feed %s: %w", aggregate, c.cfg.Feed, err)
		}
	}
	return applied, nil
}

// retryBatch applies up to a batch of an aggregate's events. more says that
// others may be left that were not tried.
func (c *Consumer) retryBatch(ctx context.Context, tx *database.Tx, aggregate string) (outcomes []outcome, more bool, err error) {
	records, err := c.parkedEvents(ctx, tx, aggregate)
	if err != nil {
		return nil, false, fmt.Errorf("read parked events: %w", err)
	}
	for _, r := range records {
		handler, wanted := c.handlers[r.Type]
		switch {
		case wanted:
			err = tx.Savepoint(ctx, func(ctx context.Context) error { return safely(ctx, tx, handler, []record{r}) })
		case !c.cfg.Knows(r.Type):
			err = newer(r)
		}
		if err != nil && parkable(err) {
			return outcomes, false, c.stillParked(ctx, tx, r, err)
		}
		if err != nil {
			return nil, false, fmt.Errorf("apply position %d: %w", r.pos, err)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM parked_event WHERE feed = $1 AND pos = $2`, c.cfg.Feed, r.pos)
		if err != nil {
			return nil, false, fmt.Errorf("release position %d: %w", r.pos, err)
		}
		outcomes = append(outcomes, outcome{record: r})
	}
	if len(records) == batchSize {
		return outcomes, true, nil
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM parked_aggregate WHERE feed = $1 AND aggregate_id = $2`, c.cfg.Feed, aggregate)
	if err != nil {
		return nil, false, fmt.Errorf("release aggregate: %w", err)
	}
	return outcomes, false, nil
}

// stillParked records why an event failed again.
func (c *Consumer) stillParked(ctx context.Context, tx *database.Tx, r record, cause error) error {
	var was int64
	err := tx.QueryRowContext(ctx, `SELECT waiting FROM parked_aggregate WHERE feed = $1 AND aggregate_id = $2`,
		c.cfg.Feed, r.AggregateID).Scan(&was)
	if err != nil {
		return fmt.Errorf("read parked aggregate: %w", err)
	}
	now := int64(whatFor(cause))
	_, err = tx.ExecContext(ctx, `UPDATE parked_aggregate SET attempts = CASE WHEN first_pos = $1 THEN attempts + 1 ELSE 1 END,
		first_pos = $1, waiting = $2, reason = $3, tried_at = $4 WHERE feed = $5 AND aggregate_id = $6`,
		r.pos, now, reason(cause), c.cfg.Now().UnixMicro(), c.cfg.Feed, r.AggregateID)
	if err != nil {
		return fmt.Errorf("update parked aggregate: %w", err)
	}
	if now != was {
		tx.AfterCommit(func() { c.report(ctx, r, cause) })
	}
	return nil
}

func (c *Consumer) parkedEvents(ctx context.Context, tx *database.Tx, aggregate string) ([]record, error) {
	rows, err := tx.QueryContext(ctx, `SELECT pos, id, type, aggregate_id, aggregate_version, occurred_at, traceparent, payload
		FROM parked_event WHERE feed = $1 AND aggregate_id = $2 ORDER BY pos LIMIT $3`, c.cfg.Feed, aggregate, batchSize)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var records []record
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}
