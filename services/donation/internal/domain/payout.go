package domain

import "time"

// PayoutStatus is Stripe's word for where a payout stands.
type PayoutStatus string

// Stripe's words.
const (
	PayoutPending   PayoutStatus = "pending"
	PayoutInTransit PayoutStatus = "in_transit"
	PayoutPaid      PayoutStatus = "paid"
	PayoutCanceled  PayoutStatus = "canceled"
	PayoutFailed    PayoutStatus = "failed"
)

// weight orders the words by how far the payout has come; 0 for a word that is not
// known. A bank can send back what was called paid, and never the other way.
func (s PayoutStatus) weight() int {
	switch s {
	case PayoutPending:
		return 1
	case PayoutInTransit:
		return 2
	case PayoutPaid:
		return 3
	case PayoutCanceled:
		return 4
	case PayoutFailed:
		return 5
	}
	return 0
}

// PayoutDiffers is why a payout waits for staff.
const PayoutDiffers Reason = "the payout is not the sum of what is in it"

const (
	// checkOnItsWay is how often Stripe is asked about a payout that has not arrived,
	// checkArrived about one that may still fail, or whose list is not finished.
	checkOnItsWay = 6 * time.Hour
	checkArrived  = 24 * time.Hour
	// arrivedFor is how long after its arrival Stripe is asked: banks send a payout
	// back within five business days.
	arrivedFor = 14 * 24 * time.Hour
)

// Payout is money on its way from the Stripe account to the charity's bank.
type Payout struct {
	ID        string
	AccountID string
	// Minor is what arrives at the bank, negative when Stripe takes it from there.
	// Currency need not be one that can be charged.
	Minor     int64
	Currency  string
	Status    PayoutStatus
	ArrivalAt int64 // unix microseconds, as all times
	CreatedAt int64
	// Automatic is false for one that was made by hand: of that, Stripe cannot say
	// what is in it.
	Automatic bool
	Failure   string // Stripe's code
	// Complete says that Stripe has finished its list of what is in it.
	Complete bool
	// ListedAt is when that list was taken in whole, 0 before, and Difference by how
	// much the amount then differed from its sum.
	ListedAt   int64
	Difference int64
	// HeardAt is when the status that it has was heard.
	HeardAt int64
	// CheckAt is when Stripe is asked about it unless something is heard before; 0
	// once nothing can come any more.
	CheckAt int64
}

// Listing is Stripe's whole list of what is in a payout, but for the payout's own
// transaction.
type Listing struct {
	// Sum of the nets in the payout's currency.
	Sum int64
}

// Hear merges what Stripe says at now into what is known. Facts of one payout in any
// order, however often each comes, lead to the same state.
func (p Payout) Hear(fact Payout, listing *Listing, now int64) Payout {
	next := p
	further := fact.Status.weight() - p.Status.weight()
	switch {
	case p.ID == "":
		next = fact
		next.HeardAt, next.ListedAt, next.Difference = now, 0, 0
	case further > 0 || further == 0 && fact.ArrivalAt > p.ArrivalAt:
		next.Status, next.ArrivalAt, next.Failure = fact.Status, fact.ArrivalAt, fact.Failure
		if further > 0 {
			next.HeardAt = now
		}
	}
	next.Complete = p.Complete || fact.Complete
	if listing != nil {
		next.ListedAt, next.Difference = now, next.Minor-listing.Sum
	}
	next.CheckAt = p.CheckAt
	due := p.CheckAt <= now
	switch {
	case due && p.CheckAt > 0 && listing == nil && next.Unlisted(): // it still has to be listed
	case due, next != p:
		next.CheckAt = next.checkAt(now)
	}
	return next
}

// Unlisted reports whether there is a list to take in, for the first time or again
// because it did not add up.
func (p Payout) Unlisted() bool {
	return p.Automatic && p.Complete && (p.ListedAt == 0 || p.Difference != 0)
}

func (p Payout) checkAt(now int64) int64 {
	switch {
	case p.Unlisted() && p.ListedAt == 0:
		return now
	case p.Status == PayoutCanceled && !p.Automatic:
		return 0
	case now >= p.ArrivalAt+arrivedFor.Microseconds():
		return 0
	case p.Unlisted():
		return now + checkArrived.Microseconds()
	case p.Status.weight() < PayoutPaid.weight():
		return now + checkOnItsWay.Microseconds()
	case p.Status == PayoutPaid, p.Automatic && !p.Complete:
		return now + checkArrived.Microseconds()
	}
	return 0
}
