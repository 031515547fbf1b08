package domain

import "slices"

// card is the method that exists in every currency.
const card = "card"

// PaymentMethods are how donors can be let pay, in Stripe's words.
func PaymentMethods() []string { return []string{card, "sepa_debit", "bacs_debit"} }

// Methods are those of the wanted methods that the gift can be paid by. A debit exists
// in one currency. Monthly gifts are paid by card: a debit that fails is known days
// after the invoice, and the plan's letters would speak of a card.
func (d Donation) Methods(wanted []string) []string {
	currencies := map[string]string{"sepa_debit": "EUR", "bacs_debit": "GBP"}
	methods := []string{card}
	for _, method := range wanted {
		if d.PlanID == "" && currencies[method] == d.Gift.Currency.Code() && !slices.Contains(methods, method) {
			methods = append(methods, method)
		}
	}
	return methods
}
