package domain

import "time"

// Page is a supporter's fundraiser under an appeal, in the appeal's currency.
type Page struct {
	ID       string
	AppealID string
	Slug     string // its address
	Title    string
	Owner    string // the name that the supporter chose to show
	Story    string // Markdown
	Goal     int64  // minor units; 0 for none
	State    State

	// SupporterID is the account that owns it, "" for a page that an operator
	// loaded and for a draft that nobody has claimed.
	SupporterID string
	// Unclaimed is true for a draft begun before its owner signed in.
	Unclaimed bool
	// StateBefore is where a page stood that was taken down, and Reason what
	// staff said about it.
	StateBefore State
	Reason      string
	// Version is 1 at first, +1 by each change of anything but totals.
	Version     int64
	CreatedAt   time.Time // zero for not known
	PublishedAt time.Time // zero for never, or not known
	Photo       Image     // zero for none
}

// Image is a picture that was made here.
type Image struct {
	ID     string // unguessable, another one for each upload; "" for no picture
	Alt    string // what it shows, for who cannot see it
	Width  int    // of the largest size, pixels
	Height int
	Widths []int // that it is there in, the largest first
}

// At is the page's state at a moment, under its appeal, as everybody but its
// owner sees it: Draft for what cannot be seen, Live or Closed. A page cannot
// be seen before its appeal, nor take gifts that the appeal does not take.
func (p Page) At(appeal Appeal, now time.Time) State {
	above := appeal.At(now)
	switch {
	case p.State == Draft || p.State == TakenDown || above == Draft:
		return Draft
	case p.State == Paused || p.State == Closed || above == Closed:
		return Closed
	}
	return Live
}
