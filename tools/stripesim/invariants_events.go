package stripesim

import "fmt"

// promises is what the object of an event must be when it is announced. An event
// that was emitted beside the wrong version breaks its promise.
func promises() map[string]func(object any) bool {
	intent := func(status string) func(any) bool {
		return is(func(p *PaymentIntent) bool { return p.Status == status })
	}
	charge := func(status string) func(any) bool {
		return is(func(ch *Charge) bool { return ch.Status == status })
	}
	payout := func(status string) func(any) bool {
		return is(func(p *Payout) bool { return p.Status == status })
	}
	anyRefund := is(func(*Refund) bool { return true })
	return map[string]func(any) bool{
		"checkout.session.completed": is(func(s *Session) bool { return s.Status == sessionComplete }),
		"checkout.session.expired":   is(func(s *Session) bool { return s.Status == sessionExpired }),
		"checkout.session.async_payment_succeeded": is(func(s *Session) bool {
			return s.Status == sessionComplete && s.PaymentStatus == "paid"
		}),
		"checkout.session.async_payment_failed": is(func(s *Session) bool {
			return s.Status == sessionComplete && s.PaymentStatus == "unpaid"
		}),
		"payment_intent.succeeded":       intent(intentSucceeded),
		"payment_intent.processing":      intent(intentProcessing),
		"payment_intent.canceled":        intent(intentCanceled),
		"payment_intent.requires_action": intent(intentAction),
		"payment_intent.payment_failed":  is(func(p *PaymentIntent) bool { return p.LastError != nil }),
		"charge.succeeded":               charge(chargeSucceeded),
		"charge.pending":                 charge(chargePending),
		"charge.failed":                  charge(chargeFailed),
		"charge.refunded":                is(func(ch *Charge) bool { return ch.AmountRefunded > 0 }),
		"refund.created":                 is(func(r *Refund) bool { return r.stands() }),
		"refund.updated":                 anyRefund,
		"charge.refund.updated":          anyRefund,
		"refund.failed":                  is(func(r *Refund) bool { return r.Status == refundFailed }),
		"charge.dispute.created":         is(func(d *Dispute) bool { return !d.closed() && d.Submissions == 0 }),
		"charge.dispute.updated":         is(func(d *Dispute) bool { return !d.closed() || d.Due == 0 }),
		"charge.dispute.funds_withdrawn": is(func(d *Dispute) bool { return d.holds() && len(d.Transactions) == 1 }),
		"charge.dispute.closed":          is(func(d *Dispute) bool { return d.closed() }),
		"charge.dispute.funds_reinstated": is(func(d *Dispute) bool {
			return d.Status == disputeWon && len(d.Transactions) == 2
		}),
		"payout.created":                    payout(payoutPending),
		"payout.paid":                       payout(payoutPaid),
		"payout.failed":                     payout(payoutFailed),
		"payout.canceled":                   payout(payoutCanceled),
		"payout.reconciliation_completed":   is(func(p *Payout) bool { return p.Reconciled }),
		"radar.early_fraud_warning.created": is(func(*FraudWarning) bool { return true }),
		"radar.early_fraud_warning.updated": is(func(w *FraudWarning) bool { return !w.Actionable }),
		"review.opened":                     is(func(r *Review) bool { return r.ClosedReason == "" }),
		"review.closed":                     is(func(r *Review) bool { return r.ClosedReason != "" }),
	}
}

// is asks of an object that it is of one kind, and more.
func is[T any](ok func(*T) bool) func(any) bool {
	return func(object any) bool {
		one, fits := object.(*T)
		return fits && ok(one)
	}
}

// checkPromises: every event shows the object as it was stored when it happened.
func (st *state) checkPromises() error {
	kept := promises()
	for _, event := range st.events.all() {
		promise := kept[event.Type]
		if promise != nil && !promise(event.object) {
			return fmt.Errorf("%s: %s announces another state of its object", event.ID, event.Type)
		}
	}
	return nil
}
