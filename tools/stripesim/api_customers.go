package stripesim

import (
	"slices"
	"strings"
)

func customerParams(create bool) schema {
	address := schema{}
	for _, part := range addressParts() {
		address[part] = rule{kind: isString, max: 5000, unset: true}
	}
	settings := schema{"default_payment_method": {kind: isString, max: 5000, unset: true}}
	out := schema{
		"address":           {kind: isHash, fields: address, unset: true},
		"description":       {kind: isString, max: 5000, unset: true},
		"email":             {kind: isEmail, max: 512, unset: true},
		"invoice_prefix":    {kind: isString, max: 12},
		"invoice_settings":  {kind: isHash, fields: settings.later("custom_fields", "footer", "rendering_options")},
		"metadata":          {kind: isMetadata},
		"name":              {kind: isString, max: 256, unset: true},
		"phone":             {kind: isString, max: 20, unset: true},
		"preferred_locales": {kind: isList, max: 20, elem: &rule{kind: isString, max: 20}},
	}
	if create {
		out["payment_method"] = rule{kind: isString, max: 5000}
		out["test_clock"] = rule{kind: isString, max: 5000}
	}
	return out.later("balance", "cash_balance", "coupon", "next_invoice_sequence", "promotion_code", "shipping",
		"source", "tax", "tax_exempt", "tax_id_data")
}

// liveCustomer finds a customer that was not deleted. param names the parameter
// that holds the id, empty for one in the path.
func liveCustomer(v view, id, param string) (*Customer, *apiError) {
	customer := v.customer(id)
	if customer != nil && !customer.Deleted {
		return customer, nil
	}
	if param == "" {
		return nil, missing("customer", "id", shorten(id))
	}
	return nil, badRequest("resource_missing", param, "No such customer: '%s'", shorten(id))
}

func createCustomer(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	made := t.newCustomer()
	if id := p.str("test_clock"); id != "" {
		_, failure := liveClock(t, id)
		if failure != nil {
			return nil, badRequest("resource_missing", "test_clock", "No such test clock: '%s'", shorten(id))
		}
		made.TestClock, made.Created = id, t.at(id)
	}
	failure := fillCustomer(&made, p, t)
	if failure != nil {
		return nil, failure
	}
	customer := t.putCustomer(made)
	t.emit("customer.created", nil)
	if asked := p.str("payment_method"); asked != "" {
		_, failure = t.attachNamed(asked, customer, "payment_method")
		if failure != nil {
			return nil, failure
		}
	}
	return renderCustomerObject(t.customer(customer.ID)), nil
}

// newCustomer is one that is not stored yet. The prefix of its invoices is
// derived from its id, as Stripe makes one up.
func (t *tx) newCustomer() Customer {
	id := t.newID("customer")
	return Customer{
		ID: id, Created: t.now.Unix(), Metadata: map[string]string{},
		InvoicePrefix: strings.ToUpper(token(t.s.state.init.Seed, "prefix"+id, 0, 8)),
	}
}

// fillCustomer sets what the request names. A default payment method must be
// the customer's own.
func fillCustomer(customer *Customer, p *node, v view) *apiError {
	for name, into := range map[string]*string{
		"description": &customer.Description, "email": &customer.Email, "name": &customer.Name,
		"phone": &customer.Phone, "invoice_prefix": &customer.InvoicePrefix,
	} {
		if given := p.get(name); given != nil {
			*into = given.value
		}
	}
	if given := p.get("address"); given != nil {
		customer.Address = given.pairs()
	}
	if p.get("preferred_locales") != nil {
		customer.PreferredLocales = p.strings("preferred_locales")
	}
	customer.Metadata = metadataOf(mergeMetadata(customer.Metadata, p.get("metadata")))
	method := p.get("invoice_settings", "default_payment_method")
	if method == nil {
		return nil
	}
	found := v.method(method.value)
	own := found != nil && found.Customer == customer.ID
	if method.value != "" && !own && p.str("payment_method") != method.value {
		return badRequest("resource_missing", "invoice_settings[default_payment_method]",
			"No such PaymentMethod: '%s'; it must be attached to the customer first.", shorten(method.value))
	}
	customer.DefaultMethod = method.value
	return nil
}

func updateCustomer(c *call, t *tx) (map[string]any, *apiError) {
	customer, failure := liveCustomer(t, c.r.PathValue("id"), "")
	if failure != nil {
		return nil, failure
	}
	next := *customer
	failure = fillCustomer(&next, c.params, t)
	if failure != nil {
		return nil, failure
	}
	return renderCustomerObject(t.changeCustomer(customer, next)), nil
}

// changeCustomer stores a new version and says what it was before.
func (t *tx) changeCustomer(old *Customer, next Customer) *Customer {
	previous := differences(renderCustomerObject(old), renderCustomerObject(&next))
	if len(previous) == 0 {
		return old
	}
	out := t.putCustomer(next)
	t.emit("customer.updated", previous)
	return out
}

func deleteCustomer(c *call, t *tx) (map[string]any, *apiError) {
	customer, failure := liveCustomer(t, c.r.PathValue("id"), "")
	if failure != nil {
		return nil, failure
	}
	t.removeCustomer(customer)
	return map[string]any{"id": customer.ID, "object": "customer", "deleted": true}, nil
}

// removeCustomer ends everything that would go on charging somebody who is no
// longer there.
func (t *tx) removeCustomer(customer *Customer) {
	for _, id := range t.s.state.plans.order {
		plan := t.plan(id)
		if plan.Customer == customer.ID && !plan.ended() {
			t.cancelPlan(plan, reasonRequested)
		}
	}
	// The event shows the customer as it was.
	t.putCustomer(*customer)
	t.emit("customer.deleted", nil)
	next := *customer
	next.Deleted = true
	t.putCustomer(next)
}

func getCustomer(c *call, v reader) (map[string]any, *apiError) {
	customer := v.customer(c.r.PathValue("id"))
	if customer == nil {
		return nil, missing("customer", "id", shorten(c.r.PathValue("id")))
	}
	return renderCustomerObject(customer), nil
}

func customerFilters() schema {
	return pageParams(schema{
		"created": {kind: isRange}, "email": {kind: isString, max: 512}, "test_clock": {kind: isString, max: 5000},
	})
}

// listCustomers leaves out those on test clocks unless one is named.
func (s *Server) listCustomers(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	return listing[Customer]{
		url: "/v1/customers", kind: "customer", table: &v.customers,
		created: func(row *Customer) int64 { return row.Created },
		keep: func(row *Customer) bool {
			// The filter is case-sensitive at Stripe.
			return !row.Deleted && row.TestClock == p.str("test_clock") && (p.str("email") == "" || row.Email == p.str("email"))
		},
		render: renderCustomerObject,
	}.page(c, v)
}

// differences are the old values of what changed, as an event's
// previous_attributes show them.
func differences(old, next map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range old {
		if string(encode(value)) != string(encode(next[name])) {
			out[name] = value
		}
	}
	return out
}

func attachParams() schema {
	return schema{"customer": {kind: isString, max: 5000, required: true}}
}

func attachMethod(c *call, t *tx) (map[string]any, *apiError) {
	customer, failure := liveCustomer(t, c.params.str("customer"), "customer")
	if failure != nil {
		return nil, failure
	}
	method, failure := t.attachNamed(c.r.PathValue("id"), customer, "")
	if failure != nil {
		return nil, failure
	}
	return renderMethod(method), nil
}

// attachNamed gives a customer a payment method, or a fresh one of the test
// methods.
func (t *tx) attachNamed(id string, customer *Customer, param string) (*PaymentMethod, *apiError) {
	method := t.method(id)
	ready := cardNamed(testMethods()[id])
	switch {
	case ready.name != "" && ready.refusesAttaching():
		return nil, ready.declined()
	case ready.name != "":
		method = t.newMethod(payment{
			card: ready, expMonth: 12, expYear: t.now.UTC().Year() + 5, billing: Billing{Email: customer.Email, Name: customer.Name},
		})
	case method == nil && param == "":
		return nil, missing("PaymentMethod", "payment_method", shorten(id))
	case method == nil:
		return nil, badRequest("resource_missing", param, "No such PaymentMethod: '%s'", shorten(id))
	case method.Customer == customer.ID:
		return method, nil
	case method.Customer != "":
		return nil, badRequest("", "payment_method", "The payment method you provided has already been attached to a customer.")
	case t.usedAlone(method):
		return nil, badRequest("", "payment_method", "This PaymentMethod was previously used without being attached to a Customer or was "+
			"detached from a Customer, and may not be used again.")
	}
	return t.attachTo(method, customer.ID), nil
}

// usedAlone tells of a payment method that paid without a customer and was not to be
// kept, that was to pay and did not, or that was detached: Stripe takes none again.
func (t *tx) usedAlone(method *PaymentMethod) bool {
	return method.Detached || slices.ContainsFunc(t.s.state.charges.order, func(charge string) bool {
		paid := t.charge(charge)
		kept := paid.Status == chargeSucceeded && t.intent(paid.PaymentIntent).FutureUsage != ""
		return paid.PaymentMethod == method.ID && !kept
	})
}

func (t *tx) attachTo(method *PaymentMethod, customer string) *PaymentMethod {
	next := *method
	next.Customer = customer
	attached := t.putMethod(next)
	t.emit("payment_method.attached", nil)
	return attached
}

func detachMethod(c *call, t *tx) (map[string]any, *apiError) {
	method := t.method(c.r.PathValue("id"))
	if method == nil {
		return nil, missing("PaymentMethod", "payment_method", shorten(c.r.PathValue("id")))
	}
	if method.Customer == "" {
		return nil, badRequest("", "payment_method", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	next := *method
	next.Customer, next.Detached = "", true
	detached := t.putMethod(next)
	t.emit("payment_method.detached", map[string]any{"customer": method.Customer})
	t.forgetMethod(method)
	return renderMethod(detached), nil
}

// forgetMethod takes a detached payment method out of its customer's default.
func (t *tx) forgetMethod(method *PaymentMethod) {
	customer := t.customer(method.Customer)
	if customer.DefaultMethod == method.ID {
		next := *customer
		next.DefaultMethod = ""
		t.changeCustomer(customer, next)
	}
	for _, id := range t.s.state.plans.order {
		plan := t.plan(id)
		if plan.DefaultMethod == method.ID && !plan.ended() {
			next := *plan
			next.DefaultMethod = ""
			t.changePlan(plan, next)
		}
	}
}

func methodFilters(all bool) schema {
	out := schema{"type": {kind: isEnum, enum: []string{"card"}}}
	if all {
		out["customer"] = rule{kind: isString, max: 5000}
	}
	return pageParams(out)
}

func getMethod(c *call, v reader) (map[string]any, *apiError) {
	method := v.method(c.r.PathValue("id"))
	if method == nil {
		return nil, missing("PaymentMethod", "payment_method", shorten(c.r.PathValue("id")))
	}
	return renderMethod(method), nil
}

func getMethodOfCustomer(c *call, v reader) (map[string]any, *apiError) {
	_, failure := liveCustomer(v, c.r.PathValue("id"), "")
	if failure != nil {
		return nil, failure
	}
	method := v.method(c.r.PathValue("pm"))
	if method == nil || method.Customer != c.r.PathValue("id") {
		return nil, missing("PaymentMethod", "payment_method", shorten(c.r.PathValue("pm")))
	}
	return renderMethod(method), nil
}

func listMethodsOfCustomer(c *call, v reader) (map[string]any, *apiError) {
	id := c.r.PathValue("id")
	_, failure := liveCustomer(v, id, "")
	if failure != nil {
		return nil, failure
	}
	return methodsOf(id, "/v1/customers/"+id+"/payment_methods", c, v)
}

// listMethods without a customer lists none: Stripe lists treasury methods there.
func listMethods(c *call, v reader) (map[string]any, *apiError) {
	id := c.params.str("customer")
	if id != "" {
		_, failure := liveCustomer(v, id, "customer")
		if failure != nil {
			return nil, failure
		}
	}
	return methodsOf(id, "/v1/payment_methods", c, v)
}

func methodsOf(customer, url string, c *call, v reader) (map[string]any, *apiError) {
	return listing[PaymentMethod]{
		url: url, kind: "PaymentMethod", table: &v.methods, among: v.methodsOfCustomer[customer], restricted: true,
		created: func(row *PaymentMethod) int64 { return row.Created },
		render:  renderMethod,
	}.page(c, v)
}
