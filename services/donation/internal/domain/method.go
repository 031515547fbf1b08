package domain

import (
	"slices"
	"strings"

	"github.com/almoner/almoner/services/internal/money"
)

// card is the method that exists in every currency.
const card = "card"

// PaymentMethods are how donors can be let pay, in Stripe's words.
func PaymentMethods() []string { return []string{card, "sepa_debit", "bacs_debit", "us_bank_account"} }

// Methods are those of the wanted methods that the gift can be paid by. A debit exists
// in one currency. Monthly gifts are paid by card: a debit that fails is known days
// after the invoice, and the plan's letters would speak of a card.
func (d Donation) Methods(wanted []string) []string {
	currencies := map[string]string{"sepa_debit": "EUR", "bacs_debit": "GBP", "us_bank_account": "USD"}
	methods := []string{card}
	for _, method := range wanted {
		if d.PlanID == "" && currencies[method] == d.Gift.Currency.Code() && !slices.Contains(methods, method) {
			methods = append(methods, method)
		}
	}
	return methods
}

// Delayed reports whether a charge was made by a method that takes days, or may have
// been, given the methods that its payment could be made by. Its money may be on the
// account before it succeeds, so it is booked otherwise, and what decides on that must
// say the same of the payment and of its balance transaction, in whatever order they
// are heard of: what was offered is fixed before anybody pays. That charges of cards
// are named as they are spares those the way round; should Stripe name them otherwise
// one day, they take it, and the books are as right.
func Delayed(delayable bool, chargeID string) bool {
	return delayable && !strings.HasPrefix(chargeID, "ch_")
}

// Card reports whether Stripe's word for a method is that of cards.
func Card(method string) bool { return method == card }

// Awaits reports whether a payment of so much that is still on its way, or has failed,
// is for this gift.
func (d Donation) Awaits(amount money.Amount) bool {
	total, err := d.Total()
	return err == nil && total == amount
}

// Beside reports whether a payment that succeeded is for this gift and came beside the
// one that made it succeed.
func (d Donation) Beside(p Payment) bool {
	return d.State == Succeeded && d.PaymentIntentID != p.ID && p.Status == PaymentSucceeded && d.Awaits(p.Received)
}
