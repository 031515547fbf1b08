package stripesim

import (
	"maps"
	"slices"
	"unicode/utf8"
)

// evidenceTexts are what evidence says in words, evidenceFiles what it shows.
func evidenceTexts() []string {
	return []string{
		"access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal",
		"customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_explanation", "duplicate_charge_id",
		"product_description", "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "shipping_address",
		"shipping_carrier", "shipping_date", "shipping_tracking_number", "uncategorized_text",
	}
}

func evidenceFiles() []string {
	return []string{
		"cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
		"refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
	}
}

// maxEvidence bounds all texts of a dispute together.
const maxEvidence = 150_000

func disputeParams() schema {
	evidence := schema{}
	for _, name := range evidenceTexts() {
		evidence[name] = rule{kind: isString, max: 20_000}
	}
	for _, name := range evidenceFiles() {
		evidence[name] = rule{kind: isLater}
	}
	return schema{
		"evidence": {kind: isHash, fields: evidence}, "metadata": {kind: isMetadata}, "submit": {kind: isBoolean},
	}
}

func (s *Server) checkDisputeID(c *call) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return disputeMissing(s.state.disputes.byID[c.r.PathValue("id")], c)
}

func disputeMissing(found *Dispute, c *call) *apiError {
	if found == nil {
		return missing("dispute", "dispute", shorten(c.r.PathValue("id")))
	}
	return nil
}

// updateDispute stages evidence and, unless told otherwise, submits it. Evidence
// goes to the bank once.
func updateDispute(c *call, t *tx) (map[string]any, *apiError) {
	d, p := t.dispute(c.r.PathValue("id")), c.params
	next := *d
	next.Metadata = mergeMetadata(d.Metadata, p.get("metadata"))
	evidence := p.pairs("evidence")
	submits := p.str("submit") == "true" || (len(evidence) > 0 && p.str("submit") == "")
	if len(evidence) > 0 || submits {
		switch {
		case d.closed():
			return nil, executedError(badRequest("", "", "This dispute is already closed."))
		case d.Submissions > 0:
			return nil, executedError(badRequest("", "", "Evidence for this dispute has already been submitted."))
		}
		next.Evidence = maps.Clone(d.Evidence)
		if next.Evidence == nil {
			next.Evidence = map[string]string{}
		}
		maps.Copy(next.Evidence, evidence)
		length := 0
		for _, text := range next.Evidence {
			length += utf8.RuneCountInString(text)
		}
		if length > maxEvidence {
			return nil, badRequest("", "evidence", "The combined character count of the evidence is limited to %d.", maxEvidence)
		}
	}
	if submits {
		t.submit(&next)
	}
	if maps.Equal(next.Metadata, d.Metadata) && maps.Equal(next.Evidence, d.Evidence) && !submits {
		return renderDispute(t, d), nil
	}
	changed := t.putDispute(next)
	previous := map[string]any{}
	if changed.Status != d.Status {
		previous["status"] = d.Status
	}
	if !maps.Equal(next.Metadata, d.Metadata) {
		previous["metadata"] = metadataOf(d.Metadata)
	}
	if !maps.Equal(next.Evidence, d.Evidence) || submits {
		previous["evidence"] = renderEvidence(d)
		previous["evidence_details"] = renderEvidenceDetails(d)
	}
	t.emit("charge.dispute.updated", previous)
	return renderDispute(t, changed), nil
}

// closeDispute gives up: the dispute is lost. An inquiry is over without loss.
func closeDispute(c *call, t *tx) (map[string]any, *apiError) {
	d := t.dispute(c.r.PathValue("id"))
	verdict := disputeLost
	if d.inquiry() {
		verdict = inquiryClosed
	}
	ended, failure := t.judge(d, verdict)
	if failure != nil {
		return nil, failure
	}
	return renderDispute(t, ended), nil
}

func getDispute(c *call, v reader) (map[string]any, *apiError) {
	d := v.dispute(c.r.PathValue("id"))
	if d == nil {
		return nil, disputeMissing(d, c)
	}
	return renderDispute(v, d), nil
}

func disputeFilters() schema {
	return pageParams(schema{"created": {kind: isRange}, "charge": {kind: isString}, "payment_intent": {kind: isString}})
}

func (s *Server) listDisputes(c *call, v reader) (map[string]any, *apiError) {
	l := listing[Dispute]{
		url: "/v1/disputes", kind: "dispute", table: &v.disputes,
		created: func(row *Dispute) int64 { return row.Created },
		render:  func(row *Dispute) map[string]any { return renderDispute(v, row) },
	}
	charge, intent := c.params.str("charge"), c.params.str("payment_intent")
	switch {
	case charge != "":
		l.restricted, l.among = true, v.disputesOf[charge]
		l.keep = func(row *Dispute) bool { return intent == "" || row.PaymentIntent == intent }
	case intent != "":
		l.restricted, l.among = true, v.disputesOf[intent]
	}
	return l.page(c, v)
}

func renderDispute(v view, d *Dispute) map[string]any {
	transactions := make([]any, 0, len(d.Transactions))
	for _, id := range d.Transactions {
		transactions = append(transactions, renderTransaction(v, v.transaction(id)))
	}
	out := map[string]any{
		"id": d.ID, "object": "dispute", "amount": d.Amount, "balance_transactions": transactions, "charge": d.Charge,
		"created": d.Created, "currency": d.Currency, "evidence": renderEvidence(d),
		"evidence_details": renderEvidenceDetails(d), "is_charge_refundable": !d.holds(), "livemode": false,
		"metadata": metadataOf(d.Metadata), "payment_intent": orNull(d.PaymentIntent), "reason": d.Reason, "status": d.Status,
	}
	// Version 2023-10-16 has these details for cards only.
	if debitKind(v, d.Charge) == "" {
		c := cardNamed(v.method(v.charge(d.Charge).PaymentMethod).Card)
		out["payment_method_details"] = map[string]any{"type": "card", "card": map[string]any{
			"brand": c.brand, "network_reason_code": networkReason(c.brand, d.Reason),
		}}
	}
	return out
}

func renderEvidence(d *Dispute) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Concat(evidenceTexts(), evidenceFiles()) {
		out[name] = orNull(d.Evidence[name])
	}
	return out
}

func renderEvidenceDetails(d *Dispute) map[string]any {
	return map[string]any{
		"due_by": d.DueBy, "has_evidence": len(d.Evidence) > 0, "past_due": false, "submission_count": d.Submissions,
	}
}

// networkReason is the code of the card network, where one is published.
func networkReason(brand, reason string) any {
	visa := map[string]string{
		"fraudulent": "10.4", "unrecognized": "10.4", "duplicate": "12.6.1", "product_not_received": "13.1",
		"subscription_canceled": "13.2", "product_unacceptable": "13.3", "credit_not_processed": "13.6",
	}
	if brand != "visa" {
		return nil
	}
	return orNull(visa[reason])
}
