package view

import (
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// Standing is where a monthly gift stands, as its donor is told.
type Standing string

// The standings of a monthly gift.
const (
	PlanActive  Standing = "active"
	PlanPaused  Standing = "paused"
	PlanFailing Standing = "failing" // the newest try to charge it failed
	PlanWaiting Standing = "waiting" // the first payment has not gone through
	PlanEnding  Standing = "ending"  // its end is asked for, and Stripe has not answered
	PlanEnded   Standing = "ended"
	PlanUnclear Standing = "unclear" // Stripe says something that we have no word for
)

// Plan is a monthly gift, for the donor who holds its link.
type Plan struct {
	Frame
	Standing Standing
	Target   Link
	Gift     money.Amount
	Cover    money.Amount
	Total    money.Amount

	// Days, zero where there is none.
	Next  time.Time // the next instalment
	Retry time.Time // the next try of one that failed
	Until time.Time // a pause goes to
	Ends  time.Time // it ends, or has ended
	Begun time.Time

	Payments    int64 // how many instalments were paid; the newest are listed
	Instalments []Instalment

	// What can be done; nil or empty where it cannot.
	Amount   *Inputs
	Pause    *Inputs
	Resume   *Inputs
	Card     *Inputs
	EndURL   string
	AgainURL string // the form, to give anew

	// Charged is what was charged after the end had been asked for and has not gone
	// back; zero for nothing.
	Charged money.Amount

	Done   string // what has just been done: amount, paused, resumed
	Notice *Notice
}

// Instalment is one payment of a monthly gift.
type Instalment struct {
	On      time.Time // in the organization's time zone
	Total   money.Amount
	Back    money.Amount // what of it has gone back since
	Receipt Link         // the zero Link while there is none
}

// Faults are what is wrong in the forms, in the order of the page.
func (p *Plan) Faults() []Fault {
	var faults []Fault
	for _, form := range []*Inputs{p.Amount, p.Pause} {
		if form != nil {
			faults = append(faults, form.Faults()...)
		}
	}
	return faults
}

// PlanEnd asks once more before a monthly gift is ended.
type PlanEnd struct {
	Frame
	Target Link
	Total  money.Amount
	Form   Inputs
	Back   string
	Notice *Notice
}

// Faults are none: there is nothing to fill in.
func (*PlanEnd) Faults() []Fault { return nil }

// PlanLinks is where the links of monthly gifts are asked for.
type PlanLinks struct {
	Frame
	Form Inputs
	Sent bool // the form was sent; whether there are any is not said
}

func (*Plan) Template() string      { return "plan" }
func (*PlanEnd) Template() string   { return "plan_end" }
func (*PlanLinks) Template() string { return "plan_links" }
