package domain

import (
	"fmt"
	"strings"
)

var suspenseRule = Rule{Name: "suspense", Version: 1}

// debitFailedRule takes back what an arrival brought. What Stripe keeps of the fee, or
// takes for the failure, is what it costs; what it gives back comes off that.
var debitFailedRule = Rule{Name: "debit_failed", Version: 1}

// bookMovement books a transaction as its category says, in one entry with the
// fee that is inside it. An amount that was converted moves its account in the
// object's own currency: what is owed or disputed was never the settled amount,
// and only so does it come back to zero.
func bookMovement(t Transaction, c category) ([]Draft, error) {
	dimensions := t.Attribution.dimensions()
	account, fees, item := c.account, c.fees, ""
	rule, description, alert := c.rule, c.description, c.alert
	switch {
	case c.ofCharge && t.beside():
		account, rule = UnderWay, c.beside()
		description += ", of a second payment of a gift"
		if fees == Suspense {
			fees = StripeProcessingFees
		}
		if alert == "" && c.name != categoryRefund {
			// Giving it back is what staff were asked to do; nobody asked for the rest.
			alert = "it is about a second payment of a gift"
		}
	case c.ofCharge && !t.ours():
		account, fees, dimensions = Suspense, Suspense, Dimensions{}
		rule = c.foreign()
		description += ", of a charge that is no gift of ours"
		if alert == "" {
			alert = "it is about a charge that belongs to no gift"
		}
	case c.name == categoryFailure && t.Delayed:
		// That a debit fails is usual, and nobody has to look at it.
		account, fees, rule, alert = UnderWay, StripeProcessingFees, debitFailedRule, ""
		description = "Payment that the bank refused"
	case account == StripeOtherFees && t.aboutDispute():
		// What Stripe charges for answering a dispute comes as a fee by itself.
		account, fees = StripeDisputeFees, StripeDisputeFees
	}
	if account.clearsByItem() {
		item = t.item()
		if (account == Suspense || account == UnderWay) && t.ChargeID != "" {
			item = t.ChargeID
		}
	}
	object, err := t.ofObject(c)
	if err != nil {
		return nil, err
	}
	var l lines
	if t.converted() {
		l.debit(Trading, object, dimensions)
		l.credit(Trading, t.Amount, dimensions)
	}
	l.post(account, l.opposite(object), dimensions, item)
	unexplained, err := l.fee(t, fees, item, dimensions)
	if err != nil {
		return nil, err
	}
	l.debit(StripeBalance, t.Net, dimensions)
	if len(l.postings) == 0 {
		return nil, nil
	}
	draft, err := l.draft(t.header("txn", rule, description))
	if err != nil {
		return nil, err
	}
	if alert == "" {
		alert = unexplained
	}
	return []Draft{draft.alerting(alert)}, nil
}

// bookSuspended books what only people can explain: the whole net waits in
// suspense, in the currency that moved. Its fee is not split off, for nothing
// says whose fee it is.
func bookSuspended(t Transaction, rule Rule, description, alert string) ([]Draft, error) {
	if t.Net.IsZero() {
		return nil, nil
	}
	var move lines
	move.debit(StripeBalance, t.Net, Dimensions{})
	move.post(Suspense, move.opposite(t.Net), Dimensions{}, t.item())
	draft, err := move.draft(t.header("txn", rule, description))
	if err != nil {
		return nil, err
	}
	return []Draft{draft.alerting(alert)}, nil
}

// fee debits what Stripe kept, split as its details do, and says what they leave
// unexplained. That part is a fee all the same: the total is what left the
// balance. In suspense it waits with the money that it was taken from.
func (l *lines) fee(t Transaction, usual Account, item string, dimensions Dimensions) (unexplained string, err error) {
	if usual == Suspense {
		l.post(Suspense, t.Fee, dimensions, item)
		return "", nil
	}
	rest := t.Fee
	for _, detail := range t.FeeDetails {
		rest, err = rest.Sub(detail.Amount)
		if err != nil {
			return "", fmt.Errorf("fee details: %w", err)
		}
		l.debit(feeAccount(detail, usual), detail.Amount, dimensions)
	}
	l.debit(usual, rest, dimensions)
	if len(t.FeeDetails) > 0 && !rest.IsZero() {
		return fmt.Sprintf("fee details leave %s unexplained", rest), nil
	}
	return "", nil
}

// feeAccount classifies a part of a fee. Stripe types its conversion fee as any
// other fee of its own; only the description tells.
func feeAccount(detail FeeDetail, usual Account) Account {
	switch {
	case detail.Type == "tax":
		return TaxOnFees
	case strings.Contains(strings.ToLower(detail.Description), "conversion"):
		return CurrencyConversionFee
	default:
		return usual
	}
}
