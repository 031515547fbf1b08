package stripesim

func portalParams() schema {
	after := schema{
		"type":                {kind: isEnum, enum: []string{"hosted_confirmation", "portal_homepage", "redirect"}, required: true},
		"hosted_confirmation": {kind: isHash, fields: schema{"custom_message": {kind: isString, max: 500}}},
		"redirect":            {kind: isHash, fields: schema{"return_url": {kind: isURL, max: 5000, required: true}}},
	}
	flow := schema{
		"type":             {kind: isEnum, enum: []string{flowCard, flowCancel, "subscription_update", "subscription_update_confirm"}, required: true},
		"after_completion": {kind: isHash, fields: after},
		"subscription_cancel": {kind: isHash, fields: schema{
			"subscription": {kind: isString, max: 5000, required: true},
		}.later("retention")},
	}
	return schema{
		"configuration": {kind: isString, max: 5000},
		"customer":      {kind: isString, max: 5000, required: true},
		"flow_data":     {kind: isHash, fields: flow.later("subscription_update", "subscription_update_confirm")},
		"locale":        {kind: isString, max: 10},
		"return_url":    {kind: isURL, max: 5000},
	}.later("on_behalf_of")
}

func createPortal(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	customer, failure := liveCustomer(t, p.str("customer"), "customer")
	if failure != nil {
		return nil, failure
	}
	if id := p.str("configuration"); id != "" && id != t.portalConfiguration() {
		return nil, badRequest("resource_missing", "configuration", "No such configuration: '%s'", shorten(id))
	}
	session := PortalSession{
		ID: t.newID("portal"), Created: t.now.Unix(), Customer: customer.ID, ReturnURL: p.str("return_url"), Locale: p.str("locale"),
	}
	failure = t.readFlow(&session, p.get("flow_data"))
	if failure != nil {
		return nil, failure
	}
	return renderPortal(t, t.putPortal(session)), nil
}

func (t *tx) readFlow(session *PortalSession, flow *node) *apiError {
	if flow == nil {
		return nil
	}
	session.Flow = flow.str("type")
	if session.Flow != flowCard && session.Flow != flowCancel {
		return notOffered("flow_data[type]=" + session.Flow)
	}
	session.After = flow.str("after_completion", "type")
	session.AfterURL = flow.str("after_completion", "redirect", "return_url")
	session.CustomMessage = flow.str("after_completion", "hosted_confirmation", "custom_message")
	if session.After == "redirect" && session.AfterURL == "" {
		return badRequest("parameter_missing", "flow_data[after_completion][redirect][return_url]",
			"Missing required param: flow_data[after_completion][redirect][return_url].")
	}
	if session.Flow == flowCard {
		return nil
	}
	id := flow.str("subscription_cancel", "subscription")
	plan := t.plan(id)
	switch {
	case id == "":
		return badRequest("parameter_missing", "flow_data[subscription_cancel]", "Missing required param: flow_data[subscription_cancel].")
	case plan == nil || plan.Customer != session.Customer:
		return badRequest("resource_missing", "flow_data[subscription_cancel][subscription]", "No such subscription: '%s'", shorten(id))
	case plan.ended() || plan.CancelAtPeriodEnd:
		return badRequest("", "flow_data[subscription_cancel][subscription]", "The subscription is already canceled, or set to be.")
	}
	session.Plan = id
	return nil
}

// configurationID is that of the one configuration that there is.
func configurationID(seed uint64) string { return makeID(seed, "portal_config", 0) }

func (t *tx) portalConfiguration() string    { return configurationID(t.s.state.init.Seed) }
func (r reader) portalConfiguration() string { return configurationID(r.init.Seed) }

func getConfiguration(c *call, v reader) (map[string]any, *apiError) {
	if c.r.PathValue("id") != v.portalConfiguration() {
		return nil, missing("configuration", "configuration", shorten(c.r.PathValue("id")))
	}
	return renderConfiguration(v.portalConfiguration(), v.init.Created), nil
}

func configurationFilters() schema {
	return pageParams(schema{"active": {kind: isBoolean}, "is_default": {kind: isBoolean}})
}

func listConfigurations(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	rows := &table[string]{}
	id := v.portalConfiguration()
	if p.str("active") != "false" && p.str("is_default") != "false" {
		rows.put(id, &id)
	}
	return listing[string]{
		url: "/v1/billing_portal/configurations", kind: "configuration", table: rows,
		created: func(*string) int64 { return v.init.Created },
		render:  func(id *string) map[string]any { return renderConfiguration(*id, v.init.Created) },
	}.page(c, v)
}

func renderPortal(v view, p *PortalSession) map[string]any {
	return map[string]any{
		"id": p.ID, "object": "billing_portal.session", "configuration": v.portalConfiguration(), "created": p.Created,
		"customer": p.Customer, "flow": renderFlow(p), "livemode": false, "locale": orNull(p.Locale), "on_behalf_of": nil,
		"return_url": orNull(p.ReturnURL), "url": v.baseURL() + p.base(),
	}
}

func renderFlow(p *PortalSession) any {
	if p.Flow == "" {
		return nil
	}
	after := map[string]any{"type": "portal_homepage", "hosted_confirmation": nil, "redirect": nil}
	if p.After != "" {
		after["type"] = p.After
	}
	switch p.After {
	case "redirect":
		after["redirect"] = map[string]any{"return_url": p.AfterURL}
	case "hosted_confirmation":
		after["hosted_confirmation"] = map[string]any{"custom_message": orNull(p.CustomMessage)}
	}
	out := map[string]any{
		"type": p.Flow, "after_completion": after, "subscription_cancel": nil, "subscription_update": nil,
		"subscription_update_confirm": nil,
	}
	if p.Flow == flowCancel {
		out["subscription_cancel"] = map[string]any{"retention": nil, "subscription": p.Plan}
	}
	return out
}

// renderConfiguration says what the portal page offers, and nothing it does not.
func renderConfiguration(id string, created int64) map[string]any {
	return map[string]any{
		"id": id, "object": "billing_portal.configuration", "active": true, "application": nil, "created": created,
		"business_profile":   map[string]any{"headline": nil, "privacy_policy_url": nil, "terms_of_service_url": nil},
		"default_return_url": nil, "is_default": true, "livemode": false, "metadata": map[string]string{},
		"login_page": map[string]any{"enabled": false, "url": nil}, "updated": created,
		"features": map[string]any{
			"customer_update":       map[string]any{"allowed_updates": []any{}, "enabled": false},
			"invoice_history":       map[string]any{"enabled": true},
			"payment_method_update": map[string]any{"enabled": true},
			"subscription_cancel": map[string]any{
				"cancellation_reason": map[string]any{"enabled": false, "options": []any{}}, "enabled": true,
				"mode": "at_period_end", "proration_behavior": "none",
			},
			"subscription_pause": map[string]any{"enabled": false},
			"subscription_update": map[string]any{
				"default_allowed_updates": []any{}, "enabled": false, "proration_behavior": "none",
			},
		},
	}
}
