package stripesim

import (
	"net/http"
	"slices"
	"strings"
)

const reasonUpcoming = "upcoming"

// previewIDs is where the ids of previews begin: what they name is not there, and
// nothing that will be there shall have the same.
const previewIDs = 1 << 62

func upcomingParams() schema {
	change := planParams(false)
	return schema{
		"customer": {kind: isString, max: 5000}, "subscription": {kind: isString, max: 5000},
		"subscription_billing_cycle_anchor": change["billing_cycle_anchor"],
		"subscription_cancel_at_period_end": change["cancel_at_period_end"],
		"subscription_items":                change["items"],
		"subscription_proration_behavior":   change["proration_behavior"],
		"subscription_proration_date":       change["proration_date"],
	}.later("automatic_tax", "coupon", "currency", "customer_details", "discounts", "invoice_items", "issuer", "on_behalf_of", "schedule",
		"subscription_cancel_at", "subscription_cancel_now", "subscription_default_tax_rates", "subscription_resume_at",
		"subscription_start_date", "subscription_trial_end", "subscription_trial_from_plan")
}

// upcomingInvoice shows the invoice that comes next, with a change or without one.
// It does what the change would do, in a transition that nobody commits.
func (s *Server) upcomingInvoice(c *call, v reader) (map[string]any, *apiError) {
	plan, failure := upcomingPlan(c.params, v)
	if failure != nil {
		return nil, failure
	}
	t := s.begin(requestInfo{})
	t.quiet, t.rec.IDs = true, previewIDs
	next, p := *plan, changeOf(c.params)
	how, failure := t.readChange(&next, p)
	if failure == nil {
		failure = t.readEnd(&next, p)
	}
	if failure == nil {
		failure = t.prorate(plan, &next, how)
	}
	if failure != nil {
		if failure.Param != "" {
			failure.Param = "subscription_" + failure.Param
		}
		return nil, failure
	}
	invoice := t.upcoming(&next, how)
	if invoice == nil {
		return nil, noUpcoming(plan.Customer)
	}
	if asksForUnmade(v, invoice, c.expand) {
		return nil, notOffered("expand")
	}
	out := renderInvoice(t, invoice)
	if how.prorates() {
		out["subscription_proration_date"] = how.at
	}
	return asPreview(out, plan.ID), nil
}

// upcoming is the invoice that a changed plan gets next; nil when there is none.
func (t *tx) upcoming(next *Subscription, how adjustment) *Invoice {
	var out Invoice
	switch {
	case how.invoices():
		out = t.updateDraft(next, how)
		out.FinalizeAt = out.Created
	case next.endsWithPeriod():
		if !t.settlesLast(next) {
			return nil
		}
		out = t.blank(next, reasonCycle)
		out.PeriodStart, out.PeriodEnd = next.PeriodStart, next.PeriodEnd
		out.Created = next.PeriodEnd
		if next.cutShort() {
			out.Created = next.CancelAt
		}
		out.FinalizeAt = out.Created
		t.takeUp(&out)
		out.sum()
	default:
		renewed := next.renewed()
		out = t.cycleDraft(next, &renewed)
		out.Created, out.FinalizeAt = next.PeriodEnd, next.PeriodEnd+draftFor
	}
	out.BillingReason = reasonUpcoming
	return &out
}

func (s *Subscription) endsWithPeriod() bool {
	return s.CancelAtPeriodEnd || s.CancelAt != 0 && s.CancelAt <= s.PeriodEnd
}

// asksForUnmade tells whether a line's invoice item shall be shown in full that only
// the change itself would make.
func asksForUnmade(v reader, invoice *Invoice, asked expansion) bool {
	_, inFull := asked["lines"]["data"]["invoice_item"]
	return inFull && slices.ContainsFunc(invoice.Lines, func(line InvoiceLine) bool {
		return line.InvoiceItem != "" && v.invoiceItem(line.InvoiceItem) == nil
	})
}

// upcomingPlan is the plan that is asked about, or the customer's that is invoiced
// next.
func upcomingPlan(p *node, v reader) (*Subscription, *apiError) {
	customer := p.str("customer")
	if id := p.str("subscription"); id != "" {
		plan := v.plan(id)
		if plan == nil || customer != "" && plan.Customer != customer {
			return nil, badRequest("resource_missing", "subscription", "No such subscription: '%s'", shorten(id))
		}
		if plan.ended() || plan.Status == planIncomplete {
			return nil, noUpcoming(plan.Customer)
		}
		return plan, nil
	}
	if customer == "" {
		return nil, badRequest("parameter_missing", "customer", "You must specify either `customer` or `subscription`.")
	}
	if p.get("subscription_items") != nil {
		out := notOffered("subscription_items")
		out.Message += " A plan that is not there yet has no preview here: pass the `subscription` that these items are to change."
		return nil, out
	}
	_, failure := liveCustomer(v, customer, "customer")
	if failure != nil {
		return nil, failure
	}
	var first *Subscription
	for _, plan := range v.plans.all() {
		goesOn := plan.Customer == customer && !plan.ended() && plan.Status != planIncomplete
		if goesOn && (first == nil || plan.PeriodEnd < first.PeriodEnd) {
			first = plan
		}
	}
	if first == nil {
		return nil, noUpcoming(customer)
	}
	return first, nil
}

func noUpcoming(customer string) *apiError {
	out := badRequest("invoice_upcoming_none", "", "No upcoming invoices for customer: %s", customer)
	out.Status = http.StatusNotFound
	return out
}

// changeOf reads the parameters of a preview as those of the change that it previews.
func changeOf(p *node) *node {
	out := &node{fields: map[string]*node{}}
	for name, field := range p.fields {
		if inner, ours := strings.CutPrefix(name, "subscription_"); ours {
			out.fields[inner] = field
		}
	}
	return out
}

// asPreview takes away what an invoice has that is not there yet.
func asPreview(invoice map[string]any, plan string) map[string]any {
	delete(invoice, "id")
	lines := invoice["lines"].(map[string]any)
	lines["url"] = "/v1/invoices/upcoming/lines?subscription=" + plan
	for _, row := range lines["data"].([]any) {
		row.(map[string]any)["invoice"] = nil
	}
	return invoice
}
