package domain

import (
	"errors"
	"fmt"

	"github.com/almoner/almoner/services/internal/money"
)

// FactKind is what a fact tells of a gift besides its success.
type FactKind string

// The kinds of facts, as they are stored.
const (
	Processing     FactKind = "processing"      // paid by a method that takes days; its amount is the gift
	Failed         FactKind = "failed"          // that payment has failed
	Refunded       FactKind = "refunded"        // its amount is what of the gift goes back
	RefundFailed   FactKind = "refund_failed"   // its amount is what of the gift comes back to us, negative
	DisputeOpened  FactKind = "dispute_opened"  // its amount is what is disputed, with the cover
	DisputeDecided FactKind = "dispute_decided" // its amount is what of the gift was lost, 0 if it was won
	// A refund, or its failure, that is heard after a loss changes what of the gift was
	// lost. They come with it, and with its object.
	LossShifted     FactKind = "loss_shifted"
	LossShiftedBack FactKind = "loss_shifted_back"
)

// Fact is something that happened to a gift. It happens once to its object: a
// refund, a dispute, or the gift itself.
type Fact struct {
	DonationID     string
	Kind           FactKind
	Object         string // Stripe's refund or dispute; empty for the gift itself
	OrganizationID string
	AppealID       string
	PageID         string // empty for a gift to the appeal itself
	Amount         money.Amount
	Pos            int64 // position of its event in the donation feed
}

// FactKey names a fact.
type FactKey struct {
	DonationID string
	Kind       FactKind
	Object     string
}

// Key names the fact.
func (f Fact) Key() FactKey {
	return FactKey{DonationID: f.DonationID, Kind: f.Kind, Object: f.Object}
}

// ErrMoreThanGiven says that more of a gift went back than was given.
var ErrMoreThanGiven = errors.New("more of the gift went back than was given")

// Contribution is what one gift adds to its totals.
type Contribution struct {
	Settled    int64 // what is left of it
	Gifts      int64 // 1, unless all of it went back
	Processing int64
	Refunded   int64
	Lost       int64
	Disputed   int64
}

// Stand adds up the facts about one gift; gift is nil before its success. The
// result depends on which facts there are and not on their order, for each has
// its own place.
func Stand(gift *Gift, facts []Fact) (Contribution, error) {
	var s Contribution
	decided, failed := map[string]bool{}, false
	for _, f := range facts {
		switch f.Kind {
		case Failed:
			failed = true
		case Refunded, RefundFailed:
			s.Refunded += f.Amount.Minor
		case DisputeDecided:
			s.Lost += f.Amount.Minor
			decided[f.Object] = true
		case LossShifted, LossShiftedBack:
			s.Lost += f.Amount.Minor
		case Processing, DisputeOpened:
			// They are over when something else has happened; see below.
		}
	}
	for _, f := range facts {
		switch {
		case f.Kind == Processing && gift == nil && !failed:
			s.Processing += f.Amount.Minor
		case f.Kind == DisputeOpened && gift != nil && !decided[f.Object]:
			s.Disputed += f.Amount.Minor
		}
	}
	if gift == nil {
		// Nothing can have gone back of what did not come. What is told before the
		// success is counted with it.
		return Contribution{Processing: s.Processing}, nil
	}
	s.Settled = gift.Amount.Minor - s.Refunded - s.Lost
	if s.Settled < 0 {
		return Contribution{}, ErrMoreThanGiven
	}
	if s.Settled > 0 {
		s.Gifts = 1
	}
	// The page never counted the cover, and what went back is disputed no more.
	s.Disputed = min(s.Disputed, s.Settled)
	return s, nil
}

// less is how much more s adds than before did.
func (s Contribution) less(before Contribution) Contribution {
	return Contribution{
		Settled: s.Settled - before.Settled, Gifts: s.Gifts - before.Gifts, Processing: s.Processing - before.Processing,
		Refunded: s.Refunded - before.Refunded, Lost: s.Lost - before.Lost, Disputed: s.Disputed - before.Disputed,
	}
}

// Happening is one gift with what was known of it and what is new.
type Happening struct {
	Gift  *Gift  // nil before its success, and when that is what is new
	New   *Gift  // its success, if that is new
	Known []Fact // facts stored before
	Facts []Fact // facts that are new
}

// Happen applies what is new about gifts, one happening a gift, and says how much
// of each counted gift went back. The totals given are not touched. It fails as
// Fold does, and with ErrMoreThanGiven.
func (t Totals) Happen(happenings []Happening) (Totals, map[string]int64, error) {
	after := Totals{
		Appeals: make(map[string]AppealTotal, len(t.Appeals)),
		Pages:   make(map[string]PageTotal, len(t.Pages)),
	}
	returned := map[string]int64{}
	for _, h := range happenings {
		all := append(append([]Fact{}, h.Known...), h.Facts...)
		if len(all) == 0 {
			continue
		}
		err := after.happen(t, h, all, returned)
		if err != nil {
			return Totals{}, nil, fmt.Errorf("what happened to gift %s: %w", all[0].DonationID, err)
		}
	}
	return after, returned, nil
}

func (t Totals) happen(before Totals, h Happening, all []Fact, returned map[string]int64) error {
	was, err := Stand(h.Gift, h.Known)
	if err != nil {
		return err
	}
	gift := h.Gift
	if h.New != nil {
		gift = h.New
		// Fold has counted its success already.
		was.Settled, was.Gifts = h.New.Amount.Minor, 1
	}
	is, err := Stand(gift, all)
	if err != nil {
		return err
	}
	if gift != nil {
		returned[gift.DonationID] = is.Refunded + is.Lost
	}
	newest := int64(0)
	for _, f := range h.Facts {
		newest = max(newest, f.Pos)
	}
	for _, f := range all {
		if f.AppealID != all[0].AppealID || f.PageID != all[0].PageID || f.Amount.Currency != all[0].Amount.Currency ||
			gift != nil && (f.AppealID != gift.AppealID || f.PageID != gift.PageID) {
			return ErrOtherParent
		}
	}
	return t.move(before, all[0], is.less(was), newest)
}

// move changes the totals of a fact's appeal and page.
func (t Totals) move(before Totals, f Fact, by Contribution, pos int64) error {
	appeal, err := t.appeal(before, f.AppealID)
	if err != nil {
		return err
	}
	switch {
	case f.Amount.Currency != appeal.Currency:
		return ErrOtherCurrency
	case f.OrganizationID != appeal.OrganizationID:
		return ErrOtherParent
	}
	appeal.Total = appeal.moved(by, pos)
	if f.PageID != "" {
		page, err := t.page(before, f.PageID)
		if err != nil {
			return err
		}
		if page.AppealID != f.AppealID {
			return ErrOtherParent
		}
		page.Total = page.moved(by, pos)
		t.Pages[f.PageID] = page
	}
	t.Appeals[f.AppealID] = appeal
	return nil
}

func (t Total) moved(by Contribution, pos int64) Total {
	t.Settled += by.Settled
	t.Gifts += by.Gifts
	t.Processing += by.Processing
	t.Refunded += by.Refunded
	t.Lost += by.Lost
	t.Disputed += by.Disputed
	t.AsOf = max(t.AsOf, pos)
	return t
}
