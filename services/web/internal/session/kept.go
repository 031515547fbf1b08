package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// kept is where scs keeps sessions. Tokens come hashed.
type kept struct {
	db  *database.DB
	now func() time.Time
}

// FindCtx returns what a session remembers; not found is also one that has ended.
func (k kept) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = k.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT data FROM session WHERE token_hash = $1 AND expires_at > $2 AND ended_at = 0`,
			token, k.now().UnixMicro()).Scan(&data)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find session: %w", err)
	}
	return data, true, nil
}

// CommitCtx stores a session, for as long as the limits here say; the time that
// scs gives is by another clock. One that has ended stays ended.
func (k kept) CommitCtx(ctx context.Context, token string, data []byte, _ time.Time) error {
	now := k.now()
	err := k.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO session (token_hash, data, created_at, expires_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (token_hash) DO UPDATE SET data = excluded.data, expires_at =
				CASE WHEN excluded.expires_at < session.created_at + CAST($5 AS BIGINT) THEN excluded.expires_at
				ELSE session.created_at + CAST($5 AS BIGINT) END
			WHERE session.ended_at = 0`,
			token, data, now.UnixMicro(), now.Add(idle).UnixMicro(), absolute.Microseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("store session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session and forgets what it remembered.
func (k kept) DeleteCtx(ctx context.Context, token string) error {
	err := k.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE session SET ended_at = $2, data = $3 WHERE token_hash = $1 AND ended_at = 0`,
			token, k.now().UnixMicro(), []byte{})
		return err
	})
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Find is FindCtx for callers without a context, of which there are none.
func (k kept) Find(token string) ([]byte, bool, error) {
	return k.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (k kept) Commit(token string, data []byte, expiry time.Time) error {
	return k.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context.
func (k kept) Delete(token string) error { return k.DeleteCtx(context.Background(), token) }
