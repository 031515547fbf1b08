package feed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// Checkpoint is how far a consumer has applied a feed.
type Checkpoint struct {
	Feed string
	// Epoch of the feed as the consumer knows it, 0 before its first event.
	Epoch int64
	// Pos is the last position whose effect is committed.
	Pos int64
	// eventID is the event at that position. A producer that has another one
	// there is not the producer that we knew.
	eventID string
	// chain is the producer's hash over all ids up to there, empty when it is not known.
	chain string
}

// mark is what the producer was when the checkpoint was moved there.
func (c Checkpoint) mark() mark { return mark{id: c.eventID, chain: c.chain} }

// chainAtPos is the hash at the position, and not one that a process of an earlier
// version left behind.
const chainAtPos = `CASE WHEN chain_pos = pos THEN chain ELSE '' END`

// Checkpoints returns how far each feed has been applied in a service's
// database, by name.
func Checkpoints(ctx context.Context, q database.Querier) ([]Checkpoint, error) {
	rows, err := q.QueryContext(ctx, `SELECT feed, epoch, pos, event_id, `+chainAtPos+` FROM feed_checkpoint ORDER BY feed`)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Checkpoint
	for rows.Next() {
		var c Checkpoint
		err := rows.Scan(&c.Feed, &c.Epoch, &c.Pos, &c.eventID, &c.chain)
		if err != nil {
			return nil, fmt.Errorf("read checkpoints: %w", err)
		}
		all = append(all, c)
	}
	err = rows.Err()
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return all, nil
}

// lockCheckpoint reads the checkpoint and keeps every other consumer of the
// feed in this database out until the commit.
func lockCheckpoint(ctx context.Context, tx *database.Tx, feed string) (Checkpoint, error) {
	at := Checkpoint{Feed: feed}
	query := `SELECT epoch, pos, event_id, ` + chainAtPos + ` FROM feed_checkpoint WHERE feed = $1` + tx.ForUpdate()
	err := tx.QueryRowContext(ctx, query, feed).Scan(&at.Epoch, &at.Pos, &at.eventID, &at.chain)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.ExecContext(ctx, `INSERT INTO feed_checkpoint (feed, epoch, pos, event_id) VALUES ($1, 0, 0, '')
			ON CONFLICT DO NOTHING`, feed)
		if err != nil {
			return Checkpoint{}, fmt.Errorf("begin checkpoint of %s: %w", feed, err)
		}
		err = tx.QueryRowContext(ctx, query, feed).Scan(&at.Epoch, &at.Pos, &at.eventID, &at.chain)
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("lock checkpoint of %s: %w", feed, err)
	}
	return at, nil
}

func moveCheckpoint(ctx context.Context, tx *database.Tx, to Checkpoint) error {
	_, err := tx.ExecContext(ctx, `UPDATE feed_checkpoint SET epoch = $1, pos = $2, event_id = $3, chain = $4, chain_pos = $2 WHERE feed = $5`,
		to.Epoch, to.Pos, to.eventID, to.chain, to.Feed)
	if err != nil {
		return fmt.Errorf("move checkpoint of %s to %d: %w", to.Feed, to.Pos, err)
	}
	return nil
}
