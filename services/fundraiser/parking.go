package fundraiser

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// parking is everything of this service that waits for staff: events that could
// not be applied, and mails to owners that are refused.
type parking struct {
	events feed.Parking
	people *app.Supporters
}

// giftMail is the kind of the service's own items; their ids begin with it. No
// feed has such a name.
const giftMail = "gift-mail"

// ListParked returns what is parked, oldest first.
func (p parking) ListParked(ctx context.Context) ([]feed.ParkedItem, error) {
	items, err := p.events.ListParked(ctx)
	if err != nil {
		return nil, err
	}
	mails, err := p.people.ParkedMails(ctx)
	if err != nil {
		return nil, err
	}
	for _, parked := range mails {
		items = append(items, feed.ParkedItem{
			ID:          giftMail + ":" + parked.DonationID,
			Source:      name,
			Type:        giftMail,
			AggregateID: parked.DonationID,
			Reason:      parked.Reason,
			Attempts:    parked.Attempts,
			Since:       parked.Since,
			Courtesy:    true,
		})
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
	switch kind, donationID, _ := strings.Cut(id, ":"); {
	case id == "":
		_, _, err = p.events.RetryParked(ctx, "")
		err = errors.Join(err, p.people.RetryMails(ctx, ""))
	case kind != giftMail:
		_, _, err = p.events.RetryParked(ctx, id)
	case !slices.ContainsFunc(before, func(item feed.ParkedItem) bool { return item.ID == id }):
		err = apperr.New(apperr.NotFound, "PARKED_ITEM_UNKNOWN", "Nothing is parked under that id.")
	default:
		err = p.people.RetryMails(ctx, donationID)
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
