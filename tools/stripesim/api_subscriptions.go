package stripesim

import "slices"

func planParams(create bool) schema {
	item := schema{
		"metadata": {kind: isMetadata}, "price": {kind: isString, max: 5000}, "quantity": {kind: isInteger},
		"price_data": {kind: isHash, fields: schema{
			"currency": {kind: isString, required: true}, "product": {kind: isString, max: 5000, required: true},
			"recurring": {kind: isHash, fields: recurringParams(), required: true}, "tax_behavior": taxBehavior(),
			"unit_amount": {kind: isInteger},
		}.later("unit_amount_decimal")},
	}.later("billing_thresholds", "tax_rates")
	out := schema{
		"cancel_at":              {kind: isInteger, unset: !create},
		"cancel_at_period_end":   {kind: isBoolean},
		"collection_method":      {kind: isEnum, enum: []string{"charge_automatically"}},
		"default_payment_method": {kind: isString, max: 5000},
		"description":            {kind: isString, max: 500, unset: !create},
		"metadata":               {kind: isMetadata},
		"off_session":            {kind: isBoolean},
		"payment_behavior":       {kind: isEnum, enum: []string{"allow_incomplete", "default_incomplete", "error_if_incomplete"}},
		"proration_behavior":     {kind: isEnum, enum: []string{"always_invoice", "create_prorations", "none"}},
		"payment_settings": {kind: isHash, fields: schema{
			"save_default_payment_method": {kind: isEnum, enum: []string{"off", "on_subscription"}},
			"payment_method_types":        {kind: isList, max: 1, elem: &rule{kind: isEnum, enum: []string{"card"}}},
		}.later("payment_method_options")},
	}
	if create {
		out["customer"] = rule{kind: isString, max: 5000, required: true}
		out["currency"] = rule{kind: isString, max: 3}
		out.later("backdate_start_date", "billing_cycle_anchor", "billing_cycle_anchor_config")
	} else {
		item["id"] = rule{kind: isString, max: 5000}
		item["deleted"] = rule{kind: isBoolean}
		item.later("clear_usage")
		out["cancellation_details"] = cancellationParams()
		out["billing_cycle_anchor"] = rule{kind: isEnum, enum: []string{"now", "unchanged"}}
		out["proration_date"] = rule{kind: isInteger}
		out["payment_behavior"] = rule{kind: isEnum, enum: []string{
			"allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete",
		}}
		out["pause_collection"] = rule{kind: isHash, unset: true, fields: schema{
			"behavior":   {kind: isEnum, enum: []string{"keep_as_draft", "mark_uncollectible", "void"}, required: true},
			"resumes_at": {kind: isInteger},
		}}
	}
	out["items"] = rule{kind: isList, max: 20, required: create, elem: &rule{kind: isHash, fields: item}}
	return out.later("add_invoice_items", "application_fee_percent", "automatic_tax", "billing_thresholds", "coupon",
		"days_until_due", "default_source", "default_tax_rates", "invoice_settings", "on_behalf_of",
		"pending_invoice_item_interval", "promotion_code", "transfer_data", "trial_end", "trial_from_plan",
		"trial_period_days", "trial_settings")
}

func cancellationParams() rule {
	return rule{kind: isHash, fields: schema{
		"comment": {kind: isString, max: 5000, unset: true},
		"feedback": {kind: isEnum, unset: true, enum: []string{
			"customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive", "unused",
		}},
	}}
}

func cancelParams() schema {
	return schema{
		"cancellation_details": cancellationParams(), "invoice_now": {kind: isFalse}, "prorate": {kind: isFalse},
	}
}

// createPlan begins a plan without Checkout: the first invoice is final at once
// and charged to the customer's default card.
func createPlan(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	customer, failure := liveCustomer(t, p.str("customer"), "customer")
	if failure != nil {
		return nil, failure
	}
	plan := t.newPlan(customer, "", Recurring{})
	_, failure = t.readItems(&plan, p)
	if failure != nil {
		return nil, failure
	}
	plan.PeriodEnd = plan.Recurring.boundary(plan.Anchor, 1)
	failure = fillPlan(&plan, p, t)
	if failure != nil {
		return nil, failure
	}
	if plan.cutShort() && p.str("proration_behavior") != prorateNever {
		return nil, endsEarly()
	}
	plan.SaveDefault = p.str("payment_settings", "save_default_payment_method")
	if plan.SaveDefault == "" {
		plan.SaveDefault = "off"
	}
	draft := t.draft(&plan, reasonCreate, nil)
	plan.LatestInvoice = draft.ID
	invoice := t.putInvoice(draft)
	t.emit("invoice.created", nil)
	t.putPlan(plan)
	t.emit("customer.subscription.created", nil)
	invoice = t.finalize(invoice, true)
	method := t.methodFor(invoice)
	if method == nil && p.str("payment_behavior") != "default_incomplete" {
		return nil, noMethod()
	}
	if invoice.Status == invoiceOpen && p.str("payment_behavior") != "default_incomplete" {
		invoice = t.collect(invoice, method, collection{present: p.str("off_session") != "true"})
	}
	if invoice.Status != invoicePaid && p.str("payment_behavior") == "error_if_incomplete" {
		failure := t.refusal(invoice)
		failure.kept = false
		return nil, failure
	}
	return renderPlan(t, t.plan(plan.ID)), nil
}

func noMethod() *apiError {
	return badRequest("resource_missing", "", "This customer has no attached payment source or default payment method. "+
		"Please consider adding a default payment method.")
}

// readItems takes the items of a request into the plan, and tells whether it will
// cost something else.
func (t *tx) readItems(plan *Subscription, p *node) (bool, *apiError) {
	items := slices.Clone(plan.Items)
	asked := p.list("items")
	changed := false
	for i, name := range p.get("items").names() {
		at := childName("items", name)
		var failure *apiError
		var bills bool
		items, bills, failure = t.readItem(plan, items, asked[i], at)
		if failure != nil {
			return false, failure
		}
		changed = changed || bills
	}
	if len(items) == 0 {
		return false, badRequest("", "items", "A subscription must have at least one active item.")
	}
	total := int64(0)
	for _, item := range items {
		total += t.price(item.Price).UnitAmount * item.Quantity
	}
	if total != 0 {
		failure := checkAmount(total, plan.Currency)
		if failure != nil {
			failure.Param = "items"
			return false, failure
		}
	}
	plan.Items = items
	return changed, nil
}

// readItem adds, changes or removes one item; the second result says whether
// the next invoice becomes another.
func (t *tx) readItem(plan *Subscription, items []SubscriptionItem, asked *node, at string) ([]SubscriptionItem, bool, *apiError) {
	place := -1
	if id := asked.str("id"); id != "" {
		place = slices.IndexFunc(items, func(item SubscriptionItem) bool { return item.ID == id })
		if place < 0 {
			return nil, false, badRequest("resource_missing", childName(at, "id"), "No such subscription item: '%s'", shorten(id))
		}
	}
	if asked.str("deleted") == "true" && place >= 0 {
		return slices.Delete(items, place, place+1), true, nil
	}
	item := SubscriptionItem{Created: t.at(plan.TestClock), Quantity: 1}
	if place >= 0 {
		item = items[place]
	}
	before := item
	failure := t.readItemPrice(plan, &item, asked, at)
	if failure != nil {
		return nil, false, failure
	}
	if quantity, given := asked.integer("quantity"); given {
		item.Quantity = quantity
	}
	most := maximum(plan.Currency) / max(t.price(item.Price).UnitAmount, 1)
	if item.Quantity < 0 || item.Quantity > most {
		return nil, false, badRequest("parameter_invalid_integer", childName(at, "quantity"), "This value must be between 0 and %d.", most)
	}
	item.Metadata = mergeMetadata(item.Metadata, asked.get("metadata"))
	if place < 0 {
		item.ID = t.newID("plan_item")
		return append(items, item), true, nil
	}
	items[place] = item
	return items, item.Price != before.Price || item.Quantity != before.Quantity, nil
}

func (t *tx) readItemPrice(plan *Subscription, item *SubscriptionItem, asked *node, at string) *apiError {
	price := t.price(item.Price)
	switch id, data := asked.str("price"), asked.get("price_data"); {
	case id != "" && data != nil:
		return badRequest("parameters_exclusive", at, "You may only specify one of these parameters: price, price_data.")
	case id != "":
		price = t.price(id)
		if price == nil {
			return badRequest("resource_missing", childName(at, "price"), "No such price: '%s'", shorten(id))
		}
		if !price.Active && id != item.Price {
			return badRequest("", childName(at, "price"), "The price specified is inactive. This field only accepts active prices.")
		}
	case data != nil:
		made, failure := t.newPrice(data, data.str("product"), childName(at, "price_data"))
		if failure != nil {
			return failure
		}
		// An inline price serves this item alone.
		inline := *made
		inline.Active = false
		price = t.putPrice(inline)
	case price == nil:
		return badRequest("parameter_missing", at, "You must specify either `price` or `price_data` in `%s`.", at)
	}
	switch {
	case price.Recurring == nil:
		return badRequest("", childName(at, "price"), "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.")
	case plan.Currency == "":
		plan.Currency, plan.Recurring = price.Currency, *price.Recurring
	case plan.Currency != price.Currency:
		return badRequest("", childName(at, "price"), "The specified price's currency is not that of the subscription.")
	case plan.Recurring != *price.Recurring:
		return notOffered("a change of the billing interval, or items with different ones")
	}
	item.Price = price.ID
	return nil
}

// fillPlan sets what is neither item nor pause.
func fillPlan(plan *Subscription, p *node, t *tx) *apiError {
	plan.Metadata = metadataOf(mergeMetadata(plan.Metadata, p.get("metadata")))
	if given := p.get("description"); given != nil {
		plan.Description = given.value
	}
	if id := p.str("default_payment_method"); id != "" {
		method := t.method(id)
		if method == nil || method.Customer != plan.Customer {
			return badRequest("resource_missing", "default_payment_method",
				"No such PaymentMethod: '%s'; it must be attached to the customer first.", shorten(id))
		}
		plan.DefaultMethod = id
	}
	if chosen := p.str("payment_settings", "save_default_payment_method"); chosen != "" {
		plan.SaveDefault = chosen
	}
	return t.readEnd(plan, p)
}

// readEnd reads when the plan shall end. Taking that back clears what was said
// about it.
func (t *tx) readEnd(plan *Subscription, p *node) *apiError {
	now := t.at(plan.TestClock)
	atEnd, cancelAt := p.str("cancel_at_period_end"), p.get("cancel_at")
	if atEnd != "" && cancelAt != nil {
		return badRequest("parameters_exclusive", "cancel_at", "You may only specify one of these parameters: cancel_at, cancel_at_period_end.")
	}
	if details := p.get("cancellation_details"); details != nil {
		readDetails(plan, details)
	}
	if atEnd == "" && cancelAt == nil {
		return nil
	}
	plan.CancelAt = 0
	if second, given := p.integer("cancel_at"); given {
		if second <= now {
			return badRequest("", "cancel_at", "The `cancel_at` timestamp must be in the future.")
		}
		plan.CancelAt = second
	}
	plan.CancelAtPeriodEnd = atEnd == "true"
	if plan.CancelAtPeriodEnd || plan.CancelAt != 0 {
		plan.CanceledAt, plan.CancelReason = now, reasonRequested
		return nil
	}
	plan.CanceledAt, plan.CancelReason = 0, ""
	return nil
}

func readDetails(plan *Subscription, details *node) {
	if given := details.get("comment"); given != nil {
		plan.CancelComment = given.value
	}
	if given := details.get("feedback"); given != nil {
		plan.CancelFeedback = given.value
	}
}

func (t *tx) planNamed(c *call) (*Subscription, *apiError) {
	plan := t.plan(c.r.PathValue("id"))
	if plan == nil {
		return nil, missing("subscription", "id", shorten(c.r.PathValue("id")))
	}
	return plan, nil
}

func updatePlan(c *call, t *tx) (map[string]any, *apiError) {
	plan, failure := t.planNamed(c)
	if failure != nil {
		return nil, failure
	}
	p, next := c.params, *plan
	if plan.ended() {
		for _, name := range p.names() {
			if name != "metadata" && name != "cancellation_details" && name != "expand" {
				return nil, badRequest("", name, "A canceled subscription can only update its cancellation_details and metadata.")
			}
		}
	}
	how, failure := t.readChange(&next, p)
	if failure != nil {
		return nil, failure
	}
	failure = fillPlan(&next, p, t)
	if failure != nil {
		return nil, failure
	}
	failure = t.readPause(&next, p)
	if failure != nil {
		return nil, failure
	}
	failure = t.adjust(plan, next, how)
	if failure != nil {
		return nil, failure
	}
	return renderPlan(t, t.plan(plan.ID)), nil
}

// readChange takes what a change costs into the plan, and how that is settled.
func (t *tx) readChange(plan *Subscription, p *node) (adjustment, *apiError) {
	how, failure := t.readAdjustment(plan, p)
	if failure == nil && p.get("items") != nil {
		how.changed, failure = t.readItems(plan, p)
	}
	return how, failure
}

func (t *tx) readPause(plan *Subscription, p *node) *apiError {
	given := p.get("pause_collection")
	if given == nil {
		return nil
	}
	plan.Pause = nil
	if given.fields == nil {
		return nil
	}
	resumes, timed := given.integer("resumes_at")
	if timed && resumes <= t.at(plan.TestClock) {
		return badRequest("", "pause_collection[resumes_at]", "The `resumes_at` timestamp must be in the future.")
	}
	plan.Pause = &PauseCollection{Behavior: given.str("behavior"), ResumesAt: resumes}
	return nil
}

// deletePlan cancels at once. A plan that is over already is as good as unknown.
func deletePlan(c *call, t *tx) (map[string]any, *apiError) {
	plan, failure := t.planNamed(c)
	if failure == nil && plan.ended() {
		failure = missing("subscription", "id", shorten(plan.ID))
	}
	if failure != nil {
		return nil, failure
	}
	next := *plan
	if details := c.params.get("cancellation_details"); details != nil {
		readDetails(&next, details)
	}
	return renderPlan(t, t.cancelPlan(&next, reasonRequested)), nil
}

func getPlan(c *call, v reader) (map[string]any, *apiError) {
	plan := v.plan(c.r.PathValue("id"))
	if plan == nil {
		return nil, missing("subscription", "id", shorten(c.r.PathValue("id")))
	}
	return renderPlan(v, plan), nil
}

func planFilters() schema {
	return pageParams(schema{
		"collection_method":    {kind: isEnum, enum: []string{"charge_automatically", "send_invoice"}},
		"created":              {kind: isRange},
		"current_period_end":   {kind: isRange},
		"current_period_start": {kind: isRange},
		"customer":             {kind: isString, max: 5000},
		"price":                {kind: isString, max: 5000},
		"status": {kind: isEnum, enum: []string{
			planActive, "all", planCanceled, "ended", planIncomplete, planExpired, planPastDue, "paused", "trialing", planUnpaid,
		}},
		"test_clock": {kind: isString, max: 5000},
	}.later("automatic_tax"))
}

// listPlans leaves out what has ended unless a status is asked for, and what is
// on a test clock unless that or a customer is.
func (s *Server) listPlans(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	ends, starts := createdFilter(p.get("current_period_end")), createdFilter(p.get("current_period_start"))
	if id := p.str("customer"); id != "" && v.customer(id) == nil {
		return nil, badRequest("resource_missing", "customer", "No such customer: '%s'", shorten(id))
	}
	return listing[Subscription]{
		url: "/v1/subscriptions", kind: "subscription", table: &v.plans,
		created: func(row *Subscription) int64 { return row.Created },
		keep: func(row *Subscription) bool {
			return hasStatus(row, p.str("status")) && ends(row.PeriodEnd) && starts(row.PeriodStart) &&
				(p.str("customer") == "" || row.Customer == p.str("customer")) &&
				(row.TestClock == p.str("test_clock") || p.str("test_clock") == "" && p.str("customer") != "") &&
				p.str("collection_method") != "send_invoice" && (p.str("price") == "" || row.has(p.str("price")))
		},
		render: func(row *Subscription) map[string]any { return renderPlan(v, row) },
	}.page(c, v)
}

func (s *Subscription) has(price string) bool {
	return slices.ContainsFunc(s.Items, func(item SubscriptionItem) bool { return item.Price == price })
}

func hasStatus(plan *Subscription, asked string) bool {
	switch asked {
	case "all":
		return true
	case "ended":
		return plan.ended()
	case "":
		return plan.Status != planCanceled
	}
	return plan.Status == asked
}
