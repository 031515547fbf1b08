package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// Refold applies a feed once more, from its first event up to a checkpoint that
// was reached before, all in tx, and leaves the consumer there. What was parked of
// the feed is forgotten and decided anew. The effects must have been taken back
// before, in tx too; events in which the producer and the checkpoint disagree are
// ErrFork.
//
// The producer is asked while the transaction is open, which nothing else does: an
// operator folds a projection again rarely, and wants all of it or nothing.
func (c *Consumer) Refold(ctx context.Context, tx *database.Tx, through Checkpoint) error {
	at, err := lockCheckpoint(ctx, tx, c.cfg.Feed)
	if err != nil {
		return err
	}
	for _, table := range []string{"parked_event", "parked_aggregate"} {
		_, err = tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE feed = $1`, c.cfg.Feed)
		if err != nil {
			return fmt.Errorf("forget what is parked of %s: %w", c.cfg.Feed, err)
		}
	}
	at.Pos, at.eventID, at.chain = 0, "", ""
	for at.Pos < through.Pos {
		answer, err := c.cfg.Source.Read(ctx, &feedv1.ReadRequest{Feed: c.cfg.Feed, After: at.Pos})
		if err != nil {
			return fmt.Errorf("%w: feed %s after %d: %w", errSource, c.cfg.Feed, at.Pos, err)
		}
		var fresh []delivery
		for _, event := range answer.GetEvents() {
			if event.GetPos() > through.Pos {
				break
			}
			if event.GetPos() != at.Pos+1 {
				return fmt.Errorf("%w: feed %s has position %d after %d", ErrFork, c.cfg.Feed, event.GetPos(), at.Pos)
			}
			fresh = append(fresh, delivery{record: fromProto(event), epoch: answer.GetEpoch(), prev: at.eventID})
			at.Pos, at.eventID, at.chain = event.GetPos(), event.GetId(), event.GetChain()
		}
		if len(fresh) == 0 {
			return fmt.Errorf("%w: feed %s ends at %d and was applied up to %d", ErrFork, c.cfg.Feed, at.Pos, through.Pos)
		}
		// With savepoints: one event that cannot be applied must not undo the rest.
		_, err = c.applyRuns(ctx, tx, fresh, true)
		if err != nil {
			return err
		}
	}
	if !at.mark().same(through.mark()) {
		return fmt.Errorf("%w: feed %s has at position %d event %q and %q was applied", ErrFork, c.cfg.Feed, at.Pos, at.eventID, through.eventID)
	}
	return moveCheckpoint(ctx, tx, through)
}

// Lock returns how far the feed was applied and keeps every consumer of it in this
// database out until the transaction ends.
func (c *Consumer) Lock(ctx context.Context, tx *database.Tx) (Checkpoint, error) {
	return lockCheckpoint(ctx, tx, c.cfg.Feed)
}

// through returns the checkpoint of this consumer's feed among others; position 0
// when there is none.
func (c *Consumer) through(checkpoints []Checkpoint) Checkpoint {
	for _, one := range checkpoints {
		if one.Feed == c.cfg.Feed {
			return one
		}
	}
	return Checkpoint{Feed: c.cfg.Feed}
}

// Fold is what a projection says, in a form that can be compared with another
// fold of the same events. The zero value is empty and ready to use.
type Fold struct {
	rows map[string][sha256.Size]byte
}

// Add adds the rows of a query. The first column is the key that they are known
// by; rows of one key must come in an order that does not depend on when they were
// written. It keeps some hundred bytes a key in memory.
func (f *Fold) Add(ctx context.Context, q database.Querier, query string) error {
	if f.rows == nil {
		f.rows = map[string][sha256.Size]byte{}
	}
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("read a projection: %w", err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("read a projection: %w", err)
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		err = rows.Scan(targets...)
		if err != nil {
			return fmt.Errorf("read a projection: %w", err)
		}
		key := plainValue(values[0])
		before := f.rows[key]
		text := before[:]
		for _, value := range values {
			plain := plainValue(value)
			text = append(strconv.AppendInt(text, int64(len(plain)), 10), ':')
			text = append(append(text, plain...), ',')
		}
		f.rows[key] = sha256.Sum256(text)
	}
	return rows.Err()
}

// plainValue is a column as both engines mean it: their drivers differ in types.
func plainValue(value any) string {
	switch v := value.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return fmt.Sprint(v)
	}
}

// Keys is how many there are.
func (f *Fold) Keys() int { return len(f.rows) }

// Hash is one hash over everything, in lower-case hex. Equal folds have equal
// hashes on both engines.
func (f *Fold) Hash() string {
	sum := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(f.rows)) {
		row := f.rows[key]
		_, _ = sum.Write(row[:]) // never fails; the key is in the row
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Differences are the keys that one of the folds lacks or in which they differ, in
// order.
func (f *Fold) Differences(other *Fold) []string {
	found := map[string]bool{}
	for key, row := range f.rows {
		found[key] = other.rows[key] != row
	}
	for key := range other.rows {
		_, both := f.rows[key]
		if !both {
			found[key] = true
		}
	}
	maps.DeleteFunc(found, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(found))
}

// Rebuilt is a projection before and after it was folded again.
type Rebuilt struct {
	// Through are the positions up to which both hold.
	Through       []Checkpoint
	Before, After Fold
}

// Derive applies the feeds that made kept once more in scratch, an empty and
// migrated database that the consumers are bound to, each as far as kept has come,
// and returns what fold says of both. Nothing is written to kept.
func Derive(ctx context.Context, kept, scratch *database.DB, consumers []*Consumer, fold func(context.Context, database.Querier) (Fold, error)) (Rebuilt, error) {
	var result Rebuilt
	err := kept.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		result.Through, err = Checkpoints(ctx, tx)
		if err != nil {
			return err
		}
		result.Before, err = fold(ctx, tx)
		return err
	})
	if err != nil {
		return Rebuilt{}, fmt.Errorf("read what is kept: %w", err)
	}
	err = scratch.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, consumer := range consumers {
			err := consumer.Refold(ctx, tx, consumer.through(result.Through))
			if err != nil {
				return err
			}
		}
		result.After, err = fold(ctx, tx)
		return err
	})
	if err != nil {
		return Rebuilt{}, fmt.Errorf("derive it again: %w", err)
	}
	return result, nil
}
