package donation

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// Kinds of letters, about monthly plans and about debits that were refused; their ids
// begin so.
const (
	planMail  = "plan-mail"
	debitMail = "debit-mail"
)

// parking shows what came from Stripe and could not be applied, and letters that were
// refused.
type parking struct{ app *app.App }

// ListParked returns what is parked, oldest first.
func (p parking) ListParked(ctx context.Context) ([]feed.ParkedItem, error) {
	events, err := p.app.Parked(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]feed.ParkedItem, 0, len(events))
	for _, e := range events {
		items = append(items, feed.ParkedItem{
			ID: strconv.FormatInt(e.Seq, 10), Source: "stripe", Type: e.Type, AggregateID: e.ObjectID,
			Reason: string(e.Reason), Attempts: int(e.Attempts), Since: time.UnixMicro(e.ReceivedAt).UTC(),
			// It is booked as it should be; that staff have a donor to ask is no difference.
			Courtesy: e.Reason == domain.ChargedAfterEnd,
		})
	}
	mails, err := p.app.ParkedMails(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range mails {
		kind := planMail
		if m.DonationID != "" {
			kind = debitMail
		}
		items = append(items, feed.ParkedItem{
			ID: kind + ":" + m.Key, Source: name, Type: kind, AggregateID: m.PlanID + m.DonationID,
			Reason: m.ParkedReason, Attempts: int(m.Attempts), Since: time.UnixMicro(m.ParkedAt).UTC(), Courtesy: true,
		})
	}
	feed.OldestFirst(items)
	return items, nil
}

// RetryParked tries one item, or all of them when id is empty. It answers how many are
// not parked any more, and how many are left.
func (p parking) RetryParked(ctx context.Context, id string) (applied, left int, err error) {
	before, err := p.ListParked(ctx)
	if err != nil {
		return 0, 0, err
	}
	switch kind, key, _ := strings.Cut(id, ":"); {
	case id == "":
		_, _, err = p.app.RetryParked(ctx, 0)
		err = errors.Join(err, p.app.RetryMails(ctx, ""))
	case kind == planMail || kind == debitMail:
		if !slices.ContainsFunc(before, func(item feed.ParkedItem) bool { return item.ID == id }) {
			return 0, 0, unknownItem()
		}
		err = p.app.RetryMails(ctx, key)
	default:
		seq, parseErr := strconv.ParseInt(id, 10, 64)
		if parseErr != nil || seq <= 0 {
			return 0, 0, unknownItem()
		}
		_, _, err = p.app.RetryParked(ctx, seq)
	}
	if errors.Is(err, app.ErrNone) {
		return 0, 0, unknownItem()
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

func unknownItem() error {
	return apperr.New(apperr.NotFound, "PARKED_ITEM_UNKNOWN", "Nothing is parked under that id.")
}
