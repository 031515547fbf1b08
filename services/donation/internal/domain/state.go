package domain

import (
	"fmt"
	"slices"
)

// State is where a donation stands. The words are those of the database.
type State string

// The states. A donation is created before Stripe is asked for anything.
const (
	Created      State = "created"
	CheckoutOpen State = "checkout_open"
	Processing   State = "processing"
	Succeeded    State = "succeeded"
	Expired      State = "expired"
	Failed       State = "failed"
	Abandoned    State = "abandoned"
)

// States lists every state there is.
func States() []State {
	return []State{Created, CheckoutOpen, Processing, Succeeded, Expired, Failed, Abandoned}
}

// Transitions is the whole table: from each state to where it can go. Money
// wins: from everywhere there is a way to Succeeded, and none out of it.
// Expired, failed and abandoned gifts open again when the donor sends the same
// form once more.
func Transitions() map[State][]State {
	return map[State][]State{
		Created:      {CheckoutOpen, Processing, Succeeded, Expired, Failed, Abandoned},
		CheckoutOpen: {Processing, Succeeded, Expired, Failed, Abandoned},
		Processing:   {Succeeded, Failed},
		Expired:      {CheckoutOpen, Processing, Succeeded, Failed, Abandoned},
		Failed:       {CheckoutOpen, Succeeded, Abandoned},
		Abandoned:    {CheckoutOpen, Succeeded},
		Succeeded:    {},
	}
}

// CanBecome reports whether the table has a way from s to next.
func (s State) CanBecome(next State) bool {
	return slices.Contains(Transitions()[s], next)
}

// GivenUp reports whether no money is expected any more. Money that comes all
// the same is taken, and marked late.
func (s State) GivenUp() bool {
	return s == Expired || s == Failed || s == Abandoned
}

// Live reports whether the donor may be on Stripe's page right now, or about
// to be sent there.
func (s State) Live() bool {
	return s == Created || s == CheckoutOpen
}

// weight orders states by how much the fact behind them says. Facts about one
// gift are merged by taking the heaviest, which is what makes their order and
// their repetition irrelevant.
func (s State) weight() int {
	switch s {
	case Created:
		return 0
	case CheckoutOpen:
		return 1
	case Expired:
		return 2
	case Processing:
		return 3
	case Failed:
		return 4
	case Abandoned:
		return 5
	case Succeeded:
		return 6
	}
	return 0
}

// move is our own decision about a donation, as opposed to a fact from Stripe.
func (d Donation) move(next State) (Donation, error) {
	if !d.State.CanBecome(next) {
		return d, fmt.Errorf("donation %s cannot become %s: it is %s", d.ID, next, d.State)
	}
	d.State = next
	return d, nil
}

// Open records the session of an attempt. The donor can be sent to Stripe. It
// fails when the gift is paid or being paid.
func (d Donation) Open(attempt int64, sessionID string) (Donation, error) {
	if d.State == CheckoutOpen && d.SessionID == sessionID {
		return d, nil // the second of two equal answers from Stripe
	}
	opened := d
	opened.Attempt, opened.SessionID = attempt, sessionID
	if d.State == CheckoutOpen {
		return opened, nil
	}
	return opened.move(CheckoutOpen)
}

// Abandon records that the donor sent something else instead.
func (d Donation) Abandon() (Donation, error) { return d.move(Abandoned) }

// Refuse records that Stripe would not make a session for this gift.
func (d Donation) Refuse() (Donation, error) { return d.move(Failed) }

// Expire records that no session came about in time.
func (d Donation) Expire() (Donation, error) { return d.move(Expired) }
