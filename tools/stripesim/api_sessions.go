package stripesim

import "strings"

func sessionParams() schema {
	later := rule{kind: isLater}
	out := schema{
		"mode":                       {kind: isEnum, enum: []string{"payment", "setup", "subscription"}},
		"success_url":                {kind: isURL, max: 5000, required: true},
		"cancel_url":                 {kind: isURL, max: 5000},
		"client_reference_id":        {kind: isString, max: 200},
		"customer":                   {kind: isString, max: 5000},
		"customer_creation":          {kind: isEnum, enum: []string{"always", "if_required"}},
		"customer_email":             {kind: isEmail, max: 512},
		"currency":                   {kind: isString, max: 3},
		"expires_at":                 {kind: isInteger},
		"locale":                     {kind: isEnum, enum: strings.Fields(locales)},
		"metadata":                   {kind: isMetadata},
		"submit_type":                {kind: isEnum, enum: []string{"auto", "book", "donate", "pay"}},
		"billing_address_collection": {kind: isEnum, enum: []string{"auto", "required"}},
		"payment_method_types":       {kind: isList, max: 20, elem: &rule{kind: isString, max: 40}},
		"ui_mode":                    {kind: isEnum, enum: []string{"embedded", "hosted"}},
		"allow_promotion_codes":      {kind: isFalse},
		"automatic_tax":              {kind: isHash, fields: schema{"enabled": {kind: isFalse, required: true}, "liability": later}},
		"invoice_creation":           {kind: isHash, fields: schema{"enabled": {kind: isFalse, required: true}, "invoice_data": later}},
		"phone_number_collection":    {kind: isHash, fields: schema{"enabled": {kind: isFalse, required: true}}},
		"tax_id_collection":          {kind: isHash, fields: schema{"enabled": {kind: isFalse, required: true}}},
		"custom_text":                {kind: isHash, fields: customTextParams()},
		"line_items":                 {kind: isList, max: 100, elem: &rule{kind: isHash, fields: lineItemParams()}},
		"payment_intent_data":        {kind: isHash, fields: intentDataParams()},
		"payment_method_options": {kind: isHash, fields: schema{"card": {kind: isHash, fields: schema{
			"request_three_d_secure": {kind: isEnum, enum: []string{"automatic"}},
			"installments":           later, "setup_future_usage": later, "statement_descriptor_suffix_kana": later,
			"statement_descriptor_suffix_kanji": later,
		}}, methodSEPA: debitOptions(), methodBacs: debitOptions(), methodACH: achOptions()}},
	}
	for _, name := range []string{
		"customer_update", "discounts", "payment_method_collection",
		"payment_method_configuration", "redirect_on_completion", "return_url", "setup_intent_data",
		"shipping_address_collection", "shipping_options",
	} {
		out[name] = later
	}
	out["after_expiration"] = rule{kind: isHash, fields: afterExpirationParams()}
	out["consent_collection"] = rule{kind: isHash, fields: consentParams()}
	out["custom_fields"] = rule{kind: isList, max: 3, elem: &rule{kind: isHash, fields: customFieldParams()}}
	out["subscription_data"] = rule{kind: isHash, fields: schema{
		"description": {kind: isString, max: 500},
		"metadata":    {kind: isMetadata},
	}.later("application_fee_percent", "billing_cycle_anchor", "default_tax_rates", "invoice_settings", "on_behalf_of",
		"proration_behavior", "transfer_data", "trial_end", "trial_period_days", "trial_settings")}
	return out
}

func debitOptions() rule {
	return rule{kind: isHash, fields: schema{"setup_future_usage": {kind: isEnum, enum: []string{"none"}}}}
}

// achOptions: bank accounts are verified at once here, whatever is asked for.
func achOptions() rule {
	out := debitOptions()
	out.fields["verification_method"] = rule{kind: isEnum, enum: []string{"automatic", "instant"}}
	out.fields["financial_connections"] = rule{kind: isLater}
	return out
}

const locales = "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR " +
	"ro ru sk sl sv th tr vi zh zh-HK zh-TW"

func customTextPlaces() []string {
	return []string{"after_submit", "shipping_address", "submit", "terms_of_service_acceptance"}
}

func customTextParams() schema {
	out := schema{}
	for _, place := range customTextPlaces() {
		out[place] = rule{kind: isHash, fields: schema{"message": {kind: isString, max: 1200, required: true}}}
	}
	return out
}

func lineItemParams() schema {
	later := rule{kind: isLater}
	return schema{
		"price":    {kind: isString, max: 5000},
		"quantity": {kind: isInteger},
		"price_data": {kind: isHash, fields: schema{
			"currency":            {kind: isString, required: true},
			"product":             {kind: isString, max: 5000},
			"recurring":           {kind: isHash, fields: recurringParams()},
			"tax_behavior":        {kind: isEnum, enum: []string{"exclusive", "inclusive", "unspecified"}},
			"unit_amount":         {kind: isInteger},
			"unit_amount_decimal": later,
			"product_data": {kind: isHash, fields: schema{
				"name":        {kind: isString, max: 5000, required: true},
				"description": {kind: isString, max: 40000},
				"metadata":    {kind: isMetadata},
				"images":      later, "tax_code": later,
			}},
		}},
		"adjustable_quantity": {kind: isHash, fields: schema{"enabled": {kind: isFalse, required: true}, "maximum": later, "minimum": later}},
		"dynamic_tax_rates":   later, "tax_rates": later,
	}
}

func intentDataParams() schema {
	out := schema{
		"capture_method":              {kind: isEnum, enum: []string{captureAutomatic, captureAsync, "manual"}},
		"description":                 {kind: isString, max: 1000},
		"metadata":                    {kind: isMetadata},
		"receipt_email":               {kind: isEmail, max: 512},
		"statement_descriptor":        {kind: isString, max: 22},
		"statement_descriptor_suffix": {kind: isString, max: 22},
		"setup_future_usage":          {kind: isEnum, enum: []string{usageOffSession, usageOnSession}},
	}
	for _, name := range []string{
		"application_fee_amount", "on_behalf_of", "shipping", "transfer_data", "transfer_group",
	} {
		out[name] = rule{kind: isLater}
	}
	return out
}

// checkSession tells what the schema cannot: rules between parameters, amounts,
// and the window for expires_at.
func (s *Server) checkSession(c *call) *apiError {
	p := c.params
	switch mode := p.str("mode"); mode {
	case "":
		return badRequest("parameter_missing", "mode", "Missing required param: mode.")
	case "payment", modeSubscription:
		failure := checkMode(p, mode)
		if failure != nil {
			return failure
		}
	default:
		return notOffered("mode=" + mode)
	}
	if p.str("ui_mode") == "embedded" {
		return notOffered("ui_mode=embedded")
	}
	if p.str("payment_intent_data", "capture_method") == "manual" {
		return notOffered("payment_intent_data[capture_method]=manual")
	}
	failure := checkMethods(p)
	if failure != nil {
		return failure
	}
	failure = checkQuestions(p)
	if failure != nil {
		return failure
	}
	failure = checkDescriptors(p)
	if failure != nil {
		return failure
	}
	failure = s.checkReferences(p)
	if failure != nil {
		return failure
	}
	return s.checkExpiry(p)
}

func (s *Server) checkExpiry(p *node) *apiError {
	expires, given := p.integer("expires_at")
	if !given {
		return nil
	}
	s.mu.RLock()
	now := s.now().Unix()
	s.mu.RUnlock()
	// The lower bound allows the seconds between the caller's clock and ours.
	if expires < now+1800-60 {
		return badRequest("", "expires_at", "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.")
	}
	if expires > now+86_400 {
		return badRequest("", "expires_at", "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.")
	}
	return nil
}

func checkDescriptors(p *node) *apiError {
	for _, name := range []string{"statement_descriptor", "statement_descriptor_suffix"} {
		value := p.str("payment_intent_data", name)
		if value == "" {
			continue
		}
		full := "payment_intent_data[" + name + "]"
		if strings.ContainsAny(value, `<>\'"*`) {
			return badRequest("", full, `The statement descriptor must not contain any of <, >, \, ', ", *.`)
		}
		letter := strings.ContainsFunc(value, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
		if !letter {
			return badRequest("", full, "The statement descriptor must contain at least one letter.")
		}
		if name == "statement_descriptor" && len(value) < 5 {
			return badRequest("", full, "The statement descriptor must be at least 5 characters.")
		}
	}
	return nil
}

func createSession(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	session := Session{
		ID: t.newID("session"), Created: t.now.Unix(), Status: sessionOpen, PaymentStatus: "unpaid",
		ExpiresAt: t.now.Unix() + 86_400, SuccessURL: p.str("success_url"), CancelURL: p.str("cancel_url"),
		ClientReferenceID: p.str("client_reference_id"), CustomerEmail: p.str("customer_email"),
		SubmitType: p.str("submit_type"), Locale: p.str("locale"), BillingAddress: p.str("billing_address_collection"),
		Metadata: metadataOf(p.pairs("metadata")), Methods: p.strings("payment_method_types"),
	}
	if expires, given := p.integer("expires_at"); given {
		session.ExpiresAt = expires
	}
	session.NewCustomer = p.str("customer_creation") == "always"
	session.Recoverable = p.str("after_expiration", "recovery", "enabled") == "true"
	session.askQuestions(p)
	for _, place := range customTextPlaces() {
		if text := p.str("custom_text", place, "message"); text != "" {
			if session.CustomText == nil {
				session.CustomText = map[string]string{}
			}
			session.CustomText[place] = text
		}
	}
	data := p.get("payment_intent_data")
	session.Intent = IntentParams{
		CaptureMethod: data.str("capture_method"), Description: data.str("description"),
		ReceiptEmail: data.str("receipt_email"), StatementDescriptor: data.str("statement_descriptor"),
		StatementSuffix: data.str("statement_descriptor_suffix"), Metadata: metadataOf(data.pairs("metadata")),
		FutureUsage: data.str("setup_future_usage"),
	}
	items, failure := askedLines(t, p)
	if failure != nil {
		return nil, failure
	}
	for _, item := range items {
		session.AmountTotal += item.UnitAmount * item.Quantity
	}
	session.Currency = items[0].currency
	session.CustomerID, session.LineItems = p.str("customer"), t.nameLines(items, p.str("mode") == modeSubscription)
	if p.str("mode") == modeSubscription {
		session.Mode = modeSubscription
		session.PlanData = &PlanParams{
			Description: p.str("subscription_data", "description"), Metadata: p.pairs("subscription_data", "metadata"),
		}
	}
	return renderSession(t, t.putSession(session)), nil
}

func (s *Server) checkSessionID(c *call) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sessionMissing(s.state.sessions.byID[c.r.PathValue("id")], c)
}

func sessionMissing(found *Session, c *call) *apiError {
	if found == nil {
		return missing("checkout.session", "session", shorten(c.r.PathValue("id")))
	}
	return nil
}

func expireSession(c *call, t *tx) (map[string]any, *apiError) {
	session := t.session(c.r.PathValue("id"))
	if session.Status != sessionOpen {
		failure := badRequest("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `%s`.", session.Status)
		failure.executed = true
		return nil, failure
	}
	return renderSession(t, t.expire(session)), nil
}

func getSession(c *call, v reader) (map[string]any, *apiError) {
	session := v.session(c.r.PathValue("id"))
	if session == nil {
		return nil, sessionMissing(session, c)
	}
	return renderSession(v, session), nil
}

func getLineItems(c *call, v reader) (map[string]any, *apiError) {
	session := v.session(c.r.PathValue("id"))
	if session == nil {
		return nil, sessionMissing(session, c)
	}
	// Line items come in the order of the session, not newest first; the table
	// is walked from its end.
	rows := &table[LineItem]{}
	for i := len(session.LineItems) - 1; i >= 0; i-- {
		rows.put(session.LineItems[i].ID, &session.LineItems[i])
	}
	return listing[LineItem]{
		url: "/v1/checkout/sessions/" + session.ID + "/line_items", kind: "line item", table: rows,
		created: func(*LineItem) int64 { return session.Created },
		render:  func(item *LineItem) map[string]any { return renderLineItem(v, session, *item) },
	}.page(c, v)
}

func sessionFilters() schema {
	return pageParams(schema{
		"created":          {kind: isRange},
		"customer":         {kind: isString},
		"customer_details": {kind: isHash, fields: schema{"email": {kind: isString, required: true}}},
		"payment_intent":   {kind: isString},
		"payment_link":     {kind: isString},
		"status":           {kind: isEnum, enum: []string{sessionComplete, sessionExpired, sessionOpen}},
		"subscription":     {kind: isString},
	})
}

func (s *Server) listSessions(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	l := listing[Session]{
		url: "/v1/checkout/sessions", kind: "checkout.session", table: &v.sessions,
		created: func(row *Session) int64 { return row.Created },
		keep: func(row *Session) bool {
			email := p.str("customer_details", "email")
			return (p.str("status") == "" || row.Status == p.str("status")) &&
				(email == "" || row.Customer != nil && strings.EqualFold(row.Customer.Email, email)) &&
				(p.str("customer") == "" || row.CustomerID == p.str("customer")) && p.str("payment_link") == "" &&
				(p.str("subscription") == "" || row.Plan == p.str("subscription"))
		},
		render: func(row *Session) map[string]any { return renderSession(v, row) },
	}
	if id := p.str("payment_intent"); id != "" {
		l.restricted = true
		if intent := v.intent(id); intent != nil && v.sessions.byID[intent.Session] != nil && v.session(intent.Session).Mode == "" {
			l.among = []string{intent.Session}
		}
	}
	return l.page(c, v)
}
