package apptest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
)

func parkedThoughKnown(t *testing.T, s app.Store) {
	d, p := paidGift("org", "EUR", 100_00), monthly()
	d.PaymentIntentID, d.InvoiceID, p.SubscriptionID = "pi_known", "in_known", "sub_known"
	insert(t, s, d)
	begin(t, s, p)
	saveReturns(t, s, []domain.Refund{requestedRefund(d, start), madeRefund(d, "re_known", start)},
		[]domain.Dispute{disputed(d, "dp_known", domain.NeedsResponse, start, start)})
	var events []app.StripeEvent
	park := func(object string, reason domain.Reason, state app.EventState) {
		e := webhook("evt_" + object + string(reason))
		e.ObjectID, e.State, e.Reason = object, state, reason
		events = append(events, e)
	}
	known := []string{"pi_known", "in_known", "cs_known", "sub_known", "re_known", "dp_known"}
	for i, object := range known {
		park(object, []domain.Reason{domain.UnknownDonation, domain.UnknownPlan}[i%2], app.EventParked)
	}
	for _, object := range []string{"", "pi_other", "in_other", "cs_other", "sub_other", "re_other", "dp_other"} {
		park(object, domain.UnknownPlan, app.EventParked)
	}
	park("pi_known", domain.SecondPayment, app.EventParked) // waits for staff
	park("in_known", "", app.EventPending)
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.StoreEvents(ctx, events)
		return errors.Join(err, tx.InsertAttempt(ctx, app.Attempt{
			DonationID: d.ID, Number: 1, IntentID: d.IntentID, State: app.AttemptClosed, SessionID: "cs_known", StartedAt: start,
		}))
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		var found []string
		for after := int64(0); ; {
			page, err := tx.ParkedThoughKnown(ctx, after, 4)
			if err != nil || len(page) == 0 || len(page) > 4 {
				if !slices.Equal(found, known) {
					t.Errorf("found %v, want %v", found, known)
				}
				return err
			}
			for _, e := range page {
				found = append(found, e.ObjectID)
			}
			after = page[len(page)-1].Seq
		}
	})
}
