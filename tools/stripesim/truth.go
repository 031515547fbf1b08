package stripesim

import "maps"

// Truth is everything the account knows about money at one moment, without
// pages or filters: what an audit compares books with.
type Truth struct {
	Account string `json:"account"`
	// Now is the simulated time in unix seconds.
	Now int64 `json:"now"`
	// Balances are in minor units by currency.
	Available           map[string]int64     `json:"available"`
	Pending             map[string]int64     `json:"pending"`
	BalanceTransactions []BalanceTransaction `json:"balance_transactions"`
	Sessions            []Session            `json:"checkout_sessions"`
	PaymentIntents      []PaymentIntent      `json:"payment_intents"`
	Charges             []Charge             `json:"charges"`
	Refunds             []Refund             `json:"refunds"`
	Disputes            []Dispute            `json:"disputes"`
	Payouts             []Payout             `json:"payouts"`
	FraudWarnings       []FraudWarning       `json:"early_fraud_warnings"`
	Reviews             []Review             `json:"reviews"`
	// PaidOut is what payouts took from the balance, less what came back.
	PaidOut map[string]int64 `json:"paid_out"`
	// Contents are the balance transactions of each automatic payout.
	Contents      map[string][]string `json:"payout_contents"`
	Customers     []Customer          `json:"customers"`
	Subscriptions []Subscription      `json:"subscriptions"`
	Invoices      []Invoice           `json:"invoices"`
	InvoiceItems  []InvoiceItem       `json:"invoice_items"`
	// Undelivered counts deliveries that wait for an answer or for their turn.
	Undelivered int `json:"undelivered"`
}

// Truth reads all of it at one moment, in the order of creation.
func (s *Server) Truth() Truth {
	err := s.refresh()
	if err != nil {
		s.log.Error("bring state up to date", "error", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := s.now().Unix()
	sums := s.state.balances(now)
	return Truth{
		Account: s.state.init.Account, Now: now, Available: maps.Clone(sums.Available), Pending: maps.Clone(sums.Pending),
		BalanceTransactions: copies(&s.state.txns), Sessions: copies(&s.state.sessions),
		PaymentIntents: copies(&s.state.intents), Charges: copies(&s.state.charges),
		Refunds: copies(&s.state.refunds), Disputes: copies(&s.state.disputes), Payouts: copies(&s.state.payouts),
		FraudWarnings: copies(&s.state.warnings), Reviews: copies(&s.state.reviews),
		PaidOut: s.state.paidOut(), Contents: maps.Clone(s.state.contents),
		Customers: copies(&s.state.customers), Subscriptions: copies(&s.state.plans), Invoices: copies(&s.state.invoices),
		InvoiceItems: copies(&s.state.items),
		Undelivered:  s.undelivered(),
	}
}

func copies[T any](t *table[T]) []T {
	out := make([]T, 0, len(t.order))
	for _, id := range t.order {
		out = append(out, *t.byID[id])
	}
	return out
}

func (s *Server) undelivered() int {
	count := 0
	for _, event := range s.state.events.byID {
		for _, d := range event.deliveries {
			if d.state == deliveryPending {
				count++
			}
		}
	}
	return count
}
