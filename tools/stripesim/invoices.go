package stripesim

import (
	"fmt"
	"maps"
	"strings"
)

const (
	// draftFor is how long a renewal's invoice stays a draft, heldFor how long at most
	// when a webhook about it fails.
	draftFor = 3600
	heldFor  = 72 * 3600
)

// due is when time alone changes the invoice.
func (i *Invoice) due() int64 {
	switch {
	case i.Status == invoiceDraft && i.AutoAdvance:
		return i.FinalizeAt
	case i.Status == invoiceOpen:
		return i.NextAttempt
	}
	return 0
}

// invoiceDue finalizes a draft whose hour is over, or tries a charge again.
func (t *tx) invoiceDue(id string, at int64) {
	invoice := t.invoice(id)
	if invoice == nil || invoice.DueAt != at {
		return
	}
	until := invoice.Created + heldFor
	if invoice.Status == invoiceDraft && at < until && t.s.state.heldUp(invoice.ID) {
		// It is looked at again when an hour has passed, as after the draft was made.
		next := *invoice
		next.FinalizeAt = min(at+draftFor, until)
		t.putInvoice(next)
		return
	}
	t.advance(invoice)
}

// heldUp tells whether an endpoint that listens for drafts has failed to take this
// one, and is still tried. What was not tried yet, since the clock leapt over it,
// holds nothing up.
func (st *state) heldUp(invoice string) bool {
	event := st.draftedBy[invoice]
	if event == nil {
		return false
	}
	taken, failing := map[string]bool{}, map[string]bool{}
	for _, d := range event.deliveries {
		taken[d.endpoint] = taken[d.endpoint] || d.state == deliverySucceeded
		failing[d.endpoint] = failing[d.endpoint] || d.state == deliveryPending && d.attempts > 0
	}
	for endpoint := range failing {
		if failing[endpoint] && !taken[endpoint] {
			return true
		}
	}
	return false
}

// advance takes the next step of the schedule: it makes a draft final, and
// charges.
func (t *tx) advance(invoice *Invoice) *Invoice {
	if invoice.Status == invoiceDraft {
		invoice = t.finalize(invoice, true)
	}
	if invoice.Status != invoiceOpen {
		return invoice
	}
	return t.collect(invoice, t.methodFor(invoice), collection{scheduled: true})
}

// draft is the invoice of a plan's first period, not stored yet.
func (t *tx) draft(plan *Subscription, reason string, more []InvoiceLine) Invoice {
	out := t.blank(plan, reason)
	out.Lines = append(t.periodLines(plan), more...)
	out.sum()
	return out
}

// sum adds up the lines.
func (i *Invoice) sum() {
	i.Total = 0
	for _, line := range i.Lines {
		i.Total += line.Amount
	}
}

// blank is an invoice without lines yet.
func (t *tx) blank(plan *Subscription, reason string) Invoice {
	now := t.at(plan.TestClock)
	customer := t.customer(plan.Customer)
	out := Invoice{
		ID: t.newID("invoice"), Created: now, Customer: plan.Customer, Subscription: plan.ID, Status: invoiceDraft,
		BillingReason: reason, Currency: plan.Currency, AutoAdvance: true, FinalizeAt: now + draftFor,
		PeriodStart: now, PeriodEnd: now, PlanMetadata: plan.Metadata, TestClock: plan.TestClock,
		CustomerEmail: customer.Email, CustomerName: customer.Name, CustomerPhone: customer.Phone,
		CustomerAddress: customer.Address,
	}
	if customer.Currency == plan.Currency {
		out.StartingBalance = customer.Balance
	}
	return out
}

// periodLines are what the plan's running period costs.
func (t *tx) periodLines(plan *Subscription) []InvoiceLine {
	var out []InvoiceLine
	for _, item := range plan.Items {
		price := t.price(item.Price)
		out = append(out, InvoiceLine{
			ID: t.newID("invoice_line"), Item: item.ID, Price: item.Price, Quantity: item.Quantity,
			Amount: price.UnitAmount * item.Quantity, PeriodStart: plan.PeriodStart, PeriodEnd: plan.PeriodEnd,
			Metadata: maps.Clone(plan.Metadata),
			Description: fmt.Sprintf("%d × %s (at %s %s / %s)", item.Quantity, t.product(price.Product).Name,
				majorUnits(price.UnitAmount, price.Currency), strings.ToUpper(price.Currency), plan.Recurring.words()),
		})
	}
	return out
}

// numbered is a draft made final: it has its number and its snapshot.
func (t *tx) numbered(invoice Invoice) Invoice {
	customer := *t.customer(invoice.Customer)
	customer.Invoices++
	if customer.Currency == "" {
		customer.Currency = invoice.Currency
	}
	t.putCustomer(customer)
	invoice.Status, invoice.FinalizedAt, invoice.FinalizeAt = invoiceOpen, t.at(invoice.TestClock), 0
	invoice.Number = fmt.Sprintf("%s-%04d", customer.InvoicePrefix, customer.Invoices)
	invoice.EndingBalance = invoice.StartingBalance
	if plan := t.plan(invoice.Subscription); plan != nil {
		invoice.PlanMetadata = plan.Metadata
	}
	return invoice
}

// finalize closes a draft, and settles it with the customer's balance.
func (t *tx) finalize(invoice *Invoice, advance bool) *Invoice {
	open := t.numbered(*invoice)
	open.AutoAdvance = advance
	t.useBalance(&open)
	return t.opened(open)
}

// opened stores an invoice that is final and makes the payment intent that pays it.
// With nothing to charge it is paid by that, and its plan is not late any more.
func (t *tx) opened(open Invoice) *Invoice {
	if open.amountDue() == 0 {
		out := t.putInvoice(open)
		t.emit("invoice.finalized", nil)
		out = t.markPaid(out, *out, "invoice.updated", "invoice.paid", "invoice.payment_succeeded")
		t.setStatus(out, planActive)
		return out
	}
	intent := PaymentIntent{
		ID: t.newID("payment_intent"), Created: t.now.Unix(), Amount: open.amountDue(), Currency: open.Currency,
		Status: intentNeedsMethod, CaptureMethod: captureAutomatic, Description: "Subscription update",
		Metadata: map[string]string{}, Customer: open.Customer, Invoice: open.ID,
	}
	if open.BillingReason == reasonCreate {
		intent.Description, intent.FutureUsage = "Subscription creation", usageOffSession
	}
	open.PaymentIntent = intent.ID
	out := t.putInvoice(open)
	t.emit("invoice.finalized", nil)
	t.createIntent(intent)
	return out
}

// changeInvoice stores a new version and announces what it was before.
func (t *tx) changeInvoice(old *Invoice, next Invoice) *Invoice {
	out := t.putInvoice(next)
	previous := differences(renderInvoice(t, old), renderInvoice(t, out))
	if len(previous) > 0 {
		t.emit("invoice.updated", previous)
	}
	return out
}

// markPaid marks an invoice as paid and tells it in the order given.
func (t *tx) markPaid(old *Invoice, next Invoice, order ...string) *Invoice {
	next.Status, next.PaidAt = invoicePaid, t.at(next.TestClock)
	next.AmountPaid, next.AutoAdvance, next.NextAttempt = next.amountDue(), false, 0
	previous := differences(renderInvoice(t, old), renderInvoice(t, &next))
	out := t.putInvoice(next)
	for _, eventType := range order {
		if eventType == "invoice.updated" {
			t.emit(eventType, previous)
			continue
		}
		t.emit(eventType, nil)
	}
	return out
}

// methodFor is the card that an invoice is charged to; nil when there is none.
func (t *tx) methodFor(invoice *Invoice) *PaymentMethod {
	plan := t.plan(invoice.Subscription)
	if plan != nil && plan.DefaultMethod != "" {
		return t.method(plan.DefaultMethod)
	}
	return t.method(t.customer(invoice.Customer).DefaultMethod)
}

// collection says how an invoice is collected.
type collection struct {
	// scheduled attempts move the retry schedule on, others do not.
	scheduled bool
	// present says that the customer is there and can be asked for 3-D Secure.
	present bool
}

// collect tries to take the money of an open invoice.
func (t *tx) collect(invoice *Invoice, method *PaymentMethod, how collection) *Invoice {
	intent := t.intent(invoice.PaymentIntent)
	switch {
	case method == nil:
	case t.failsOnRequest(invoice):
		intent = t.attemptAs(intent, method, "", cardNamed("declined"))
	case how.present && cardNamed(method.Card).secure == secureChallenge, !how.present && method.needsCustomer():
		next := *intent
		next.Status, next.PaymentMethod, next.LastError = intentAction, method.ID, nil
		intent = t.putIntent(next)
		t.emit("payment_intent.requires_action", nil)
	default:
		intent = t.attempt(intent, method, "")
	}
	return t.collected(invoice, intent, how)
}

// needsCustomer tells whether a charge without the customer asks for 3-D Secure.
func (m *PaymentMethod) needsCustomer() bool {
	c := cardNamed(m.Card)
	if c.secure != secureChallenge || c.name == "3ds_on_session" {
		return false
	}
	return c.name != "3ds_unless_set_up" || !m.SetUp
}

// failsOnRequest takes one off the attempts that were asked to fail.
func (t *tx) failsOnRequest(invoice *Invoice) bool {
	plan := t.plan(invoice.Subscription)
	if plan == nil || plan.FailNext == 0 {
		return false
	}
	next := *plan
	next.FailNext--
	t.putPlan(next)
	return true
}

// collected writes down how an attempt ended.
func (t *tx) collected(invoice *Invoice, intent *PaymentIntent, how collection) *Invoice {
	next := *invoice
	next.Attempted = true
	next.AttemptCount++
	next.Charge = intent.LatestCharge
	if intent.Status == intentSucceeded {
		out := t.markPaid(invoice, next, "invoice.updated", "invoice.paid", "invoice.payment_succeeded")
		t.setStatus(out, planActive)
		return out
	}
	exhausted := false
	if how.scheduled {
		next.Tries++
		next.NextAttempt, exhausted = t.nextAttempt(&next)
		next.AutoAdvance = !exhausted
	}
	out := t.changeInvoice(invoice, next)
	if intent.Status == intentAction {
		t.emit("invoice.payment_action_required", nil)
	}
	t.emit("invoice.payment_failed", nil)
	t.fallBehind(out, exhausted)
	return out
}

// nextAttempt follows the retry schedule; the second result says that it is over.
func (t *tx) nextAttempt(invoice *Invoice) (int64, bool) {
	days := t.s.state.chosen().RetryDays
	if invoice.Tries > int64(len(days)) {
		return 0, true
	}
	return t.at(invoice.TestClock) + days[invoice.Tries-1]*86_400, false
}

// fallBehind is what a failed payment does to the plan. A plan that has not
// begun waits for its first payment instead.
func (t *tx) fallBehind(invoice *Invoice, exhausted bool) {
	plan := t.plan(invoice.Subscription)
	if plan == nil || plan.ended() || plan.Status == planIncomplete {
		return
	}
	last := t.s.state.chosen().AfterLastRetry
	switch {
	case exhausted && last == "cancel":
		t.cancelPlan(plan, reasonFailed)
	case exhausted && last == planUnpaid:
		t.setStatus(invoice, planUnpaid)
	case plan.Status == planActive:
		t.setStatus(invoice, planPastDue)
	}
}

// answered goes on after the customer met 3-D Secure for an invoice.
func (t *tx) answered(invoice *Invoice, confirmed bool) *Invoice {
	intent := t.authenticate(t.intent(invoice.PaymentIntent), confirmed)
	return t.collected(invoice, intent, collection{present: true})
}

// voidInvoice ends an open invoice as if it had never been due.
func (t *tx) voidInvoice(invoice *Invoice) *Invoice {
	t.cancelPayment(invoice)
	next := *invoice
	next.Status, next.VoidedAt, next.AutoAdvance, next.NextAttempt = invoiceVoid, t.at(invoice.TestClock), false, 0
	out := t.putInvoice(next)
	t.emit("invoice.voided", nil)
	t.returnBalance(out)
	t.catchUp(out)
	return out
}

func (t *tx) cancelPayment(invoice *Invoice) {
	intent := t.intent(invoice.PaymentIntent)
	if intent == nil || intent.Status == intentCanceled {
		return
	}
	next := *intent
	next.Status, next.CanceledAt, next.CancellationReason = intentCanceled, t.now.Unix(), "void_invoice"
	t.putIntent(next)
	t.emit("payment_intent.canceled", nil)
}

// writeOff marks an open invoice as uncollectible; it can still be paid.
func (t *tx) writeOff(invoice *Invoice) *Invoice {
	next := *invoice
	next.Status, next.UncollectibleAt = invoiceUncollectible, t.at(invoice.TestClock)
	next.AutoAdvance, next.NextAttempt = false, 0
	out := t.putInvoice(next)
	t.emit("invoice.marked_uncollectible", nil)
	t.catchUp(out)
	return out
}

// catchUp lets a plan go on when its latest invoice no longer holds it back. One
// that never began ends instead.
func (t *tx) catchUp(invoice *Invoice) {
	plan := t.plan(invoice.Subscription)
	if plan == nil || plan.LatestInvoice != invoice.ID {
		return
	}
	switch plan.Status {
	case planPastDue, planUnpaid:
		t.setStatus(invoice, planActive)
	case planIncomplete:
		t.setStatus(invoice, planExpired)
	}
}

// chosen are the settings, with Stripe's defaults where nothing was chosen.
func (st *state) chosen() Settings {
	out := st.settings
	if out.RetryDays == nil {
		out.RetryDays = []int64{3, 5, 7}
	}
	if out.AfterLastRetry == "" {
		out.AfterLastRetry = "cancel"
	}
	if out.WebhookRetries == "" {
		out.WebhookRetries = retriesUsual
	}
	return out
}
