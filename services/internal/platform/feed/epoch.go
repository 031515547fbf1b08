package feed

import (
	"context"
	"errors"
	"fmt"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// enterEpoch follows a producer that an operator recovered from a feed fork. When
// the event that we applied last still stands where it stood, nothing changes but
// the epoch. Otherwise we go back to where the feed is surely what it was and
// apply again from there: what we have is known by its keys. From then on, what
// the old stream still brings is passed over.
func (c *Consumer) enterEpoch(ctx context.Context, seen Checkpoint, head *feedv1.HeadResponse) (Checkpoint, error) {
	to := Checkpoint{Feed: seen.Feed, Epoch: head.GetEpoch(), Pos: seen.Pos, eventID: seen.eventID, chain: seen.chain}
	theirs, err := c.markAt(ctx, seen.Pos)
	if err != nil {
		return seen, err
	}
	if !seen.mark().same(theirs) {
		to.Pos = min(head.GetCommonPos(), seen.Pos)
		common, err := c.markAt(ctx, to.Pos)
		if err != nil {
			return seen, err
		}
		to.eventID, to.chain = common.id, common.chain
	}
	err = c.cfg.DB.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		at, err := lockCheckpoint(ctx, tx, c.cfg.Feed)
		if err != nil {
			return err
		}
		if at != seen {
			return errOvertaken
		}
		if to.Pos < seen.Pos {
			err = forgetParked(ctx, tx, c.cfg.Feed, to.Pos)
			if err != nil {
				return err
			}
		}
		return moveCheckpoint(ctx, tx, to)
	})
	if err != nil {
		return seen, fmt.Errorf("enter epoch %d of feed %s: %w", to.Epoch, c.cfg.Feed, err)
	}
	c.cfg.Logger.WarnContext(ctx, "the feed was recovered from a fork", "epoch", to.Epoch, "from", seen.Pos, "position", to.Pos)
	return to, nil
}

// errOvertaken says that another instance moved the checkpoint; the next try
// finds it there.
var errOvertaken = errors.New("the checkpoint was moved meanwhile")

// markAt asks the producer what it has at a position, nothing when it has no event
// there.
func (c *Consumer) markAt(ctx context.Context, pos int64) (mark, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := c.cfg.Source.Read(ctx, &feedv1.ReadRequest{Feed: c.cfg.Feed, After: pos, Limit: 1})
	if err != nil {
		return mark{}, fmt.Errorf("%w: position %d of feed %s: %w", errSource, pos, c.cfg.Feed, err)
	}
	return mark{id: answer.GetAfterEventId(), chain: answer.GetAfterChain()}, nil
}

// forgetParked drops what was parked from behind a position: those events come
// again, or never happened.
func forgetParked(ctx context.Context, tx *database.Tx, feed string, pos int64) error {
	for _, statement := range []string{
		`DELETE FROM parked_event WHERE feed = $1 AND pos > $2`,
		`DELETE FROM parked_aggregate WHERE feed = $1 AND first_pos > $2`,
	} {
		_, err := tx.ExecContext(ctx, statement, feed, pos)
		if err != nil {
			return fmt.Errorf("forget what is parked behind position %d: %w", pos, err)
		}
	}
	return nil
}
