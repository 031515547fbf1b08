package domain

import (
	"cmp"
	"slices"
)

// Reduction is what a gift is less by, in minor units of its currency. All three
// have the same sign.
type Reduction struct {
	Gift   int64
	Cover  int64
	Excess int64 // beyond what was paid: lost in a dispute after a refund
}

// Returned is what t minor units that went back take from a gift: first of the gift,
// then of the cover. Refunds take first: with r refunded and l lost, refunds have
// taken Returned(r) and losses Returned(r+l) − Returned(r). That both are functions of
// r and l alone is what makes the order of refunds, failures and losses irrelevant:
// each is told as the differences it makes, and they add up to where they lead.
func (d Donation) Returned(t int64) Reduction {
	gift, cover := d.Gift.Minor, d.Cover.Minor
	return Reduction{
		Gift:   min(t, gift),
		Cover:  min(max(t-gift, 0), cover),
		Excess: max(t-gift-cover, 0),
	}
}

// Minus is the difference of two reductions.
func (r Reduction) Minus(before Reduction) Reduction {
	return Reduction{Gift: r.Gift - before.Gift, Cover: r.Cover - before.Cover, Excess: r.Excess - before.Excess}
}

// Aftermath is everything that happened to the money of one succeeded gift. What
// Stripe tells of it may be heard in any order and any number of times.
type Aftermath struct {
	Donation Donation
	Refunds  []Refund
	Disputes []Dispute
}

// HappeningKind is a kind of thing that the world is told of once.
type HappeningKind int

// The kinds.
const (
	RefundAccepted HappeningKind = iota
	RefundFailedLater
	DisputeInquiry
	DisputeOpened
	DisputeOver
)

// Happening is a change that others are told of. Refund or Dispute is as it was
// afterwards, whichever it is about.
type Happening struct {
	Kind      HappeningKind
	Refund    Refund
	Dispute   Dispute
	Reduction Reduction
	// LossShift is by how much a refund, or its failure, changes what losses have
	// taken; it adds up to zero.
	LossShift Reduction
	// Version of the gift that it made.
	Version int64
}

// Left is what can still be given back: what was paid, less what is on its way back
// already or asked for, and less what was lost.
func (a *Aftermath) Left() int64 {
	left := a.Donation.Gift.Minor + a.Donation.Cover.Minor - a.lost()
	for _, r := range a.Refunds {
		if r.Status.Holds() {
			left -= r.Amount.Minor
		}
	}
	return max(left, 0)
}

// HearRefund takes in what Stripe says about a refund, and answers what others must
// be told, or why it does not fit.
func (a *Aftermath) HearRefund(fact Refund) ([]Happening, Reason) {
	switch {
	case !fact.Status.AtStripe():
		return nil, NotDecodable
	case fact.Amount.Currency != a.Donation.Gift.Currency:
		return nil, CurrencyDiffers
	case fact.Amount.Minor <= 0:
		return nil, AmountDiffers
	}
	at := a.refund(fact)
	known := Refund{}
	if at >= 0 {
		known = a.Refunds[at]
	}
	fresh := !known.Status.AtStripe()
	switch {
	case at >= 0 && known.Amount != fact.Amount:
		return nil, AmountDiffers
	case fresh && !fact.Status.Failed() && a.refunded()+fact.Amount.Minor > a.Donation.Gift.Minor+a.Donation.Cover.Minor:
		return nil, RefundsExceed
	}
	next := known.merge(fact)
	if at < 0 {
		a.Refunds = append(a.Refunds, next)
	} else {
		a.Refunds[at] = next
	}
	var told []Happening
	amount := next.Amount.Minor
	if fresh {
		// One that is heard of only once it has failed was accepted before: both are
		// told, as they would have been in the other order.
		told = append(told, a.refunding(Happening{Kind: RefundAccepted, Refund: next}, amount))
	}
	if next.Status.Failed() && !known.Status.Failed() {
		told = append(told, a.refunding(Happening{Kind: RefundFailedLater, Refund: next}, -amount))
	}
	return told, ""
}

// refund finds by Stripe's id, or by our own when this is the first that is heard
// of what was asked for.
func (a *Aftermath) refund(fact Refund) int {
	at := slices.IndexFunc(a.Refunds, func(r Refund) bool { return r.ID == fact.ID })
	if at >= 0 || fact.RequestID == "" {
		return at
	}
	return slices.IndexFunc(a.Refunds, func(r Refund) bool {
		// Metadata can be edited by hand so that it names another request.
		return r.ID == "" && r.RequestID == fact.RequestID && r.Amount == fact.Amount &&
			(r.Status == RefundAsked || r.Status == RefundRefused)
	})
}

// HearDispute takes in what Stripe says about a dispute, like HearRefund.
func (a *Aftermath) HearDispute(fact Dispute) ([]Happening, Reason) {
	switch {
	case fact.Status.weight() == 0:
		return nil, NotDecodable
	case fact.Amount.Currency != a.Donation.Gift.Currency:
		return nil, CurrencyDiffers
	case fact.Amount.Minor <= 0:
		return nil, AmountDiffers
	}
	at := slices.IndexFunc(a.Disputes, func(d Dispute) bool { return d.ID == fact.ID })
	known := Dispute{}
	if at >= 0 {
		known = a.Disputes[at]
	}
	if known.Status.Closed() && fact.Status.Closed() && known.Status != fact.Status {
		return nil, EndedOtherwise
	}
	next := known.merge(fact)
	if at < 0 {
		a.Disputes = append(a.Disputes, next)
	} else {
		a.Disputes[at] = next
	}
	told := a.disputeTold(known, next)
	a.Donation.Dispute = a.standing()
	return told, ""
}

func (a *Aftermath) disputeTold(known, next Dispute) []Happening {
	var told []Happening
	if known.ID == "" && next.Status.Inquiry() {
		told = append(told, a.losing(Happening{Kind: DisputeInquiry, Dispute: next}, 0))
	}
	// What is won or lost was open before.
	if !next.Status.Inquiry() && (known.ID == "" || known.Status.Inquiry()) {
		told = append(told, a.losing(Happening{Kind: DisputeOpened, Dispute: next}, 0))
	}
	if next.Status.Closed() && !known.Status.Closed() {
		lost := int64(0)
		if next.Status == DisputeLost {
			lost = next.Amount.Minor
		}
		told = append(told, a.losing(Happening{Kind: DisputeOver, Dispute: next}, lost))
	}
	return told
}

// refunding says what a refund takes, or gives back when it failed, and what losses
// take otherwise because of it. Losses never take what refunds have.
func (a *Aftermath) refunding(h Happening, more int64) Happening {
	d := a.Donation
	before, after := d.ReturnedMinor-a.lost(), d.ReturnedMinor-a.lost()+more
	h.Reduction = d.Returned(after).Minus(d.Returned(before))
	h = a.happening(h, more)
	h.LossShift = d.Returned(a.Donation.ReturnedMinor).Minus(d.Returned(d.ReturnedMinor)).Minus(h.Reduction)
	return h
}

// losing says what a dispute takes beyond all that went back before.
func (a *Aftermath) losing(h Happening, more int64) Happening {
	d := a.Donation
	h = a.happening(h, more)
	h.Reduction = d.Returned(a.Donation.ReturnedMinor).Minus(d.Returned(d.ReturnedMinor))
	return h
}

// happening counts what went back on, and numbers the change.
func (a *Aftermath) happening(h Happening, more int64) Happening {
	a.Donation.ReturnedMinor += more
	a.Donation.Version++
	h.Version = a.Donation.Version
	return h
}

// refunded is what Stripe has accepted to give back and has not failed to.
func (a *Aftermath) refunded() int64 {
	sum := int64(0)
	for _, r := range a.Refunds {
		if r.Status.Accepted() {
			sum += r.Amount.Minor
		}
	}
	return sum
}

func (a *Aftermath) lost() int64 {
	sum := int64(0)
	for _, d := range a.Disputes {
		if d.Status == DisputeLost {
			sum += d.Amount.Minor
		}
	}
	return sum
}

// standing is the dispute that says most about the gift: one that somebody has to
// answer comes before those that are over.
func (a *Aftermath) standing() DisputeState {
	heaviest := NoDispute
	for _, d := range a.Disputes {
		heaviest = slices.MaxFunc([]DisputeState{heaviest, d.Status.state()}, func(a, b DisputeState) int {
			return cmp.Compare(a.weight(), b.weight())
		})
	}
	return heaviest
}
