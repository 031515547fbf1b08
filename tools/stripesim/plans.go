package stripesim

import "maps"

// Statuses of Stripe that plans and invoices take here. The status paused needs
// a trial, which is not offered.
const (
	planIncomplete = "incomplete"
	planExpired    = "incomplete_expired"
	planActive     = "active"
	planPastDue    = "past_due"
	planUnpaid     = "unpaid"
	planCanceled   = "canceled"

	invoiceDraft         = "draft"
	invoiceOpen          = "open"
	invoicePaid          = "paid"
	invoiceVoid          = "void"
	invoiceUncollectible = "uncollectible"

	reasonCreate = "subscription_create"
	reasonCycle  = "subscription_cycle"
	reasonUpdate = "subscription_update"

	reasonRequested = "cancellation_requested"
	reasonFailed    = "payment_failed"

	modeSubscription = "subscription"
)

// incompleteFor is how long a plan waits for its first payment.
const incompleteFor = 23 * 3600

// ended tells whether nothing more will be charged, ever.
func (s *Subscription) ended() bool { return s.Status == planCanceled || s.Status == planExpired }

// due is when time alone changes the plan.
func (s *Subscription) due() int64 {
	switch s.Status {
	case planCanceled, planExpired:
		return 0
	case planIncomplete:
		return s.Created + incompleteFor
	}
	at := s.PeriodEnd
	if s.CancelAt != 0 {
		at = min(at, s.CancelAt)
	}
	if s.Pause != nil && s.Pause.ResumesAt != 0 {
		at = min(at, s.Pause.ResumesAt)
	}
	return at
}

// planDue does what time has brought to a plan: it resumes, ends or renews.
func (t *tx) planDue(id string, at int64) {
	plan := t.plan(id)
	if plan == nil || plan.DueAt != at {
		return
	}
	switch {
	case plan.Status == planIncomplete:
		t.expirePlan(plan)
	case plan.Pause != nil && plan.Pause.ResumesAt == at:
		next := *plan
		next.Pause = nil
		t.changePlan(plan, next)
	case plan.CancelAt == at || (plan.CancelAtPeriodEnd && plan.PeriodEnd == at):
		t.lastInvoice(plan)
		t.cancelPlan(t.plan(id), plan.CancelReason)
	default:
		t.renew(plan)
	}
}

// changePlan stores a new version and announces what it was before.
func (t *tx) changePlan(old *Subscription, next Subscription) {
	out := t.putPlan(next)
	previous := differences(renderPlan(t, old), renderPlan(t, out))
	if len(previous) > 0 {
		t.emit("customer.subscription.updated", previous)
	}
}

// renew begins the next period and drafts its invoice.
func (t *tx) renew(plan *Subscription) *Invoice {
	return t.bill(plan, plan.renewed())
}

// renewed is the plan in its next period.
func (s *Subscription) renewed() Subscription {
	next := *s
	next.Cycle++
	next.PeriodStart, next.PeriodEnd = s.PeriodEnd, s.Recurring.boundary(s.Anchor, next.Cycle+1)
	return next
}

// cycleDraft is the invoice of a period that has just begun. What was used up is
// the period before: that is the invoice's own, its lines have the new one.
func (t *tx) cycleDraft(old, next *Subscription) Invoice {
	out := t.blank(next, reasonCycle)
	out.PeriodStart, out.PeriodEnd = old.PeriodStart, next.PeriodStart
	if next.forgoes() {
		out.StartingBalance = 0
	} else {
		t.takeUp(&out)
	}
	out.Lines = append(out.Lines, t.periodLines(next)...)
	out.sum()
	return out
}

// forgoes tells whether the plan's renewals are given up as they come. They leave
// the customer's balance alone, and what waits goes on waiting.
func (s *Subscription) forgoes() bool {
	return s.Pause != nil && s.Pause.Behavior != "keep_as_draft"
}

// bill drafts the invoice of a period that has just begun.
func (t *tx) bill(old *Subscription, next Subscription) *Invoice {
	draft := t.cycleDraft(old, &next)
	if next.Status == planUnpaid || next.Pause != nil && !next.forgoes() {
		draft.AutoAdvance, draft.FinalizeAt = false, 0
	}
	invoice := t.putInvoice(draft)
	t.emit("invoice.created", nil)
	next.LatestInvoice = invoice.ID
	t.changePlan(old, next)
	if !next.forgoes() {
		return invoice
	}
	// Credit that paid this invoice would be lost to the customer.
	final := t.numbered(*invoice)
	final.AutoAdvance = false
	invoice = t.opened(final)
	if invoice.Status != invoiceOpen {
		return invoice
	}
	if next.Pause.Behavior == "void" {
		return t.voidInvoice(invoice)
	}
	return t.writeOff(invoice)
}

// cancelPlan ends a plan. Nothing that is still open is tried again by itself.
func (t *tx) cancelPlan(plan *Subscription, reason string) *Subscription {
	next := *plan
	next.Status, next.EndedAt, next.CancelReason = planCanceled, t.at(plan.TestClock), reason
	if next.CanceledAt == 0 {
		next.CanceledAt = next.EndedAt
	}
	out := t.putPlan(next)
	t.emit("customer.subscription.deleted", nil)
	t.forgetWaiting(plan.ID)
	t.stopCollecting(plan.ID)
	return out
}

func (t *tx) stopCollecting(plan string) {
	for _, invoice := range t.invoicesOf(plan) {
		if !invoice.AutoAdvance || (invoice.Status != invoiceOpen && invoice.Status != invoiceDraft) {
			continue
		}
		next := *invoice
		next.AutoAdvance, next.NextAttempt, next.FinalizeAt = false, 0, 0
		t.changeInvoice(invoice, next)
	}
}

// expirePlan gives up on a plan whose first payment never came.
func (t *tx) expirePlan(plan *Subscription) {
	next := *plan
	next.Status, next.EndedAt = planExpired, t.at(plan.TestClock)
	t.changePlan(plan, next)
	invoice := t.invoice(plan.LatestInvoice)
	if invoice != nil && invoice.Status == invoiceOpen {
		t.voidInvoice(invoice)
	}
}

// setStatus follows the latest invoice: only that one decides.
func (t *tx) setStatus(invoice *Invoice, status string) {
	plan := t.plan(invoice.Subscription)
	if plan == nil || plan.ended() || plan.LatestInvoice != invoice.ID || plan.Status == status {
		return
	}
	next := *plan
	next.Status = status
	t.changePlan(plan, next)
}

// newPlan is a plan that begins now and is not stored yet.
func (t *tx) newPlan(customer *Customer, currency string, every Recurring) Subscription {
	now := t.at(customer.TestClock)
	return Subscription{
		ID: t.newID("plan"), Created: now, Customer: customer.ID, Status: planIncomplete, Currency: currency,
		Recurring: every, Metadata: map[string]string{}, Anchor: now, PeriodStart: now,
		PeriodEnd: every.boundary(now, 1), TestClock: customer.TestClock,
	}
}

// startPlanIntent is the payment that a checkout in subscription mode tries. It
// shows no metadata: Stripe gives it none. Its creation is announced late when
// the first card succeeds, as is seen at Stripe.
func (t *tx) startPlanIntent(session *Session) *PaymentIntent {
	intent := PaymentIntent{
		ID: t.newID("payment_intent"), Created: t.now.Unix(), Amount: session.AmountTotal, Currency: session.Currency,
		Status: intentNeedsMethod, CaptureMethod: captureAutomatic, Description: "Subscription creation",
		FutureUsage: usageOffSession, Customer: session.CustomerID, Session: session.ID, Unannounced: true,
	}
	intent.ClientSecret = intent.ID + "_secret_" + token(t.s.state.init.Seed, "client", t.rec.IDs, 25)
	return t.putIntent(intent)
}

func (t *tx) announce(intent *PaymentIntent) *PaymentIntent {
	if !intent.Unannounced {
		return intent
	}
	next := *intent
	next.Unannounced = false
	out := t.putIntent(next)
	t.emit("payment_intent.created", nil)
	return out
}

// planSession is the checkout in subscription mode that a payment belongs to.
func (t *tx) planSession(intent *PaymentIntent) *Session {
	session := t.session(intent.Session)
	if session == nil || session.Mode != modeSubscription {
		return nil
	}
	return session
}

// nameInvoice gives the payment of a new plan its customer and the id of the
// invoice to come: the charge is announced before the invoice is.
func (t *tx) nameInvoice(intent *PaymentIntent, method *PaymentMethod) *PaymentIntent {
	session := t.planSession(intent)
	if session == nil {
		return intent
	}
	next := *intent
	next.Invoice, next.Customer = t.newID("invoice"), session.CustomerID
	if next.Customer == "" {
		next.Customer = t.donorOf(method).ID
	}
	return t.putIntent(next)
}

// nameCustomer gives a one-off payment the customer that its session asked to make.
func (t *tx) nameCustomer(intent *PaymentIntent, method *PaymentMethod) *PaymentIntent {
	session := t.session(intent.Session)
	if session == nil || !session.NewCustomer || intent.Customer != "" {
		return intent
	}
	next := *intent
	next.Customer = t.donorOf(method).ID
	return t.putIntent(next)
}

// donorOf makes a customer of whoever entered a payment method.
func (t *tx) donorOf(method *PaymentMethod) *Customer {
	made := t.newCustomer()
	made.Email, made.Name = method.Billing.Email, method.Billing.Name
	made.Address = addressOf(method.Billing)
	customer := t.putCustomer(made)
	t.emit("customer.created", nil)
	return customer
}

func addressOf(b Billing) map[string]string {
	out := map[string]string{}
	for part, value := range map[string]string{"country": b.Country, "postal_code": b.PostalCode, "line1": b.Line1, "city": b.City} {
		if value != "" {
			out[part] = value
		}
	}
	return out
}

// startPlan makes the plan whose first payment has just succeeded, in the order
// of events that is seen at Stripe.
func (t *tx) startPlan(intent *PaymentIntent, method *PaymentMethod, charge *Charge) *PaymentIntent {
	session := t.planSession(intent)
	if session == nil {
		return intent
	}
	saved := *method
	saved.SetUp = charge.ThreeDSecure == "challenge"
	method = t.attachTo(&saved, intent.Customer)
	plan := t.planOfSession(session, t.customer(intent.Customer))
	plan.DefaultMethod = method.ID
	draft := t.draft(&plan, reasonCreate, onceLines(t, session, plan.Created))
	draft.ID = intent.Invoice
	plan.LatestInvoice = draft.ID
	invoice := t.putInvoice(draft)
	t.emit("invoice.created", nil)
	stored := t.putPlan(plan)
	t.emit("customer.subscription.created", nil)

	open := t.numbered(*invoice)
	opened := t.changeInvoice(invoice, open)
	open.PaymentIntent = intent.ID
	opened = t.changeInvoice(opened, open)
	t.emit("invoice.finalized", nil)
	active := plan
	active.Status = planActive
	t.changePlan(stored, active)
	open.Charge, open.Attempted, open.AttemptCount = charge.ID, true, 1
	t.markPaid(opened, open, "invoice.paid", "invoice.updated", "invoice.payment_succeeded")

	done := *session
	done.CustomerID, done.Plan, done.Invoice = intent.Customer, plan.ID, invoice.ID
	t.putSession(done)
	return t.announce(intent)
}

// planOfSession is the plan that a checkout asked for.
func (t *tx) planOfSession(session *Session, customer *Customer) Subscription {
	items := recurringItems(session)
	plan := t.newPlan(customer, session.Currency, *items[0].Recurring)
	for _, item := range items {
		plan.Items = append(plan.Items, SubscriptionItem{
			ID: t.newID("plan_item"), Created: plan.Created, Price: item.Price, Quantity: item.Quantity,
		})
	}
	if session.PlanData != nil {
		plan.Description, plan.Metadata = session.PlanData.Description, maps.Clone(metadataOf(session.PlanData.Metadata))
	}
	plan.SaveDefault = "off"
	return plan
}

func recurringItems(session *Session) []LineItem {
	var out []LineItem
	for _, item := range session.LineItems {
		if item.Recurring != nil {
			out = append(out, item)
		}
	}
	return out
}

// onceLines are what the first invoice has and later ones have not.
func onceLines(t *tx, session *Session, now int64) []InvoiceLine {
	var out []InvoiceLine
	for _, item := range session.LineItems {
		if item.Recurring == nil {
			out = append(out, InvoiceLine{
				ID: t.newID("invoice_line"), InvoiceItem: t.newID("invoice_item"), Price: item.Price,
				Description: item.Name, Amount: item.UnitAmount * item.Quantity, Quantity: item.Quantity,
				PeriodStart: now, PeriodEnd: now,
			})
		}
	}
	return out
}
