package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// Stripe may move the account's balance when a debit is begun, days before the bank
// pays it or refuses to. That money is recorded when it is seen, as its gift's and not
// as nobody's: what is booked as foreign stays so. What it becomes is for the gift's
// own events to say; nothing here waits for them.

// Stripe's reporting categories for a payer's money, and for such money that goes back
// because the payment failed after all.
const (
	categoryCharge  = "charge"
	categoryFailure = "charge_failure"
)

// waiting are payments of gifts of ours that are no money yet, or never became any, or
// came beside the one that made their gift succeed, by payment: fetched, because their
// balance transactions were seen.
type waiting map[string]Found

// afterDelay reports whether a transaction is a refund or a dispute of a payment that
// may have taken days. The charge's own may have been recorded while it was under way,
// and so says nothing now of a success that no webhook has told of: only the payment
// does. (A card's charge is in the list with it, or its gift is known.)
func afterDelay(t Transaction) bool {
	return t.Return != nil && t.ChargeID != "" && domain.Delayed(true, t.ChargeID)
}

// keep remembers a payment that was fetched, if it is such a one. Nobody knows its gift
// when that was forgotten and could not be put back, or is not ours.
func (w waiting) keep(ctx context.Context, tx Tx, account string, found Found) error {
	payment := found.Snapshot.Payment
	named := uuid.Validate(found.DonationID) == nil
	if payment == nil || !payment.Delayable || !found.Ours || !named {
		return nil
	}
	d, err := tx.Donation(ctx, found.DonationID)
	switch {
	case errors.Is(err, ErrNone):
	case err != nil:
		return fmt.Errorf("read the gift of payment %s: %w", payment.ID, err)
	case d.Livemode != payment.Livemode || d.AccountID != "" && d.AccountID != account:
	case payment.Status != domain.PaymentSucceeded, d.Beside(*payment):
		w[payment.ID] = found
	}
	return nil
}

// underWay answers the gifts of transactions whose payments are on their way or have
// failed, or are second ones, by payment. A payment that was booked as foreign once, by
// whichever rule, is foreign to its end, so that all that it moved is on one account. For
// the same reason a second payment is told of as one from its first transaction to its
// last: its money may have been seen when nobody could say which of two would be the gift.
func (w waiting) underWay(ctx context.Context, tx Tx, page []Transaction, paid map[string]PaidGift) (map[string]domain.Donation, error) {
	var payments, ids []string
	for _, t := range page {
		found, waits := w[t.PaymentIntentID]
		if waits && paid[t.PaymentIntentID].ID == "" && domain.Delayed(true, t.ChargeID) && (own(t) || arrived(found)) {
			payments = append(payments, t.PaymentIntentID)
			ids = append(ids, found.DonationID)
		}
	}
	if len(payments) == 0 {
		return nil, nil
	}
	foreign, err := tx.ForeignSources(ctx, payments)
	if err != nil {
		return nil, fmt.Errorf("look for the money of payments: %w", err)
	}
	slices.Sort(ids)
	locked, err := tx.LockDonations(ctx, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("lock donations: %w", err)
	}
	gifts := map[string]domain.Donation{}
	for _, t := range page {
		at := slices.IndexFunc(locked, func(d domain.Donation) bool { return d.ID == w[t.PaymentIntentID].DonationID })
		currency, err := money.ParseCurrency(t.SourceAmount.Currency)
		if at < 0 || err != nil || foreign[t.PaymentIntentID] || !slices.Contains(payments, t.PaymentIntentID) {
			continue
		}
		// What could not become the gift if it arrived is nobody's from the first. A
		// refund may be of a part; that its payment was the whole, keep has seen.
		if !own(t) || locked[at].Awaits(money.Amount{Minor: t.SourceAmount.Minor, Currency: currency}) {
			gifts[t.PaymentIntentID] = locked[at]
		}
	}
	return gifts, nil
}

// own reports whether a transaction moves a payment itself, and not what is given back
// of it or disputed.
func own(t Transaction) bool { return t.Category == categoryCharge || t.Category == categoryFailure }

// arrived reports whether a payment has succeeded.
func arrived(found Found) bool { return found.Snapshot.Payment.Status == domain.PaymentSucceeded }

// moneyOf is a gift under way as one that its transactions are booked with.
func moneyOf(d domain.Donation, t Transaction) PaidGift {
	return PaidGift{
		ID: d.ID, PaymentIntentID: t.PaymentIntentID, ChargeID: t.ChargeID, Traceparent: d.Traceparent, PlanID: d.PlanID,
		Delayable: true, Beside: d.State == domain.Succeeded, Attribution: d.Attribution,
	}
}

// feesUnderWay writes beside gifts under way what Stripe kept of them, and takes it
// away again when the payment fails: the books say what that cost. A gift that was
// paid otherwise meanwhile has its own fee.
func (a *App) feesUnderWay(ctx context.Context, tx Tx, fresh []Transaction, gifts map[string]domain.Donation) error {
	var fees []Fee
	for _, t := range fresh {
		d, is := gifts[t.PaymentIntentID]
		switch {
		case !is || d.State == domain.Succeeded:
		case t.Category == categoryCharge:
			fees = append(fees, a.feeOf(ctx, t))
		default:
			fees = append(fees, Fee{DonationID: d.ID, PaymentMethod: t.PaymentMethod})
		}
	}
	// One statement changes a row once: of two in one page the later counts.
	for len(fees) > 0 {
		var now, later []Fee
		for _, f := range fees {
			if slices.ContainsFunc(now, func(first Fee) bool { return first.DonationID == f.DonationID }) {
				later = append(later, f)
			} else {
				now = append(now, f)
			}
		}
		err := tx.SaveFees(ctx, now)
		if err != nil {
			return err
		}
		fees = later
	}
	return nil
}

// reverses reports whether a transaction takes back the money that a gift was paid with,
// by a debit. That is a loss, and nothing else tells of it. What an earlier debit of the
// same payment moved before it failed was never the gift's.
func reverses(t Transaction, gift PaidGift) bool {
	return t.Category == categoryFailure && gift.ID != "" && t.ChargeID == gift.ChargeID && domain.Delayed(gift.Delayable, t.ChargeID)
}

// reversed is such a transaction as a dispute that was lost: of what was moved, which is
// what is booked, unless that was converted.
func reversed(t Transaction) Return {
	// A currency we don't know stays the zero value: it is no gift's currency.
	currency, _ := money.ParseCurrency(t.SourceAmount.Currency)
	lost := t.SourceAmount.Minor
	if t.Amount.Currency == t.SourceAmount.Currency {
		lost = -t.Amount.Minor
	}
	return Return{ObjectID: t.ID, PaymentID: t.PaymentIntentID, ChargeID: t.ChargeID, Dispute: &domain.Dispute{
		ID: t.ID, ChargeID: t.ChargeID, PaymentID: t.PaymentIntentID, Status: domain.DisputeLost, Reason: domain.PaymentFailed,
		Amount: money.Amount{Minor: lost, Currency: currency}, CreatedAt: t.CreatedAt,
	}}
}
