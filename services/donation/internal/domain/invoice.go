package domain

import "github.com/almoner/almoner/services/internal/money"

// InvoiceStatus is Stripe's status of an invoice.
type InvoiceStatus string

// Stripe's words, as far as they mean something for a plan.
const (
	InvoiceDraft InvoiceStatus = "draft"
	InvoiceOpen  InvoiceStatus = "open"
	InvoicePaid  InvoiceStatus = "paid"
)

// firstReason is Stripe's billing_reason of the invoice that begins a subscription.
const firstReason = "subscription_create"

// Invoice is what Stripe says about one instalment of a plan. Times are unix
// microseconds.
type Invoice struct {
	ID             string
	SubscriptionID string
	Status         InvoiceStatus
	BillingReason  string
	Livemode       bool
	CreatedAt      int64
	Paid           money.Amount // what was really paid; the currency is zero if it is none we know
	PaidAt         int64
	OutOfBand      bool // marked paid by hand: no money came through Stripe
	PaymentID      string
	ChargeID       string
	Agreed         Parts   // as our metadata named it when the invoice was made
	Lines          []int64 // what its lines come to
	Attempts       int64
	NextAttemptAt  int64
	// HostedURL is Stripe's page for this invoice; Confirm says that the donor has to
	// confirm the payment there.
	HostedURL string
	Confirm   bool
	// Payment is the status of its payment where it was fetched with it.
	Payment PaymentStatus
}

// Pending reports whether it may still be paid: what was charged for it is an
// instalment as soon as Stripe says so.
func (i Invoice) Pending() bool { return i.Status == InvoiceDraft || i.Status == InvoiceOpen }

// First reports whether it is the plan's first: what it pays is the gift that the
// donor's form made.
func (i Invoice) First() bool { return i.BillingReason == firstReason }

// failed reports whether Stripe has tried to charge it in vain. For a moment after a
// payment has succeeded the invoice is still open.
func (i Invoice) failed() bool {
	return i.Status == InvoiceOpen && i.Attempts > 0 && i.Payment != PaymentSucceeded
}

// Asks reports whether the donor has to be told that an instalment could not be
// charged. The first one's donor stands before the checkout page and knows.
func (i Invoice) Asks() bool { return i.failed() && !i.First() }

// Brings decides what a paid invoice is to the plan: money that becomes a gift,
// nothing (what was forgiven, or is not paid), or, with a reason, something that
// staff have to look at.
func (i Invoice) Brings(p Plan) (gift bool, reason Reason) {
	switch {
	case i.Livemode != p.First.Livemode:
		return false, LivemodeDiffers
	case p.SubscriptionID != "" && i.SubscriptionID != p.SubscriptionID:
		return false, SecondSubscription
	case i.Status != InvoicePaid || (i.Paid.Minor == 0 && !i.OutOfBand):
		return false, ""
	case i.OutOfBand || i.PaymentID == "":
		return false, PaidElsewhere
	case i.Paid.Currency != p.First.Gift.Currency:
		return false, CurrencyDiffers
	}
	return true, ""
}

// Becomes is the gift that a paid invoice other than the first is, not paid yet.
// What it gives to and what may be shown is copied from the plan; the amounts are
// the invoice's own: they may have been changed at Stripe.
func (i Invoice) Becomes(p Plan, id, accountID string) Donation {
	parts := Share(i.Paid.Minor, i.Agreed, i.Lines)
	first := p.First
	return Donation{
		ID: id, IntentID: first.IntentID, InputHash: instalmentMark + i.ID,
		Gift:        money.Amount{Minor: parts.Gift, Currency: i.Paid.Currency},
		Cover:       money.Amount{Minor: parts.Cover, Currency: i.Paid.Currency},
		CoverFees:   parts.Cover > 0,
		Attribution: first.Attribution, AppealSlug: first.AppealSlug, FundraiserSlug: first.FundraiserSlug,
		ProductName: first.ProductName, Visibility: first.Visibility, Livemode: first.Livemode,
		Traceparent: first.Traceparent, CreatedAt: i.CreatedAt, State: Created, AccountID: accountID,
		PlanID: p.ID, InvoiceID: i.ID,
	}
}

// Settled is the payment of a paid invoice, as gifts are told of payments.
func (i Invoice) Settled() *Payment {
	return &Payment{
		ID: i.PaymentID, ChargeID: i.ChargeID, InvoiceID: i.ID, Status: PaymentSucceeded, Received: i.Paid, Livemode: i.Livemode, PaidAt: i.PaidAt,
	}
}

// Parts are the gift and the cover of an instalment, in minor units.
type Parts struct {
	Gift  int64
	Cover int64
}

// Share splits what is charged into gift and cover. If it is what was agreed, which
// our metadata names, it is split as agreed. An amount that was changed at Stripe is
// as good: if one of its two lines is still the agreed cover, that stays the cover.
// Otherwise nothing says that any of it is meant for the fee, and all of it is the
// gift. It looks at nothing that changes afterwards, so an invoice is split in the
// same way whenever it is heard of.
func Share(total int64, agreed Parts, lines []int64) Parts {
	switch {
	case agreed.Gift > 0 && agreed.Cover >= 0 && agreed.Gift == total-agreed.Cover:
		return agreed
	case agreed.Cover > 0 && len(lines) == 2 && total-lines[0] == lines[1] &&
		(lines[0] == agreed.Cover) != (lines[1] == agreed.Cover) && agreed.Cover < total:
		return Parts{Gift: total - agreed.Cover, Cover: agreed.Cover}
	}
	return Parts{Gift: total}
}
