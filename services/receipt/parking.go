package receipt

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

// parking is everything of this service that waits for staff: events that could
// not be applied, gifts without a receipt, and receipts that cannot be drawn or
// whose mail is refused.
type parking struct {
	events feed.Parking
	app    *app.App
}

// kinds are the service's own queues as staff see them; an item's id begins
// with its kind. No feed has such a name.
func kinds() map[string]app.Queue {
	return map[string]app.Queue{"receipt": app.GiftQueue, "pdf": app.DrawingQueue, "mail": app.MailQueue,
		"correction": app.CorrectionQueue, "notice": app.NoticeQueue}
}

// ListParked returns what is parked, oldest first.
func (p parking) ListParked(ctx context.Context) ([]feed.ParkedItem, error) {
	items, err := p.events.ListParked(ctx)
	if err != nil {
		return nil, err
	}
	own, err := p.app.ListParked(ctx)
	if err != nil {
		return nil, err
	}
	for _, parked := range own {
		for kind, queue := range kinds() {
			if queue == parked.Queue {
				items = append(items, feed.ParkedItem{
					ID:          kind + ":" + parked.ID,
					Source:      name,
					Type:        kind,
					AggregateID: parked.DonationID,
					Reason:      parked.Reason,
					Attempts:    parked.Attempts,
					Since:       parked.Since,
				})
			}
		}
	}
	feed.OldestFirst(items)
	return items, nil
}

// RetryParked tries one item, or all of them when id is empty. It returns how
// many are not parked any more, and how many are left.
func (p parking) RetryParked(ctx context.Context, id string) (applied, left int, err error) {
	before, err := p.ListParked(ctx)
	if err != nil {
		return 0, 0, err
	}
	switch kind, key, _ := strings.Cut(id, ":"); {
	case id == "":
		// Events first: what they bring may be what a gift lacks.
		_, _, err = p.events.RetryParked(ctx, "")
		err = errors.Join(err, p.app.RetryParked(ctx, app.GiftQueue, ""),
			p.app.RetryParked(ctx, app.CorrectionQueue, ""),
			p.app.RetryParked(ctx, app.DrawingQueue, ""), p.app.RetryParked(ctx, app.MailQueue, ""),
			p.app.RetryParked(ctx, app.NoticeQueue, ""))
	case kinds()[kind] == 0:
		_, _, err = p.events.RetryParked(ctx, id)
	case !slices.ContainsFunc(before, func(item feed.ParkedItem) bool { return item.ID == id }):
		err = apperr.New(apperr.NotFound, "PARKED_ITEM_UNKNOWN", "Nothing is parked under that id.")
	default:
		err = p.app.RetryParked(ctx, kinds()[kind], key)
	}
	if err != nil {
		return 0, 0, err
	}
	after, err := p.ListParked(ctx)
	if err != nil {
		return 0, 0, err
	}
	return max(0, len(before)-len(after)), len(after), nil
}
