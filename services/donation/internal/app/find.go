package app

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	// maxFound is how many donations one reference may lead to.
	maxFound = 20
	// maxReference is longer than any id of Stripe's or ours, in bytes.
	maxReference = 255
)

// Find returns the donations that a reference belongs to, the newest first and
// at most twenty: one's own id or that of its monthly plan, or Stripe's id of a
// session, payment intent, charge, invoice, subscription, refund, dispute or balance
// transaction. Only the whole id is found, letter by letter, so that nobody can feel their way to somebody's gift. What cannot be an id
// belongs to none.
//
// Until a gift is paid its id is the way back to the form, with the donor's name
// and address in it. So who may not know donors is told of paid gifts alone.
func (a *App) Find(ctx context.Context, reference string, mayKnowDonors bool) ([]View, error) {
	if reference == "" || len(reference) > maxReference || strings.ContainsFunc(reference, unicode.IsControl) {
		return nil, nil
	}
	var views []View
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		found, err := tx.DonationsByReference(ctx, reference, maxFound)
		if err != nil {
			return err
		}
		views = nil
		for _, d := range found {
			view := View{Donation: d}
			switch {
			case d.State == domain.Succeeded:
				err = view.complete(ctx, tx)
				if err != nil {
					return err
				}
			case !mayKnowDonors:
				continue
			}
			views = append(views, view)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find donations: %w", err)
	}
	return views, nil
}
