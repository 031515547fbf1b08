package domain

import "fmt"

// Walk goes along one organization's chain from its first entry and finds where
// it stops being true. The zero value is not ready; use NewWalk.
type Walk struct {
	head Head
}

// NewWalk starts before the first entry of an organization.
func NewWalk(organizationID string) *Walk {
	return &Walk{head: Head{OrganizationID: organizationID}}
}

// Next takes the next entry in the order of numbers and says what is wrong with
// it; empty when nothing is. After a fault the walk is over.
func (w *Walk) Next(e Entry) string {
	switch {
	case e.Number != w.head.Number+1:
		return fmt.Sprintf("entry %d follows entry %d", e.Number, w.head.Number)
	case e.PreviousHash != w.head.Hash:
		return fmt.Sprintf("entry %d does not continue the chain: its previous hash is not the hash of entry %d", e.Number, w.head.Number)
	case e.ComputeHash() != e.Hash:
		return fmt.Sprintf("entry %d has been changed: its content does not give its hash", e.Number)
	}
	// A rule that booked nonsense would seal it too, so the sums are checked
	// here and not only when the entry was made.
	err := CheckBalance(e.Postings)
	if err != nil {
		return fmt.Sprintf("entry %d is no entry: %v", e.Number, err)
	}
	w.head.Number, w.head.Hash = e.Number, e.Hash
	return ""
}

// Finish compares the end of the walk with the head that was kept apart, which
// is how missing newest entries are noticed.
func (w *Walk) Finish(kept Head) string {
	switch {
	case kept.Number > w.head.Number:
		return fmt.Sprintf("the chain ends at entry %d, its head says %d", w.head.Number, kept.Number)
	case kept.Number < w.head.Number:
		return fmt.Sprintf("the chain goes on to entry %d, its head says %d", w.head.Number, kept.Number)
	case kept.Hash != w.head.Hash:
		return fmt.Sprintf("the head's hash is not the hash of entry %d", w.head.Number)
	}
	return ""
}

// Head is the last entry that was found true.
func (w *Walk) Head() Head { return w.head }
