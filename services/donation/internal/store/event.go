package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const eventColumns = `account_id, event_id, type, object_id, api_version, livemode, created_at, received_at,
	state, reason, attempts, next_at, sealed`

const eventColumnCount = 13

func scanEvent(r row) (app.StripeEvent, error) {
	var e app.StripeEvent
	err := r.Scan(&e.Seq, &e.AccountID, &e.EventID, &e.Type, &e.ObjectID, &e.APIVersion, &e.Livemode, &e.CreatedAt,
		&e.ReceivedAt, &e.State, &e.Reason, &e.Attempts, &e.NextAt, &e.Sealed)
	return e, err
}

func (t *tx) StoreEvents(ctx context.Context, events []app.StripeEvent) (int, error) {
	stored := 0
	for piece := range database.Pieces(events) {
		args := make([]any, 0, len(piece)*eventColumnCount)
		for _, e := range piece {
			sealed := e.Sealed
			if sealed == nil {
				sealed = []byte{} // both drivers store nil as NULL
			}
			args = append(args, e.AccountID, e.EventID, e.Type, e.ObjectID, e.APIVersion, flag(e.Livemode), e.CreatedAt,
				e.ReceivedAt, string(e.State), string(e.Reason), e.Attempts, e.NextAt, sealed)
		}
		result, err := t.ExecContext(ctx, `INSERT INTO stripe_event (`+eventColumns+`) VALUES `+
			database.Placeholders(len(piece), eventColumnCount)+` ON CONFLICT (account_id, event_id) DO NOTHING`, args...)
		if err != nil {
			return 0, fmt.Errorf("store %d stripe events: %w", len(events), err)
		}
		count, err := result.RowsAffected()
		if err != nil {
			return 0, err
		}
		stored += int(count)
	}
	return stored, nil
}

func (t *tx) PendingEvents(ctx context.Context, now int64, limit int) ([]app.StripeEvent, error) {
	return all(ctx, t, scanEvent, `SELECT seq, `+eventColumns+` FROM stripe_event
		WHERE state = 'pending' AND next_at <= $1 ORDER BY seq LIMIT $2`, now, limit)
}

// LockEvents locks in the order of seq, as LockDonations does by id.
func (t *tx) LockEvents(ctx context.Context, seqs []int64, states ...app.EventState) (map[int64]bool, error) {
	var wanted []any
	for _, s := range states {
		wanted = append(wanted, string(s))
	}
	held, err := allIn(ctx, t, scanNumber, slices.Sorted(slices.Values(seqs)), func(count int) string {
		return `SELECT seq FROM stripe_event WHERE seq IN ` + in(count, 1) +
			` AND state IN ` + in(len(states), count+1) + ` ORDER BY seq` + t.ForUpdate()
	}, wanted...)
	if err != nil {
		return nil, fmt.Errorf("lock stripe events: %w", err)
	}
	return setOf(held), nil
}

func (t *tx) FinishEvents(ctx context.Context, events []app.StripeEvent) error {
	for piece := range database.Pieces(events) {
		args := make([]any, 0, len(piece)*6)
		for _, e := range piece {
			args = append(args, e.Seq, e.ObjectID, string(e.State), string(e.Reason), e.Attempts, e.NextAt)
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
	return one(ctx, t, scanEvent, `SELECT seq, `+eventColumns+` FROM stripe_event WHERE state = 'parked' AND seq = $1`, seq)
}

func (t *tx) ParkedEvents(ctx context.Context, after int64, limit int) ([]app.StripeEvent, error) {
	return all(ctx, t, scanEvent, `SELECT seq, `+eventColumns+` FROM stripe_event
		WHERE state = 'parked' AND seq > $1 ORDER BY seq LIMIT $2`, after, limit)
}

func (t *tx) ParkedOf(ctx context.Context, objectIDs []string) ([]app.StripeEvent, error) {
	return all(ctx, t, scanEvent, `SELECT seq, `+eventColumns+` FROM stripe_event
		WHERE state = 'parked' AND object_id IN `+in(len(objectIDs), 1)+` ORDER BY seq`, anys(objectIDs)...)
}

// CountEvents names the states in the text: with a placeholder the engines do not
// see that the small partial index has the answer.
func (t *tx) CountEvents(ctx context.Context, state app.EventState) (int64, error) {
	switch state {
	case app.EventPending:
		return one(ctx, t, scanNumber, `SELECT COUNT(*) FROM stripe_event WHERE state = 'pending'`)
	case app.EventParked:
		return one(ctx, t, scanNumber, `SELECT COUNT(*) FROM stripe_event WHERE state = 'parked'`)
	default:
		return one(ctx, t, scanNumber, `SELECT COUNT(*) FROM stripe_event WHERE state = $1`, string(state))
	}
}

func (t *tx) ForgetBodies(ctx context.Context, before int64) error {
	_, err := t.ExecContext(ctx, `UPDATE stripe_event SET sealed = $2
		WHERE received_at < $1 AND length(sealed) > 0 AND state IN ('done', 'ignored')`, before, []byte{})
	if err != nil {
		return fmt.Errorf("forget webhook bodies: %w", err)
	}
	return nil
}
