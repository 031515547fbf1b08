package stripesim

// The render functions turn a stored object into what Stripe's API shows of it:
// every property that API version 2023-10-16 has, null where there is nothing.

func orNull(value string) any {
	if value == "" {
		return nil
	}
	return value
}

func metadataOf(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func renderSession(v view, s *Session) map[string]any {
	out := map[string]any{
		"id": s.ID, "object": "checkout.session",
		"after_expiration": renderRecovery(v, s), "allow_promotion_codes": nil,
		"amount_subtotal": s.AmountTotal, "amount_total": s.AmountTotal,
		"automatic_tax":                        map[string]any{"enabled": false, "liability": nil, "status": nil},
		"billing_address_collection":           orNull(s.BillingAddress),
		"cancel_url":                           orNull(s.CancelURL),
		"client_reference_id":                  orNull(s.ClientReferenceID),
		"client_secret":                        nil,
		"consent":                              renderConsent(s),
		"consent_collection":                   renderConsentAsked(s.Asked),
		"created":                              s.Created,
		"currency":                             s.Currency,
		"currency_conversion":                  nil,
		"custom_fields":                        renderFields(s),
		"custom_text":                          renderCustomText(s.CustomText),
		"customer":                             orNull(s.CustomerID),
		"customer_creation":                    s.customerCreation(),
		"customer_details":                     renderCustomer(s),
		"customer_email":                       orNull(s.CustomerEmail),
		"expires_at":                           s.ExpiresAt,
		"invoice":                              nil,
		"invoice_creation":                     renderInvoiceCreation(),
		"livemode":                             false,
		"locale":                               orNull(s.Locale),
		"metadata":                             metadataOf(s.Metadata),
		"mode":                                 "payment",
		"payment_intent":                       orNull(s.PaymentIntent),
		"payment_link":                         nil,
		"payment_method_collection":            "if_required",
		"payment_method_configuration_details": nil,
		"payment_method_options":               map[string]any{},
		"payment_method_types":                 s.methods(),
		"payment_status":                       s.PaymentStatus,
		"phone_number_collection":              map[string]any{"enabled": false},
		"recovered_from":                       orNull(s.RecoveredFrom),
		"setup_intent":                         nil,
		"shipping_address_collection":          nil,
		"shipping_cost":                        nil,
		"shipping_details":                     nil,
		"shipping_options":                     []any{},
		"status":                               s.Status,
		"submit_type":                          orNull(s.SubmitType),
		"subscription":                         nil,
		"success_url":                          s.SuccessURL,
		"total_details":                        map[string]any{"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
		"ui_mode":                              "hosted",
		"url":                                  nil,
	}
	if s.Mode == modeSubscription {
		out["mode"], out["customer_creation"], out["payment_method_collection"] = s.Mode, "always", "always"
		// The payment is the invoice's, not the session's.
		out["payment_intent"], out["invoice_creation"] = nil, nil
		out["subscription"], out["invoice"] = orNull(s.Plan), orNull(s.Invoice)
	}
	if s.Status == sessionOpen {
		out["url"] = v.baseURL() + "/c/pay/" + s.ID
	}
	return out
}

func (s *Session) customerCreation() string {
	if s.NewCustomer {
		return "always"
	}
	return "if_required"
}

func renderCustomText(texts map[string]string) map[string]any {
	out := map[string]any{}
	for _, name := range customTextPlaces() {
		out[name] = nil
		if texts[name] != "" {
			out[name] = map[string]any{"message": texts[name]}
		}
	}
	return out
}

func renderInvoiceCreation() map[string]any {
	return map[string]any{"enabled": false, "invoice_data": map[string]any{
		"account_tax_ids": nil, "custom_fields": nil, "description": nil, "footer": nil,
		"issuer": nil, "metadata": map[string]string{}, "rendering_options": nil,
	}}
}

func renderCustomer(s *Session) any {
	if s.Customer == nil && s.CustomerEmail == "" {
		return nil
	}
	out := map[string]any{
		"address": nil, "email": orNull(s.CustomerEmail), "name": nil, "phone": nil,
		"tax_exempt": "none", "tax_ids": nil,
	}
	if s.Customer != nil {
		out["address"] = renderAddress(*s.Customer)
		out["email"], out["name"] = orNull(s.Customer.Email), orNull(s.Customer.Name)
		out["tax_ids"] = []any{}
	}
	return out
}

func renderAddress(b Billing) map[string]any {
	return map[string]any{
		"city": orNull(b.City), "country": orNull(b.Country), "line1": orNull(b.Line1), "line2": nil,
		"postal_code": orNull(b.PostalCode), "state": nil,
	}
}

func renderLineItems(v view, s *Session) map[string]any {
	data := make([]any, 0, len(s.LineItems))
	for _, item := range s.LineItems {
		data = append(data, renderLineItem(v, s, item))
	}
	return map[string]any{
		"object": "list", "url": "/v1/checkout/sessions/" + s.ID + "/line_items",
		"has_more": false, "data": data,
	}
}

func renderLineItem(v view, s *Session, item LineItem) map[string]any {
	total := item.UnitAmount * item.Quantity
	out := map[string]any{
		"id": item.ID, "object": "item", "amount_discount": 0, "amount_subtotal": total,
		"amount_tax": 0, "amount_total": total, "currency": s.Currency,
		"description": item.Name, "quantity": item.Quantity,
	}
	if stored := v.price(item.Price); stored != nil {
		out["price"] = renderPrice(stored)
		return out
	}
	out["price"] = renderPrice(&Price{
		ID: item.Price, Created: s.Created, Currency: s.Currency, UnitAmount: item.UnitAmount, Product: item.Product,
		TaxBehavior: item.TaxBehavior, Recurring: item.Recurring,
	})
	return out
}
