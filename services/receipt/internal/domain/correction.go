package domain

import (
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// ChangeKind is what happened to a gift after it was paid.
type ChangeKind string

// The kinds of changes, as they are stored.
const (
	Refunded       ChangeKind = "refunded"        // Stripe accepted a refund
	RefundFailed   ChangeKind = "refund_failed"   // it did not reach the donor
	DisputeOpened  ChangeKind = "dispute_opened"  // takes nothing until it is lost
	DisputeDecided ChangeKind = "dispute_decided" // takes what was lost, nothing if it was won
)

// Change is something that happened to a gift, and what it takes of it: positive
// when money goes back, negative when a refund failed.
type Change struct {
	DonationID string
	Kind       ChangeKind
	Object     string // Stripe's refund or dispute
	Gift       money.Amount
	Cover      money.Amount
}

// Validate reports what makes it impossible to ever apply the change.
func (c Change) Validate() error {
	switch {
	case c.DonationID == "" || c.Object == "":
		return errors.New("change is of no gift, or by nothing")
	case c.Gift.Currency != c.Cover.Currency:
		return fmt.Errorf("change takes %s of the gift and %s of the cover", c.Gift, c.Cover)
	}
	return nil
}

// State says whether a receipt can still be relied on.
type State string

// The states of receipts.
const (
	InForce  State = "in_force"
	Void     State = "void"     // nothing of the gift is left
	Replaced State = "replaced" // another receipt stands in its place
)

// Ending is the end of a receipt.
type Ending struct {
	Number     Number
	State      State  // Void or Replaced
	ReplacedBy Number // zero for a void one
	EndedAt    time.Time
}

// Standing is a receipt with what became of it. What became of a void receipt may
// be that a refund failed and another was issued after all.
type Standing struct {
	Receipt
	Ending     Ending // zero while it is in force
	ReplacedBy Number // the receipt after it, if there is one
	Held       bool   // its gift is disputed; it is in force all the same
}

// State is the receipt's state.
func (s Standing) State() State {
	if s.Ending.State == "" {
		return InForce
	}
	return s.Ending.State
}

// Left is what is left of a gift.
type Left struct {
	Gift  money.Amount
	Cover money.Amount
}

// LeftOf takes changes from what a gift's first receipt says. It fails when more
// went back than was given, or in other money.
func LeftOf(first Document, changes []Change) (Left, error) {
	left := Left{Gift: first.Gift, Cover: first.Cover}
	for _, c := range changes {
		var err error
		left.Gift, err = left.Gift.Sub(c.Gift)
		if err != nil {
			return Left{}, fmt.Errorf("take %s by %s: %w", c.Object, c.Kind, err)
		}
		left.Cover, err = left.Cover.Sub(c.Cover)
		if err != nil {
			return Left{}, fmt.Errorf("take %s by %s: %w", c.Object, c.Kind, err)
		}
	}
	if left.Gift.Minor < 0 || left.Cover.Minor < 0 {
		return Left{}, errors.New("more went back than was given")
	}
	return left, nil
}

// Nothing reports whether there is nothing to receipt.
func (l Left) Nothing() bool { return l.Gift.IsZero() && l.Cover.IsZero() }

// Correct decides what must happen to a gift's newest receipt so that it says what
// is left: it stays, it ends as void, or a draft takes its place. The draft has no
// number yet, and says otherwise what the one before it said: who gave and to whom
// does not change with the amount.
func Correct(newest Standing, left Left, o Organization, at time.Time) (draft *Receipt, ends State, err error) {
	inForce := newest.State() == InForce
	switch {
	case left.Nothing() && inForce:
		return nil, Void, nil
	case left.Nothing(), inForce && newest.Document.Gift == left.Gift && newest.Document.Cover == left.Cover:
		return nil, "", nil
	}
	document := newest.Document
	document.Gift, document.Cover = left.Gift, left.Cover
	document.Total, err = left.Gift.Add(left.Cover)
	if err != nil {
		return nil, "", fmt.Errorf("add what is left: %w", err)
	}
	document.IssuedOn = day(at, o.TimeZone)
	draft = &Receipt{
		Number: Number{Code: o.Code, Year: SeriesOf(o, at).Year}, Version: newest.Version + 1, OrganizationID: newest.OrganizationID,
		DonationID: newest.DonationID, Replaces: newest.Number, Document: document, IssuedAt: at, TraceID: newest.TraceID,
	}
	if inForce {
		ends = Replaced
	}
	return draft, ends, nil
}
