package stripesim

// billingExpandable names what Stripe expands in the objects of recurring money.
func billingExpandable(kind string) string {
	return map[string]string{
		"customer":                     " default_source sources tax_ids test_clock ",
		"customer.invoice_settings":    " default_payment_method ",
		"product":                      " default_price tax_code ",
		"price":                        " product ",
		"payment_method":               " customer ",
		"subscription":                 " customer default_payment_method items latest_invoice default_source pending_setup_intent schedule test_clock application on_behalf_of ",
		"invoice":                      " charge customer lines payment_intent subscription default_payment_method default_source application latest_revision on_behalf_of quote test_clock ",
		"billing_portal.session":       " configuration ",
		"billing_portal.configuration": " application ",
		"line_item":                    " subscription invoice_item ",
		"invoiceitem":                  " customer invoice subscription test_clock discounts ",
		"customer_balance_transaction": " customer invoice credit_note ",
	}[kind]
}

func expandBilling(v view, property, id string) map[string]any {
	switch property {
	case "customer":
		return renderCustomerObject(v.customer(id))
	case "default_payment_method":
		return renderMethod(v.method(id))
	case "product":
		return renderProduct(v.product(id))
	case "latest_invoice", "invoice":
		return renderInvoice(v, v.invoice(id))
	case "invoice_item":
		// Those of a first invoice are named by its lines alone.
		if item := v.invoiceItem(id); item != nil {
			return renderInvoiceItem(v, item)
		}
	case "subscription":
		return renderPlan(v, v.plan(id))
	case "charge":
		return renderCharge(v, v.charge(id))
	case "test_clock":
		return renderClock(v.testClock(id))
	case "configuration":
		return renderConfiguration(id, v.accountSince())
	case "default_price":
		return renderPrice(v.price(id))
	}
	return nil
}
