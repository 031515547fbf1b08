package feed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// ParkedItem is one thing that could not be applied. It carries no personal data.
type ParkedItem struct {
	// ID names the item in RetryParked, unique in its service.
	ID string
	// Source is a feed's name, or "stripe".
	Source string
	// Type is the event's type in the source's words.
	Type string
	// AggregateID is the aggregate or the Stripe object.
	AggregateID string
	// Pos is the position in the feed, 0 when it did not come from one.
	Pos int64
	// Reason is for staff.
	Reason string
	// Attempts counts how often it was tried; 0 for one that waits its turn.
	Attempts int
	Since    time.Time
	// Waiting is set when it is tried again by itself: once a fact is there, or a
	// program that knows its type.
	Waiting bool
	// Courtesy is set for news that could not be delivered: neither money nor a
	// duty hangs on it.
	Courtesy bool
}

// Parking is what a service could not apply.
type Parking interface {
	// ListParked returns what is parked, oldest first.
	ListParked(ctx context.Context) ([]ParkedItem, error)
	// RetryParked applies an item and what is parked behind it, in order, or
	// everything when id is empty. It returns how many were applied and how many
	// the service still has parked. It fails with apperr.NotFound for an unknown
	// id, and with what kept it from trying; an item that fails again is no error.
	RetryParked(ctx context.Context, id string) (applied, left int, err error)
}

// OldestFirst puts what a service parked of several kinds in order. What has been
// parked in the same instant stays in the order that its kind has.
func OldestFirst(items []ParkedItem) {
	slices.SortStableFunc(items, func(x, y ParkedItem) int { return x.Since.Compare(y.Since) })
}

// NewParking returns what the consumers of one service parked. They need not
// run: an operator's command may retry on a database that nobody serves.
func NewParking(db *database.DB, consumers ...*Consumer) Parking {
	return &parking{db: db, consumers: consumers}
}

type parking struct {
	db        *database.DB
	consumers []*Consumer
}

func (p *parking) ListParked(ctx context.Context) ([]ParkedItem, error) {
	var items []ParkedItem
	err := p.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		items = nil
		rows, err := tx.QueryContext(ctx, `SELECT e.feed, e.pos, e.type, e.aggregate_id, e.since,
				a.first_pos, a.waiting, a.reason, a.attempts
			FROM parked_event e JOIN parked_aggregate a ON a.feed = e.feed AND a.aggregate_id = e.aggregate_id
			ORDER BY e.since, e.feed, e.pos`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var item ParkedItem
			var since, first, waiting int64
			err := rows.Scan(&item.Source, &item.Pos, &item.Type, &item.AggregateID, &since,
				&first, &waiting, &item.Reason, &item.Attempts)
			if err != nil {
				return err
			}
			item.ID = item.Source + ":" + strconv.FormatInt(item.Pos, 10)
			item.Since, item.Waiting = time.UnixMicro(since).UTC(), awaits(waiting) != forStaff
			if item.Pos != first {
				item.Reason, item.Attempts = fmt.Sprintf("behind position %d", first), 0
			}
			items = append(items, item)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list parked events: %w", err)
	}
	return items, nil
}

func (p *parking) RetryParked(ctx context.Context, id string) (applied, left int, err error) {
	if id == "" {
		applied, err = p.retryAll(ctx)
	} else {
		applied, err = p.retryOne(ctx, id)
	}
	countErr := p.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM parked_event`).Scan(&left)
	})
	err = errors.Join(err, countErr)
	if err != nil {
		return applied, left, fmt.Errorf("retry parked events: %w", err)
	}
	return applied, left, nil
}

func (p *parking) retryOne(ctx context.Context, id string) (int, error) {
	unknown := apperr.New(apperr.NotFound, "PARKED_ITEM_UNKNOWN", "Nothing is parked under that id.")
	source, position, _ := strings.Cut(id, ":")
	pos, err := strconv.ParseInt(position, 10, 64)
	if err != nil {
		return 0, unknown
	}
	for _, c := range p.consumers {
		if c.cfg.Feed != source {
			continue
		}
		var aggregate string
		err := p.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT aggregate_id FROM parked_event WHERE feed = $1 AND pos = $2`,
				source, pos).Scan(&aggregate)
		})
		if errors.Is(err, sql.ErrNoRows) {
			return 0, unknown
		}
		if err != nil {
			return 0, err
		}
		return c.retryAggregate(ctx, aggregate)
	}
	return 0, unknown
}

func (p *parking) retryAll(ctx context.Context) (applied int, err error) {
	for _, c := range p.consumers {
		aggregates, err := c.parkedAggregates(ctx, `SELECT aggregate_id FROM parked_aggregate WHERE feed = $1 ORDER BY first_pos`, c.cfg.Feed)
		if err != nil {
			return applied, err
		}
		for _, aggregate := range aggregates {
			n, err := c.retryAggregate(ctx, aggregate)
			applied += n
			if err != nil {
				return applied, err
			}
		}
	}
	return applied, nil
}
