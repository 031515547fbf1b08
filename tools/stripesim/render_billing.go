package stripesim

import "strconv"

func renderCustomerObject(c *Customer) map[string]any {
	if c.Deleted {
		return map[string]any{"id": c.ID, "object": "customer", "deleted": true}
	}
	locales := c.PreferredLocales
	if locales == nil {
		locales = []string{}
	}
	return map[string]any{
		"id": c.ID, "object": "customer", "address": renderStoredAddress(c.Address), "balance": c.Balance,
		"created": c.Created, "currency": orNull(c.Currency), "default_source": nil, "delinquent": false,
		"description": orNull(c.Description), "discount": nil, "email": orNull(c.Email),
		"invoice_prefix": c.InvoicePrefix, "livemode": false, "metadata": metadataOf(c.Metadata),
		"invoice_settings": map[string]any{
			"custom_fields": nil, "default_payment_method": orNull(c.DefaultMethod), "footer": nil, "rendering_options": nil,
		},
		"name": orNull(c.Name), "next_invoice_sequence": c.Invoices + 1, "phone": orNull(c.Phone),
		"preferred_locales": locales, "shipping": nil, "tax_exempt": "none", "test_clock": orNull(c.TestClock),
	}
}

func addressParts() []string {
	return []string{"city", "country", "line1", "line2", "postal_code", "state"}
}

func renderStoredAddress(address map[string]string) any {
	if len(address) == 0 {
		return nil
	}
	out := map[string]any{}
	for _, part := range addressParts() {
		out[part] = orNull(address[part])
	}
	return out
}

func renderProduct(p *Product) map[string]any {
	return map[string]any{
		"id": p.ID, "object": "product", "active": p.Active, "created": p.Created,
		"default_price": orNull(p.DefaultPrice), "description": orNull(p.Description), "features": []any{},
		"images": []any{}, "livemode": false, "metadata": metadataOf(p.Metadata), "name": p.Name,
		"package_dimensions": nil, "shippable": nil, "statement_descriptor": orNull(p.StatementDescriptor),
		"tax_code": nil, "unit_label": orNull(p.UnitLabel), "updated": p.Updated, "url": orNull(p.URL),
	}
}

func renderPrice(p *Price) map[string]any {
	tax := p.TaxBehavior
	if tax == "" {
		tax = "unspecified"
	}
	out := map[string]any{
		"id": p.ID, "object": "price", "active": p.Active, "billing_scheme": "per_unit", "created": p.Created,
		"currency": p.Currency, "custom_unit_amount": nil, "livemode": false, "lookup_key": orNull(p.LookupKey),
		"metadata": metadataOf(p.Metadata), "nickname": orNull(p.Nickname), "product": p.Product, "recurring": nil,
		"tax_behavior": tax, "tiers_mode": nil, "transform_quantity": nil, "type": "one_time",
		"unit_amount": p.UnitAmount, "unit_amount_decimal": strconv.FormatInt(p.UnitAmount, 10),
	}
	if p.Recurring != nil {
		out["type"] = "recurring"
		out["recurring"] = map[string]any{
			"aggregate_usage": nil, "interval": p.Recurring.Interval, "interval_count": p.Recurring.Count,
			"usage_type": "licensed",
		}
	}
	return out
}
