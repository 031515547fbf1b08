package stripesim

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

const (
	prorateNever  = "none"
	prorateLater  = "create_prorations"
	prorateAtOnce = "always_invoice"
)

// adjustment says how a change in the middle of a period is settled.
type adjustment struct {
	// behavior is one of Stripe's three words.
	behavior string
	// at is the second from which the new prices count.
	at int64
	// restart begins a new period at once, counted from now.
	restart bool
	// changed says that the prices or quantities are others.
	changed bool
	// payment is what shall happen when the invoice is not paid.
	payment string
	// present says that the customer can be asked for 3-D Secure.
	present bool
}

// invoices tells whether the change is invoiced now, not with the next period.
func (a *adjustment) invoices() bool {
	return a.restart || a.changed && a.behavior == prorateAtOnce
}

// prorates tells whether unused time is given back.
func (a *adjustment) prorates() bool {
	return a.behavior != prorateNever && (a.changed || a.restart)
}

func (t *tx) readAdjustment(plan *Subscription, p *node) (adjustment, *apiError) {
	out := adjustment{
		behavior: p.str("proration_behavior"), at: t.at(plan.TestClock), restart: p.str("billing_cycle_anchor") == "now",
		payment: p.str("payment_behavior"), present: p.str("off_session") != "true",
	}
	if out.behavior == "" {
		out.behavior = prorateLater
	}
	if out.payment == "pending_if_incomplete" {
		return out, notOffered("payment_behavior=pending_if_incomplete")
	}
	if second, given := p.integer("proration_date"); given {
		if second < plan.PeriodStart || second > plan.PeriodEnd {
			return out, badRequest("", "proration_date",
				"Cannot specify a proration date outside of the current billing period (%d to %d).", plan.PeriodStart, plan.PeriodEnd)
		}
		out.at = second
	}
	if out.restart && out.at > t.at(plan.TestClock) {
		return out, badRequest("", "proration_date", "The proration date cannot be later than the new billing cycle anchor.")
	}
	return out, nil
}

// adjust stores a changed plan and settles the change as it says: never, with the
// next invoice, or at once.
func (t *tx) adjust(plan *Subscription, next Subscription, how adjustment) *apiError {
	failure := t.prorate(plan, &next, how)
	if failure != nil {
		return failure
	}
	if !how.invoices() {
		t.changePlan(plan, next)
		return nil
	}
	draft := t.updateDraft(&next, how)
	next.LatestInvoice = draft.ID
	t.changePlan(plan, next)
	invoice := t.putInvoice(draft)
	t.emit("invoice.created", nil)
	return t.chargeUpdate(invoice, how)
}

// chargeUpdate finalizes and charges the invoice of a change, as far as the caller
// wants that.
func (t *tx) chargeUpdate(invoice *Invoice, how adjustment) *apiError {
	invoice = t.finalize(invoice, true)
	if invoice.Status == invoicePaid {
		return nil
	}
	if how.payment == "default_incomplete" {
		t.setStatus(invoice, planPastDue)
		return nil
	}
	method := t.methodFor(invoice)
	strict := how.payment == "error_if_incomplete"
	if method == nil && strict {
		return noMethod()
	}
	invoice = t.collect(invoice, method, collection{scheduled: true, present: how.present})
	if invoice.Status == invoicePaid || !strict {
		return nil
	}
	failure := t.refusal(invoice)
	failure.kept = false
	return failure
}

// prorate makes the invoice items of a change and, where one is asked for, begins
// the new period.
func (t *tx) prorate(plan, next *Subscription, how adjustment) *apiError {
	charged := plan.Pause == nil && (plan.Status == planActive || plan.Status == planPastDue)
	if how.invoices() && !charged {
		return notOffered("an invoice at once for a plan that is " + plan.Status + " or whose collection is paused")
	}
	if how.restart {
		now := t.at(plan.TestClock)
		next.Anchor, next.Cycle, next.PeriodStart = now, 0, now
		next.PeriodEnd = next.Recurring.boundary(now, 1)
	}
	if how.behavior != prorateNever && next.cutShort() && (how.prorates() || next.CancelAt != plan.CancelAt) {
		return endsEarly()
	}
	if how.prorates() {
		items := t.prorations(plan, next, how)
		failure := t.covered(plan, items)
		if failure == nil {
			failure = t.fits(next, items)
		}
		if failure != nil {
			return failure
		}
		for i := range items {
			t.putInvoiceItem(items[i])
			t.emit("invoiceitem.created", nil)
		}
	}
	return nil
}

// cutShort tells whether the plan ends before its period does.
func (s *Subscription) cutShort() bool { return s.CancelAt != 0 && s.CancelAt < s.PeriodEnd }

// endsEarly refuses to give back the time between a plan's end and its period's.
func endsEarly() *apiError {
	out := notOffered("cancel_at")
	out.Message += " Prorating up to an end before that of the period is not possible here: pass proration_behavior=none."
	return out
}

// updateDraft is the invoice of a change that does not wait.
func (t *tx) updateDraft(plan *Subscription, how adjustment) Invoice {
	out := t.blank(plan, reasonUpdate)
	t.takeUp(&out)
	if how.restart {
		out.Lines = append(out.Lines, t.periodLines(plan)...)
	}
	out.sum()
	return out
}

// prorations are what the rest of the period costs less and more: for each item that
// changes, its unused time back, and the remaining time at its new price. A period
// that begins anew is charged as a whole and needs no second part.
func (t *tx) prorations(plan, next *Subscription, how adjustment) []InvoiceItem {
	var out []InvoiceItem
	add := func(item SubscriptionItem, sign int64, words string) {
		out = append(out, t.proration(plan, item, sign, words, how.at))
	}
	for _, before := range plan.Items {
		place := slices.IndexFunc(next.Items, func(item SubscriptionItem) bool { return item.ID == before.ID })
		stays := place >= 0 && next.Items[place].Price == before.Price && next.Items[place].Quantity == before.Quantity
		if stays && !how.restart {
			continue
		}
		add(before, -1, "Unused time on")
		if place >= 0 && !how.restart {
			add(next.Items[place], 1, "Remaining time on")
		}
	}
	for _, after := range next.Items {
		known := slices.ContainsFunc(plan.Items, func(item SubscriptionItem) bool { return item.ID == after.ID })
		if !known && !how.restart {
			add(after, 1, "Remaining time on")
		}
	}
	return out
}

func (t *tx) proration(plan *Subscription, item SubscriptionItem, sign int64, words string, at int64) InvoiceItem {
	price := t.price(item.Price)
	out := InvoiceItem{
		ID: t.newID("invoice_item"), Created: t.at(plan.TestClock), Customer: plan.Customer, Subscription: plan.ID, Item: item.ID,
		Price: item.Price, Currency: plan.Currency, Quantity: item.Quantity, PeriodStart: at, PeriodEnd: plan.PeriodEnd,
		Metadata: map[string]string{}, TestClock: plan.TestClock,
	}
	out.Amount = sign * prorated(price.UnitAmount*item.Quantity, plan.PeriodEnd-at, plan.PeriodEnd-plan.PeriodStart, plan.Currency)
	name := t.product(price.Product).Name
	if item.Quantity != 1 {
		name = fmt.Sprintf("%d × %s", item.Quantity, name)
	}
	out.Description = fmt.Sprintf("%s %s after %s", words, name, time.Unix(at, 0).UTC().Format("02 Jan 2006"))
	if sign < 0 {
		out.CreditedInvoice, out.CreditedLine = t.billedBy(plan, item)
	}
	return out
}

// prorated is the part of an amount that falls to some seconds of a period, rounded
// half up to what the currency can charge.
func prorated(amount, seconds, period int64, currency string) int64 {
	number := new(big.Int).Mul(big.NewInt(amount), big.NewInt(seconds))
	unit := new(big.Int).Mul(big.NewInt(period), big.NewInt(step(currency)))
	number.Add(number, new(big.Int).Rsh(unit, 1))
	return number.Div(number, unit).Int64() * step(currency)
}

// billedBy finds the invoice and the line by which an item was charged for the
// running period last.
func (t *tx) billedBy(plan *Subscription, item SubscriptionItem) (invoice, line string) {
	for _, made := range t.invoicesOf(plan.ID) {
		for _, row := range made.Lines {
			if row.Item == item.ID && row.Price == item.Price && row.PeriodEnd == plan.PeriodEnd && row.Amount > 0 {
				invoice, line = made.ID, row.ID
			}
		}
	}
	return invoice, line
}

// covered refuses to give back more of a period than was paid for it. Stripe gives
// credit for unpaid time, too; nobody should learn that from a simulator.
func (t *tx) covered(plan *Subscription, items []InvoiceItem) *apiError {
	refuse := func(why string) *apiError {
		out := notOffered("proration_behavior")
		out.Message += " Prorating " + why + " is not possible here: pass proration_behavior=none."
		return out
	}
	latest := t.invoice(plan.LatestInvoice)
	if latest == nil || latest.Status != invoicePaid {
		return refuse("while the latest invoice is not paid")
	}
	if t.customer(plan.Customer).Currency != plan.Currency {
		return refuse("in another currency than the customer's balance has")
	}
	credits, total := t.paidFor(plan), int64(0)
	for _, item := range items {
		total += item.Amount
	}
	if credits+total < 0 {
		return refuse("more than was paid for the period")
	}
	return nil
}

// fits refuses what would make an invoice larger than can be charged.
func (t *tx) fits(next *Subscription, items []InvoiceItem) *apiError {
	total := int64(0)
	for _, item := range items {
		total += item.Amount
	}
	for _, item := range t.waiting(next.ID) {
		total += item.Amount
	}
	for _, item := range next.Items {
		total += t.price(item.Price).UnitAmount * item.Quantity
	}
	if total > maximum(next.Currency) {
		return badRequest("amount_too_large", "items", "The next invoice would come to more than %s %s.",
			majorUnits(maximum(next.Currency), next.Currency), strings.ToUpper(next.Currency))
	}
	return nil
}

// paidFor is what the running period has brought in, with what waits for the next
// invoice.
func (t *tx) paidFor(plan *Subscription) int64 {
	sum := int64(0)
	for _, invoice := range t.invoicesOf(plan.ID) {
		for _, line := range invoice.Lines {
			if invoice.Status == invoicePaid && line.Item != "" && line.PeriodEnd == plan.PeriodEnd {
				sum += line.Amount
			}
		}
	}
	for _, item := range t.waiting(plan.ID) {
		if item.PeriodEnd == plan.PeriodEnd {
			sum += item.Amount
		}
	}
	return sum
}

// takeUp puts what waits for an invoice onto this one.
func (t *tx) takeUp(invoice *Invoice) {
	for _, item := range t.waiting(invoice.Subscription) {
		invoice.Lines = append(invoice.Lines, InvoiceLine{
			ID: t.newID("invoice_line"), Item: item.Item, InvoiceItem: item.ID, Price: item.Price, Description: item.Description,
			Amount: item.Amount, Quantity: item.Quantity, PeriodStart: item.PeriodStart, PeriodEnd: item.PeriodEnd, Proration: true,
			Metadata: item.Metadata, CreditedInvoice: item.CreditedInvoice, CreditedLine: item.CreditedLine,
		})
		taken := *item
		taken.Invoice = invoice.ID
		t.putInvoiceItem(taken)
	}
}

// settlesLast tells whether what waits is invoiced when the plan ends. Whom nothing
// is charged any more, since collection is paused or given up, gets credit all the same.
func (t *tx) settlesLast(plan *Subscription) bool {
	waiting, sum := t.waiting(plan.ID), int64(0)
	for _, item := range waiting {
		sum += item.Amount
	}
	charges := plan.Pause == nil && plan.Status != planUnpaid
	return len(waiting) > 0 && (charges || sum < 0)
}

// lastInvoice collects, when the plan ends by plan, what still waits.
func (t *tx) lastInvoice(plan *Subscription) {
	if !t.settlesLast(plan) {
		return
	}
	draft := t.blank(plan, reasonCycle)
	draft.PeriodStart, draft.PeriodEnd = plan.PeriodStart, plan.PeriodEnd
	t.takeUp(&draft)
	draft.sum()
	invoice := t.putInvoice(draft)
	t.emit("invoice.created", nil)
	next := *plan
	next.LatestInvoice = invoice.ID
	t.changePlan(plan, next)
	invoice = t.finalize(invoice, false)
	if invoice.Status == invoiceOpen {
		t.collect(invoice, t.methodFor(invoice), collection{})
	}
}

// forgetWaiting removes what waits: a plan that is canceled at once sends no more
// invoices.
func (t *tx) forgetWaiting(plan string) {
	for _, item := range t.waiting(plan) {
		gone := *item
		gone.Deleted = true
		t.putInvoiceItem(gone)
		t.emit("invoiceitem.deleted", nil)
	}
}
