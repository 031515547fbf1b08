package stripesim

import (
	"maps"
	"math/big"
	"strings"
)

// Refund gives money of one charge back.
type Refund struct {
	ID                 string            `json:"id"`
	Created            int64             `json:"created"`
	Amount             int64             `json:"amount"`
	Currency           string            `json:"currency"`
	Charge             string            `json:"charge"`
	PaymentIntent      string            `json:"payment_intent,omitempty"`
	Reason             string            `json:"reason,omitempty"`
	Status             string            `json:"status"`
	BalanceTransaction string            `json:"balance_transaction,omitempty"`
	FailureTransaction string            `json:"failure_balance_transaction,omitempty"`
	FailureReason      string            `json:"failure_reason,omitempty"`
	Metadata           map[string]string `json:"metadata"`
	// Due is when its next step happens by itself, in unix seconds; zero when
	// there is none. What the step is follows from the status.
	Due int64 `json:"due,omitempty"`
}

const (
	refundPending   = "pending"
	refundSucceeded = "succeeded"
	refundFailed    = "failed"
	refundCanceled  = "canceled"
	refundAction    = "requires_action"

	// What a test card does to its refunds.
	refundSlow  = "slow"
	refundFails = "fails"
)

// refundDelay is how long after the request a test card's refund takes its
// second step.
const refundDelay = 6

// legalRefund is what may follow what. Stripe takes back a success: the bank of
// the donor may refuse the money days later.
func legalRefund() map[string]string {
	return map[string]string{
		"":              " pending requires_action succeeded ",
		refundPending:   " succeeded failed canceled ",
		refundAction:    " succeeded failed canceled ",
		refundSucceeded: " failed ",
	}
}

// stands tells whether the refund counts against its charge.
func (r *Refund) stands() bool { return r.Status != refundFailed && r.Status != refundCanceled }

// makeRefund gives money back. The caller has checked that there is a charge; an
// amount of zero means all that is left.
func (t *tx) makeRefund(charge *Charge, amount int64, reason string, metadata map[string]string) (*Refund, *apiError) {
	failure := refundable(t, charge)
	if failure != nil {
		return nil, failure
	}
	left := charge.Amount - charge.AmountRefunded
	if amount == 0 {
		amount = left
	}
	if amount > left {
		return nil, executedError(badRequest("", "amount", "Refund amount (%s) is greater than unrefunded amount on charge (%s)",
			shownAmount(amount, charge.Currency), shownAmount(left, charge.Currency)))
	}
	if amount%step(charge.Currency) != 0 {
		return nil, badRequest("parameter_invalid_integer", "amount",
			"Invalid amount: amounts in %s must be divisible by %d.", strings.ToUpper(charge.Currency), step(charge.Currency))
	}
	refund := Refund{
		ID: t.newID(refundKind(charge)), Created: t.now.Unix(), Amount: amount, Currency: charge.Currency, Charge: charge.ID,
		PaymentIntent: charge.PaymentIntent, Reason: reason, Status: refundSucceeded, Metadata: metadataOf(metadata),
	}
	switch cardNamed(t.method(charge.PaymentMethod).Card).refund {
	case refundSlow:
		refund.Status, refund.Due = refundPending, t.now.Unix()+refundDelay
	case refundFails:
		refund.Due = t.now.Unix() + refundDelay
	}
	refund.BalanceTransaction = t.bookRefund(charge, &refund).ID
	made := t.putRefund(refund)
	t.emit("refund.created", nil)
	t.countRefund(charge, amount, reason)
	if made.Status == refundSucceeded {
		t.putRefund(refund)
		t.emit("refund.updated", nil)
		t.emit("charge.refund.updated", nil)
	}
	t.refundedInFull(t.charge(charge.ID))
	return t.refund(refund.ID), nil
}

// refundable tells why nothing of a charge can be refunded.
func refundable(t *tx, charge *Charge) *apiError {
	switch {
	case charge.Status != chargeSucceeded:
		return executedError(badRequest("charge_not_refundable", "", "Charge %s has not been paid and cannot be refunded.", charge.ID))
	case charge.AmountRefunded == charge.Amount:
		return executedError(badRequest("charge_already_refunded", "", "Charge %s has already been refunded.", charge.ID))
	}
	for _, d := range t.disputesOn(charge.ID) {
		if d.holds() {
			return executedError(badRequest("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", charge.ID))
		}
	}
	return nil
}

// executedError marks a refusal that came out of the state of things: Stripe
// keeps it under the idempotency key.
func executedError(e *apiError) *apiError {
	e.executed = true
	return e
}

// shownAmount is an amount as Stripe's messages write it.
func shownAmount(amount int64, currency string) string {
	signs := map[string]string{"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
	sign, known := signs[currency]
	if !known {
		return majorUnits(amount, currency) + " " + strings.ToUpper(currency)
	}
	return sign + majorUnits(amount, currency)
}

func refundKind(charge *Charge) string {
	if strings.HasPrefix(charge.ID, "py_") {
		return "debit_refund"
	}
	return "refund"
}

// countRefund writes the refund on its charge.
func (t *tx) countRefund(charge *Charge, amount int64, reason string) {
	previous := map[string]any{"amount_refunded": charge.AmountRefunded}
	next := *charge
	next.AmountRefunded += amount
	if next.AmountRefunded == next.Amount {
		previous["refunded"] = false
	}
	if reason == "fraudulent" && charge.FraudReport == "" {
		previous["fraud_details"] = map[string]any{"user_report": nil}
		next.FraudReport = reason
	}
	t.putCharge(next)
	t.emit("charge.refunded", previous)
}

// bookRefund takes the refund from the balance at once, as Stripe does, also
// when the charge's own money is still pending. The fee stays with Stripe.
func (t *tx) bookRefund(charge *Charge, refund *Refund) *BalanceTransaction {
	amount, currency, rate := t.settle(charge, refund.Amount)
	kind := "refund"
	if strings.HasPrefix(charge.ID, "py_") {
		kind = "payment_refund"
	}
	description := "REFUND FOR CHARGE"
	if charge.Description != "" {
		description += " (" + charge.Description + ")"
	}
	return t.putTransaction(BalanceTransaction{
		ID: t.newID("txn"), Created: t.now.Unix(), AvailableOn: t.now.Unix(), Amount: -amount, Net: -amount,
		Currency: currency, ExchangeRate: rate, Type: kind, Category: "refund", Source: refund.ID, Description: description,
	})
}

// settle converts an amount of a charge into the currency that the charge
// settled in, at the rate of now if there is one for that pair.
func (t *tx) settle(charge *Charge, amount int64) (int64, string, string) {
	rate, converts := t.s.knobs.settlement(charge.Currency)
	booked := t.transaction(charge.BalanceTransaction)
	if booked != nil {
		converts = booked.ExchangeRate != ""
		if converts && rate.To != booked.Currency {
			rate = Settlement{To: booked.Currency, RateMicros: rateMicros(booked.ExchangeRate)}
		}
	}
	if !converts {
		return amount, charge.Currency, ""
	}
	settled, shown := rate.convert(amount, charge.Currency)
	return settled, rate.To, shown
}

// rateMicros reads a rate back that convert has written.
func rateMicros(shown string) int64 {
	rate, ok := new(big.Rat).SetString(shown)
	if !ok {
		return 0
	}
	rate.Mul(rate, big.NewRat(1_000_000, 1))
	return new(big.Int).Quo(rate.Num(), rate.Denom()).Int64()
}

// refundDue takes the step that a refund was waiting for.
func (t *tx) refundDue(due timer) {
	refund := t.refund(due.id)
	if refund == nil || refund.Due != due.at {
		return
	}
	if refund.Status == refundSucceeded {
		t.failRefund(refund, "expired_or_canceled_card")
		return
	}
	next := *refund
	next.Status, next.Due = refundSucceeded, 0
	t.putRefund(next)
	t.emit("refund.updated", map[string]any{"status": refundPending})
	t.emit("charge.refund.updated", map[string]any{"status": refundPending})
}

// failRefund brings the money back to the balance and the charge. Stripe was
// seen to announce it by refund.failed and charge.refund.updated alone.
func (t *tx) failRefund(refund *Refund, reason string) *Refund {
	previous := map[string]any{"status": refund.Status}
	taken := t.transaction(refund.BalanceTransaction)
	back := *taken
	back.ID, back.Created, back.AvailableOn = t.newID("txn"), t.now.Unix(), t.now.Unix()
	back.Amount, back.Net, back.Type, back.Category = -taken.Amount, -taken.Net, "refund_failure", "refund_failure"
	back.Description = strings.Replace(taken.Description, "REFUND FOR", "REFUND FAILURE FOR", 1)
	t.putTransaction(back)
	next := *refund
	next.Status, next.Due, next.FailureReason, next.FailureTransaction = refundFailed, 0, reason, back.ID
	charge := *t.charge(refund.Charge)
	charge.AmountRefunded -= refund.Amount
	t.putCharge(charge)
	failed := t.putRefund(next)
	if t.s.knobs.refundFailedEvent() {
		t.emit("refund.failed", previous)
	}
	t.emit("charge.refund.updated", maps.Clone(previous))
	return failed
}
