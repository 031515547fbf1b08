package stripesim

// renderBank is what Stripe shows of a bank account: never the whole number.
func renderBank(a bankAccount) map[string]any {
	fingerprint := token(0, "fingerprint"+a.name, 0, 16)
	if a.kind == methodBacs {
		return map[string]any{"fingerprint": fingerprint, "last4": a.last4(), "sort_code": bacsSortCode}
	}
	return map[string]any{
		"bank_code": a.number[4:9], "branch_code": "", "country": a.number[:2], "fingerprint": fingerprint, "last4": a.last4(),
	}
}

func renderDebitMethod(m *PaymentMethod) map[string]any {
	a := bankAccountNamed(m.Account)
	bank := renderBank(a)
	if a.kind == methodSEPA {
		bank["generated_from"] = map[string]any{"charge": nil, "setup_attempt": nil}
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
	bank["mandate"] = nil
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
	}
	out["outcome"] = outcome
}

// methodOptions are the options of a payment intent, a hash for each method.
func methodOptions(methods []string) map[string]any {
	out := map[string]any{}
	for _, method := range methods {
		out[method] = map[string]any{}
		if method == methodCard {
			out[method] = map[string]any{
				"installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
			}
		}
	}
	return out
}
