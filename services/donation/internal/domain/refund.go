package domain

import "github.com/almoner/almoner/services/internal/money"

// RefundStatus is where a refund stands.
type RefundStatus string

// Our own words, for what staff asked for and Stripe has not accepted.
const (
	RefundWaiting  RefundStatus = "waiting"  // for a second person
	RefundAsked    RefundStatus = "asked"    // Stripe is asked, or was and has not answered
	RefundDeclined RefundStatus = "declined" // by the second person
	RefundRefused  RefundStatus = "refused"  // by Stripe
)

// Stripe's words.
const (
	RefundRequiresAction RefundStatus = "requires_action"
	RefundPending        RefundStatus = "pending"
	RefundSucceeded      RefundStatus = "succeeded"
	RefundCanceled       RefundStatus = "canceled"
	RefundFailed         RefundStatus = "failed"
)

// weight orders Stripe's words by how much they say; 0 for one that is not Stripe's.
// A refund can fail after it has succeeded, and never the other way.
func (s RefundStatus) weight() int {
	switch s {
	case RefundRequiresAction:
		return 1
	case RefundPending:
		return 2
	case RefundSucceeded:
		return 3
	case RefundCanceled:
		return 4
	case RefundFailed:
		return 5
	case RefundWaiting, RefundAsked, RefundDeclined, RefundRefused:
	}
	return 0
}

// AtStripe reports whether Stripe has the refund.
func (s RefundStatus) AtStripe() bool { return s.weight() > 0 }

// Failed reports whether the donor will not get the money.
func (s RefundStatus) Failed() bool { return s == RefundFailed || s == RefundCanceled }

// Accepted reports whether the money is on its way to the donor, or there.
func (s RefundStatus) Accepted() bool { return s.AtStripe() && !s.Failed() }

// Holds reports whether the amount cannot be asked for again.
func (s RefundStatus) Holds() bool {
	return s.Accepted() || s == RefundWaiting || s == RefundAsked
}

// Reasons are Stripe's words for why staff give money back.
func Reasons() []string { return []string{"duplicate", "fraudulent", "requested_by_customer"} }

// Refund is money given back, or asked for by staff and not given yet.
type Refund struct {
	ID        string // Stripe's; empty until it has accepted the refund
	RequestID string // ours; empty when it was made at Stripe
	AccountID string
	Donation  string
	ChargeID  string
	PaymentID string
	Amount    money.Amount
	Status    RefundStatus
	Reason    string // Stripe's word
	Failure   string // Stripe's word for why it failed, or its code when it refused
	CreatedAt int64  // when it was asked for, or made at Stripe
	MadeAt    int64  // when Stripe made it; 0 before
	// CheckAt is when Stripe is asked, for the first time or again, unless something
	// is heard before; 0 when there is nothing to ask.
	CheckAt int64
	// SettledAt is when the status that it has was heard.
	SettledAt int64

	Request Request
}

// Request is who wanted a refund and what was done about it.
type Request struct {
	By, DecidedBy string
	Note          string
	Attempt       int64 // numbers the idempotency keys that were used
}

// Key is what the refund is stored under.
func (r Refund) Key() string { return either(r.RequestID, r.ID) }

// merge takes the heavier of what is known and what is heard. What Stripe says once
// and never changes is taken from whoever says it first.
func (r Refund) merge(fact Refund) Refund {
	next := r
	next.ID, next.ChargeID, next.PaymentID = fact.ID, either(r.ChargeID, fact.ChargeID), either(r.PaymentID, fact.PaymentID)
	next.AccountID, next.Donation = either(r.AccountID, fact.AccountID), either(r.Donation, fact.Donation)
	next.Amount, next.Reason = fact.Amount, either(r.Reason, fact.Reason)
	if r.MadeAt == 0 {
		next.MadeAt = fact.MadeAt
	}
	if r.CreatedAt == 0 {
		next.CreatedAt = fact.MadeAt
	}
	switch {
	case fact.Status.weight() > r.Status.weight():
		next.Status, next.Failure = fact.Status, fact.Failure
	case fact.Status == r.Status:
		next.Failure = max(r.Failure, fact.Failure)
	}
	return next
}

func either(first, second string) string {
	if first != "" {
		return first
	}
	return second
}
