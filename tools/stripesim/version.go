package stripesim

const (
	// basil is the API version that took the payment off the invoice. Receivers that
	// read it from an event find nothing when their endpoint is rendered in it.
	basil = "2025-03-31"
	// shortened is the version that took the charges out of payment intents, and the
	// refunds out of charges.
	shortened = "2022-11-15"
)

// inVersion changes the rendered object of an event into what another version shows
// of it. It does so for what receivers build on, and for that alone.
func (r reader) inVersion(event *Event, object map[string]any, version string) {
	switch {
	case version >= basil:
		inBasil(object)
	case version < shortened:
		r.atLength(event, object)
	}
}

func inBasil(object map[string]any) {
	switch object["object"] {
	case "invoice":
		invoiceOfBasil(object)
	case "subscription":
		items, _ := object["items"].(map[string]any)["data"].([]any)
		for _, item := range items {
			for _, name := range []string{"current_period_end", "current_period_start"} {
				item.(map[string]any)[name] = object[name]
			}
		}
		delete(object, "current_period_end")
		delete(object, "current_period_start")
	case "charge", "payment_intent":
		delete(object, "invoice")
	}
}

// invoiceOfBasil moves what is about the subscription below parent and drops the
// payment, which has a list of its own there.
func invoiceOfBasil(invoice map[string]any) {
	details, _ := invoice["subscription_details"].(map[string]any)
	if plan := invoice["subscription"]; plan != nil {
		invoice["parent"] = map[string]any{
			"type": "subscription_details", "quote_details": nil,
			"subscription_details": map[string]any{"metadata": details["metadata"], "subscription": plan},
		}
	}
	for _, name := range []string{
		"charge", "paid", "paid_out_of_band", "payment_intent", "quote", "subscription", "subscription_details",
		"tax", "total_tax_amounts", "transfer_data",
	} {
		delete(invoice, name)
	}
	lines, _ := invoice["lines"].(map[string]any)["data"].([]any)
	for _, row := range lines {
		line := row.(map[string]any)
		line["parent"] = map[string]any{
			"type": "subscription_item_details", "invoice_item_details": nil,
			"subscription_item_details": map[string]any{
				"subscription": line["subscription"], "subscription_item": line["subscription_item"], "proration": line["proration"],
			},
		}
		for _, name := range []string{"invoice_item", "price", "proration", "proration_details", "subscription", "subscription_item", "type"} {
			delete(line, name)
		}
	}
}

// estrange takes away everything by which a program knows its own objects.
func estrange(object map[string]any) {
	object["metadata"] = map[string]string{}
	if _, has := object["client_reference_id"]; has {
		object["client_reference_id"] = nil
	}
	if details, has := object["subscription_details"].(map[string]any); has {
		details["metadata"] = map[string]string{}
	}
	lines, _ := object["lines"].(map[string]any)
	rows, _ := lines["data"].([]any)
	for _, row := range rows {
		row.(map[string]any)["metadata"] = map[string]string{}
	}
}
