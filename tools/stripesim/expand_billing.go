package stripesim

// billingExpandable names what Stripe expands in the objects of recurring money.
func billingExpandable(kind string) string {
	return map[string]string{
		"customer":                  " default_source sources tax_ids test_clock ",
		"customer.invoice_settings": " default_payment_method ",
		"product":                   " default_price tax_code ",
		"price":                     " product ",
		"payment_method":            " customer ",
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
	case "default_price":
		return renderPrice(v.price(id))
	}
	return nil
}
