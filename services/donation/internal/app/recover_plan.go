package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

// recallPlan stores a monthly plan and the gift that it was begun with again if they
// are ours and were forgotten, and answers whether it did. Its instalments are found
// as those of any plan are.
func (a *App) recallPlan(ctx context.Context, account string, found Found) (bool, error) {
	s := found.Subscription
	named := uuid.Validate(found.PlanID) == nil && uuid.Validate(found.DonationID) == nil
	if !found.Ours || s == nil || !named || s.Status == domain.PlanIncomplete || s.Status == domain.PlanIncompleteExpired {
		return false, nil
	}
	known := false
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Plan(ctx, found.PlanID)
		known = err == nil
		if errors.Is(err, ErrNone) {
			return nil
		}
		return err
	})
	if err != nil || known {
		return false, err
	}
	kept, err := a.Stripe.PlanKeepsake(ctx, s.ID)
	if err != nil && !errors.Is(err, ErrStripeUnknown) {
		return false, fmt.Errorf("ask what stripe has of a forgotten plan: %w", err)
	}
	d, err := a.fromRecord(found.DonationID, kept)
	if err == nil && d.PlanID != found.PlanID {
		err = errors.New("it carries the record of another plan")
	}
	if err != nil {
		a.Logger.WarnContext(ctx, "a subscription carries our mark, and its plan cannot be told", "subscription", s.ID, "cause", err)
		return false, nil
	}
	d.ProductName, d.SessionID, d.CreatedAt, d.AccountID = kept.ProductName, kept.SessionID, kept.CreatedAt, account
	donor := domain.RecalledDonor(kept.Name, kept.Email)
	// As it is at Stripe, so that its donor gets no letters about what is not new; and
	// due, which finds the instalments.
	p, reason := a.planOf(d, donor.Email).Follow(*s, found.LookedAt)
	if reason != "" {
		a.Logger.WarnContext(ctx, "a forgotten plan is not what its record says", "subscription", s.ID, "cause", reason)
		return false, nil
	}
	p.AccountID, p.StartedAt, p.CheckAt = account, d.CreatedAt, a.micros()
	stored, err := a.putBack(ctx, account, d, donor, &p)
	if err != nil || !stored {
		return false, err
	}
	a.toPlans.ring()
	return true, a.retryParkedOfPlan(ctx, s.ID, kept.SessionID)
}

// retryParkedOfPlan tries again what was parked about a plan before it was known
// again.
func (a *App) retryParkedOfPlan(ctx context.Context, subscriptionID, sessionID string) error {
	invoices, err := a.Stripe.InvoicesOf(ctx, subscriptionID)
	if err != nil {
		return fmt.Errorf("list the invoices of a forgotten plan: %w", err)
	}
	return a.retryParkedOf(ctx, append(objectsOf(invoices), subscriptionID, sessionID)...)
}

// objectsOf are invoices and their payments.
func objectsOf(invoices []Found) []string {
	var objects []string
	for _, found := range invoices {
		objects = append(objects, found.Invoice.ID)
		if found.Invoice.PaymentID != "" {
			objects = append(objects, found.Invoice.PaymentID)
		}
	}
	return objects
}
