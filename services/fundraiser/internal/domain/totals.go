package domain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/internal/money"
)

// Total is what a page shows, in minor units of the appeal's currency. The
// amounts are kept apart and never added up: only Settled is money that is there.
type Total struct {
	Settled    int64 // gifts that were paid, less what went back or was lost
	Gifts      int64 // how many gifts of which anything is left
	AsOf       int64 // feed position of the newest fact that is in it
	Processing int64 // paid by methods that take days
	Refunded   int64 // what of settled gifts went back to donors
	Lost       int64 // what of them was lost in disputes
	Disputed   int64 // what of them is disputed now; still in Settled
}

// Visibility is what the public may see of a gift.
type Visibility string

// The visibilities of gifts.
const (
	Public    Visibility = "public"     // full name and message
	FirstName Visibility = "first_name" // first name and message
	Anonymous Visibility = "anonymous"  // neither
)

// Gift is one donation as it is counted here. Who gave is not known.
type Gift struct {
	DonationID     string
	OrganizationID string
	AppealID       string
	PageID         string // empty for a gift to the appeal itself
	Amount         money.Amount
	Visibility     Visibility
	Returned       int64 // what of Amount went back or was lost, minor units
	PaidAt         int64 // unix microseconds, as Stripe says
	Pos            int64 // position of its event in the donation feed
}

// CountedGift is a gift and the total right after it: its page's, or its
// appeal's for a direct gift.
type CountedGift struct {
	Gift
	TotalAfter int64
}

// What makes a gift impossible to count, for ever. None of them can come from
// a checkout that took its terms from here.
var (
	ErrNotPositive   = errors.New("gift is not positive")
	ErrOtherCurrency = errors.New("gift is not in the appeal's currency")
	ErrOtherParent   = errors.New("gift names a page or appeal of somebody else")
	ErrTooMuch       = errors.New("total is too large to count")
)

// AppealTotal is an appeal's total and what a gift to it must agree with.
type AppealTotal struct {
	OrganizationID string
	Currency       money.Currency
	Total
}

// PageTotal is a page's total and what a gift to it must agree with.
type PageTotal struct {
	AppealID string
	Total
}

// Totals are the totals that a batch of gifts touches, by id.
type Totals struct {
	Appeals map[string]AppealTotal
	Pages   map[string]PageTotal
}

// UnknownError says that a gift names an appeal or page that is not known
// here, or not yet.
type UnknownError struct {
	Kind string // "appeal" or "fundraiser"
	ID   string
}

func (e UnknownError) Error() string { return fmt.Sprintf("%s %s is not known", e.Kind, e.ID) }

// Fold counts gifts in order: what the totals are afterwards and what each
// gift found. The totals given are not touched. It fails, and counts nothing,
// if one gift cannot be counted: UnknownError or one of the errors above.
//
// The result depends only on which gifts there are, not on how they were
// split into batches; only TotalAfter depends on their order.
func (t Totals) Fold(gifts []Gift) (Totals, []CountedGift, error) {
	after := Totals{
		Appeals: make(map[string]AppealTotal, len(t.Appeals)),
		Pages:   make(map[string]PageTotal, len(t.Pages)),
	}
	counted := make([]CountedGift, 0, len(gifts))
	for _, g := range gifts {
		c, err := after.count(t, g)
		if err != nil {
			return Totals{}, nil, fmt.Errorf("count gift %s: %w", g.DonationID, err)
		}
		counted = append(counted, c)
	}
	return after, counted, nil
}

// count adds one gift; before holds the totals that no gift has touched yet.
func (t Totals) count(before Totals, g Gift) (CountedGift, error) {
	appeal, err := t.appeal(before, g.AppealID)
	if err != nil {
		return CountedGift{}, err
	}
	switch {
	case g.Amount.Minor <= 0:
		return CountedGift{}, ErrNotPositive
	case g.Amount.Currency != appeal.Currency:
		return CountedGift{}, ErrOtherCurrency
	case g.OrganizationID != appeal.OrganizationID:
		return CountedGift{}, ErrOtherParent
	}
	appeal.Total, err = appeal.add(g)
	if err != nil {
		return CountedGift{}, err
	}
	if g.PageID == "" {
		t.Appeals[g.AppealID] = appeal
		return CountedGift{Gift: g, TotalAfter: appeal.Settled}, nil
	}

	page, err := t.page(before, g.PageID)
	if err != nil {
		return CountedGift{}, err
	}
	if page.AppealID != g.AppealID {
		return CountedGift{}, ErrOtherParent
	}
	page.Total, err = page.add(g)
	if err != nil {
		return CountedGift{}, err
	}
	t.Appeals[g.AppealID] = appeal
	t.Pages[g.PageID] = page
	return CountedGift{Gift: g, TotalAfter: page.Settled}, nil
}

// appeal is an appeal's total as it is by now: touched, or else as it was before.
func (t Totals) appeal(before Totals, id string) (AppealTotal, error) {
	for _, totals := range []Totals{t, before} {
		appeal, known := totals.Appeals[id]
		if known {
			return appeal, nil
		}
	}
	return AppealTotal{}, UnknownError{Kind: "appeal", ID: id}
}

// page is the same of a page.
func (t Totals) page(before Totals, id string) (PageTotal, error) {
	for _, totals := range []Totals{t, before} {
		page, known := totals.Pages[id]
		if known {
			return page, nil
		}
	}
	return PageTotal{}, UnknownError{Kind: "fundraiser", ID: id}
}

func (t Total) add(g Gift) (Total, error) {
	settled := t.Settled + g.Amount.Minor
	if settled < t.Settled {
		return Total{}, ErrTooMuch
	}
	// A gift that was parked and retried comes after newer ones: the position
	// that a total is true at never goes back.
	t.Settled, t.Gifts, t.AsOf = settled, t.Gifts+1, max(t.AsOf, g.Pos)
	return t, nil
}

// Once drops gifts that a batch names a second time.
func Once(gifts []Gift) []Gift {
	seen := make(map[string]bool, len(gifts))
	return slices.DeleteFunc(slices.Clone(gifts), func(g Gift) bool {
		again := seen[g.DonationID]
		seen[g.DonationID] = true
		return again
	})
}
