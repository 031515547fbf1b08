package store

import (
	"context"
	"database/sql"

	"github.com/almoner/almoner/services/ledger/internal/app"
)

// Checkpoints returns how far the consumed feeds are applied.
func (r reader) Checkpoints(ctx context.Context) ([]app.Checkpoint, error) {
	return query(ctx, r.tx, func(rows *sql.Rows) (app.Checkpoint, error) {
		var c app.Checkpoint
		err := rows.Scan(&c.Feed, &c.Epoch, &c.Pos)
		return c, err
	}, `SELECT feed, epoch, pos FROM feed_checkpoint ORDER BY feed`)
}
