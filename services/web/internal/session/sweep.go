package session

import (
	"context"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
)

const (
	// day is how long links, and what else mails and drafts are counted by, are
	// needed.
	day = 24 * time.Hour
	// sweepEvery keeps the tables small; nothing depends on it.
	sweepEvery = 10 * time.Minute
)

// Run removes what has expired, until ctx ends.
func (s *Sessions) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		err := s.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			s.logger.ErrorContext(ctx, "sweep sessions, tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// Sweep removes sessions that expired, and what is older than a day of what is
// only counted. Addresses of people who asked for a link and never came are gone
// with it.
func (s *Sessions) Sweep(ctx context.Context) error {
	now := s.now()
	yesterday := now.Add(-day).UnixMicro()
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, old := range []struct {
			statement string
			before    int64
		}{
			{`DELETE FROM session WHERE expires_at <= $1`, now.UnixMicro()},
			{`DELETE FROM sign_in_link WHERE created_at <= $1`, yesterday},
			{`DELETE FROM sign_in_turn WHERE asked_at <= $1`, yesterday},
			{`DELETE FROM draft_begun WHERE begun_at <= $1`, yesterday},
			// Older than every session that could still be open.
			{`DELETE FROM sign_out_floor WHERE at <= $1`, now.Add(-absolute).UnixMicro()},
		} {
			_, err := tx.ExecContext(ctx, old.statement, old.before)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	return nil
}
