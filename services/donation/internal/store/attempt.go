package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/database"
)

func (t *tx) InsertAttempt(ctx context.Context, a app.Attempt) error {
	_, err := t.ExecContext(ctx, `INSERT INTO attempt
		(donation_id, number, intent_id, state, session_id, url, base_url, started_at, expires_at, payment_methods)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		a.DonationID, a.Number, a.IntentID, string(a.State), a.SessionID, a.URL, a.BaseURL, a.StartedAt, a.ExpiresAt,
		strings.Join(a.Methods, ","))
	if err != nil {
		return fmt.Errorf("insert attempt %d: %w", a.Number, err)
	}
	return nil
}

func (t *tx) UpdateAttempt(ctx context.Context, a app.Attempt) error {
	_, err := t.ExecContext(ctx, `UPDATE attempt SET state = $3, session_id = $4, url = $5 WHERE donation_id = $1 AND number = $2`,
		a.DonationID, a.Number, string(a.State), a.SessionID, a.URL)
	if err != nil {
		return fmt.Errorf("update attempt %d: %w", a.Number, err)
	}
	return nil
}

func (t *tx) Attempt(ctx context.Context, donationID string, number int64) (app.Attempt, error) {
	return one(ctx, t, func(r row) (app.Attempt, error) {
		a := app.Attempt{DonationID: donationID, Number: number}
		methods := ""
		err := r.Scan(&a.IntentID, &a.State, &a.SessionID, &a.URL, &a.BaseURL, &a.StartedAt, &a.ExpiresAt, &methods)
		a.Methods = strings.Split(methods, ",")
		return a, err
	}, `SELECT intent_id, state, session_id, url, base_url, started_at, expires_at, payment_methods FROM attempt
		WHERE donation_id = $1 AND number = $2`, donationID, number)
}

func (t *tx) CloseSessions(ctx context.Context, sessionIDs []string) error {
	for piece := range database.Pieces(sessionIDs) {
		_, err := t.ExecContext(ctx, `UPDATE attempt SET state = 'closed'
			WHERE session_id IN `+in(len(piece), 1)+` AND session_id <> '' AND `+unindexed("state")+` = 'open'`, anys(piece)...)
		if err != nil {
			return fmt.Errorf("close %d sessions: %w", len(sessionIDs), err)
		}
	}
	return nil
}

func (t *tx) OpenSessions(ctx context.Context, intentID string, now int64) (int, error) {
	count, err := one(ctx, t, scanNumber, `SELECT COUNT(*) FROM attempt
		WHERE intent_id = $1 AND state = 'open' AND expires_at > $2`, intentID, now)
	return int(count), err
}
