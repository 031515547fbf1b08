package stripesim

import (
	"errors"
	"fmt"
	"strings"
)

// CheckInvariants tells whether the stored money adds up: every rule that must
// hold after every transition. It reads all of the state.
func (s *Server) CheckInvariants() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.state
	for _, check := range []func() error{
		st.checkTransactions, st.checkCharges, st.checkIntents, st.checkSessions, st.checkSteps, st.checkRefunds, st.checkDisputes, st.checkPayouts, st.checkPromises, st.checkOrder,
		st.checkInvoices, st.checkItems, st.checkCustomerBalances, st.checkPlans,
		func() error { return st.checkBalances(s.now().Unix()) },
	} {
		err := check()
		if err != nil {
			return err
		}
	}
	return nil
}

func (st *state) checkTransactions() error {
	sources := map[string]string{}
	for _, t := range st.txns.all() {
		if t.Net != t.Amount-t.Fee {
			return fmt.Errorf("%s: net %d is not amount %d less fee %d", t.ID, t.Net, t.Amount, t.Fee)
		}
		if t.Category != "charge" {
			continue // checked with the object that it belongs to
		}
		charge := st.charges.byID[t.Source]
		switch {
		case charge == nil || charge.BalanceTransaction != t.ID:
			return fmt.Errorf("%s: its charge %s does not name it", t.ID, t.Source)
		case sources[t.Source] != "":
			return fmt.Errorf("%s and %s book the same charge", sources[t.Source], t.ID)
		case t.ExchangeRate == "" && (t.Currency != charge.Currency || t.Amount != charge.Amount):
			return fmt.Errorf("%s: differs from its charge without a conversion", t.ID)
		}
		sources[t.Source] = t.ID
	}
	return nil
}

func (st *state) checkCharges() error {
	for _, ch := range st.charges.all() {
		intent := st.intents.byID[ch.PaymentIntent]
		booked := ch.BalanceTransaction != ""
		switch {
		case intent == nil:
			return fmt.Errorf("%s: no payment intent", ch.ID)
		case ch.Amount != intent.Amount || ch.Currency != intent.Currency:
			return fmt.Errorf("%s: amount differs from %s", ch.ID, intent.ID)
		case ch.Status != chargePending && ch.DebitDue != 0, ch.Status == chargePending && ch.DebitDue == 0 && !st.accountOf(ch).endless:
			return fmt.Errorf("%s: status %s, debit due at %d", ch.ID, ch.Status, ch.DebitDue)
		case ch.Status == chargeFailed && (booked != (ch.FailureTransaction != "") || ch.CaptureDue != 0):
			return fmt.Errorf("%s: failed, but has money", ch.ID)
		case ch.Status == chargeSucceeded && booked == (ch.CaptureDue != 0):
			return fmt.Errorf("%s: must be booked or wait for it, not both and not neither", ch.ID)
		case booked && st.txns.byID[ch.BalanceTransaction] == nil:
			return fmt.Errorf("%s: balance transaction %s is missing", ch.ID, ch.BalanceTransaction)
		}
	}
	return nil
}

// accountOf is the test account that a charge debits; none when it is by card.
func (st *state) accountOf(ch *Charge) bankAccount {
	if ch == nil || st.methods.byID[ch.PaymentMethod] == nil {
		return bankAccount{}
	}
	return bankAccountNamed(st.methods.byID[ch.PaymentMethod].Account)
}

func (st *state) checkIntents() error {
	for _, p := range st.intents.all() {
		succeeded := 0
		for _, id := range st.chargesOfIntent[p.ID] {
			if st.charges.byID[id].Status == chargeSucceeded {
				succeeded++
			}
		}
		wanted, received := 0, int64(0)
		if p.Status == intentSucceeded {
			wanted, received = 1, p.Amount
		}
		if succeeded != wanted || p.AmountReceived != received {
			return fmt.Errorf("%s: status %s with %d successful charges and %d received", p.ID, p.Status, succeeded, p.AmountReceived)
		}
	}
	return nil
}

func (st *state) checkSessions() error {
	for _, s := range st.sessions.all() {
		intent := st.intents.byID[s.PaymentIntent]
		paid := intent != nil && intent.Status == intentSucceeded
		left := intent != nil && strings.HasPrefix(intent.LatestCharge, "py_") &&
			!st.accountOf(st.charges.byID[intent.LatestCharge]).blocked
		if (paid || left) != (s.Status == sessionComplete) || paid != (s.PaymentStatus == "paid") {
			return fmt.Errorf("%s: status %s, payment status %s, paid %v", s.ID, s.Status, s.PaymentStatus, paid)
		}
		if intent != nil && (intent.Session != s.ID || intent.Amount != s.AmountTotal || intent.Currency != s.Currency) {
			return fmt.Errorf("%s: differs from its payment intent %s", s.ID, intent.ID)
		}
	}
	return nil
}

// checkOrder: lists are newest first only because objects are kept in the order
// of their creation.
func (st *state) checkOrder() error {
	last := int64(0)
	for _, event := range st.events.all() {
		if event.Created < last {
			return fmt.Errorf("%s: created before the event in front of it", event.ID)
		}
		if event.object == nil {
			return fmt.Errorf("%s: announces nothing", event.ID)
		}
		last = event.Created
	}
	return errors.Join(
		inOrder(&st.sessions, func(o *Session) int64 { return o.Created }),
		inOrder(&st.intents, func(o *PaymentIntent) int64 { return o.Created }),
		inOrder(&st.charges, func(o *Charge) int64 { return o.Created }),
		inOrder(&st.txns, func(o *BalanceTransaction) int64 { return o.Created }),
		inOrder(&st.refunds, func(o *Refund) int64 { return o.Created }),
		inOrder(&st.disputes, func(o *Dispute) int64 { return o.Created }),
		inOrder(&st.payouts, func(o *Payout) int64 { return o.Created }),
		inOrder(&st.warnings, func(o *FraudWarning) int64 { return o.Created }),
		inOrder(&st.reviews, func(o *Review) int64 { return o.Created }),
		inOrder(&st.endpoints, func(o *WebhookEndpoint) int64 { return o.Created }),
		inOrder(&st.customers, func(o *Customer) int64 { return accountTime(o.Created, o.TestClock) }),
		inOrder(&st.plans, func(o *Subscription) int64 { return accountTime(o.Created, o.TestClock) }),
		inOrder(&st.invoices, func(o *Invoice) int64 { return accountTime(o.Created, o.TestClock) }),
	)
}

// accountTime is when an object was created, or zero for one on a test clock, which
// lists leave out.
func accountTime(created int64, clock string) int64 {
	if clock != "" {
		return 0
	}
	return created
}

// inOrder tells whether objects are kept in the order of their creation; a time of
// zero is not looked at.
func inOrder[T any](kept *table[T], created func(*T) int64) error {
	last := int64(0)
	for _, id := range kept.order {
		at := created(kept.byID[id])
		if at != 0 && at < last {
			return fmt.Errorf("%s: created before the object in front of it", id)
		}
		last = max(last, at)
	}
	return nil
}

func (st *state) checkBalances(now int64) error {
	sums, out := st.balances(now), st.paidOut()
	net := map[string]int64{}
	for _, t := range st.txns.byID {
		if !t.paysOut() {
			net[t.Currency] += t.Net
		}
	}
	for currency, total := range net {
		if sums.Available[currency]+sums.Pending[currency]+out[currency] != total {
			return fmt.Errorf("%s: available %d, pending %d and paid out %d are not the net %d",
				currency, sums.Available[currency], sums.Pending[currency], out[currency], total)
		}
	}
	return nil
}
