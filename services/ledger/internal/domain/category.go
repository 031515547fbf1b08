package domain

import "slices"

// category is how balance transactions of one of Stripe's reporting categories
// are booked: the Stripe balance moves by the net, and this is the other side.
type category struct {
	name        string // Stripe's word
	rule        Rule
	description string
	// account takes the amount before fees. Suspense means that only people can
	// say what it was: then all of it waits there, and staff are told.
	account Account
	// fees takes those parts of a fee that are neither tax nor conversion.
	fees Account
	// ofCharge is true for what happens to a charge. If that charge is no gift of
	// ours, its money is in suspense under the charge, and so is this.
	ofCharge bool
	// leaves is true where money leaves. It only matters where a converted amount
	// is too small to be any in the other currency, and so has no sign.
	leaves bool
	// alert is why staff must look at every one; empty when they need not.
	alert string
}

const (
	adjusted = "Stripe adjusted the balance, and only Stripe's own note says why"
	notOurs  = "it is of a product of Stripe that the books know nothing about"
	platform = "it is between accounts, and these are the books of one"
)

// categories are all that Stripe has, but for the one that needs more than a
// line: a charge of a gift only adds to what the gift has booked (bookCharge).
// Whatever Stripe calls otherwise one day is in suspense as well (bookUnknown).
var categories = []category{
	{name: categoryRefund, rule: Rule{"refund_paid", 1}, description: "Refund paid out", account: RefundsPayable, fees: StripeProcessingFees, ofCharge: true, leaves: true},
	{name: "refund_failure", rule: Rule{"refund_returned", 1}, description: "Refund that came back", account: RefundsPayable, fees: StripeProcessingFees, ofCharge: true},
	{name: "dispute", rule: Rule{"dispute", 1}, description: "Money taken back for a dispute", account: Disputed, fees: StripeDisputeFees, ofCharge: true, leaves: true},
	{name: "dispute_reversal", rule: Rule{"dispute_reversal", 1}, description: "Money back from a dispute", account: Disputed, fees: StripeDisputeFees, ofCharge: true},
	{name: categoryFailure, rule: Rule{"charge_failure", 1}, description: "Payment that failed afterwards", account: Suspense, fees: Suspense, ofCharge: true, alert: "a payment failed after its money had come"},
	{name: "partial_capture_reversal", rule: Rule{"partial_capture", 1}, description: "Part of a payment that was not taken", account: Suspense, fees: Suspense, ofCharge: true, alert: "a part of a payment was not taken, and gifts are always taken whole"},

	{name: "payout", rule: Rule{"payout", 1}, description: "Payout to the bank", account: InTransit, fees: StripeOtherFees, leaves: true},
	{name: "payout_reversal", rule: Rule{"payout_reversal", 1}, description: "Payout that came back", account: InTransit, fees: StripeOtherFees, alert: "a payout did not reach the bank"},
	{name: "topup", rule: Rule{"topup", 1}, description: "Top-up of the Stripe balance", account: InTransit, fees: StripeOtherFees},
	{name: "topup_reversal", rule: Rule{"topup_reversal", 1}, description: "Top-up taken back", account: InTransit, fees: StripeOtherFees, leaves: true},

	{name: "fee", rule: Rule{"account_fee", 1}, description: "Fee that Stripe charged the account", account: StripeOtherFees, fees: StripeOtherFees},
	{name: "network_cost", rule: Rule{"network_cost", 1}, description: "Costs of the card networks", account: StripeProcessingFees, fees: StripeProcessingFees},
	{name: "tax", rule: Rule{"fee_tax", 1}, description: "Tax on Stripe's fees", account: TaxOnFees, fees: TaxOnFees},

	{name: "risk_reserved_funds", rule: Rule{"reserve", 1}, description: "Reserve held or released", account: StripeReserve, fees: StripeOtherFees},
	{name: "connect_reserved_funds", rule: Rule{"reserve", 1}, description: "Reserve held or released", account: StripeReserve, fees: StripeOtherFees},

	{name: "other_adjustment", rule: suspenseRule, description: "Adjustment by Stripe", account: Suspense, alert: adjusted},
	{name: "unreconciled_customer_funds", rule: suspenseRule, description: "Bank transfer that Stripe could not match", account: Suspense, alert: "somebody paid by bank transfer, and Stripe does not know for what"},
	{name: "transfer", rule: suspenseRule, description: "Transfer to another account", account: Suspense, alert: platform},
	{name: "transfer_reversal", rule: suspenseRule, description: "Transfer that came back", account: Suspense, alert: platform},
	{name: "platform_earning", rule: suspenseRule, description: "Application fee", account: Suspense, alert: platform},
	{name: "platform_earning_refund", rule: suspenseRule, description: "Application fee given back", account: Suspense, alert: platform},
	{name: "connect_collection_transfer", rule: suspenseRule, description: "Collection from another account", account: Suspense, alert: platform},
	{name: "advance", rule: suspenseRule, description: "Advance", account: Suspense, alert: notOurs},
	{name: "advance_funding", rule: suspenseRule, description: "Funding of an advance", account: Suspense, alert: notOurs},
	{name: "anticipation_repayment", rule: suspenseRule, description: "Repayment of an anticipation", account: Suspense, alert: notOurs},
	{name: "financing_payout", rule: suspenseRule, description: "Loan paid out", account: Suspense, alert: notOurs},
	{name: "financing_payout_reversal", rule: suspenseRule, description: "Loan taken back", account: Suspense, alert: notOurs},
	{name: "financing_paydown", rule: suspenseRule, description: "Loan paid down", account: Suspense, alert: notOurs},
	{name: "financing_paydown_reversal", rule: suspenseRule, description: "Payment on a loan given back", account: Suspense, alert: notOurs},
	{name: "climate_order_purchase", rule: suspenseRule, description: "Climate order", account: Suspense, alert: notOurs},
	{name: "climate_order_refund", rule: suspenseRule, description: "Climate order given back", account: Suspense, alert: notOurs},
	{name: "contribution", rule: suspenseRule, description: "Contribution through Stripe Climate", account: Suspense, alert: notOurs},
	{name: "issuing_authorization_hold", rule: suspenseRule, description: "Hold for an issued card", account: Suspense, alert: notOurs},
	{name: "issuing_authorization_release", rule: suspenseRule, description: "Hold for an issued card released", account: Suspense, alert: notOurs},
	{name: "issuing_dispute", rule: suspenseRule, description: "Dispute of an issued card", account: Suspense, alert: notOurs},
	{name: "issuing_transaction", rule: suspenseRule, description: "Payment with an issued card", account: Suspense, alert: notOurs},
}

// beside is the rule for what happens to a second payment of a gift, and foreign that
// for a charge that is no gift of ours.
func (c category) beside() Rule  { return Rule{Name: "second_" + c.name, Version: 1} }
func (c category) foreign() Rule { return Rule{Name: "foreign_" + c.name, Version: 1} }

// Rules are the names of all that entries are made by, each once.
func Rules() []string {
	known := []Rule{
		giftRule, instalmentRule, refundRule, refundFailedRule, disputeLostRule, feeRule, convertRule, arrivalRule, debitFailedRule,
		foreignRule, foreignFeeRule, suspenseRule, unknownRule,
	}
	for _, c := range categories {
		known = append(known, c.rule)
		if c.ofCharge {
			known = append(known, c.beside(), c.foreign())
		}
	}
	names := make([]string, len(known))
	for i, rule := range known {
		names[i] = rule.Name
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// categoryOf finds how a category is booked.
func categoryOf(name string) (category, bool) {
	for _, c := range categories {
		if c.name == name {
			return c, true
		}
	}
	return category{}, false
}
