package stripesim

import (
	"math/big"
	"strconv"
	"strings"
)

func orNullNumber(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func renderPlan(v view, s *Subscription) map[string]any {
	cancelAt := s.CancelAt
	if s.CancelAtPeriodEnd && cancelAt == 0 {
		cancelAt = s.PeriodEnd
	}
	out := map[string]any{
		"id": s.ID, "object": "subscription", "application": nil, "application_fee_percent": nil,
		"automatic_tax": map[string]any{"enabled": false, "liability": nil}, "billing_cycle_anchor": s.Anchor,
		"billing_cycle_anchor_config": nil, "billing_thresholds": nil, "cancel_at": orNullNumber(cancelAt),
		"cancel_at_period_end": s.CancelAtPeriodEnd, "canceled_at": orNullNumber(s.CanceledAt),
		"cancellation_details": map[string]any{
			"comment": orNull(s.CancelComment), "feedback": orNull(s.CancelFeedback), "reason": orNull(s.CancelReason),
		},
		"collection_method": "charge_automatically", "created": s.Created, "currency": s.Currency,
		"current_period_end": s.PeriodEnd, "current_period_start": s.PeriodStart, "customer": s.Customer,
		"days_until_due": nil, "default_payment_method": orNull(s.DefaultMethod), "default_source": nil,
		"default_tax_rates": []any{}, "description": orNull(s.Description), "discount": nil,
		"ended_at": orNullNumber(s.EndedAt), "items": renderPlanItems(v, s), "latest_invoice": orNull(s.LatestInvoice),
		"livemode": false, "metadata": metadataOf(s.Metadata), "next_pending_invoice_item_invoice": nil,
		"on_behalf_of": nil, "pause_collection": nil, "payment_settings": map[string]any{
			"payment_method_options": nil, "payment_method_types": nil, "save_default_payment_method": orNull(s.SaveDefault),
		},
		"pending_invoice_item_interval": nil, "pending_setup_intent": nil, "pending_update": nil, "schedule": nil,
		"start_date": s.Created, "status": s.Status, "test_clock": orNull(s.TestClock), "transfer_data": nil,
		"trial_end": nil, "trial_start": nil,
		"trial_settings": map[string]any{"end_behavior": map[string]any{"missing_payment_method": "create_invoice"}},
	}
	if s.Pause != nil {
		out["pause_collection"] = map[string]any{"behavior": s.Pause.Behavior, "resumes_at": orNullNumber(s.Pause.ResumesAt)}
	}
	return out
}

func renderPlanItems(v view, s *Subscription) map[string]any {
	data := make([]any, 0, len(s.Items))
	for i := range s.Items {
		data = append(data, renderPlanItem(v, s, &s.Items[i]))
	}
	return map[string]any{
		"object": "list", "has_more": false, "data": data, "url": "/v1/subscription_items?subscription=" + s.ID,
	}
}

func renderPlanItem(v view, s *Subscription, item *SubscriptionItem) map[string]any {
	return map[string]any{
		"id": item.ID, "object": "subscription_item", "billing_thresholds": nil, "created": item.Created,
		"metadata": metadataOf(item.Metadata), "price": renderPrice(v.price(item.Price)), "quantity": item.Quantity,
		"subscription": s.ID, "tax_rates": []any{},
	}
}

func renderInvoice(v view, i *Invoice) map[string]any {
	hosted := any(nil)
	if i.Number != "" {
		hosted = v.baseURL() + "/invoice/" + i.ID
	}
	delivered := any(nil)
	if i.Status != invoiceDraft {
		delivered = i.Created
	}
	due := i.amountDue()
	attempt := i.NextAttempt
	if i.Status == invoiceDraft && i.AutoAdvance {
		attempt = i.FinalizeAt
	}
	return map[string]any{
		"id": i.ID, "object": "invoice", "account_country": v.country(), "account_name": v.accountName(),
		"account_tax_ids": nil, "amount_due": due, "amount_paid": i.AmountPaid, "amount_remaining": due - i.AmountPaid,
		"amount_shipping": 0, "application": nil, "application_fee_amount": nil, "attempt_count": i.AttemptCount,
		"attempted": i.Attempted, "auto_advance": i.AutoAdvance,
		"automatic_tax":  map[string]any{"enabled": false, "liability": nil, "status": nil},
		"billing_reason": i.BillingReason, "charge": orNull(i.Charge), "collection_method": "charge_automatically",
		"created": i.Created, "currency": i.Currency, "custom_fields": nil, "customer": i.Customer,
		"customer_address": renderStoredAddress(i.CustomerAddress), "customer_email": orNull(i.CustomerEmail),
		"customer_name": orNull(i.CustomerName), "customer_phone": orNull(i.CustomerPhone), "customer_shipping": nil,
		"customer_tax_exempt": "none", "customer_tax_ids": []any{}, "default_payment_method": nil,
		"default_source": nil, "default_tax_rates": []any{}, "description": orNull(i.Description), "discount": nil,
		"discounts": []any{}, "due_date": nil, "effective_at": orNullNumber(i.FinalizedAt),
		"ending_balance": endingBalance(i), "footer": nil, "from_invoice": nil, "hosted_invoice_url": hosted,
		"invoice_pdf": nil, "issuer": map[string]any{"type": "self"}, "last_finalization_error": nil,
		"latest_revision": nil, "lines": renderInvoiceLines(v, i), "livemode": false, "metadata": map[string]string{},
		"next_payment_attempt": orNullNumber(attempt), "number": orNull(i.Number), "on_behalf_of": nil,
		"paid": i.Status == invoicePaid, "paid_out_of_band": i.PaidOutOfBand, "payment_intent": orNull(i.PaymentIntent),
		"payment_settings": map[string]any{"default_mandate": nil, "payment_method_options": nil, "payment_method_types": nil},
		"period_end":       i.PeriodEnd, "period_start": i.PeriodStart, "post_payment_credit_notes_amount": 0,
		"pre_payment_credit_notes_amount": 0, "quote": nil, "receipt_number": nil, "rendering": nil,
		"shipping_cost": nil, "shipping_details": nil, "starting_balance": i.StartingBalance, "statement_descriptor": nil,
		"status": i.Status, "status_transitions": map[string]any{
			"finalized_at": orNullNumber(i.FinalizedAt), "marked_uncollectible_at": orNullNumber(i.UncollectibleAt),
			"paid_at": orNullNumber(i.PaidAt), "voided_at": orNullNumber(i.VoidedAt),
		},
		"subscription": orNull(i.Subscription), "subscription_details": map[string]any{"metadata": metadataOf(i.PlanMetadata)},
		"subtotal": i.Total, "subtotal_excluding_tax": i.Total, "tax": nil, "test_clock": orNull(i.TestClock),
		"total": i.Total, "total_discount_amounts": []any{}, "total_excluding_tax": i.Total, "total_tax_amounts": []any{},
		"transfer_data": nil, "webhooks_delivered_at": delivered,
	}
}

// endingBalance is known once the invoice is final.
func endingBalance(i *Invoice) any {
	if i.Status == invoiceDraft {
		return nil
	}
	return i.EndingBalance
}

func renderInvoiceLines(v view, i *Invoice) map[string]any {
	data := make([]any, 0, len(i.Lines))
	for n := range i.Lines {
		data = append(data, renderInvoiceLine(v, i, &i.Lines[n]))
	}
	return map[string]any{"object": "list", "has_more": false, "data": data, "url": "/v1/invoices/" + i.ID + "/lines"}
}

func renderInvoiceLine(v view, i *Invoice, line *InvoiceLine) map[string]any {
	_, unit := amountOfOne(line.Amount, line.Quantity)
	out := map[string]any{
		"id": line.ID, "object": "line_item", "amount": line.Amount, "amount_excluding_tax": line.Amount,
		"currency": i.Currency, "description": line.Description, "discount_amounts": []any{}, "discountable": true,
		"discounts": []any{}, "invoice": i.ID, "livemode": false, "metadata": metadataOf(line.Metadata),
		"period": map[string]any{"end": line.PeriodEnd, "start": line.PeriodStart},
		"price":  renderPrice(v.price(line.Price)), "proration": line.Proration,
		"proration_details": map[string]any{"credited_items": nil}, "quantity": line.Quantity,
		"subscription": orNull(i.Subscription), "tax_amounts": []any{}, "tax_rates": []any{},
		"type": "subscription", "unit_amount_excluding_tax": unit,
	}
	if line.Item != "" {
		out["subscription_item"] = line.Item
	}
	if line.InvoiceItem != "" {
		out["type"], out["invoice_item"] = "invoiceitem", line.InvoiceItem
	}
	if line.Proration {
		out["discountable"] = false
	}
	if line.CreditedLine != "" {
		out["proration_details"] = map[string]any{"credited_items": map[string]any{
			"invoice": line.CreditedInvoice, "invoice_line_items": []any{line.CreditedLine},
		}}
	}
	return out
}

// amountOfOne is what one of a quantity comes to: in minor units, null where that is
// not a whole number, and as a decimal with at most twelve places.
func amountOfOne(amount, quantity int64) (whole any, decimal string) {
	quantity = max(quantity, 1)
	if amount%quantity == 0 {
		return amount / quantity, strconv.FormatInt(amount/quantity, 10)
	}
	exact := big.NewRat(amount, quantity).FloatString(12)
	return nil, strings.TrimRight(strings.TrimRight(exact, "0"), ".")
}

func renderInvoiceItem(v view, i *InvoiceItem) map[string]any {
	unit, decimal := amountOfOne(i.Amount, i.Quantity)
	return map[string]any{
		"id": i.ID, "object": "invoiceitem", "amount": i.Amount, "currency": i.Currency, "customer": i.Customer, "date": i.Created,
		"description": i.Description, "discountable": false, "discounts": []any{}, "invoice": orNull(i.Invoice), "livemode": false,
		"metadata": metadataOf(i.Metadata), "period": map[string]any{"end": i.PeriodEnd, "start": i.PeriodStart},
		"price": renderPrice(v.price(i.Price)), "proration": true, "quantity": i.Quantity, "subscription": i.Subscription,
		"subscription_item": i.Item, "tax_rates": []any{}, "test_clock": orNull(i.TestClock), "unit_amount": unit,
		"unit_amount_decimal": decimal,
	}
}

func renderBalanceEntry(e *BalanceEntry) map[string]any {
	return map[string]any{
		"id": e.ID, "object": "customer_balance_transaction", "amount": e.Amount, "created": e.Created, "credit_note": nil,
		"currency": e.Currency, "customer": e.Customer, "description": nil, "ending_balance": e.EndingBalance,
		"invoice": e.Invoice, "livemode": false, "metadata": map[string]string{}, "type": e.Type,
	}
}
