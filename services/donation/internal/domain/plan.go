package domain

import (
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// PlanStatus is where a monthly plan stands: Stripe's word for its subscription, or
// PlanCreated. A word of Stripe's that is none of these is kept as it is.
type PlanStatus string

// PlanCreated is ours, for a plan whose donor has not confirmed; the others are
// Stripe's.
const (
	PlanCreated           PlanStatus = "created"
	PlanIncomplete        PlanStatus = "incomplete"
	PlanIncompleteExpired PlanStatus = "incomplete_expired"
	PlanActive            PlanStatus = "active"
	PlanPastDue           PlanStatus = "past_due"
	PlanUnpaid            PlanStatus = "unpaid"
	PlanCanceled          PlanStatus = "canceled"
	PlanPaused            PlanStatus = "paused"
)

// Over reports whether nothing can be charged any more. There is no way back.
func (s PlanStatus) Over() bool { return s == PlanCanceled || s == PlanIncompleteExpired }

// Begun reports whether the donor's first payment went through.
func (s PlanStatus) Begun() bool {
	return s == PlanActive || s == PlanPastDue || s == PlanUnpaid || s == PlanPaused
}

// UntilResumed is Plan.PausedUntil of a pause that has no end of its own.
const UntilResumed = -1

// Who asked for the end of a plan; nobody is Stripe, after its last try, or staff in
// Stripe's dashboard.
const (
	ByNobody = ""
	ByDonor  = "donor"
	ByStaff  = "staff"
)

// Plan is a monthly commitment. The first block never changes; the second is a
// function of the newest look at the subscription, and of nothing else; the third is
// ours. Times are unix microseconds, 0 for none.
type Plan struct {
	ID string
	// First is the gift that the plan was begun with. What the plan gives to, and
	// what may be shown of it, is what that gift says.
	First Donation
	// DonorKey finds the plans of an address without storing it a second time.
	DonorKey string

	Status      PlanStatus
	CustomerID  string
	Gift        money.Amount // charged every month, without the cover
	Cover       money.Amount
	NextAt      int64 // when the next instalment is due
	EndsAt      int64
	PausedUntil int64 // until when nothing is charged, or UntilResumed
	Failed      bool  // the newest try to charge failed
	RetryAt     int64 // when Stripe tries again
	StartedAt   int64 // when the first payment was known to have gone through
	LookedAt    int64 // when the newest look began

	AccountID      string
	SubscriptionID string // empty until the donor confirmed
	// CancelAskedAt is when its end was asked for here, and after all that was known to
	// be charged by then. From then on nothing may be charged: until Stripe says
	// canceled, it is asked again and again.
	CancelAskedAt int64
	CancelBy      string
	// CheckAt is when the subscription is looked at unless something is heard before.
	CheckAt int64
	// Version counts what was kept of it; letters about a change are named by it.
	Version int64
}

// Total is what is charged every month.
func (p Plan) Total() (money.Amount, error) { return p.Gift.Add(p.Cover) }

// Subscription is what Stripe says about a plan.
type Subscription struct {
	ID         string
	CustomerID string
	Status     PlanStatus
	Livemode   bool
	Currency   money.Currency
	Total      int64  // of its items, a month
	Agreed     Parts  // as our metadata names it
	Items      []Item // at most two are ours
	PeriodEnd  int64  // end of what is paid for
	EndsAt     int64  // when it will end or has ended
	Paused     bool   // collection is paused
	ResumesAt  int64  // when it goes on by itself
	Latest     *Invoice
}

// Item is one line that a subscription charges every month.
type Item struct {
	ID        string
	ProductID string
	Minor     int64
}

// Follow is the plan after a look at its subscription that began at a time. It is
// order-free: the newest look counts, whenever it arrives, and what is over stays
// over. It answers a reason when the subscription cannot be the plan's.
func (p Plan) Follow(s Subscription, lookedAt int64) (Plan, Reason) {
	switch {
	case s.Livemode != p.First.Livemode:
		return p, LivemodeDiffers
	case p.SubscriptionID != "" && s.ID != p.SubscriptionID:
		// The donor confirmed twice and is charged twice a month.
		return p, SecondSubscription
	case s.Currency != p.First.Gift.Currency:
		return p, CurrencyDiffers
	case p.Status.Over() && !s.Status.Over(), lookedAt < p.LookedAt && !s.Status.Over():
		return p, ""
	}
	p.SubscriptionID, p.CustomerID, p.Status = s.ID, s.CustomerID, s.Status
	p.LookedAt = max(p.LookedAt, lookedAt)
	parts := Share(s.Total, s.Agreed, s.amounts())
	p.Gift.Minor, p.Cover.Minor = parts.Gift, parts.Cover
	p.NextAt, p.EndsAt = s.PeriodEnd, s.EndsAt
	p.PausedUntil = 0
	if s.Paused {
		p.PausedUntil = UntilResumed
		if s.ResumesAt > 0 {
			p.PausedUntil = s.ResumesAt
		}
	}
	p.Failed, p.RetryAt = s.Status == PlanPastDue || s.Status == PlanUnpaid, 0
	if s.Latest != nil && s.Latest.failed() {
		p.Failed, p.RetryAt = true, s.Latest.NextAttemptAt
	}
	if s.Status.Over() {
		p.NextAt, p.PausedUntil, p.Failed, p.RetryAt, p.CheckAt = 0, 0, false, 0, 0
	}
	return p, ""
}

func (s Subscription) amounts() []int64 {
	list := make([]int64, len(s.Items))
	for i, item := range s.Items {
		list[i] = item.Minor
	}
	return list
}

// Started notes that the first payment went through, once.
func (p Plan) Started(at int64) Plan {
	if p.StartedAt == 0 && p.Status.Begun() {
		p.StartedAt = at
	}
	return p
}

// Ending reports whether its end was asked for here and Stripe has not said that it
// has come.
func (p Plan) Ending() bool { return p.CancelAskedAt > 0 && !p.Status.Over() }

// second is how exactly Stripe tells when something was charged.
const second = 1_000_000

// EndAsked is the plan once its end is asked for, of which only the first time counts.
// The end is dated by our clock and a charge by Stripe's, which may be ahead: what was
// known by then, lastPaid being the newest of it and 0 for nothing, came before the
// end whatever the clocks say.
func (p Plan) EndAsked(at, lastPaid int64, by string) Plan {
	if p.CancelAskedAt > 0 {
		return p
	}
	if lastPaid > 0 {
		at = max(at, lastPaid+second)
	}
	p.CancelAskedAt, p.CancelBy = at, by
	return p
}

// ChargedAfterEnd reports whether what was paid then was charged although its end had
// been asked for here. In the same second it counts as after, but for what was known.
func (p Plan) ChargedAfterEnd(paidAt int64) bool {
	return p.CancelAskedAt > 0 && paidAt/second >= p.CancelAskedAt/second
}

// PauseEnd is when a pause of so many months ends: late enough that so many
// instalments are left out, and a day before the next one. A month that has no such
// day counts to its last.
func PauseEnd(nextAt int64, months int) int64 {
	at := time.UnixMicro(nextAt).UTC()
	first := time.Date(at.Year(), at.Month()+time.Month(months), 1, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(at.Day(), last)-2).UnixMicro()
}
