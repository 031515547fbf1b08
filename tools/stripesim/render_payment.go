package stripesim

import (
	"encoding/json"
	"strings"
)

func renderIntent(v view, p *PaymentIntent) map[string]any {
	out := map[string]any{
		"id": p.ID, "object": "payment_intent", "amount": p.Amount, "amount_capturable": 0,
		"amount_details":  map[string]any{"tip": map[string]any{}},
		"amount_received": p.AmountReceived, "application": nil, "application_fee_amount": nil,
		"automatic_payment_methods": nil, "canceled_at": nil,
		"cancellation_reason": orNull(p.CancellationReason), "capture_method": p.CaptureMethod,
		"client_secret": p.ClientSecret, "confirmation_method": "automatic", "created": p.Created,
		"currency": p.Currency, "customer": orNull(p.Customer), "description": orNull(p.Description), "invoice": orNull(p.Invoice),
		"last_payment_error": nil, "latest_charge": orNull(p.LatestCharge), "livemode": false,
		"metadata": metadataOf(p.Metadata), "next_action": nil, "on_behalf_of": nil,
		"payment_method": orNull(p.PaymentMethod), "payment_method_configuration_details": nil,
		"payment_method_options": methodOptions(p.methods()),
		"payment_method_types":   p.methods(), "processing": nil, "receipt_email": orNull(p.ReceiptEmail),
		"review": orNull(p.Review), "setup_future_usage": orNull(p.FutureUsage), "shipping": nil,
		"statement_descriptor":        orNull(p.StatementDescriptor),
		"statement_descriptor_suffix": orNull(p.StatementSuffix),
		"status":                      p.Status, "transfer_data": nil, "transfer_group": nil,
	}
	if p.CanceledAt != 0 {
		out["canceled_at"] = p.CanceledAt
	}
	if p.LastError != nil {
		out["last_payment_error"] = renderPaymentError(v, p.LastError)
	}
	if p.Status == intentAction {
		out["next_action"] = map[string]any{
			"type": "redirect_to_url",
			"redirect_to_url": map[string]any{
				"return_url": p.returnTo(v.baseURL()), "url": v.baseURL() + "/3ds/" + p.ID,
			},
		}
	}
	return out
}

// returnTo is the page that asked for 3-D Secure.
func (p *PaymentIntent) returnTo(base string) string {
	switch {
	case p.ReturnURL != "":
		return p.ReturnURL
	case p.Session == "" && p.Invoice != "":
		return base + "/invoice/" + p.Invoice
	}
	return base + "/c/pay/" + p.Session
}

func renderPaymentError(v view, e *PaymentError) map[string]any {
	out := map[string]any{"type": "card_error", "code": e.Code, "message": e.Message, "doc_url": docURL(e.Code)}
	for name, value := range map[string]string{"decline_code": e.DeclineCode, "param": e.Param, "charge": e.Charge} {
		if value != "" {
			out[name] = value
		}
	}
	if method := v.method(e.PaymentMethod); method != nil {
		out["payment_method"] = renderMethod(method)
	}
	return out
}

func renderBilling(b Billing) map[string]any {
	return map[string]any{
		"address": renderAddress(b), "email": orNull(b.Email), "name": orNull(b.Name), "phone": nil,
	}
}

func renderMethod(m *PaymentMethod) map[string]any {
	if m.Account != "" {
		return renderDebitMethod(m)
	}
	c := cardNamed(m.Card)
	return map[string]any{
		"id": m.ID, "object": "payment_method", "billing_details": renderBilling(m.Billing),
		"created": m.Created, "customer": orNull(m.Customer), "livemode": false, "metadata": metadataOf(m.Metadata),
		"type": "card",
		"card": map[string]any{
			"brand": c.brand, "checks": renderChecks(c, m.Billing), "country": c.country, "display_brand": c.displayBrand(),
			"exp_month": m.ExpMonth, "exp_year": m.ExpYear, "fingerprint": c.fingerprint(), "funding": c.funding,
			"generated_from": nil, "last4": c.last4(),
			"networks":             map[string]any{"available": []string{c.brand}, "preferred": nil},
			"three_d_secure_usage": map[string]any{"supported": true}, "wallet": nil,
		},
	}
}

func renderChecks(c card, b Billing) map[string]any {
	out := map[string]any{
		"address_line1_check": nil, "address_postal_code_check": c.check(c.failsPostal), "cvc_check": c.check(c.failsCVC),
	}
	if b.Line1 != "" {
		out["address_line1_check"] = c.check(c.failsLine)
	}
	return out
}

func renderCharge(v view, ch *Charge) map[string]any {
	method := v.method(ch.PaymentMethod)
	ok := ch.Status == chargeSucceeded
	captured := int64(0)
	if ok {
		captured = ch.Amount
	}
	out := map[string]any{
		"id": ch.ID, "object": "charge", "amount": ch.Amount, "amount_captured": captured, "amount_refunded": ch.AmountRefunded,
		"application": nil, "application_fee": nil, "application_fee_amount": nil,
		"balance_transaction": orNull(ch.BalanceTransaction), "billing_details": renderBilling(method.Billing),
		"calculated_statement_descriptor": calculatedDescriptor(ch), "captured": ok, "created": ch.Created,
		"currency": ch.Currency, "customer": orNull(ch.Customer), "description": orNull(ch.Description), "disputed": ch.Disputed,
		"failure_balance_transaction": orNull(ch.FailureTransaction), "failure_code": orNull(ch.FailureCode),
		"failure_message": orNull(ch.FailureMessage), "fraud_details": renderFraudDetails(ch), "invoice": orNull(ch.Invoice),
		"livemode": false, "metadata": metadataOf(ch.Metadata), "on_behalf_of": nil,
		"outcome": renderOutcome(ch, cardNamed(method.Card)), "paid": ok, "payment_intent": ch.PaymentIntent,
		"payment_method": ch.PaymentMethod, "payment_method_details": renderCardDetails(ch, method),
		"receipt_email": orNull(ch.ReceiptEmail), "receipt_number": nil, "receipt_url": receiptURL(v, ch),
		"refunded": ok && ch.AmountRefunded == ch.Amount, "review": orNull(ch.Review), "shipping": nil, "source_transfer": nil,
		"statement_descriptor":        orNull(ch.StatementDescriptor),
		"statement_descriptor_suffix": orNull(ch.StatementSuffix),
		"status":                      ch.Status, "transfer_data": nil, "transfer_group": nil,
	}
	if method.Account != "" {
		asDebit(out, ch, method)
	}
	return out
}

func renderOutcome(ch *Charge, c card) map[string]any {
	risk, score := "normal", 12
	switch c.risk {
	case "elevated":
		risk, score = "elevated", 70
	case "highest":
		risk, score = "highest", 92
	}
	out := map[string]any{
		"network_status": "approved_by_network", "reason": nil, "risk_level": risk, "risk_score": score,
		"seller_message": "Payment complete.", "type": "authorized",
	}
	switch {
	case ch.Review != "":
		out["type"], out["reason"] = "manual_review", "elevated_risk_level"
		out["seller_message"] = "Stripe evaluated this payment as having elevated risk, and placed it in your manual review queue."
	case ch.Status == chargeSucceeded:
	case c.risk == "highest":
		out["network_status"], out["type"], out["reason"] = "not_sent_to_network", "blocked", "highest_risk_level"
		out["seller_message"] = "Stripe blocked this payment as too risky."
	default:
		reason := ch.DeclineCode
		if reason == "" {
			reason = ch.FailureCode
		}
		out["network_status"], out["type"], out["reason"] = "declined_by_network", "issuer_declined", reason
		out["seller_message"] = "The bank did not return any further details with this decline."
	}
	return out
}

func renderCardDetails(ch *Charge, m *PaymentMethod) map[string]any {
	c := cardNamed(m.Card)
	authorized := any(nil)
	if ch.Status == chargeSucceeded {
		authorized = ch.Amount
	}
	return map[string]any{"type": "card", "card": map[string]any{
		"amount_authorized": authorized, "brand": c.brand, "checks": renderChecks(c, m.Billing), "country": c.country,
		"exp_month": m.ExpMonth, "exp_year": m.ExpYear,
		"extended_authorization": map[string]any{"status": "disabled"}, "fingerprint": c.fingerprint(),
		"funding": c.funding, "incremental_authorization": map[string]any{"status": "unavailable"},
		"installments": nil, "last4": c.last4(), "mandate": nil,
		"multicapture": map[string]any{"status": "unavailable"}, "network": c.brand,
		"network_token":  map[string]any{"used": false},
		"overcapture":    map[string]any{"maximum_amount_capturable": ch.Amount, "status": "unavailable"},
		"three_d_secure": renderThreeDSecure(ch.ThreeDSecure), "wallet": nil,
	}}
}

func renderThreeDSecure(flow string) any {
	if flow == "" {
		return nil
	}
	return map[string]any{
		"authentication_flow": flow, "electronic_commerce_indicator": "05", "exemption_indicator": nil,
		"result": "authenticated", "result_reason": nil, "transaction_id": nil, "version": "2.2.0",
	}
}

// calculatedDescriptor is what the donor's bank statement says.
func calculatedDescriptor(ch *Charge) any {
	if ch.StatementDescriptor != "" {
		return ch.StatementDescriptor
	}
	if ch.StatementSuffix != "" {
		return "STRIPESIM* " + ch.StatementSuffix
	}
	return "STRIPESIM"
}

func renderTransaction(v view, t *BalanceTransaction) map[string]any {
	out := map[string]any{
		"id": t.ID, "object": "balance_transaction", "amount": t.Amount, "available_on": t.AvailableOn,
		"created": t.Created, "currency": t.Currency, "description": orNull(t.Description),
		"exchange_rate": nil, "fee": t.Fee, "fee_details": renderFees(t), "net": t.Net,
		"reporting_category": t.Category, "source": orNull(t.Source), "status": t.status(v.clock().Unix()), "type": t.Type,
	}
	if t.ExchangeRate != "" {
		out["exchange_rate"] = json.Number(t.ExchangeRate)
	}
	return out
}

func renderFees(t *BalanceTransaction) []any {
	if t.Fee == 0 {
		return []any{}
	}
	return []any{map[string]any{
		"amount": t.Fee, "application": nil, "currency": t.Currency,
		"description": feeName(t), "type": "stripe_fee",
	}}
}

func feeName(t *BalanceTransaction) string {
	if t.Category == "dispute" || t.Category == "dispute_reversal" {
		return "Dispute fee"
	}
	return "Stripe processing fees"
}

// status follows from the clock; Stripe announces no change of it either.
func (t *BalanceTransaction) status(now int64) string {
	if t.AvailableOn <= now {
		return "available"
	}
	return "pending"
}

// renderBalance sums what is there, a line for each currency that ever moved.
func renderBalance(sums balances, defaultCurrency string) map[string]any {
	out := map[string]any{
		"object": "balance", "livemode": false,
		"available": sums.lines(sums.Available, defaultCurrency),
		"pending":   sums.lines(sums.Pending, defaultCurrency),
	}
	if len(sums.Reserved) > 0 {
		out["connect_reserved"] = sums.lines(sums.Reserved, defaultCurrency)
	}
	return out
}

func docURL(code string) string {
	if code == "" {
		return ""
	}
	return "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(code, "_", "-")
}
