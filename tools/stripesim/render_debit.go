package stripesim

// renderBank is what Stripe shows of a bank account: never the whole number.
func renderBank(a bankAccount) map[string]any {
	fingerprint := token(0, "fingerprint"+a.name, 0, 16)
	switch a.kind {
	case methodBacs:
		return map[string]any{"fingerprint": fingerprint, "last4": a.last4(), "sort_code": bacsSortCode}
	case methodACH:
		return map[string]any{
			"account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
			"fingerprint": fingerprint, "last4": a.last4(), "routing_number": achRoutingNumber,
		}
	}
	return map[string]any{
		"bank_code": a.number[4:9], "branch_code": "", "country": a.number[:2], "fingerprint": fingerprint, "last4": a.last4(),
	}
}

func renderDebitMethod(m *PaymentMethod) map[string]any {
	a := bankAccountNamed(m.Account)
	bank := renderBank(a)
	switch a.kind {
	case methodSEPA:
		bank["generated_from"] = map[string]any{"charge": nil, "setup_attempt": nil}
	case methodACH:
		bank["financial_connections_account"], bank["status_details"] = nil, nil
		bank["networks"] = map[string]any{"preferred": "ach", "supported": []string{"ach"}}
	}
	return map[string]any{
		"id": m.ID, "object": "payment_method", "billing_details": renderBilling(m.Billing), "created": m.Created,
		"customer": orNull(m.Customer), "livemode": false, "metadata": metadataOf(m.Metadata), "type": a.kind, a.kind: bank,
	}
}

// renderDebitDetails is payment_method_details of a charge.
func renderDebitDetails(m *PaymentMethod) map[string]any {
	a := bankAccountNamed(m.Account)
	bank := renderBank(a)
	if a.kind != methodACH {
		bank["mandate"] = nil // this version has none in an American account
	}
	return map[string]any{"type": a.kind, a.kind: bank}
}

// asDebit changes what a charge by bank debit shows otherwise than one by card.
func asDebit(out map[string]any, ch *Charge, m *PaymentMethod) {
	out["payment_method_details"] = renderDebitDetails(m)
	outcome := map[string]any{
		"network_status": "approved_by_network", "reason": nil, "risk_level": "not_assessed",
		"seller_message": "Payment complete.", "type": "authorized",
	}
	switch ch.Status {
	case chargePending:
		out["captured"], out["amount_captured"] = true, ch.Amount
	case chargeFailed:
		outcome["network_status"], outcome["type"], outcome["reason"] = "declined_by_network", "issuer_declined", ch.FailureCode
		outcome["seller_message"] = "The bank did not pay."
		if bankAccountNamed(m.Account).blocked {
			outcome["network_status"], outcome["type"], outcome["reason"] = "not_sent_to_network", "blocked", "highest_risk_level"
			outcome["risk_level"], outcome["seller_message"] = "highest", "Stripe blocked this payment as too risky."
		}
	}
	out["outcome"] = outcome
}

// methodOptions are the options of a payment intent, a hash for each method.
func methodOptions(methods []string) map[string]any {
	out := map[string]any{}
	for _, method := range methods {
		out[method] = map[string]any{}
		switch method {
		case methodCard:
			out[method] = map[string]any{
				"installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
			}
		case methodACH:
			out[method] = map[string]any{"verification_method": "automatic"}
		}
	}
	return out
}
