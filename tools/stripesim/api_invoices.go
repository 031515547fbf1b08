package stripesim

import "net/http"

func invoiceFilters() schema {
	return pageParams(schema{
		"collection_method": {kind: isEnum, enum: []string{"charge_automatically", "send_invoice"}},
		"created":           {kind: isRange},
		"customer":          {kind: isString, max: 5000},
		"status":            {kind: isEnum, enum: []string{invoiceDraft, invoiceOpen, invoicePaid, invoiceUncollectible, invoiceVoid}},
		"subscription":      {kind: isString, max: 5000},
	}.later("due_date"))
}

func (s *Server) listInvoices(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	if id := p.str("customer"); id != "" && v.customer(id) == nil {
		return nil, badRequest("resource_missing", "customer", "No such customer: '%s'", shorten(id))
	}
	l := listing[Invoice]{
		url: "/v1/invoices", kind: "invoice", table: &v.invoices,
		created: func(row *Invoice) int64 { return row.Created },
		keep: func(row *Invoice) bool {
			return (p.str("status") == "" || row.Status == p.str("status")) && p.str("collection_method") != "send_invoice" &&
				(p.str("customer") == "" || row.Customer == p.str("customer"))
		},
		render: func(row *Invoice) map[string]any { return renderInvoice(v, row) },
	}
	if id := p.str("subscription"); id != "" {
		if v.plan(id) == nil {
			return nil, badRequest("resource_missing", "subscription", "No such subscription: '%s'", shorten(id))
		}
		l.restricted, l.among = true, v.invoicesOfPlan[id]
	}
	return l.page(c, v)
}

func getInvoice(c *call, v reader) (map[string]any, *apiError) {
	invoice := v.invoice(c.r.PathValue("id"))
	if invoice == nil {
		return nil, missing("invoice", "invoice", shorten(c.r.PathValue("id")))
	}
	return renderInvoice(v, invoice), nil
}

func getInvoiceLines(c *call, v reader) (map[string]any, *apiError) {
	invoice := v.invoice(c.r.PathValue("id"))
	if invoice == nil {
		return nil, missing("invoice", "invoice", shorten(c.r.PathValue("id")))
	}
	// Lines come in the order of the invoice; the table is walked from its end.
	rows := &table[InvoiceLine]{}
	for i := len(invoice.Lines) - 1; i >= 0; i-- {
		rows.put(invoice.Lines[i].ID, &invoice.Lines[i])
	}
	return listing[InvoiceLine]{
		url: "/v1/invoices/" + invoice.ID + "/lines", kind: "line item", table: rows,
		created: func(*InvoiceLine) int64 { return invoice.Created },
		render:  func(line *InvoiceLine) map[string]any { return renderInvoiceLine(v, invoice, line) },
	}.page(c, v)
}

func payParams() schema {
	return schema{
		"off_session": {kind: isBoolean}, "paid_out_of_band": {kind: isBoolean}, "payment_method": {kind: isString, max: 5000},
	}.later("forgive", "mandate", "source")
}

func (t *tx) invoiceNamed(c *call) (*Invoice, *apiError) {
	invoice := t.invoice(c.r.PathValue("id"))
	if invoice == nil {
		return nil, missing("invoice", "invoice", shorten(c.r.PathValue("id")))
	}
	return invoice, nil
}

// wrongState refuses what the invoice's status does not allow. It counts as
// executed: the same request at another time would have done something.
func wrongState(format string, args ...any) *apiError {
	failure := badRequest("", "", format, args...)
	failure.executed = true
	return failure
}

func payInvoice(c *call, t *tx) (map[string]any, *apiError) {
	invoice, failure := t.invoiceNamed(c)
	if failure != nil {
		return nil, failure
	}
	method := t.methodFor(invoice)
	if id := c.params.str("payment_method"); id != "" {
		method = t.method(id)
		if method == nil || method.Customer != invoice.Customer {
			return nil, badRequest("resource_missing", "payment_method",
				"No such PaymentMethod: '%s'; it must be attached to the customer first.", shorten(id))
		}
	}
	outOfBand := c.params.str("paid_out_of_band") == "true"
	switch invoice.Status {
	case invoicePaid:
		return nil, wrongState("Invoice is already paid")
	case invoiceVoid:
		return nil, wrongState("This invoice can no longer be paid: it was voided.")
	case invoiceDraft:
		// What a draft shows as due is of when it was made: only the final one knows
		// whether a card is needed.
		invoice = t.finalize(invoice, invoice.AutoAdvance)
	}
	switch {
	case invoice.Status == invoicePaid:
	case outOfBand:
		return renderInvoice(t, t.paidElsewhere(invoice)), nil
	case method == nil:
		return nil, wrongState("There is no `default_payment_method` set on this Customer or Invoice. Please set it, or pass a `payment_method`.")
	default:
		invoice = t.collect(invoice, method, collection{present: c.params.str("off_session") == "false"})
	}
	if invoice.Status != invoicePaid {
		return nil, t.refusal(invoice)
	}
	return renderInvoice(t, invoice), nil
}

// paidElsewhere believes the caller that the money came another way.
func (t *tx) paidElsewhere(invoice *Invoice) *Invoice {
	t.cancelPayment(invoice)
	next := *invoice
	next.PaidOutOfBand = true
	out := t.markPaid(invoice, next, "invoice.updated", "invoice.paid", "invoice.payment_succeeded")
	t.setStatus(out, planActive)
	return out
}

// refusal tells why an attempt did not pay. The attempt itself stays.
func (t *tx) refusal(invoice *Invoice) *apiError {
	out := &apiError{
		Status: http.StatusPaymentRequired, Type: typeCard, Code: "card_declined", Message: "The invoice could not be paid.",
		executed: true, kept: true,
	}
	intent := t.intent(invoice.PaymentIntent)
	if intent.Status == intentAction {
		out.Code = "invoice_payment_intent_requires_action"
		out.Message = "This payment requires additional user action before it can be completed successfully. " +
			"Payment can be completed using the PaymentIntent associated with this invoice."
		return out
	}
	if cause := intent.LastError; cause != nil {
		out.Code, out.DeclineCode, out.Message, out.Charge = cause.Code, cause.DeclineCode, cause.Message, cause.Charge
	}
	return out
}

func finalizeInvoice(c *call, t *tx) (map[string]any, *apiError) {
	invoice, failure := t.invoiceNamed(c)
	if failure != nil {
		return nil, failure
	}
	if invoice.Status != invoiceDraft {
		return nil, wrongState("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
	}
	advance := invoice.AutoAdvance
	if asked := c.params.str("auto_advance"); asked != "" {
		advance = asked == "true"
	}
	invoice = t.finalize(invoice, advance)
	if invoice.Status == invoiceOpen && advance {
		// The attempt follows by itself within the hour.
		next := *invoice
		next.NextAttempt = t.at(invoice.TestClock) + draftFor
		invoice = t.changeInvoice(invoice, next)
	}
	return renderInvoice(t, invoice), nil
}

func voidInvoice(c *call, t *tx) (map[string]any, *apiError) {
	return endInvoice(c, t, "voided", t.voidInvoice)
}

func writeOffInvoice(c *call, t *tx) (map[string]any, *apiError) {
	return endInvoice(c, t, "marked as uncollectible", t.writeOff)
}

func endInvoice(c *call, t *tx, what string, end func(*Invoice) *Invoice) (map[string]any, *apiError) {
	invoice, failure := t.invoiceNamed(c)
	if failure != nil {
		return nil, failure
	}
	if invoice.Status != invoiceOpen && (invoice.Status != invoiceUncollectible || what != "voided") {
		return nil, wrongState("Only open invoices can be %s. This invoice is %s.", what, invoice.Status)
	}
	return renderInvoice(t, end(invoice)), nil
}
