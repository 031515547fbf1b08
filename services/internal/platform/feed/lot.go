package feed

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// lot is where a transaction parks the events that cannot be applied. An
// aggregate that has one there blocks its later events: they park behind it, in
// order, or a refund could be booked before its gift.
type lot struct {
	c        *Consumer
	tx       *database.Tx
	blocked  map[string]bool
	outcomes []outcome
}

// openLot looks up which of the events' aggregates are parked already.
func (c *Consumer) openLot(ctx context.Context, tx *database.Tx, records []record) (*lot, error) {
	l := &lot{c: c, tx: tx, blocked: map[string]bool{}, outcomes: make([]outcome, 0, len(records))}
	for piece := range database.Pieces(records) {
		err := l.look(ctx, piece)
		if err != nil {
			return nil, fmt.Errorf("look for parked aggregates: %w", err)
		}
	}
	return l, nil
}

func (l *lot) look(ctx context.Context, records []record) error {
	args := make([]any, 0, len(records)+1)
	for _, r := range records {
		args = append(args, r.AggregateID)
	}
	query := fmt.Sprintf(`SELECT aggregate_id FROM parked_aggregate WHERE aggregate_id IN %s AND feed = $%d`,
		database.Placeholders(1, len(records)), len(records)+1)
	rows, err := l.tx.QueryContext(ctx, query, append(args, l.c.cfg.Feed)...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var aggregate string
		err := rows.Scan(&aggregate)
		if err != nil {
			return err
		}
		l.blocked[aggregate] = true
	}
	return rows.Err()
}

func (l *lot) blocks(r record) bool { return l.blocked[r.AggregateID] }

func (l *lot) applied(records ...record) {
	for _, r := range records {
		l.outcomes = append(l.outcomes, outcome{record: r})
	}
}

// park sets an event aside, and with it its aggregate.
func (l *lot) park(ctx context.Context, r record, cause error) error {
	now := l.c.cfg.Now().UnixMicro()
	_, err := l.tx.ExecContext(ctx, `INSERT INTO parked_aggregate
		(feed, aggregate_id, first_pos, waiting, reason, attempts, tried_at) VALUES ($1, $2, $3, $4, $5, 1, $6)`,
		l.c.cfg.Feed, r.AggregateID, r.pos, int64(whatFor(cause)), reason(cause), now)
	if err != nil {
		return fmt.Errorf("park aggregate of position %d: %w", r.pos, err)
	}
	l.blocked[r.AggregateID] = true
	err = l.store(ctx, r)
	if err != nil {
		return err
	}
	l.outcomes = append(l.outcomes, outcome{record: r, err: cause})
	l.tx.AfterCommit(func() { l.c.report(ctx, r, cause) })
	return nil
}

// parkBehind sets an event aside because one of its aggregate is.
func (l *lot) parkBehind(ctx context.Context, r record) error {
	err := l.store(ctx, r)
	if err != nil {
		return err
	}
	l.outcomes = append(l.outcomes, outcome{record: r, err: errBehind})
	return nil
}

var errBehind = errors.New("an earlier event of its aggregate is parked")

func (l *lot) store(ctx context.Context, r record) error {
	_, err := l.tx.ExecContext(ctx, `INSERT INTO parked_event
		(feed, pos, id, type, aggregate_id, aggregate_version, occurred_at, traceparent, payload, since)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		l.c.cfg.Feed, r.pos, r.ID, r.Type, r.AggregateID, r.Version, r.OccurredAt.UnixMicro(), r.Traceparent,
		nonNil(r.Payload), l.c.cfg.Now().UnixMicro())
	if err != nil {
		return fmt.Errorf("park position %d: %w", r.pos, err)
	}
	return nil
}

// report raises the alarm. One that waits for a fact is none: it ends by itself.
func (c *Consumer) report(ctx context.Context, r record, cause error) {
	attributes := []any{"position", r.pos, "event", r.ID, "type", r.Type, "aggregate", r.AggregateID, "error", cause}
	switch whatFor(cause) {
	case forFact:
		c.cfg.Logger.InfoContext(ctx, "event waits for a fact not yet seen", attributes...)
	case forProgram:
		c.cfg.Logger.WarnContext(ctx, "event waits for a newer program, this one does not know its type", attributes...)
	case forStaff:
		c.cfg.Logger.ErrorContext(ctx, "event parked, staff must decide", attributes...)
	}
}

// awaits is what a parked aggregate waits for, as parked_aggregate.waiting keeps it.
type awaits int64

const (
	forStaff   awaits = 0
	forFact    awaits = 1 // another feed brings it; tried again at every tick
	forProgram awaits = 2 // tried again as soon as one runs that knows the type
)

func whatFor(cause error) awaits {
	switch {
	case errors.Is(cause, envelope.ErrNotYet):
		return forFact
	case errors.Is(cause, errNewer):
		return forProgram
	}
	return forStaff
}

// reason is the first line of an error, in a length that a page can show. What
// PostgreSQL would refuse in a text is taken out.
func reason(cause error) string {
	const longest = 500
	line, _, _ := strings.Cut(cause.Error(), "\n")
	line = strings.ReplaceAll(line, "\x00", "")
	if len(line) > longest {
		line = line[:longest]
	}
	return strings.ToValidUTF8(line, "")
}
