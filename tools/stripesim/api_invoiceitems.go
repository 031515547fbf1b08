package stripesim

func itemFilters() schema {
	return pageParams(schema{
		"created": {kind: isRange}, "customer": {kind: isString, max: 5000}, "invoice": {kind: isString, max: 5000},
		"pending": {kind: isBoolean},
	})
}

// listItems leaves out what was removed before any invoice had it.
func listItems(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	if id := p.str("customer"); id != "" && v.customer(id) == nil {
		return nil, badRequest("resource_missing", "customer", "No such customer: '%s'", shorten(id))
	}
	if id := p.str("invoice"); id != "" && v.invoice(id) == nil {
		return nil, badRequest("resource_missing", "invoice", "No such invoice: '%s'", shorten(id))
	}
	return listing[InvoiceItem]{
		url: "/v1/invoiceitems", kind: "invoice item", table: &v.items,
		created: func(row *InvoiceItem) int64 { return row.Created },
		keep: func(row *InvoiceItem) bool {
			waits := p.str("pending")
			return !row.Deleted && (p.str("customer") == "" || row.Customer == p.str("customer")) &&
				(p.str("invoice") == "" || row.Invoice == p.str("invoice")) &&
				(waits == "" || (waits == "true") == (row.Invoice == ""))
		},
		render: func(row *InvoiceItem) map[string]any { return renderInvoiceItem(v, row) },
	}.page(c, v)
}

func getItem(c *call, v reader) (map[string]any, *apiError) {
	item := v.invoiceItem(c.r.PathValue("id"))
	if item == nil || item.Deleted {
		return nil, missing("invoiceitem", "invoiceitem", shorten(c.r.PathValue("id")))
	}
	return renderInvoiceItem(v, item), nil
}

func listBalanceEntries(c *call, v reader) (map[string]any, *apiError) {
	customer, failure := liveCustomer(v, c.r.PathValue("id"), "")
	if failure != nil {
		return nil, failure
	}
	return listing[BalanceEntry]{
		url: "/v1/customers/" + customer.ID + "/balance_transactions", kind: "customer balance transaction", table: &v.entries,
		created: func(row *BalanceEntry) int64 { return row.Created },
		keep:    func(row *BalanceEntry) bool { return row.Customer == customer.ID },
		render:  renderBalanceEntry,
	}.page(c, v)
}

func getBalanceEntry(c *call, v reader) (map[string]any, *apiError) {
	entry := v.entries.byID[c.r.PathValue("entry")]
	if entry == nil || entry.Customer != c.r.PathValue("id") {
		return nil, missing("customer_balance_transaction", "id", shorten(c.r.PathValue("entry")))
	}
	return renderBalanceEntry(entry), nil
}
