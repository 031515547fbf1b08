package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const eventColumns = `account_id, event_id, type, object_id, api_version, livemode, created_at, received_at,
	state, reason, attempts, next_at, sealed`

const eventColumnCount = 13

// What is read of an event: everything but its body. The state of one that is due
// is in the other table; see its migration.
const (
	finishedColumns = `stripe_event.seq, account_id, event_id, type, object_id, api_version, livemode, created_at, received_at,
		reason, length(sealed) > 0, state, attempts, next_at`
	dueColumns = `stripe_event.seq, account_id, event_id, type, object_id, api_version, livemode, created_at, received_at,
		reason, length(sealed) > 0, 'pending', stripe_due.attempts, stripe_due.next_at`
)

func scanEvent(r row) (app.StripeEvent, error) {
	var e app.StripeEvent
	err := r.Scan(&e.Seq, &e.AccountID, &e.EventID, &e.Type, &e.ObjectID, &e.APIVersion, &e.Livemode, &e.CreatedAt, &e.ReceivedAt,
		&e.Reason, &e.HasBody, &e.State, &e.Attempts, &e.NextAt)
	e.Stored = e.State
	return e, err
}

// stored is the state that an event's row has: what becomes of nearly all that
// are due.
func stored(state app.EventState) string {
	if state == app.EventPending {
		return string(app.EventDone)
	}
	return string(state)
}

func (t *tx) StoreEvents(ctx context.Context, events []app.StripeEvent) (map[app.EventKey]int64, error) {
	fresh := make(map[app.EventKey]int64, len(events))
	for piece := range database.Pieces(events) {
		args := make([]any, 0, len(piece)*eventColumnCount)
		for i := range piece {
			e := &piece[i]
			sealed, attempts, nextAt := e.Sealed, e.Attempts, e.NextAt
			if sealed == nil {
				sealed = []byte{} // both drivers store nil as NULL
			}
			if e.State == app.EventPending {
				attempts, nextAt = 0, 0
			}
			args = append(args, e.AccountID, e.EventID, e.Type, e.ObjectID, e.APIVersion, flag(e.Livemode), e.CreatedAt,
				e.ReceivedAt, stored(e.State), string(e.Reason), attempts, nextAt, sealed)
		}
		_, err := all(ctx, t, func(r row) (seq int64, err error) {
			var key app.EventKey
			err = r.Scan(&seq, &key.AccountID, &key.EventID)
			fresh[key] = seq
			return seq, err
		}, `INSERT INTO stripe_event (`+eventColumns+`) VALUES `+database.Placeholders(len(piece), eventColumnCount)+
			` ON CONFLICT (account_id, event_id) DO NOTHING RETURNING seq, account_id, event_id`, args...)
		if err != nil {
			return nil, fmt.Errorf("store %d stripe events: %w", len(events), err)
		}
	}
	var due []app.StripeEvent
	for i := range events {
		if seq, isNew := fresh[events[i].Key()]; isNew && events[i].State == app.EventPending {
			due = append(due, app.StripeEvent{Seq: seq, Attempts: events[i].Attempts, NextAt: events[i].NextAt})
		}
	}
	return fresh, t.putDue(ctx, due)
}

// putDue makes events due, or due at another time.
func (t *tx) putDue(ctx context.Context, events []app.StripeEvent) error {
	for piece := range database.Pieces(events) {
		args := make([]any, 0, len(piece)*3)
		for _, e := range piece {
			args = append(args, e.Seq, e.Attempts, e.NextAt)
		}
		_, err := t.ExecContext(ctx, `INSERT INTO stripe_due (seq, attempts, next_at) VALUES `+database.Placeholders(len(piece), 3)+`
			ON CONFLICT (seq) DO UPDATE SET attempts = excluded.attempts, next_at = excluded.next_at`, args...)
		if err != nil {
			return fmt.Errorf("put %d stripe events on the list: %w", len(events), err)
		}
	}
	return nil
}

func (t *tx) PendingEvents(ctx context.Context, now int64, limit int) ([]app.StripeEvent, error) {
	return all(ctx, t, scanEvent, `SELECT `+dueColumns+` FROM stripe_due JOIN stripe_event ON stripe_event.seq = stripe_due.seq
		WHERE stripe_due.next_at <= $1 ORDER BY stripe_due.seq LIMIT $2`, now, limit)
}

func (t *tx) Unlisted(ctx context.Context) (bool, error) {
	count, err := one(ctx, t, scanNumber, `SELECT COUNT(*) FROM (SELECT 1 FROM stripe_event WHERE state = 'pending' LIMIT 1) AS one`)
	return count > 0, err
}

// ListEvents waits for a process that is just applying an event, and leaves the
// event to it when it succeeds: the row is locked there, and not pending any more.
func (t *tx) ListEvents(ctx context.Context) error {
	found, err := all(ctx, t, func(r row) (e app.StripeEvent, err error) {
		err = r.Scan(&e.Seq, &e.Attempts, &e.NextAt)
		return e, err
	}, `UPDATE stripe_event SET state = 'done' WHERE state = 'pending' RETURNING seq, attempts, next_at`)
	if err != nil {
		return fmt.Errorf("look for stripe events that are on no list: %w", err)
	}
	return t.putDue(ctx, found)
}

func (t *tx) EventBodies(ctx context.Context, seqs []int64) (map[int64][]byte, error) {
	bodies := map[int64][]byte{}
	_, err := allIn(ctx, t, func(r row) (seq int64, err error) {
		var sealed []byte
		err = r.Scan(&seq, &sealed)
		bodies[seq] = sealed
		return seq, err
	}, seqs, func(count int) string {
		return `SELECT seq, sealed FROM stripe_event WHERE seq IN ` + in(count, 1) + ` AND length(sealed) > 0`
	})
	if err != nil {
		return nil, fmt.Errorf("read webhook bodies: %w", err)
	}
	return bodies, nil
}

// LockEvents locks in the order of seq, as LockDonations does by id.
func (t *tx) LockEvents(ctx context.Context, seqs []int64, states ...app.EventState) (map[int64]bool, error) {
	seqs = slices.Sorted(slices.Values(seqs))
	var held []int64
	var wanted []any
	for _, s := range states {
		if s != app.EventPending {
			wanted = append(wanted, string(s))
			continue
		}
		due, err := allIn(ctx, t, scanNumber, seqs, func(count int) string {
			return `SELECT seq FROM stripe_due WHERE seq IN ` + in(count, 1) + ` ORDER BY seq` + t.ForUpdate()
		})
		if err != nil {
			return nil, fmt.Errorf("lock stripe events that are due: %w", err)
		}
		held = append(held, due...)
	}
	if len(wanted) > 0 {
		finished, err := allIn(ctx, t, scanNumber, seqs, func(count int) string {
			return `SELECT seq FROM stripe_event WHERE seq IN ` + in(count, 1) + ` AND state IN ` + in(len(wanted), count+1) +
				` AND NOT EXISTS (SELECT 1 FROM stripe_due WHERE stripe_due.seq = stripe_event.seq) ORDER BY seq` + t.ForUpdate()
		}, wanted...)
		if err != nil {
			return nil, fmt.Errorf("lock stripe events: %w", err)
		}
		held = append(held, finished...)
	}
	return setOf(held), nil
}

func (t *tx) FinishEvents(ctx context.Context, events []app.StripeEvent) error {
	var waiting, changed []app.StripeEvent
	var over []int64
	for _, e := range events {
		switch {
		case e.State == app.EventPending:
			waiting = append(waiting, e)
			e.Reason, e.Attempts, e.NextAt = "", 0, 0
		case e.Stored == app.EventPending:
			over = append(over, e.Seq)
		}
		if stored(e.Stored) != string(app.EventDone) || stored(e.State) != string(app.EventDone) || e.Reason != "" {
			changed = append(changed, e)
		}
	}
	err := t.putDue(ctx, waiting)
	if err != nil {
		return err
	}
	for piece := range database.Pieces(over) {
		_, err := t.ExecContext(ctx, `DELETE FROM stripe_due WHERE seq IN `+in(len(piece), 1), anys(piece)...)
		if err != nil {
			return fmt.Errorf("take %d stripe events off the list: %w", len(over), err)
		}
	}
	return t.rewrite(ctx, changed)
}

// rewrite writes what became of events other than what their rows say already.
func (t *tx) rewrite(ctx context.Context, events []app.StripeEvent) error {
	for piece := range database.Pieces(events) {
		args := make([]any, 0, len(piece)*6)
		for _, e := range piece {
			args = append(args, e.Seq, e.ObjectID, stored(e.State), string(e.Reason), e.Attempts, e.NextAt)
		}
		_, err := t.ExecContext(ctx, `WITH v(seq, object_id, state, reason, attempts, next_at) AS (VALUES `+
			database.CastPlaceholders(len(piece), "BIGINT", "TEXT", "TEXT", "TEXT", "BIGINT", "BIGINT")+`)
			UPDATE stripe_event SET object_id = v.object_id, state = v.state, reason = v.reason, attempts = v.attempts,
				next_at = v.next_at
			FROM v WHERE stripe_event.seq = v.seq`, args...)
		if err != nil {
			return fmt.Errorf("finish %d stripe events: %w", len(events), err)
		}
	}
	return nil
}

func (t *tx) ParkedEvent(ctx context.Context, seq int64) (app.StripeEvent, error) {
	return one(ctx, t, scanEvent, `SELECT `+finishedColumns+` FROM stripe_event WHERE state = 'parked' AND seq = $1`, seq)
}

func (t *tx) ParkedEvents(ctx context.Context, after int64, limit int) ([]app.StripeEvent, error) {
	return all(ctx, t, scanEvent, `SELECT `+finishedColumns+` FROM stripe_event
		WHERE state = 'parked' AND seq > $1 ORDER BY seq LIMIT $2`, after, limit)
}

func (t *tx) ParkedOf(ctx context.Context, objectIDs []string) ([]app.StripeEvent, error) {
	return all(ctx, t, scanEvent, `SELECT `+finishedColumns+` FROM stripe_event
		WHERE state = 'parked' AND object_id IN `+in(len(objectIDs), 1)+` ORDER BY seq`, anys(objectIDs)...)
}

func (t *tx) ParkedThoughKnown(ctx context.Context, after int64, limit int) ([]app.StripeEvent, error) {
	return all(ctx, t, scanEvent, `SELECT `+finishedColumns+` FROM stripe_event
		WHERE state = 'parked' AND seq > $1 AND object_id <> ''
			AND reason IN ('`+string(domain.UnknownDonation)+`', '`+string(domain.UnknownPlan)+`')
			AND (EXISTS (SELECT 1 FROM donation WHERE payment_intent_id <> '' AND payment_intent_id = object_id)
				OR EXISTS (SELECT 1 FROM donation WHERE invoice_id <> '' AND invoice_id = object_id)
				OR EXISTS (SELECT 1 FROM attempt WHERE session_id <> '' AND session_id = object_id)
				OR EXISTS (SELECT 1 FROM recurring_plan WHERE subscription_id <> '' AND subscription_id = object_id)
				OR EXISTS (SELECT 1 FROM refund WHERE refund_id <> '' AND refund_id = object_id)
				OR EXISTS (SELECT 1 FROM dispute WHERE id = object_id))
		ORDER BY seq LIMIT $2`, after, limit)
}

// CountEvents names the parked state in the text: with a placeholder the engines do
// not see that the small partial index has the answer.
func (t *tx) CountEvents(ctx context.Context, state app.EventState) (int64, error) {
	switch state {
	case app.EventPending:
		return one(ctx, t, scanNumber, `SELECT (SELECT COUNT(*) FROM stripe_due) +
			(SELECT COUNT(*) FROM stripe_event WHERE state = 'pending')`)
	case app.EventParked:
		return one(ctx, t, scanNumber, `SELECT COUNT(*) FROM stripe_event WHERE state = 'parked'`)
	default:
		return one(ctx, t, scanNumber, `SELECT COUNT(*) FROM stripe_event WHERE state = $1
			AND NOT EXISTS (SELECT 1 FROM stripe_due WHERE stripe_due.seq = stripe_event.seq)`, string(state))
	}
}

func (t *tx) ForgetBodies(ctx context.Context, before int64) error {
	_, err := t.ExecContext(ctx, `UPDATE stripe_event SET sealed = $2
		WHERE received_at < $1 AND length(sealed) > 0 AND state IN ('done', 'ignored')
			AND NOT EXISTS (SELECT 1 FROM stripe_due WHERE stripe_due.seq = stripe_event.seq)`, before, []byte{})
	if err != nil {
		return fmt.Errorf("forget webhook bodies: %w", err)
	}
	return nil
}
