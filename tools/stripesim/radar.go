package stripesim

import "slices"

// FraudWarning is a card issuer that says early that a payment may be fraud.
type FraudWarning struct {
	ID            string `json:"id"`
	Created       int64  `json:"created"`
	Charge        string `json:"charge"`
	PaymentIntent string `json:"payment_intent,omitempty"`
	FraudType     string `json:"fraud_type"`
	// Actionable ends with a dispute or a full refund.
	Actionable bool `json:"actionable,omitempty"`
}

// Review is a payment that Radar asks somebody to look at.
type Review struct {
	ID            string `json:"id"`
	Created       int64  `json:"created"`
	Charge        string `json:"charge"`
	PaymentIntent string `json:"payment_intent,omitempty"`
	Zip           string `json:"billing_zip,omitempty"`
	// ClosedReason is empty while the review is open.
	ClosedReason string `json:"closed_reason,omitempty"`
}

const (
	closedApproved = "approved"
	closedDisputed = "disputed"
	closedRefunded = "refunded"
	closedAsFraud  = "refunded_as_fraud"
)

func fraudTypes() []string {
	return []string{
		"card_never_received", "fraudulent_card_application", "made_with_counterfeit_card", "made_with_lost_card",
		"made_with_stolen_card", "misc", "unauthorized_use_of_card",
	}
}

// warn makes an early fraud warning, one for a charge.
func (t *tx) warn(charge *Charge, fraudType string) (*FraudWarning, *apiError) {
	if charge.Status != chargeSucceeded || len(t.s.state.warningsOf[charge.ID]) > 0 {
		return nil, badRequest("", "charge", "Charge %s has not been paid, or has a warning already.", charge.ID)
	}
	made := t.putWarning(FraudWarning{
		ID: t.newID("fraud_warning"), Created: t.now.Unix(), Charge: charge.ID, PaymentIntent: charge.PaymentIntent, FraudType: fraudType,
		Actionable: !charge.Disputed && charge.AmountRefunded < charge.Amount,
	})
	t.emit("radar.early_fraud_warning.created", nil)
	return made, nil
}

// openReview asks for a look at a payment that was just made; the charge and the
// payment intent name the review already.
func (t *tx) openReview(charge *Charge) {
	t.putReview(Review{
		ID: charge.Review, Created: t.now.Unix(), Charge: charge.ID, PaymentIntent: charge.PaymentIntent,
		Zip: t.method(charge.PaymentMethod).Billing.PostalCode,
	})
	t.emit("review.opened", nil)
}

// acted ends what waited for somebody to act on a charge: it was refunded in
// full, or disputed.
func (t *tx) acted(charge *Charge, how string) {
	for _, id := range t.s.state.warningsOf[charge.ID] {
		if warning := t.warning(id); warning.Actionable {
			next := *warning
			next.Actionable = false
			t.putWarning(next)
			t.emit("radar.early_fraud_warning.updated", map[string]any{"actionable": true})
		}
	}
	if review := t.review(charge.Review); review != nil && review.ClosedReason == "" {
		t.closeReview(review, how)
	}
}

func (t *tx) closeReview(review *Review, how string) *Review {
	next := *review
	next.ClosedReason = how
	closed := t.putReview(next)
	t.emit("review.closed", map[string]any{"closed_reason": nil, "open": true, "reason": "rule"})
	return closed
}

func warningFilters() schema {
	return pageParams(schema{"charge": {kind: isString}, "created": {kind: isRange}, "payment_intent": {kind: isString}})
}

func (s *Server) listWarnings(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	return listing[FraudWarning]{
		url: "/v1/radar/early_fraud_warnings", kind: "early fraud warning", table: &v.warnings,
		created: func(row *FraudWarning) int64 { return row.Created },
		keep: func(row *FraudWarning) bool {
			return (p.str("charge") == "" || row.Charge == p.str("charge")) &&
				(p.str("payment_intent") == "" || row.PaymentIntent == p.str("payment_intent"))
		},
		render: renderWarning,
	}.page(c, v)
}

func getWarning(c *call, v reader) (map[string]any, *apiError) {
	warning := v.warning(c.r.PathValue("id"))
	if warning == nil {
		return nil, missing("early fraud warning", "early_fraud_warning", shorten(c.r.PathValue("id")))
	}
	return renderWarning(warning), nil
}

func (s *Server) listReviews(c *call, v reader) (map[string]any, *apiError) {
	return listing[Review]{
		url: "/v1/reviews", kind: "review", table: &v.reviews,
		created: func(row *Review) int64 { return row.Created },
		// Stripe lists the reviews that wait for somebody.
		keep:   func(row *Review) bool { return row.ClosedReason == "" },
		render: renderReview,
	}.page(c, v)
}

func getReview(c *call, v reader) (map[string]any, *apiError) {
	review := v.review(c.r.PathValue("id"))
	if review == nil {
		return nil, missing("review", "review", shorten(c.r.PathValue("id")))
	}
	return renderReview(review), nil
}

func (s *Server) checkReviewID(c *call) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.state.reviews.byID[c.r.PathValue("id")] == nil {
		return missing("review", "review", shorten(c.r.PathValue("id")))
	}
	return nil
}

func approveReview(c *call, t *tx) (map[string]any, *apiError) {
	review := t.review(c.r.PathValue("id"))
	if review.ClosedReason != "" {
		return nil, executedError(badRequest("", "", "Review %s is already closed.", review.ID))
	}
	return renderReview(t.closeReview(review, closedApproved)), nil
}

func renderWarning(w *FraudWarning) map[string]any {
	out := map[string]any{
		"id": w.ID, "object": "radar.early_fraud_warning", "actionable": w.Actionable, "charge": w.Charge,
		"created": w.Created, "fraud_type": w.FraudType, "livemode": false,
	}
	if w.PaymentIntent != "" {
		out["payment_intent"] = w.PaymentIntent
	}
	return out
}

func renderReview(r *Review) map[string]any {
	reason := "rule"
	if r.ClosedReason != "" {
		reason = r.ClosedReason
	}
	out := map[string]any{
		"id": r.ID, "object": "review", "billing_zip": orNull(r.Zip), "charge": r.Charge, "closed_reason": orNull(r.ClosedReason),
		"created": r.Created, "ip_address": nil, "ip_address_location": nil, "livemode": false,
		"open": r.ClosedReason == "", "opened_reason": "rule", "reason": reason, "session": nil,
	}
	if r.PaymentIntent != "" {
		out["payment_intent"] = r.PaymentIntent
	}
	return out
}

// otherTypes are the reporting categories of transactions that belong to no
// object of this simulator, and the type that each has.
func otherTypes() map[string]string {
	return map[string]string{
		"advance": "advance", "advance_funding": "advance_funding", "anticipation_repayment": "anticipation_repayment",
		"climate_order_purchase": "climate_order_purchase", "climate_order_refund": "climate_order_refund",
		"connect_collection_transfer": "connect_collection_transfer", "connect_reserved_funds": "reserve_transaction",
		"contribution": "contribution", "fee": "stripe_fee", "fx_fee": "stripe_fx_fee",
		"issuing_authorization_hold": "issuing_authorization_hold", "issuing_authorization_release": "issuing_authorization_release",
		"issuing_dispute": "issuing_dispute", "issuing_transaction": "issuing_transaction", "obligation": "obligation_outbound",
		"obligation_reversal": "obligation_reversal_inbound", "other_adjustment": "adjustment",
		"payment_network_reserve_hold":    "payment_network_reserve_hold",
		"payment_network_reserve_release": "payment_network_reserve_release", "payment_reversal": "payment_reversal",
		"platform_earning": "application_fee", "platform_earning_refund": "application_fee_refund",
		"reserve": "reserved_funds", "risk_reserved_funds": "reserved_funds", "tax": "tax_fee", "topup": "topup",
		"topup_reversal": "topup_reversal", "transfer": "transfer", "transfer_reversal": "transfer_refund",
		"unreconciled_customer_funds": "payment_unreconciled",
	}
}

// ownCategories are made by what happens to charges, refunds, disputes, payouts.
func ownCategories() []string {
	return []string{"charge", "charge_failure", "dispute", "dispute_reversal", "payout", "payout_reversal", "refund", "refund_failure"}
}

// bookOther moves money for a reason of Stripe's own: a fee, a reserve. A
// category that nobody knows is an adjustment; accounts do meet such.
func (t *tx) bookOther(category, currency, description string, amount, cost int64) (*BalanceTransaction, *apiError) {
	kind, known := otherTypes()[category]
	switch {
	case slices.Contains(ownCategories(), category):
		return nil, badRequest("", "category", "Transactions of category %s come from their objects.", category)
	case category == "reserve":
		category = "risk_reserved_funds"
	case !known:
		kind = "adjustment"
	}
	return t.putTransaction(BalanceTransaction{
		ID: t.newID("txn"), Created: t.now.Unix(), AvailableOn: t.now.Unix(), Amount: amount, Fee: cost, Net: amount - cost,
		Currency: currency, Type: kind, Category: category, Description: description,
	}), nil
}
