package stripesim

import "maps"

// Statuses of Stripe that this surface uses.
const (
	sessionOpen     = "open"
	sessionComplete = "complete"
	sessionExpired  = "expired"

	intentNeedsMethod = "requires_payment_method"
	intentAction      = "requires_action"
	intentSucceeded   = "succeeded"
	intentCanceled    = "canceled"

	chargeSucceeded = "succeeded"
	chargeFailed    = "failed"

	captureAutomatic = "automatic"
	captureAsync     = "automatic_async"
)

// asyncCaptureDelay is how long after the charge its balance transaction comes
// when capture is asynchronous.
const asyncCaptureDelay = 3

// payment is what the donor entered: a known card, checked dates, an address.
type payment struct {
	card     card
	expMonth int
	expYear  int
	billing  Billing
	// account is in place of the card when a bank is debited.
	account bankAccount
	answers answers
}

// confirm tries to pay an open session. Events come in the order in which Stripe
// is seen to make them; the payment intent is made at the first try and kept.
func (t *tx) confirm(id string, pay payment) *PaymentIntent {
	session := t.answer(t.session(id), pay.answers)
	intent := t.intent(session.PaymentIntent)
	if intent == nil {
		intent = t.startIntent(session)
		linked := *session
		linked.PaymentIntent = intent.ID
		t.putSession(linked)
	}
	method := t.newMethod(pay)
	if pay.account.name != "" {
		return t.debit(intent, method, pay.account)
	}
	if pay.card.secure == secureChallenge || pay.card.code != "" {
		intent = t.announce(intent)
	}
	if pay.card.secure == secureChallenge {
		next := *intent
		next.Status, next.PaymentMethod, next.LastError = intentAction, method.ID, nil
		intent = t.putIntent(next)
		t.emit("payment_intent.requires_action", nil)
		return intent
	}
	flow := ""
	if pay.card.secure == secureFrictionless {
		flow = "frictionless"
	}
	return t.attempt(intent, method, flow)
}

func (t *tx) startIntent(session *Session) *PaymentIntent {
	if session.Mode == modeSubscription {
		return t.startPlanIntent(session)
	}
	asked := session.Intent
	intent := PaymentIntent{
		ID: t.newID("payment_intent"), Created: t.now.Unix(), Amount: session.AmountTotal, Currency: session.Currency,
		Status: intentNeedsMethod, CaptureMethod: captureAutomatic, Description: asked.Description,
		ReceiptEmail: asked.ReceiptEmail, StatementDescriptor: asked.StatementDescriptor,
		StatementSuffix: asked.StatementSuffix, Metadata: asked.Metadata, Session: session.ID, Methods: session.Methods,
		Customer: session.CustomerID, FutureUsage: asked.FutureUsage,
	}
	if asked.CaptureMethod != "" {
		intent.CaptureMethod = asked.CaptureMethod
	}
	return t.createIntent(intent)
}

func (t *tx) createIntent(intent PaymentIntent) *PaymentIntent {
	intent.ClientSecret = intent.ID + "_secret_" + token(t.s.state.init.Seed, "client", t.rec.IDs, 25)
	created := t.putIntent(intent)
	t.emit("payment_intent.created", nil)
	return created
}

func (t *tx) newMethod(pay payment) *PaymentMethod {
	return t.putMethod(PaymentMethod{
		ID: t.newID("payment_method"), Created: t.now.Unix(), Card: pay.card.name, Account: pay.account.name,
		ExpMonth: pay.expMonth, ExpYear: pay.expYear, Billing: pay.billing,
	})
}

// attempt charges the card: the bank says yes or no.
func (t *tx) attempt(intent *PaymentIntent, method *PaymentMethod, flow string) *PaymentIntent {
	return t.attemptAs(intent, method, flow, cardNamed(method.Card))
}

// attemptAs charges as if the bank treated the card like another.
func (t *tx) attemptAs(intent *PaymentIntent, method *PaymentMethod, flow string, c card) *PaymentIntent {
	charge := Charge{
		ID: t.newID("charge"), Created: t.now.Unix(), Amount: intent.Amount, Currency: intent.Currency,
		PaymentIntent: intent.ID, PaymentMethod: method.ID, ThreeDSecure: flow, Description: intent.Description,
		ReceiptEmail: intent.ReceiptEmail, StatementDescriptor: intent.StatementDescriptor,
		StatementSuffix: intent.StatementSuffix, Metadata: maps.Clone(intent.Metadata),
		Customer: intent.Customer, Invoice: intent.Invoice,
	}
	if c.code != "" {
		return t.declined(intent, method, charge, c)
	}
	if c.risk == "elevated" {
		watched := *intent
		charge.Review = t.newID("review")
		watched.Review = charge.Review
		intent = &watched
	}
	paid := t.paid(intent, method, charge, c)
	t.afterPayment(t.charge(charge.ID), c)
	return paid
}

func (t *tx) declined(intent *PaymentIntent, method *PaymentMethod, charge Charge, c card) *PaymentIntent {
	charge.Status, charge.FailureCode = chargeFailed, c.code
	charge.FailureMessage, charge.DeclineCode = c.message, c.declineCode
	t.putCharge(charge)
	t.emit("charge.failed", nil)
	next := *intent
	next.Status, next.PaymentMethod, next.LatestCharge = intentNeedsMethod, "", charge.ID
	next.LastError = &PaymentError{
		Code: c.code, DeclineCode: c.declineCode, Message: c.message, Charge: charge.ID, PaymentMethod: method.ID,
	}
	if c.code == "incorrect_cvc" {
		next.LastError.Param = "cvc"
	}
	failed := t.putIntent(next)
	t.emit("payment_intent.payment_failed", nil)
	return failed
}

func (t *tx) paid(intent *PaymentIntent, method *PaymentMethod, charge Charge, c card) *PaymentIntent {
	intent = t.nameInvoice(t.nameCustomer(intent, method), method)
	charge.Customer, charge.Invoice = intent.Customer, intent.Invoice
	charge.Status = chargeSucceeded
	if intent.CaptureMethod == captureAsync || t.s.knobs.hit("async_capture", "charge.succeeded", charge.ID) {
		charge.CaptureDue = t.now.Unix() + asyncCaptureDelay
	} else {
		charge.BalanceTransaction = t.book(&charge, c).ID
	}
	t.putCharge(charge)
	t.emit("charge.succeeded", nil)
	t.keep(intent, method, &charge)
	intent = t.startPlan(intent, method, &charge)
	next := *intent
	next.Status, next.PaymentMethod, next.LatestCharge = intentSucceeded, method.ID, charge.ID
	next.AmountReceived, next.LastError = next.Amount, nil
	intent = t.putIntent(next)
	t.emit("payment_intent.succeeded", nil)
	session := t.session(intent.Session)
	if session == nil {
		return intent
	}
	done := *session
	done.Status, done.PaymentStatus, done.CustomerID = sessionComplete, "paid", intent.Customer
	billing := method.Billing
	done.Customer = &billing
	t.putSession(done)
	t.emit("checkout.session.completed", nil)
	return intent
}

// book makes the balance transaction of a charge: the money, less the fee.
func (t *tx) book(charge *Charge, c card) *BalanceTransaction {
	out := BalanceTransaction{
		ID: t.newID("txn"), Created: t.now.Unix(), Amount: charge.Amount, Currency: charge.Currency,
		Type: "charge", Category: "charge", Source: charge.ID, Description: charge.Description,
	}
	rate, converts := t.s.knobs.settlement(charge.Currency)
	if converts {
		out.Amount, out.ExchangeRate = rate.convert(charge.Amount, charge.Currency)
		out.Currency = rate.To
	}
	out.Fee = fee(out.Amount, out.Currency, c.country)
	out.Net = out.Amount - out.Fee
	out.AvailableOn = out.Created
	if !c.instant {
		out.AvailableOn += availableAfter(t.s.state.init.Seed, out.ID) * 86_400
	}
	return t.putTransaction(out)
}

// captureLate brings the balance transaction that asynchronous capture withheld.
func (t *tx) captureLate(id string) {
	charge := t.charge(id)
	if charge == nil || charge.CaptureDue == 0 {
		return
	}
	next := *charge
	next.CaptureDue = 0
	next.BalanceTransaction = t.book(&next, cardNamed(t.method(next.PaymentMethod).Card)).ID
	t.putCharge(next)
	t.emit("charge.updated", map[string]any{"balance_transaction": nil})
}

// authenticate ends a 3-D Secure question.
func (t *tx) authenticate(intent *PaymentIntent, confirmed bool) *PaymentIntent {
	method := t.method(intent.PaymentMethod)
	if confirmed {
		return t.attempt(intent, method, "challenge")
	}
	next := *intent
	next.Status, next.PaymentMethod = intentNeedsMethod, ""
	next.LastError = &PaymentError{
		Code: "payment_intent_authentication_failure", Message: msgAuthFailed, PaymentMethod: method.ID,
	}
	failed := t.putIntent(next)
	t.emit("payment_intent.payment_failed", nil)
	return failed
}

// expireBy ends a session whose time is over, if it is still open.
func (t *tx) expireBy(id string) {
	session := t.session(id)
	if session != nil && session.Status == sessionOpen {
		t.expire(session)
	}
}

// expire ends an open session; a payment that was begun can no longer succeed.
func (t *tx) expire(session *Session) *Session {
	intent := t.intent(session.PaymentIntent)
	if intent != nil {
		next := *intent
		next.Status, next.CanceledAt = intentCanceled, t.now.Unix()
		t.putIntent(next)
		t.emit("payment_intent.canceled", nil)
	}
	next := *session
	next.Status = sessionExpired
	if next.Recoverable {
		next.RecoverUntil = t.now.Unix() + recoveryDays*86_400
	}
	out := t.putSession(next)
	t.emit("checkout.session.expired", nil)
	return out
}
