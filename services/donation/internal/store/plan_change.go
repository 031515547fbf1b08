package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const changeColumns = `request_id, plan_id, kind, gift_minor, cover_minor, resumes_at, input_hash, asked_by, note, asked_at, state, attempt, done_at`

const changeColumnCount = 13

func scanChange(r row) (app.PlanChange, error) {
	var c app.PlanChange
	err := r.Scan(&c.RequestID, &c.PlanID, &c.Kind, &c.Parts.Gift, &c.Parts.Cover, &c.ResumesAt, &c.InputHash, &c.AskedBy, &c.Note,
		&c.AskedAt, &c.State, &c.Attempt, &c.DoneAt)
	return c, err
}

func (t *tx) InsertChange(ctx context.Context, c app.PlanChange) (bool, error) {
	result, err := t.ExecContext(ctx, `INSERT INTO plan_change (`+changeColumns+`) VALUES `+database.Placeholders(1, changeColumnCount)+`
		ON CONFLICT (request_id) DO NOTHING`, c.RequestID, c.PlanID, string(c.Kind), c.Parts.Gift, c.Parts.Cover, c.ResumesAt,
		c.InputHash, c.AskedBy, c.Note, c.AskedAt, string(c.State), c.Attempt, c.DoneAt)
	if err != nil {
		return false, fmt.Errorf("insert change of a plan: %w", err)
	}
	count, err := result.RowsAffected()
	return count == 1, err
}

func (t *tx) Change(ctx context.Context, requestID string) (app.PlanChange, error) {
	return one(ctx, t, scanChange, `SELECT `+changeColumns+` FROM plan_change WHERE request_id = $1`, requestID)
}

func (t *tx) UpdateChange(ctx context.Context, c app.PlanChange) error {
	_, err := t.ExecContext(ctx, `UPDATE plan_change SET state = $2, attempt = $3, done_at = $4 WHERE request_id = $1`,
		c.RequestID, string(c.State), c.Attempt, c.DoneAt)
	if err != nil {
		return fmt.Errorf("update change of a plan: %w", err)
	}
	return nil
}

// NewerChange counts a pause and going on as one kind: each undoes the other.
func (t *tx) NewerChange(ctx context.Context, c app.PlanChange) (bool, error) {
	kinds := []any{string(c.Kind), string(c.Kind)}
	if c.Kind == app.ChangePause || c.Kind == app.ChangeResume {
		kinds = []any{string(app.ChangePause), string(app.ChangeResume)}
	}
	count, err := one(ctx, t, scanNumber, `SELECT COUNT(*) FROM plan_change WHERE plan_id = $1 AND kind IN ($2, $3) AND request_id <> $4
		AND asked_at > $5 AND state <> 'refused'`, append(append([]any{c.PlanID}, kinds...), c.RequestID, c.AskedAt)...)
	return count > 0, err
}

func (t *tx) OpenEnds(ctx context.Context, planID string) ([]app.PlanChange, error) {
	return all(ctx, t, scanChange, `SELECT `+changeColumns+` FROM plan_change WHERE plan_id = $1 AND kind = 'cancel' AND state = 'asked'
		ORDER BY asked_at, request_id`, planID)
}
