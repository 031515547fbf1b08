package stripesim

func renderRefund(v view, r *Refund) map[string]any {
	out := map[string]any{
		"id": r.ID, "object": "refund", "amount": r.Amount, "balance_transaction": orNull(r.BalanceTransaction),
		"charge": r.Charge, "created": r.Created, "currency": r.Currency,
		"metadata": metadataOf(r.Metadata), "payment_intent": orNull(r.PaymentIntent),
		"reason": orNull(r.Reason), "receipt_number": nil,
		"source_transfer_reversal": nil, "status": r.Status, "transfer_reversal": nil,
	}
	// Version 2023-10-16 has no such details for bank debits.
	if debitKind(v, r.Charge) == "" {
		out["destination_details"] = map[string]any{"type": "card", "card": map[string]any{
			"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
		}}
	}
	// Stripe shows these two only on a refund that failed.
	if r.FailureTransaction != "" {
		out["failure_balance_transaction"], out["failure_reason"] = r.FailureTransaction, r.FailureReason
	}
	return out
}

// renderRefundsOf is the list inside a charge: the ten newest.
func renderRefundsOf(v view, charge string) map[string]any {
	const shown = 10
	all := v.refundsOn(charge)
	data := make([]any, 0, shown)
	for _, refund := range all[:min(shown, len(all))] {
		data = append(data, renderRefund(v, refund))
	}
	return map[string]any{
		"object": "list", "url": "/v1/charges/" + charge + "/refunds", "has_more": len(all) > shown, "data": data,
	}
}

func renderFraudDetails(ch *Charge) map[string]any {
	if ch.FraudReport == "" {
		return map[string]any{}
	}
	return map[string]any{"user_report": ch.FraudReport}
}
