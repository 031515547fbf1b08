package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// Fork is how a feed's log and what others remember of it disagree.
type Fork struct {
	// Epoch and Head of the log.
	Epoch, Head int64
	// Told is the last position that the stream tells of; 0 without a stream.
	Told int64
	// Common is the last position up to which all are surely alike. It may be
	// earlier than where they part, never later.
	Common int64
	// Lost are the events behind Common that the stream tells of and the log does
	// not have, by type. Whoever applied them remembers what the log does not.
	Lost map[string]int
	// Own counts the log's events behind Common.
	Own int64
	// Ahead are the consumers that applied what the log does not have, by name.
	Ahead map[string]Checkpoint

	lost []delivery
	// newest is the latest epoch that anybody remembers.
	newest int64
}

// Recovery is an operator's way out of a feed fork: from then on the log is right
// and what others remember beyond it is not. It works with the role that owns the
// schema, beside running services or without them.
type Recovery struct {
	p  *Producer
	js jetstream.JetStream
	// consumers' databases by name of the service.
	consumers map[string]*database.DB
}

// NewRecovery needs the producer's log, database and NATS connection, and the
// databases of the feed's consumers.
func NewRecovery(cfg ProducerConfig, consumers map[string]*database.DB) (*Recovery, error) {
	js, err := jetstream.New(cfg.NATS, jetstream.WithDefaultTimeout(callTimeout))
	if err != nil {
		return nil, err
	}
	p := NewProducer(cfg)
	p.keep = 0 // consumers that are behind pull
	return &Recovery{p: p, js: js, consumers: consumers}, nil
}

// Look compares the log with the stream and with each consumer's checkpoint. It
// returns nil when they agree, and changes nothing.
func (r *Recovery) Look(ctx context.Context) (*Fork, error) {
	fork := &Fork{Lost: map[string]int{}, Ahead: map[string]Checkpoint{}}
	forked, err := r.lookAtStream(ctx, fork)
	if err != nil {
		return nil, err
	}
	for service, db := range r.consumers {
		err := r.lookAtConsumer(ctx, fork, service, db)
		if err != nil {
			return nil, err
		}
	}
	if !forked && len(fork.Ahead) == 0 {
		return nil, nil
	}
	if !forked {
		// The stream was lost, too, or went on with the log: nobody remembers where
		// they part, and from the beginning is surely early enough.
		fork.Common = 0
	}
	fork.Own = fork.Head - fork.Common
	return fork, nil
}

func (r *Recovery) lookAtStream(ctx context.Context, fork *Fork) (forked bool, err error) {
	s := &stream{p: r.p, js: r.js}
	var end tail
	handle, err := r.js.Stream(ctx, streamName(r.p.cfg.Feed))
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
	case err != nil:
		return false, fmt.Errorf("ask for the stream: %w", err)
	default:
		end, err = readTail(ctx, r.p.cfg.Feed, handle)
		if err != nil {
			return false, err
		}
	}
	// The log after the stream, as the relay reads them.
	v, err := s.view(ctx, end.pos)
	if err != nil {
		return false, err
	}
	fork.Epoch, fork.Head, fork.Told, fork.newest = v.epoch, v.head, end.pos, max(v.epoch, end.epoch)
	if handle == nil || judge(end, v, r.p.keep) != tailFork {
		return false, nil
	}
	fork.Common, err = r.parting(ctx, handle, min(end.pos, v.head))
	if err != nil {
		return false, err
	}
	first := int64(handle.CachedInfo().State.FirstSeq)
	for pos := max(fork.Common+1, first); pos <= end.pos; pos++ {
		told, err := r.told(ctx, handle, pos)
		if err != nil {
			return false, err
		}
		if told == nil {
			continue
		}
		here, err := r.idAt(ctx, told.ID)
		if err != nil {
			return false, err
		}
		if !here {
			fork.Lost[told.Type]++
			fork.lost = append(fork.lost, *told)
		}
	}
	return true, nil
}

// parting finds the last position up to which stream and log are alike. What
// cannot be read counts as different, which only means to begin earlier. One
// position after the other: events that are found again have the ids that they had,
// so behind where they part the two may well be alike again.
func (r *Recovery) parting(ctx context.Context, handle jetstream.Stream, end int64) (int64, error) {
	first := max(1, int64(handle.CachedInfo().State.FirstSeq))
	if first > 1 {
		same, err := r.before(ctx, handle, first)
		if err != nil || !same {
			return 0, err
		}
	}
	for pos := first; pos <= end; pos++ {
		told, err := r.told(ctx, handle, pos)
		if err != nil {
			return 0, err
		}
		v, err := (&stream{p: r.p}).view(ctx, pos)
		if err != nil {
			return 0, err
		}
		if told == nil || told.ID != v.atTail.id {
			return pos - 1, nil
		}
	}
	return end, nil
}

// before tells whether all that the stream does not reach back to is surely alike:
// its first message names its predecessor, and has the hash over all before it.
func (r *Recovery) before(ctx context.Context, handle jetstream.Stream, first int64) (bool, error) {
	told, err := r.told(ctx, handle, first)
	if err != nil || told == nil {
		return false, err
	}
	v, err := (&stream{p: r.p}).view(ctx, first-1)
	return err == nil && v.atTail.follows(*told), err
}

// told reads an event of the stream, nil when there is none of ours.
func (r *Recovery) told(ctx context.Context, handle jetstream.Stream, pos int64) (*delivery, error) {
	message, err := handle.GetMsg(ctx, uint64(pos))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read position %d of the stream: %w", pos, err)
	case !ours(r.p.cfg.Feed, message.Header):
		return nil, nil
	}
	told, err := decode(message.Subject, message.Header, message.Data)
	if err != nil || told.pos != pos {
		return nil, nil //nolint:nilerr // what cannot be read tells nothing
	}
	return &told, nil
}

// idAt tells whether the log has an event, wherever.
func (r *Recovery) idAt(ctx context.Context, id string) (found bool, err error) {
	err = r.p.cfg.DB.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM event WHERE id = $1)`, id).Scan(&found)
	})
	return found, err
}

func (r *Recovery) lookAtConsumer(ctx context.Context, fork *Fork, service string, db *database.DB) error {
	// The consumer first: the producer can only be ahead of it then.
	var at Checkpoint
	err := db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		all, err := Checkpoints(ctx, tx)
		for _, one := range all {
			if one.Feed == r.p.cfg.Feed {
				at = one
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("look at %s: %w", service, err)
	}
	v, err := (&stream{p: r.p}).view(ctx, at.Pos)
	if err != nil {
		return err
	}
	// One in an earlier epoch finds its way by itself.
	if at.Pos > 0 && at.Epoch >= v.epoch && (at.Epoch > v.epoch || !at.mark().same(v.atTail)) {
		fork.Ahead[service] = at
		fork.newest = max(fork.newest, at.Epoch)
	}
	return nil
}

// Do ends a fork that Look returned: what the stream tells and the log does not
// have is kept in salvaged_event, another epoch begins, and the stream is made
// anew behind the log's head. Running services follow by themselves.
func (r *Recovery) Do(ctx context.Context, fork *Fork) error {
	feed, log := r.p.cfg.Feed, r.p.cfg.Log
	err := r.p.cfg.DB.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO event_head (feed, epoch, pos) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING`, feed, firstEpoch)
		if err != nil {
			return err
		}
		// The row is the sequencers' lock, and that of two operators.
		var epoch int64
		err = tx.QueryRowContext(ctx, `SELECT epoch FROM event_head WHERE feed = $1`+tx.ForUpdate(), feed).Scan(&epoch)
		if err != nil {
			return err
		}
		if epoch != fork.Epoch {
			return fmt.Errorf("feed %s is in epoch %d by now, somebody else has recovered it", feed, epoch)
		}
		for _, told := range fork.lost {
			err := salvage(ctx, tx, feed, told)
			if err != nil {
				return err
			}
		}
		// The log that was restored may be from before an earlier recovery.
		next := fork.newest + 1
		_, err = tx.ExecContext(ctx, `INSERT INTO event_epoch (feed, epoch, common) VALUES ($1, $2, $3)`, feed, next, fork.Common)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE event_head SET epoch = $1 WHERE feed = $2`, next, feed)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin another epoch: %w", err)
	}
	err = (&stream{p: r.p, js: r.js}).rebuild(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return fmt.Errorf("another epoch of feed %s has begun, and its relay makes the stream: %w", log.feed, err)
	}
	return nil
}

func salvage(ctx context.Context, tx *database.Tx, feed string, told delivery) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO salvaged_event
		(feed, epoch, pos, id, type, aggregate_id, aggregate_version, occurred_at, traceparent, payload)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		feed, told.epoch, told.pos, told.ID, told.Type, told.AggregateID, told.Version, told.OccurredAt.UnixMicro(), told.Traceparent,
		nonNil(told.Payload))
	if err != nil {
		return fmt.Errorf("salvage position %d: %w", told.pos, err)
	}
	return nil
}

// Salvaged returns the newest event of a type about an aggregate that a recovery
// kept because the log had forgotten it; sql.ErrNoRows when there is none.
func (l *Log) Salvaged(ctx context.Context, q database.Querier, eventType, aggregateID string) (envelope.Event, error) {
	event := envelope.Event{Type: eventType, AggregateID: aggregateID}
	var occurredAt int64
	err := q.QueryRowContext(ctx, `SELECT id, aggregate_version, occurred_at, traceparent, payload FROM salvaged_event
		WHERE feed = $1 AND type = $2 AND aggregate_id = $3 ORDER BY epoch DESC, pos DESC LIMIT 1`,
		l.feed, eventType, aggregateID).Scan(&event.ID, &event.Version, &occurredAt, &event.Traceparent, &event.Payload)
	if err != nil {
		return envelope.Event{}, fmt.Errorf("look for a salvaged event of feed %s: %w", l.feed, err)
	}
	event.OccurredAt = time.UnixMicro(occurredAt).UTC()
	return event, nil
}
