package feed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

const (
	// maxPayload keeps an event far below what NATS and gRPC carry in one
	// message. A larger one would be accepted here and never leave.
	maxPayload = 256 << 10
	// sequenceBatch bounds how long the head is locked.
	sequenceBatch = 512
)

// Log is the record of what a service did, in the service's own database. It is
// safe for concurrent use.
type Log struct {
	db   *database.DB
	feed string
	// wake and moved hold at most one signal each: "something waits for a
	// position" and "there are new positions".
	wake, moved chan struct{}
}

// Status is how far a log has come.
type Status struct {
	// Head is the newest position.
	Head int64
	// Unsequenced counts committed events that have no position yet.
	Unsequenced int64
	// Epoch counts an operator's recoveries from feed forks.
	Epoch int64
}

// record is an event with its place in a feed.
type record struct {
	envelope.Event
	pos int64
	// chain is empty for what was written before there were chains.
	chain string
}

// NewLog returns the log of a feed, which is named after its service.
func NewLog(db *database.DB, feed string) *Log {
	return &Log{db: db, feed: feed, wake: make(chan struct{}, 1), moved: make(chan struct{}, 1)}
}

// Append writes events in the caller's transaction. They happened if and only
// if that transaction commits, and are on their way as soon as it has. Events of
// one aggregate are given in the order of their versions, with the aggregate's
// row locked or unique, so that no other transaction can come between.
func (l *Log) Append(ctx context.Context, tx *database.Tx, events ...envelope.Event) error {
	if len(events) == 0 {
		return nil
	}
	last, chain, err := l.advance(ctx, tx, len(events))
	if err != nil {
		return fmt.Errorf("move head of feed %s: %w", l.feed, err)
	}
	const columns = 9
	pos := sql.NullInt64{Int64: last - int64(len(events)), Valid: last > 0}
	for piece := range database.Pieces(events) {
		args := make([]any, 0, len(piece)*columns)
		for _, event := range piece {
			err := l.admit(event)
			if err != nil {
				return fmt.Errorf("append to feed %s: %w", l.feed, err)
			}
			pos.Int64++
			chain = link(chain, event.ID)
			args = append(args, pos, sql.NullString{String: chain, Valid: pos.Valid}, event.ID, event.Type, event.AggregateID, event.Version,
				event.OccurredAt.UnixMicro(), event.Traceparent, nonNil(event.Payload))
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO event
			(pos, chain, id, type, aggregate_id, aggregate_version, occurred_at, traceparent, payload)
			VALUES `+database.Placeholders(len(piece), columns), args...)
		if err != nil {
			return fmt.Errorf("append to feed %s: %w", l.feed, err)
		}
	}
	if pos.Valid {
		tx.AfterCommit(func() { signal(l.moved) })
	} else {
		tx.AfterCommit(func() { signal(l.wake) })
	}
	return nil
}

// advance moves the head by so many positions and returns the last of them, with
// the chain up to the first, or 0 when the sequencer has to give them. Whoever has
// the head to itself until its commit gives positions at once: a rollback takes
// them back, and nobody can come between. That spares a transaction for each that
// appends, and the event's row is written once. What waits for a position comes
// first, for it may be of the same aggregate.
func (l *Log) advance(ctx context.Context, tx *database.Tx, count int) (last int64, chain string, err error) {
	if tx.Engine() == database.PostgreSQL {
		// On SQLite whoever writes is alone. Here others append at the same time, and
		// are not waited for. Locked by a statement of its own: only the next one is
		// sure to see what the holder before us has written.
		err = tx.QueryRowContext(ctx, `SELECT pos FROM event_head WHERE feed = $1`+tx.ForUpdateIfFree(), l.feed).Scan(&last)
	}
	if err == nil {
		err = tx.QueryRowContext(ctx, `UPDATE event_head SET pos = pos + $1
			WHERE feed = $2 AND NOT EXISTS (SELECT 1 FROM event WHERE pos IS NULL)
			RETURNING pos, COALESCE((SELECT chain FROM event WHERE event.pos = event_head.pos - $1), '')`, count, l.feed).Scan(&last, &chain)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil // also before the first event: the sequencer makes the head
	}
	return last, chain, err
}

// admit refuses what could never be delivered. Accepted, it would block every
// event behind it.
func (l *Log) admit(event envelope.Event) error {
	switch {
	case event.ID == "" || event.AggregateID == "" || event.Version < 1:
		return fmt.Errorf("event %q of type %s is incomplete", event.ID, event.Type)
	case !strings.HasPrefix(event.Type, subjectPrefix(l.feed)):
		return fmt.Errorf("type %s is not one of this feed", event.Type)
	case len(event.Payload) > maxPayload:
		return fmt.Errorf("event %s has %d bytes, at most %d can be delivered", event.ID, len(event.Payload), maxPayload)
	default:
		return nil
	}
}

// nonNil makes an empty message an empty blob: both engines store nil as NULL.
func nonNil(payload []byte) []byte {
	if payload == nil {
		return []byte{}
	}
	return payload
}

func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default: // a signal is waiting already
	}
}

// Position returns where an event is in the feed, 0 until it is sequenced. It
// fails with sql.ErrNoRows when there is no such event.
func (l *Log) Position(ctx context.Context, q database.Querier, eventID string) (int64, error) {
	var pos int64
	err := q.QueryRowContext(ctx, `SELECT COALESCE(pos, 0) FROM event WHERE id = $1`, eventID).Scan(&pos)
	if err != nil {
		return 0, fmt.Errorf("look up event %s in feed %s: %w", eventID, l.feed, err)
	}
	return pos, nil
}

// Status returns how far the log has come, in one snapshot.
func (l *Log) Status(ctx context.Context) (Status, error) {
	var status Status
	err := l.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		var err error
		status, err = l.StatusIn(ctx, tx)
		return err
	})
	return status, err
}

// StatusIn returns how far the log has come in the caller's snapshot, beside
// sums that are true at that position.
func (l *Log) StatusIn(ctx context.Context, q database.Querier) (Status, error) {
	epoch, pos, err := l.head(ctx, q)
	if err != nil {
		return Status{}, fmt.Errorf("read head of feed %s: %w", l.feed, err)
	}
	status := Status{Head: pos, Epoch: epoch}
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM event WHERE pos IS NULL`).Scan(&status.Unsequenced)
	if err != nil {
		return Status{}, fmt.Errorf("read status of feed %s: %w", l.feed, err)
	}
	return status, nil
}

// firstEpoch is the epoch of a feed that never forked.
const firstEpoch = 1

// head returns the newest position. A feed without events has none, and epoch 1.
func (l *Log) head(ctx context.Context, q database.Querier) (epoch, pos int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT epoch, pos FROM event_head WHERE feed = $1`, l.feed).Scan(&epoch, &pos)
	if errors.Is(err, sql.ErrNoRows) {
		return firstEpoch, 0, nil
	}
	return epoch, pos, err
}

// common returns the position up to which the feed is what it was in an epoch:
// its head, unless an operator has begun another epoch since.
func (l *Log) common(ctx context.Context, q database.Querier, epoch, head int64) (int64, error) {
	pos := head
	err := q.QueryRowContext(ctx, `SELECT COALESCE(MIN(common), $1) FROM event_epoch WHERE feed = $2 AND epoch > $3`,
		head, l.feed, epoch).Scan(&pos)
	return pos, err
}

// markAt returns the event at a position and the chain up to it, nothing when there
// is none.
func (l *Log) markAt(ctx context.Context, q database.Querier, pos int64) (mark, error) {
	if pos == 0 {
		return mark{}, nil
	}
	var m mark
	err := q.QueryRowContext(ctx, `SELECT id, COALESCE(chain, '') FROM event WHERE pos = $1`, pos).Scan(&m.id, &m.chain)
	if errors.Is(err, sql.ErrNoRows) {
		return mark{}, nil
	}
	return m, err
}

// after returns up to limit events behind a position, in order.
func (l *Log) after(ctx context.Context, q database.Querier, pos int64, limit int) ([]record, error) {
	rows, err := q.QueryContext(ctx, `SELECT pos, id, type, aggregate_id, aggregate_version, occurred_at, traceparent, payload,
			COALESCE(chain, '')
		FROM event WHERE pos > $1 ORDER BY pos LIMIT $2`, pos, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	records := make([]record, 0, limit)
	for rows.Next() {
		var chain string
		r, err := scanRecord(rows, &chain)
		if err != nil {
			return nil, err
		}
		r.chain = chain
		pos++
		if r.pos != pos {
			return nil, fmt.Errorf("the log has no event at position %d", pos)
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

// scanRecord reads the columns of an event, and more behind them.
func scanRecord(rows *sql.Rows, more ...any) (record, error) {
	var r record
	var occurredAt int64
	err := rows.Scan(append([]any{&r.pos, &r.ID, &r.Type, &r.AggregateID, &r.Version, &occurredAt, &r.Traceparent, &r.Payload}, more...)...)
	r.OccurredAt = time.UnixMicro(occurredAt).UTC()
	return r, err
}

// sequence gives positions to committed events that have none, in the order of
// their insertion, and returns how many. A transaction that commits late gets
// later positions; none is passed over.
func (l *Log) sequence(ctx context.Context) (int, error) {
	waiting := false
	// Asked first without the write lock: most of the time nothing is there.
	err := l.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM event WHERE pos IS NULL)`).Scan(&waiting)
	})
	if err != nil || !waiting {
		return 0, err
	}
	var count int64
	err = l.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		var err error
		count, err = l.sequenceIn(ctx, tx)
		return err
	})
	return int(count), err
}

func (l *Log) sequenceIn(ctx context.Context, tx *database.Tx) (int64, error) {
	_, err := tx.ExecContext(ctx, `INSERT INTO event_head (feed, epoch, pos) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING`,
		l.feed, firstEpoch)
	if err != nil {
		return 0, err
	}
	var pos int64
	err = tx.QueryRowContext(ctx, `SELECT pos FROM event_head WHERE feed = $1`+tx.ForUpdate(), l.feed).Scan(&pos)
	if err != nil {
		return 0, err
	}
	at, err := l.markAt(ctx, tx, pos)
	if err != nil {
		return 0, err
	}
	waiting, err := unsequenced(ctx, tx)
	if err != nil {
		return 0, err
	}
	for piece := range database.Pieces(waiting) {
		args := make([]any, 0, len(piece)*3)
		for _, w := range piece {
			pos++
			at.chain = link(at.chain, w.id)
			args = append(args, w.seq, pos, at.chain)
		}
		_, err = tx.ExecContext(ctx, `WITH v(seq, pos, chain) AS (VALUES `+database.CastPlaceholders(len(piece), "BIGINT", "BIGINT", "TEXT")+`)
			UPDATE event SET pos = v.pos, chain = v.chain FROM v WHERE event.seq = v.seq`, args...)
		if err != nil {
			return 0, err
		}
	}
	count := int64(len(waiting))
	_, err = tx.ExecContext(ctx, `UPDATE event_head SET pos = pos + $1 WHERE feed = $2`, count, l.feed)
	return count, err
}

// inserted is an event that has no position yet.
type inserted struct {
	seq int64
	id  string
}

// unsequenced returns events without a position. By seq and not by id: version n+1
// of an aggregate can only be inserted after version n, so seq keeps each
// aggregate's order. Ids do not.
func unsequenced(ctx context.Context, tx *database.Tx) ([]inserted, error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, id FROM event WHERE pos IS NULL ORDER BY seq LIMIT $1`, sequenceBatch)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var waiting []inserted
	for rows.Next() {
		var one inserted
		err = rows.Scan(&one.seq, &one.id)
		if err != nil {
			return nil, err
		}
		waiting = append(waiting, one)
	}
	return waiting, rows.Err()
}
