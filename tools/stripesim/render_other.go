package stripesim

import "time"

// renderObject renders any announced version of an object.
func renderObject(v view, object any) map[string]any {
	switch o := object.(type) {
	case *Session:
		return renderSession(v, o)
	case *PaymentIntent:
		return renderIntent(v, o)
	case *Charge:
		return renderCharge(v, o)
	}
	rendered := renderBillingObject(v, object)
	if rendered == nil {
		rendered = renderAftermath(v, object)
	}
	return rendered
}

// renderEvent renders an event in the version of the endpoint it goes to.
func renderEvent(v reader, e *Event, version string) map[string]any {
	object := renderObject(moment{v, e.Created}, e.object)
	v.inVersion(e, object, version)
	inner := map[string]any{"object": object}
	if e.Previous != nil {
		inner["previous_attributes"] = e.Previous
	}
	return map[string]any{
		"id": e.ID, "object": "event", "api_version": version, "created": e.Created, "data": inner,
		"livemode": false, "pending_webhooks": e.pending(), "type": e.Type,
		"request": map[string]any{"id": orNull(e.RequestID), "idempotency_key": orNull(e.IdempotencyKey)},
	}
}

// pending counts the deliveries that nobody has answered with a 2xx yet.
func (e *Event) pending() int {
	count := 0
	for _, d := range e.deliveries {
		if d.state != deliverySucceeded {
			count++
		}
	}
	return count
}

// renderEndpoint never shows the secret, except to the one who just created it.
func renderEndpoint(e *WebhookEndpoint, secret string) map[string]any {
	out := map[string]any{
		"id": e.ID, "object": "webhook_endpoint", "api_version": orNull(e.APIVersion), "application": nil,
		"created": e.Created, "description": orNull(e.Description), "enabled_events": e.EnabledEvents,
		"livemode": false, "metadata": metadataOf(e.Metadata), "status": e.status(), "url": e.URL,
	}
	if secret != "" {
		out["secret"] = secret
	}
	return out
}

func renderAccount(init initRecord, country, currency string) map[string]any {
	requirements := map[string]any{
		"alternatives": []any{}, "current_deadline": nil, "currently_due": []any{}, "disabled_reason": nil,
		"errors": []any{}, "eventually_due": []any{}, "past_due": []any{}, "pending_verification": []any{},
	}
	return map[string]any{
		"id": init.Account, "object": "account", "business_type": nil, "charges_enabled": true,
		"business_profile": map[string]any{
			"annual_revenue": nil, "estimated_worker_count": nil, "mcc": nil, "name": simulatorName,
			"product_description": nil, "support_address": nil, "support_email": nil, "support_phone": nil,
			"support_url": nil, "url": nil,
		},
		"capabilities": map[string]any{"card_payments": "active", "transfers": "active"},
		"controller":   map[string]any{"type": "account"}, "country": country, "created": init.Created,
		"default_currency": currency, "details_submitted": true, "email": nil,
		"external_accounts":   emptyList("/v1/accounts/" + init.Account + "/external_accounts"),
		"future_requirements": requirements, "requirements": requirements, "metadata": map[string]string{},
		"payouts_enabled": true, "settings": renderAccountSettings(), "type": "standard",
		"tos_acceptance": map[string]any{"date": nil, "ip": nil, "user_agent": nil},
	}
}

func renderAccountSettings() map[string]any {
	return map[string]any{
		"bacs_debit_payments": map[string]any{"display_name": nil, "service_user_number": nil},
		"branding":            map[string]any{"icon": nil, "logo": nil, "primary_color": nil, "secondary_color": nil},
		"card_issuing":        map[string]any{"tos_acceptance": map[string]any{"date": nil, "ip": nil}},
		"card_payments": map[string]any{
			"decline_on":                  map[string]any{"avs_failure": false, "cvc_failure": false},
			"statement_descriptor_prefix": nil, "statement_descriptor_prefix_kana": nil,
			"statement_descriptor_prefix_kanji": nil,
		},
		"dashboard": map[string]any{"display_name": simulatorName, "timezone": "Etc/UTC"},
		"invoices":  map[string]any{"default_account_tax_ids": nil},
		"payments": map[string]any{
			"statement_descriptor": "STRIPESIM", "statement_descriptor_kana": nil, "statement_descriptor_kanji": nil,
		},
		"payouts": map[string]any{
			"debit_negative_balances": true, "statement_descriptor": nil,
			"schedule": map[string]any{"delay_days": 2, "interval": "daily"},
		},
		"sepa_debit_payments": map[string]any{},
	}
}

// The state is a view for reading; the server adds clock and address.

type reader struct {
	*state
	at   time.Time
	url  string
	home string
	name string
}

func (r reader) session(id string) *Session                { return r.sessions.byID[id] }
func (r reader) intent(id string) *PaymentIntent           { return r.intents.byID[id] }
func (r reader) method(id string) *PaymentMethod           { return r.methods.byID[id] }
func (r reader) charge(id string) *Charge                  { return r.charges.byID[id] }
func (r reader) transaction(id string) *BalanceTransaction { return r.txns.byID[id] }
func (r reader) clock() time.Time                          { return r.at }
func (r reader) baseURL() string                           { return r.url }
