package stripesim

import (
	"net/http"
	"strings"
)

// Payments that are asked for through the API, without a checkout page: a ready-made
// or attached card is given, and charged when the payment is confirmed.

const intentNeedsConfirmation = "requires_confirmation"

func newIntentParams() schema {
	out := intentTexts()
	out["amount"] = rule{kind: isInteger, required: true}
	out["currency"] = rule{kind: isString, max: 3, required: true}
	out["confirm"] = rule{kind: isBoolean}
	out["off_session"] = rule{kind: isBoolean}
	out["return_url"] = rule{kind: isURL}
	out["capture_method"] = rule{kind: isEnum, enum: []string{captureAutomatic, captureAsync}}
	out["payment_method_types"] = rule{kind: isList, max: 1, elem: &rule{kind: isEnum, enum: []string{methodCard}}}
	return out.later("application_fee_amount", "automatic_payment_methods", "confirmation_method", "error_on_requires_action", "mandate",
		"mandate_data", "on_behalf_of", "payment_method_configuration", "payment_method_data", "payment_method_options", "radar_options",
		"setup_future_usage", "shipping", "transfer_data", "transfer_group", "use_stripe_sdk")
}

func changedIntentParams() schema {
	return intentTexts().later("amount", "application_fee_amount", "capture_method", "currency", "payment_method_configuration",
		"payment_method_data", "payment_method_options", "payment_method_types", "setup_future_usage", "shipping", "transfer_data",
		"transfer_group")
}

func intentTexts() schema {
	return schema{
		"customer": {kind: isString, max: 5000}, "description": {kind: isString, max: 1000}, "metadata": {kind: isMetadata},
		"payment_method": {kind: isString, max: 5000}, "receipt_email": {kind: isEmail},
		"statement_descriptor": {kind: isString, max: 22}, "statement_descriptor_suffix": {kind: isString, max: 22},
	}
}

func confirmParams() schema {
	return schema{
		"off_session": {kind: isBoolean}, "payment_method": {kind: isString, max: 5000}, "return_url": {kind: isURL},
		"receipt_email": {kind: isEmail},
	}.later("capture_method", "error_on_requires_action", "mandate", "mandate_data", "payment_method_data", "payment_method_options",
		"payment_method_types", "radar_options", "setup_future_usage", "shipping", "use_stripe_sdk")
}

func cancelIntentParams() schema {
	return schema{"cancellation_reason": {kind: isEnum, enum: []string{"abandoned", "duplicate", "fraudulent", "requested_by_customer"}}}
}

// checkNewIntent refuses what no payment can be made of.
func checkNewIntent(c *call) *apiError {
	currency := strings.ToLower(c.params.str("currency"))
	amount, _ := c.params.integer("amount")
	failure := checkCurrency(currency, "currency")
	if failure == nil {
		failure = checkAmount(amount, currency)
		if failure != nil {
			failure.Param = "amount"
			failure.Message = strings.NewReplacer("The Checkout Session's total amount due must add up to", "Amount must be",
				"The Checkout Session's total amount", "Amount").Replace(failure.Message)
		}
	}
	if failure == nil && c.params.str("confirm") != "true" && (c.params.str("off_session") != "" || c.params.str("return_url") != "") {
		failure = badRequest("", "confirm", "off_session and return_url can only be given when the PaymentIntent is confirmed, with `confirm=true`.")
	}
	return failure
}

func (s *Server) checkIntentID(c *call) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id := c.r.PathValue("id")
	if s.state.intents.byID[id] == nil {
		return missing("payment_intent", "intent", shorten(id))
	}
	return nil
}

func makeIntent(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	amount, _ := p.integer("amount")
	intent := PaymentIntent{
		ID: t.newID("payment_intent"), Created: t.now.Unix(), Amount: amount, Currency: strings.ToLower(p.str("currency")),
		Status: intentNeedsMethod, CaptureMethod: captureAutomatic,
	}
	if asked := p.str("capture_method"); asked != "" {
		intent.CaptureMethod = asked
	}
	failure := t.describe(&intent, p)
	if failure != nil {
		return nil, failure
	}
	made := t.createIntent(intent)
	if p.str("confirm") != "true" {
		return renderIntent(t, made), nil
	}
	return t.confirmIntent(made, p)
}

// describe takes over what may be said of a payment at any time before it is made.
func (t *tx) describe(intent *PaymentIntent, p *node) *apiError {
	intent.Metadata = mergeMetadata(intent.Metadata, p.get("metadata"))
	for name, field := range map[string]*string{
		"description": &intent.Description, "receipt_email": &intent.ReceiptEmail,
		"statement_descriptor": &intent.StatementDescriptor, "statement_descriptor_suffix": &intent.StatementSuffix,
	} {
		if p.get(name) != nil {
			*field = p.str(name)
		}
	}
	if id := p.str("customer"); id != "" {
		customer, failure := liveCustomer(t, id, "customer")
		if failure != nil {
			return failure
		}
		intent.Customer = customer.ID
	}
	return t.take(intent, p.str("payment_method"))
}

// take puts a payment method on a payment that has none, or another.
func (t *tx) take(intent *PaymentIntent, id string) *apiError {
	if id == "" {
		return nil
	}
	method := t.method(id)
	ready := cardNamed(testMethods()[id])
	switch {
	case ready.name != "":
		method = t.newMethod(payment{card: ready, expMonth: 12, expYear: t.now.UTC().Year() + 5})
	case method == nil:
		return badRequest("resource_missing", "payment_method", "No such PaymentMethod: '%s'", shorten(id))
	case method.Customer == "" && t.usedAlone(method):
		return badRequest("", "payment_method", "This PaymentMethod was previously used without being attached to a Customer or was "+
			"detached from a Customer, and may not be used again.")
	case method.Customer != intent.Customer:
		return badRequest("", "payment_method", "The PaymentMethod %s does not belong to the Customer of this payment.", shorten(id))
	}
	intent.PaymentMethod = method.ID
	if intent.Status == intentNeedsMethod {
		intent.Status = intentNeedsConfirmation
	}
	return nil
}

// confirmIntent charges, as far as the bank lets it.
func (t *tx) confirmIntent(intent *PaymentIntent, p *node) (map[string]any, *apiError) {
	next := *intent
	failure := t.take(&next, p.str("payment_method"))
	switch {
	case failure != nil:
		return nil, failure
	case intent.elsewhere() != "":
		return nil, unexpectedState("This PaymentIntent belongs to %s and is paid there.", intent.elsewhere())
	case next.Status != intentNeedsConfirmation:
		return nil, unexpectedState("You cannot confirm this PaymentIntent because it has a status of %s.", next.Status)
	}
	method := t.method(next.PaymentMethod)
	next.LastError, next.ReturnURL = nil, p.str("return_url")
	away := p.str("off_session") == "true"
	switch c := cardNamed(method.Card); {
	case away && method.needsCustomer():
		return nil, t.refuse(&next, &PaymentError{
			Code: "authentication_required", DeclineCode: "authentication_required", PaymentMethod: method.ID,
			Message: "Your card was declined. This transaction requires authentication.",
		})
	case !away && c.secure == secureChallenge && next.ReturnURL == "":
		return nil, notOffered("confirming without return_url a card that asks for 3-D Secure")
	case !away && c.secure == secureChallenge:
		next.Status = intentAction
		intent = t.putIntent(next)
		t.emit("payment_intent.requires_action", nil)
		return renderIntent(t, intent), nil
	}
	intent = t.attempt(&next, method, "")
	if cause := intent.LastError; cause != nil {
		return nil, cause.refusal()
	}
	return renderIntent(t, intent), nil
}

// refuse ends an attempt before the bank was asked.
func (t *tx) refuse(intent *PaymentIntent, cause *PaymentError) *apiError {
	failed := *intent
	failed.Status, failed.PaymentMethod, failed.LastError = intentNeedsMethod, "", cause
	t.putIntent(failed)
	t.emit("payment_intent.payment_failed", nil)
	return cause.refusal()
}

// refusal is what the caller hears; that it was tried stays.
func (e *PaymentError) refusal() *apiError {
	return &apiError{
		Status: http.StatusPaymentRequired, Type: typeCard, Code: e.Code, DeclineCode: e.DeclineCode, Message: e.Message, Param: e.Param,
		Charge: e.Charge, executed: true, kept: true,
	}
}

// elsewhere names what the payment belongs to, if it is not by itself.
func (p *PaymentIntent) elsewhere() string {
	switch {
	case p.Session != "":
		return "the Checkout Session " + p.Session
	case p.Invoice != "":
		return "the invoice " + p.Invoice
	}
	return ""
}

func unexpectedState(format string, args ...any) *apiError {
	return executedError(badRequest("payment_intent_unexpected_state", "", format, args...))
}

func confirmIntent(c *call, t *tx) (map[string]any, *apiError) {
	intent := *t.intent(c.r.PathValue("id"))
	if email := c.params.str("receipt_email"); email != "" {
		intent.ReceiptEmail = email
	}
	return t.confirmIntent(&intent, c.params)
}

func updateIntent(c *call, t *tx) (map[string]any, *apiError) {
	next := *t.intent(c.r.PathValue("id"))
	if (next.Status == intentSucceeded || next.Status == intentCanceled) && (c.params.str("payment_method") != "" || c.params.str("customer") != "") {
		return nil, unexpectedState("This PaymentIntent could not be updated because it has a status of %s.", next.Status)
	}
	failure := t.describe(&next, c.params)
	if failure != nil {
		return nil, failure
	}
	return renderIntent(t, t.putIntent(next)), nil
}

// cancelIntent lets a payment that was begun never succeed. What belongs to a
// session or an invoice ends with that.
func cancelIntent(c *call, t *tx) (map[string]any, *apiError) {
	intent := t.intent(c.r.PathValue("id"))
	switch {
	case intent.elsewhere() != "":
		return nil, unexpectedState("You cannot cancel a PaymentIntent that belongs to %s: expire or void that instead.", intent.elsewhere())
	case intent.Status == intentSucceeded, intent.Status == intentCanceled, intent.Status == intentProcessing:
		return nil, unexpectedState("You cannot cancel this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the "+
			"following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing.", intent.Status)
	}
	next := *intent
	next.Status, next.CanceledAt, next.CancellationReason = intentCanceled, t.now.Unix(), c.params.str("cancellation_reason")
	canceled := t.putIntent(next)
	t.emit("payment_intent.canceled", nil)
	return renderIntent(t, canceled), nil
}

// secureIntent is 3-D Secure of a payment without a page of its own: afterwards the
// customer is where the caller wanted them back. It reports whether it was one.
func (s *Server) secureIntent(w http.ResponseWriter, r *http.Request, intent *PaymentIntent) bool {
	if intent == nil || intent.ReturnURL == "" || intent.elsewhere() != "" {
		return false
	}
	if r.Method == http.MethodPost {
		s.answerIntent(w, r, intent)
		return true
	}
	if intent.Status != intentAction {
		http.Redirect(w, r, intent.ReturnURL, http.StatusSeeOther)
		return true
	}
	s.sitePage(w, http.StatusOK, "secure", payView{
		Account: s.name(),
		Title:   "3-D Secure (simulator)", ID: intent.ID, Amount: majorUnits(intent.Amount, intent.Currency),
		Currency: strings.ToUpper(intent.Currency),
		Items:    []itemLine{{LineItem{Name: intent.Description, Quantity: 1}, money(intent.Amount, intent.Currency)}},
	}, origin(intent.ReturnURL))
	return true
}

func (s *Server) answerIntent(w http.ResponseWriter, r *http.Request, intent *PaymentIntent) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	result := r.PostFormValue("result")
	if result != "complete" && result != "fail" {
		s.message(w, http.StatusBadRequest, "Please choose", "Complete or fail the authentication.", "/3ds/"+intent.ID, "Back")
		return
	}
	err := s.transact(requestInfo{}, func(t *tx) error {
		if now := t.intent(intent.ID); now.Status == intentAction {
			t.authenticate(now, result == "complete")
		}
		return nil
	})
	if err != nil {
		s.message(w, http.StatusInternalServerError, "Something went wrong", "Please try again.", "/3ds/"+intent.ID, "Back")
		return
	}
	http.Redirect(w, r, intent.ReturnURL, http.StatusSeeOther)
}
