package feed

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// errNewer marks an event that a later version of the producer told of. Passed over
// it would be lost to the version of this consumer that has a handler for it: the
// checkpoint would be behind it for good.
var errNewer = errors.New("this program is older than the event")

// newer is why an event whose type this program does not know is parked.
func newer(r record) error {
	return fmt.Errorf("%w: it does not know %s; upgrade this service", errNewer, r.Type)
}

// builtIn reports whether a message is in the contracts that the program was built
// with: who handles one event of a producer has all of them.
func builtIn(eventType string) bool {
	_, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(eventType))
	return err == nil
}

// retryUnknown applies what was parked by an older program, now that this one runs.
// It costs one small question while there is nothing, and no more while this
// program does not know the types either.
func (c *Consumer) retryUnknown(ctx context.Context) {
	aggregates, err := c.parkedForUs(ctx)
	if err == nil {
		err = c.retryEach(ctx, aggregates)
	}
	if err != nil && ctx.Err() == nil {
		c.cfg.Logger.WarnContext(ctx, "events that an older program did not know could not be tried", "error", err)
	}
}

// parkedForUs returns aggregates whose first parked event was of an unknown type
// that this program knows.
func (c *Consumer) parkedForUs(ctx context.Context) (ids []string, err error) {
	err = c.cfg.DB.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		ids = nil
		rows, err := tx.QueryContext(ctx, `SELECT a.aggregate_id, e.type
			FROM parked_aggregate a JOIN parked_event e ON e.feed = a.feed AND e.pos = a.first_pos
			WHERE a.feed = $1 AND a.waiting = $2 ORDER BY a.first_pos`, c.cfg.Feed, int64(forProgram))
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() && len(ids) < waitingBatch {
			var id, eventType string
			err := rows.Scan(&id, &eventType)
			if err != nil {
				return err
			}
			if c.cfg.Knows(eventType) {
				ids = append(ids, id)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("look for events of unknown types: %w", err)
	}
	return ids, nil
}
