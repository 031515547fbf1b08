package stripesim

import "maps"

func refundParams() schema {
	later := rule{kind: isLater}
	return schema{
		"amount":         {kind: isInteger},
		"charge":         {kind: isString, max: 5000},
		"payment_intent": {kind: isString, max: 5000},
		"reason":         {kind: isEnum, enum: refundReasons()},
		"metadata":       {kind: isMetadata},
		"currency":       later, "customer": later, "instructions_email": later, "origin": later,
		"refund_application_fee": {kind: isFalse}, "reverse_transfer": {kind: isFalse},
	}
}

func refundReasons() []string { return []string{"duplicate", "fraudulent", "requested_by_customer"} }

func checkNewRefund(c *call) *apiError {
	if c.params.str("charge") == "" && c.params.str("payment_intent") == "" {
		return badRequest("parameter_missing", "charge", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	amount, given := c.params.integer("amount")
	if given && amount < 1 {
		return badRequest("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	}
	return nil
}

func createRefund(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	charge, failure := t.chargeToRefund(p.str("charge"), p.str("payment_intent"))
	if failure != nil {
		return nil, failure
	}
	amount, _ := p.integer("amount")
	refund, failure := t.makeRefund(charge, amount, p.str("reason"), p.pairs("metadata"))
	if failure != nil {
		return nil, failure
	}
	return renderRefund(t, refund), nil
}

// chargeToRefund finds the charge that a request means: by its id, or as the one
// that paid the payment intent.
func (t *tx) chargeToRefund(chargeID, intentID string) (*Charge, *apiError) {
	if chargeID == "" {
		intent := t.intent(intentID)
		if intent == nil {
			return nil, missing("payment_intent", "payment_intent", shorten(intentID))
		}
		if intent.Status != intentSucceeded {
			return nil, executedError(badRequest("", "payment_intent", "This PaymentIntent (%s) does not have a successful charge to refund.", intent.ID))
		}
		chargeID = intent.LatestCharge
	}
	charge := t.charge(chargeID)
	if charge == nil {
		return nil, missing("charge", "charge", shorten(chargeID))
	}
	if intentID != "" && charge.PaymentIntent != intentID {
		return nil, badRequest("", "charge", "The charge %s does not belong to the payment intent %s.", charge.ID, shorten(intentID))
	}
	return charge, nil
}

func (s *Server) checkRefundID(c *call) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return refundMissing(s.state.refunds.byID[c.r.PathValue("id")], c)
}

func refundMissing(found *Refund, c *call) *apiError {
	if found == nil {
		return missing("refund", "refund", shorten(c.r.PathValue("id")))
	}
	return nil
}

func updateRefund(c *call, t *tx) (map[string]any, *apiError) {
	refund := t.refund(c.r.PathValue("id"))
	next := *refund
	next.Metadata = mergeMetadata(refund.Metadata, c.params.get("metadata"))
	if !maps.Equal(next.Metadata, refund.Metadata) {
		previous := map[string]any{"metadata": metadataOf(refund.Metadata)}
		refund = t.putRefund(next)
		t.emit("refund.updated", previous)
		t.emit("charge.refund.updated", previous)
	}
	return renderRefund(t, refund), nil
}

// cancelRefund: only a refund that waits for the customer can be canceled, and
// no payment method of this simulator has such refunds.
func cancelRefund(c *call, t *tx) (map[string]any, *apiError) {
	refund := t.refund(c.r.PathValue("id"))
	return nil, executedError(badRequest("", "",
		"Refund %s with status %s cannot be canceled: only refunds that require action can.", refund.ID, refund.Status))
}

func getRefund(c *call, v reader) (map[string]any, *apiError) {
	refund := v.refund(c.r.PathValue("id"))
	if refund == nil {
		return nil, refundMissing(refund, c)
	}
	return renderRefund(v, refund), nil
}

func refundFilters() schema {
	return pageParams(schema{"created": {kind: isRange}, "charge": {kind: isString}, "payment_intent": {kind: isString}})
}

func (s *Server) refundListing(v reader, url string) listing[Refund] {
	return listing[Refund]{
		url: url, kind: "refund", table: &v.refunds,
		created: func(row *Refund) int64 { return row.Created },
		render:  func(row *Refund) map[string]any { return renderRefund(v, row) },
	}
}

func (s *Server) listRefunds(c *call, v reader) (map[string]any, *apiError) {
	l := s.refundListing(v, "/v1/refunds")
	charge, intent := c.params.str("charge"), c.params.str("payment_intent")
	switch {
	case charge != "":
		l.restricted, l.among = true, v.refundsOf[charge]
		l.keep = func(row *Refund) bool { return intent == "" || row.PaymentIntent == intent }
	case intent != "":
		l.restricted, l.among = true, v.refundsOf[intent]
	}
	return l.page(c, v)
}

func (s *Server) listChargeRefunds(c *call, v reader) (map[string]any, *apiError) {
	id := c.r.PathValue("id")
	if v.charge(id) == nil {
		return nil, missing("charge", "charge", shorten(id))
	}
	l := s.refundListing(v, "/v1/charges/"+id+"/refunds")
	l.restricted, l.among = true, v.refundsOf[id]
	return l.page(c, v)
}
