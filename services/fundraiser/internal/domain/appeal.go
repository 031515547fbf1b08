package domain

import (
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// Kind is what sort of appeal it is.
type Kind string

// The kinds of appeals.
const (
	Standing Kind = "standing" // always open
	Crisis   Kind = "crisis"   // an emergency; shown first
	Campaign Kind = "campaign" // has a goal and an end
)

// State is what an organization, or a supporter, decided about an appeal or a
// page. Dates can close what is live, never open what is not.
type State string

// The states of appeals and pages. Only pages are paused or taken down.
const (
	Draft     State = "draft"      // nobody else sees it
	Live      State = "live"       // takes gifts
	Paused    State = "paused"     // is seen, takes no gifts until its owner resumes it
	Closed    State = "closed"     // is seen, takes no more gifts
	TakenDown State = "taken_down" // staff hid it; its owner still sees it
)

// Appeal is what one gives to. All its gifts are in its currency, so that its
// total is one number.
type Appeal struct {
	ID             string
	OrganizationID string
	Slug           string // its address and identity
	Kind           Kind
	State          State
	Title          string
	Summary        string // one sentence
	Story          string // Markdown
	Currency       money.Currency
	Suggested      []int64 // minor units, in the order they are offered
	Minimum        int64   // minor units
	Goal           int64   // minor units; 0 for none
	GoalCount      int64   // things other than money; 0 for none
	GoalUnit       string  // what GoalCount counts
	UnitCost       int64   // minor units that pay for one of them; 0 for no such figure
	FundCodes      []string
	StartsAt       time.Time // zero for "already"
	EndsAt         time.Time // first moment it takes no more; zero for "never"
	CoverRatePPM   int64     // estimated fee, millionths
	CoverFixed     int64     // its fixed part, minor units
	// WasPublished is true once it was seen: its address was shared and its
	// currency is that of gifts, so both are fixed.
	WasPublished bool
	Version      int64 // 1 when first kept, +1 by each change
}

// At is the appeal's state at a moment.
func (a Appeal) At(now time.Time) State {
	switch {
	case a.State == Draft || now.Before(a.StartsAt):
		return Draft
	case a.State == Closed || (!a.EndsAt.IsZero() && !now.Before(a.EndsAt)):
		return Closed
	}
	return Live
}
