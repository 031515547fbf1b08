package domain

import (
	"errors"
	"fmt"
	"strings"

	"github.com/almoner/almoner/services/internal/money"
)

var feeRule = Rule{Name: "fee", Version: 1}
var convertRule = Rule{Name: "convert", Version: 1}
var arrivalRule = Rule{Name: "arrival", Version: 1}
var foreignRule = Rule{Name: "foreign_charge", Version: 1}
var foreignFeeRule = Rule{Name: "foreign_fee", Version: 1}
var unknownRule = Rule{Name: "unknown", Version: 1}

// categoryCharge is Stripe's reporting category for money taken from a payer.
const categoryCharge = "charge"

// categoryFailure is Stripe's reporting category for such money that goes back
// because the payment failed after all.
const categoryFailure = "charge_failure"

// categoryRefund is Stripe's reporting category for money given back to a payer.
const categoryRefund = "refund"

// BookTransaction books a balance transaction. Together with the entry of its
// gift, if it has one, the entries move the Stripe balance by exactly the
// transaction's net, whatever the category: money that no rule explains goes to
// suspense and never missing. There may be no entry at all, for a transaction
// that adds nothing to what its gift has booked.
func BookTransaction(t Transaction) ([]Draft, error) {
	err := t.check()
	if err != nil {
		return nil, fmt.Errorf("book transaction %s: %w", t.ID, err)
	}
	var drafts []Draft
	c, known := categoryOf(t.Category)
	switch {
	case t.Category == categoryCharge && t.ours() && t.Delayed:
		drafts, err = bookArrival(t)
	case t.Category == categoryCharge && t.ours():
		drafts, err = bookCharge(t)
	case t.Category == categoryCharge:
		drafts, err = bookForeignCharge(t)
	case !known:
		drafts, err = bookSuspended(t, unknownRule, "Balance transaction of category "+t.Category,
			"no rule for the reporting category "+t.Category)
	case c.account == Suspense && !c.ofCharge:
		drafts, err = bookSuspended(t, c.rule, c.description, c.alert)
	default:
		drafts, err = bookMovement(t, c)
	}
	if err != nil {
		return nil, fmt.Errorf("book transaction %s: %w", t.ID, err)
	}
	return drafts, nil
}

func (t Transaction) check() error {
	if t.ID == "" || t.AccountID == "" {
		return errors.New("it names no transaction of a Stripe account")
	}
	if t.ours() && t.Attribution.OrganizationID != "" && t.Attribution.OrganizationID != t.OrganizationID {
		return fmt.Errorf("it is in the books of %s, its gift in those of %s", t.OrganizationID, t.Attribution.OrganizationID)
	}
	net, err := t.Amount.Sub(t.Fee)
	if err != nil {
		return fmt.Errorf("net: %w", err)
	}
	if net != t.Net {
		return fmt.Errorf("amount %s less fee %s is not net %s", t.Amount, t.Fee, t.Net)
	}
	return nil
}

// bookCharge books what a gift's own entry has left open: the conversion, if
// Stripe settled in another currency, and then the fee. The gross is not here,
// because the gift is known earlier than its transaction.
func bookCharge(t Transaction) ([]Draft, error) {
	var drafts []Draft
	dimensions := t.Attribution.dimensions()
	if t.converted() {
		convert, err := convertLines(t, StripeBalance, "", dimensions).draft(t.header("txn:convert", convertRule, "Currency conversion"))
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, convert)
	}
	return withFee(drafts, t, dimensions)
}

// bookArrival books the money of a payment that takes days, and its fee. Stripe may
// move the balance when the donor has entered a bank account, and nothing is given
// before the bank has paid; or both at once; and which of the two is heard of first
// says nothing. So neither entry waits for the other or asks about it: the money
// comes from PaymentsUnderWay, and the gift goes there, each under the charge. While
// only the money is known, that account owes it, the balance is what Stripe says it
// is, and no income is shown; when both are known it is at zero, whichever was first.
// A payment that fails takes back what the money brought, in the same place.
//
// (The balance transaction could be kept back until the gift settles. Then the books
// would lack what Stripe's balance has, for a week. And were the gift's entry to
// choose by what was imported before, the books would depend on the order of
// hearing, and on what a restored database remembers of it.)
func bookArrival(t Transaction) ([]Draft, error) {
	var drafts []Draft
	dimensions := t.Attribution.dimensions()
	var main lines
	if t.converted() {
		main = *convertLines(t, UnderWay, t.item(), dimensions)
	} else {
		main.debit(StripeBalance, t.Amount, dimensions)
		main.post(UnderWay, main.opposite(t.Amount), dimensions, t.item())
	}
	if len(main.postings) > 0 {
		arrival, err := main.draft(t.header("txn", arrivalRule, "Money of a payment that takes days"))
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, arrival)
	}
	return withFee(drafts, t, dimensions)
}

// withFee adds the entry of the fee, if there is one.
func withFee(drafts []Draft, t Transaction, dimensions Dimensions) ([]Draft, error) {
	if t.Fee.IsZero() {
		return drafts, nil
	}
	fee, err := bookFee(t, dimensions)
	if err != nil {
		return nil, err
	}
	return append(drafts, fee), nil
}

// bookFee books the fee of a gift in an entry of its own.
func bookFee(t Transaction, dimensions Dimensions) (Draft, error) {
	var fee lines
	unexplained, err := fee.fee(t, StripeProcessingFees, "", dimensions)
	if err != nil {
		return Draft{}, err
	}
	fee.credit(StripeBalance, t.Fee, dimensions)
	draft, err := fee.draft(t.header("txn:fee", feeRule, "Stripe fee"))
	if err != nil {
		return Draft{}, err
	}
	return draft.alerting(unexplained), nil
}

// bookForeignCharge keeps money that is no gift of ours, or a second payment of
// one, in suspense until staff decide, under the charge's id so that a refund
// of it clears the same item. The fee is the payer's problem only after that
// decision, so it waits in suspense too.
func bookForeignCharge(t Transaction) ([]Draft, error) {
	var drafts []Draft
	item := t.item()
	var main lines
	if t.converted() {
		main = *convertLines(t, Suspense, item, Dimensions{})
	} else {
		main.debit(StripeBalance, t.Amount, Dimensions{})
		main.post(Suspense, main.opposite(t.Amount), Dimensions{}, item)
	}
	if !t.Amount.IsZero() {
		charge, err := main.draft(t.header("txn", foreignRule, "Charge that is no gift of ours"))
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, charge.alerting("a charge belongs to no gift"))
	}
	var fee lines
	fee.post(Suspense, t.Fee, Dimensions{}, item)
	fee.credit(StripeBalance, t.Fee, Dimensions{})
	if !t.Fee.IsZero() {
		draft, err := fee.draft(t.header("txn:fee", foreignFeeRule, "Stripe fee of a charge that is no gift of ours"))
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, draft)
	}
	return drafts, nil
}

// ours reports whether a gift's own entry has booked the gross. A second payment
// of a gift names its donation and is foreign all the same.
func (t Transaction) ours() bool { return !t.Foreign && t.DonationID != "" }

// beside reports whether the transaction is about a second payment of a gift that takes
// days. Its money was seen while it was under way, before anybody could say which of two
// payments would be the gift, so it is on UnderWay under its charge; what is given back
// of it, or taken back, is no refund or dispute of the gift and goes there, too.
func (t Transaction) beside() bool { return t.Foreign && t.Delayed && t.DonationID != "" }

// converted reports whether Stripe settled in another currency than the
// object's own.
func (t Transaction) converted() bool {
	return !t.Source.IsZero() && t.Source.Currency != t.Amount.Currency
}

// convertLines moves money between currencies so that each sums to zero: the
// object's account gives its own currency to Trading, and Trading gives the
// settled amount to the Stripe balance. Trading's two balances are then the
// position that was exchanged.
//
// For a gift the object's account is the Stripe balance in the gift's currency,
// which its gross entry has debited, and which this returns to zero. For money
// in suspense it is suspense itself.
func convertLines(t Transaction, object Account, item string, dimensions Dimensions) *lines {
	var l lines
	l.debit(Trading, t.Source, dimensions)
	l.post(object, l.opposite(t.Source), dimensions, item)
	l.debit(StripeBalance, t.Amount, dimensions)
	l.credit(Trading, t.Amount, dimensions)
	return &l
}

// ofObject is the amount that the object's own account moves by: in its own
// currency where Stripe converted, and otherwise what really moved, for a
// dispute may be about more or less than its object says. An object's amount has
// no sign; the transaction's says which way it went.
func (t Transaction) ofObject(c category) (money.Amount, error) {
	switch {
	case !t.converted():
		return t.Amount, nil
	case t.Source.Minor > 0 && (t.Amount.Minor < 0 || t.Amount.IsZero() && c.leaves):
		return t.Source.Neg()
	}
	return t.Source, nil
}

// aboutDispute reports whether the transaction's object is a dispute.
func (t Transaction) aboutDispute() bool {
	return strings.HasPrefix(t.SourceID, "dp_") || strings.HasPrefix(t.SourceID, "du_")
}

// item names what an open amount rests on: the object if Stripe has one.
func (t Transaction) item() string {
	if t.SourceID != "" {
		return t.SourceID
	}
	return t.ID
}

func (t Transaction) header(kind string, rule Rule, description string) Header {
	return Header{
		OrganizationID: t.OrganizationID,
		Key:            key(kind, t.AccountID, t.ID),
		Rule:           rule,
		Description:    description,
		AccountID:      t.AccountID,
		StripeIDs:      present(t.PaymentIntentID, t.ChargeID, t.SourceID, t.ID),
		DonationID:     t.DonationID,
		OccurredAt:     t.CreatedAt,
	}
}
