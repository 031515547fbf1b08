package domain

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

var refundRule = Rule{Name: "refund", Version: 1}
var refundFailedRule = Rule{Name: "refund_failed", Version: 1}

// shiftVersion is of the rules of refunds that change what losses took. All others
// are booked as they always were, so they keep the version that they had.
const shiftVersion = 2

var disputeLostRule = Rule{Name: "dispute_lost", Version: 1}

// Returned is by how much a fact changes what is left of a gift, in the gift's
// currency: positive when money goes back to the donor, negative when a refund
// that failed brings it back. The producer takes the gift first and the cover
// last over all that happened to a gift, and refunds before losses, so that no
// balance depends on what was heard first; the books only post what they are told.
type Returned struct {
	Gift   money.Amount
	Cover  money.Amount
	Excess money.Amount // beyond what was paid: lost in a dispute after a refund
}

// total adds the three parts up. It fails for parts of several currencies.
func (r Returned) total() (money.Amount, error) {
	sum, err := r.Gift.Add(r.Cover)
	if err != nil {
		return money.Amount{}, err
	}
	return sum.Add(r.Excess)
}

// zero tells whether nothing is taken.
func (r Returned) zero() bool { return r.Gift.IsZero() && r.Cover.IsZero() && r.Excess.IsZero() }

// Refund is the fact that Stripe accepted a refund of a gift, pending or done,
// or, in BookRefundFailed, that one it had accepted did not reach the donor.
type Refund struct {
	DonationID      string
	AccountID       string
	RefundID        string
	ChargeID        string
	PaymentIntentID string
	Amount          money.Amount // all of this refund; positive, also when it failed
	Returned        Returned
	// LossShift is by how much it changes what lost disputes took of the same gift.
	// Its parts add up to zero.
	LossShift   Returned
	Attribution Attribution
	OccurredAt  time.Time
}

// LostDispute is the fact that a dispute about a gift ended with the money gone.
type LostDispute struct {
	DonationID  string
	AccountID   string
	DisputeID   string
	ChargeID    string
	Amount      money.Amount // what was disputed
	Returned    Returned
	Attribution Attribution
	ClosedAt    time.Time
}

// BookRefund books what is owed to a donor from the moment that Stripe accepts
// the refund. That its money leaves is another fact, and may come first.
func BookRefund(r Refund) (Draft, error) {
	err := r.check(r.Amount)
	if err != nil {
		return Draft{}, fmt.Errorf("book refund %s: %w", r.RefundID, err)
	}
	draft, err := r.lines().draft(r.header("refund", refundRule, "Refund of a gift", r.OccurredAt))
	if err != nil {
		return Draft{}, fmt.Errorf("book refund %s: %w", r.RefundID, err)
	}
	return draft, nil
}

// BookRefundFailed takes a refund back that did not reach the donor. It is no
// mirror of the refund's entry: what the refund took from gift and cover depends
// on what else has happened since.
func BookRefundFailed(r Refund) (Draft, error) {
	back, err := r.Amount.Neg()
	if err == nil {
		err = r.check(back)
	}
	if err != nil {
		return Draft{}, fmt.Errorf("book failed refund %s: %w", r.RefundID, err)
	}
	draft, err := r.lines().draft(r.header("refund:failed", refundFailedRule, "Refund that failed", r.OccurredAt))
	if err != nil {
		return Draft{}, fmt.Errorf("book failed refund %s: %w", r.RefundID, err)
	}
	// Stripe has the money back, and the donor still wants it.
	return draft.alerting("a refund did not reach the donor"), nil
}

// BookLostDispute turns money that was held back into money that is gone. It
// moves nothing at Stripe.
func BookLostDispute(d LostDispute) (Draft, error) {
	err := checkReturned(d.DonationID, d.AccountID, d.DisputeID, d.Amount, d.Returned, d.Amount)
	if err != nil {
		return Draft{}, fmt.Errorf("book lost dispute %s: %w", d.DisputeID, err)
	}
	dimensions := d.Attribution.dimensions()
	var lines lines
	lines.reduce(disputesLost, d.Returned, d.Attribution)
	if d.reversal() {
		lines.post(UnderWay, lines.opposite(d.Amount), dimensions, d.ChargeID)
	} else {
		lines.post(Disputed, lines.opposite(d.Amount), dimensions, d.DisputeID)
	}
	draft, err := lines.draft(Header{
		OrganizationID: d.Attribution.OrganizationID,
		Key:            key("dispute:closed", d.AccountID, d.DisputeID),
		Rule:           disputeLostRule,
		Description:    "Dispute that was lost",
		AccountID:      d.AccountID,
		StripeIDs:      present(d.ChargeID, d.DisputeID),
		DonationID:     d.DonationID,
		OccurredAt:     d.ClosedAt,
	})
	if err != nil {
		return Draft{}, fmt.Errorf("book lost dispute %s: %w", d.DisputeID, err)
	}
	if d.reversal() {
		draft = draft.alerting("a debit was taken back after it had been paid")
	}
	return draft, nil
}

// reversal reports whether no dispute took the money but the failure of a debit that had
// been paid: it is named by its balance transaction. That is booked like the failure of
// any debit, against UnderWay under its charge, for it may be heard of before the success.
func (d LostDispute) reversal() bool {
	return strings.HasPrefix(d.DisputeID, "txn_") && d.ChargeID != ""
}

// lines are the same for a refund and for its failure: all amounts of a failure
// are negative, and so is what it leaves owed.
func (r Refund) lines() *lines {
	var l lines
	l.reduce(refunds, r.Returned, r.Attribution)
	l.reduce(disputesLost, r.LossShift, r.Attribution)
	owed, err := r.Returned.total()
	if err != nil {
		l.err = err
	}
	l.post(RefundsPayable, l.opposite(owed), r.Attribution.dimensions(), r.RefundID)
	return &l
}

func (r Refund) header(kind string, rule Rule, description string, at time.Time) Header {
	if !r.LossShift.zero() {
		rule.Version = shiftVersion
	}
	return Header{
		OrganizationID: r.Attribution.OrganizationID,
		Key:            key(kind, r.AccountID, r.RefundID),
		Rule:           rule,
		Description:    description,
		AccountID:      r.AccountID,
		StripeIDs:      present(r.PaymentIntentID, r.ChargeID, r.RefundID),
		DonationID:     r.DonationID,
		OccurredAt:     at,
	}
}

// check refuses a refund whose parts are not want, or that changes how much was lost.
func (r Refund) check(want money.Amount) error {
	err := checkReturned(r.DonationID, r.AccountID, r.RefundID, r.Amount, r.Returned, want)
	if err != nil || r.LossShift.zero() {
		return err
	}
	shift, err := r.LossShift.total()
	if err != nil {
		return fmt.Errorf("what losses take otherwise: %w", err)
	}
	if !shift.IsZero() || shift.Currency != want.Currency {
		return fmt.Errorf("what losses take otherwise adds up to %s, want nothing of %s", shift, want.Currency.Code())
	}
	return nil
}

func checkReturned(donationID, accountID, stripeID string, amount money.Amount, r Returned, want money.Amount) error {
	switch {
	case donationID == "":
		return errors.New("it names no donation")
	case accountID == "" || stripeID == "":
		return errors.New("it names no object of a Stripe account")
	case amount.Minor <= 0:
		return fmt.Errorf("%s goes nowhere", amount)
	}
	total, err := r.total()
	if err != nil {
		return fmt.Errorf("parts: %w", err)
	}
	if total != want {
		return fmt.Errorf("its parts are %s, want %s", total, want)
	}
	for _, part := range []money.Amount{r.Gift, r.Cover, r.Excess} {
		if part.Minor != 0 && (part.Minor > 0) != (want.Minor > 0) {
			return fmt.Errorf("a part of %s is %s", want, part)
		}
	}
	return nil
}

// reduce debits what a gift loses, each part where it was credited: the gift's
// part against income of its own class, the cover against the cover. What goes
// beyond the gift was never income, so it is what disputes cost.
func (l *lines) reduce(kind Account, r Returned, a Attribution) {
	dimensions := a.dimensions()
	account := kind
	switch a.FundClass {
	case FundUnrestricted:
	case FundRestricted:
		account = kind + "/" + Account(a.FundCode)
		err := CheckFundCode(a.FundCode)
		if err != nil {
			l.err = err
		}
	default:
		l.err = errors.New("the gift does not say whether its fund is restricted")
	}
	l.debit(account, r.Gift, dimensions)
	l.debit(FeeCover, r.Cover, dimensions)
	l.debit(StripeDisputeFees, r.Excess, dimensions)
}
