package stripesim

import (
	"slices"
	"time"
)

// What can become of money after the gift: its tables, its part of a record and
// of a transition, and the surface. Everything here goes through the same log
// and the same apply as the gift itself.

// aftermath is the part of the state.
type aftermath struct {
	refunds  table[Refund]
	disputes table[Dispute]
	payouts  table[Payout]
	warnings table[FraudWarning]
	reviews  table[Review]

	// Ids in the order of creation, by charge and by payment intent.
	refundsOf  map[string][]string
	disputesOf map[string][]string
	warningsOf map[string][]string
	// txnsOf are the balance transactions of a source.
	txnsOf map[string][]string
	// unpaid are the transactions that no automatic payout has paid out, contents
	// those of each that has, with its own.
	unpaid   []string
	contents map[string][]string
	// illegal is the first change of a status that Stripe would not make.
	illegal error
}

func newAftermath() aftermath {
	return aftermath{
		refundsOf: map[string][]string{}, disputesOf: map[string][]string{}, warningsOf: map[string][]string{},
		txnsOf: map[string][]string{}, contents: map[string][]string{},
	}
}

// aftermathPut is the part of put; at most one field is set.
type aftermathPut struct {
	Refund  *Refund       `json:"refund,omitempty"`
	Dispute *Dispute      `json:"dispute,omitempty"`
	Payout  *Payout       `json:"payout,omitempty"`
	Warning *FraudWarning `json:"fraud_warning,omitempty"`
	Review  *Review       `json:"review,omitempty"`
	// Contents are no object; they say what a payout pays out.
	Contents *payoutContents `json:"contents,omitempty"`
}

func (p aftermathPut) object() any {
	switch {
	case p.Refund != nil:
		return p.Refund
	case p.Dispute != nil:
		return p.Dispute
	case p.Payout != nil:
		return p.Payout
	case p.Warning != nil:
		return p.Warning
	case p.Review != nil:
		return p.Review
	}
	return nil
}

func (st *state) applyAftermath(p *aftermathPut) {
	switch {
	case p.Refund != nil:
		st.applyRefund(p.Refund)
	case p.Dispute != nil:
		st.applyDispute(p.Dispute)
	case p.Payout != nil:
		st.applyPayout(p.Payout)
	case p.Contents != nil:
		st.applyContents(p.Contents)
	case p.Warning != nil:
		if st.warnings.byID[p.Warning.ID] == nil {
			st.warningsOf[p.Warning.Charge] = append(st.warningsOf[p.Warning.Charge], p.Warning.ID)
		}
		st.warnings.put(p.Warning.ID, p.Warning)
	case p.Review != nil:
		st.reviews.put(p.Review.ID, p.Review)
	}
}

func (st *state) applyCharge(ch *Charge) {
	before, status := st.charges.byID[ch.ID], ""
	if before != nil {
		status = before.Status
	}
	st.step(legalCharge(), ch.ID, status, ch.Status)
	if ch.DebitDue != 0 && before == nil {
		st.addTimer(ch.DebitDue, timerDebit, ch.ID)
	}
	st.charges.put(ch.ID, ch)
}

func legalCharge() map[string]string {
	return map[string]string{"": " pending succeeded failed ", chargePending: " succeeded failed "}
}

func (st *state) applyRefund(r *Refund) {
	before, status := st.refunds.byID[r.ID], ""
	if before != nil {
		status = before.Status
	}
	st.step(legalRefund(), r.ID, status, r.Status)
	if before == nil {
		st.refundsOf[r.Charge] = append(st.refundsOf[r.Charge], r.ID)
		st.refundsOf[r.PaymentIntent] = append(st.refundsOf[r.PaymentIntent], r.ID)
	}
	if r.Due != 0 && (before == nil || before.Due != r.Due) {
		st.addTimer(r.Due, timerRefund, r.ID)
	}
	st.refunds.put(r.ID, r)
}

func (st *state) applyDispute(d *Dispute) {
	before, status := st.disputes.byID[d.ID], ""
	if before != nil {
		status = before.Status
	}
	st.step(legalDispute(), d.ID, status, d.Status)
	if before == nil {
		st.disputesOf[d.Charge] = append(st.disputesOf[d.Charge], d.ID)
		st.disputesOf[d.PaymentIntent] = append(st.disputesOf[d.PaymentIntent], d.ID)
	}
	if d.Due != 0 && (before == nil || before.Due != d.Due) {
		st.addTimer(d.Due, timerDispute, d.ID)
	}
	st.disputes.put(d.ID, d)
}

func (st *state) applyPayout(p *Payout) {
	before, status := st.payouts.byID[p.ID], ""
	if before != nil {
		status = before.Status
	}
	st.step(legalPayout(), p.ID, status, p.Status)
	if p.Due != 0 && (before == nil || before.Due != p.Due) {
		st.addTimer(p.Due, timerPayout, p.ID)
	}
	st.payouts.put(p.ID, p)
}

func (st *state) applyContents(c *payoutContents) {
	paid := make(map[string]bool, len(c.Transactions))
	for _, id := range c.Transactions {
		paid[id] = true
	}
	st.contents[c.Payout] = c.Transactions
	st.unpaid = slices.DeleteFunc(st.unpaid, func(id string) bool { return paid[id] })
}

func (st *state) applyTransaction(txn *BalanceTransaction) {
	if st.txns.byID[txn.ID] == nil {
		st.txnsOf[txn.Source] = append(st.txnsOf[txn.Source], txn.ID)
		st.unpaid = append(st.unpaid, txn.ID)
	}
	st.txns.put(txn.ID, txn)
}

// aftermathTx is the part of a transition.
type aftermathTx struct {
	refunds  map[string]*Refund
	disputes map[string]*Dispute
	payouts  map[string]*Payout
	warnings map[string]*FraudWarning
	reviews  map[string]*Review
}

// aftermathView is the part of a view.
type aftermathView interface {
	refund(id string) *Refund
	refundsOn(charge string) []*Refund
	dispute(id string) *Dispute
	payout(id string) *Payout
	review(id string) *Review
	seed() uint64
}

func (t *tx) refund(id string) *Refund   { return overlay(t.refunds, t.s.state.refunds.byID, id) }
func (t *tx) dispute(id string) *Dispute { return overlay(t.disputes, t.s.state.disputes.byID, id) }

func (t *tx) payout(id string) *Payout { return overlay(t.payouts, t.s.state.payouts.byID, id) }
func (t *tx) seed() uint64             { return t.s.state.init.Seed }

func (t *tx) review(id string) *Review { return overlay(t.reviews, t.s.state.reviews.byID, id) }
func (t *tx) warning(id string) *FraudWarning {
	return overlay(t.warnings, t.s.state.warnings.byID, id)
}

func (t *tx) putWarning(v FraudWarning) *FraudWarning {
	remember(&t.warnings, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{aftermathPut: aftermathPut{Warning: &v}})
	return &v
}

func (t *tx) putReview(v Review) *Review {
	remember(&t.reviews, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{aftermathPut: aftermathPut{Review: &v}})
	return &v
}

func (t *tx) putPayout(v Payout) *Payout {
	remember(&t.payouts, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{aftermathPut: aftermathPut{Payout: &v}})
	return &v
}

func (t *tx) putDispute(v Dispute) *Dispute {
	remember(&t.disputes, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{aftermathPut: aftermathPut{Dispute: &v}})
	return &v
}

// disputesOn are the disputes of a charge, oldest first.
func (t *tx) disputesOn(charge string) []*Dispute {
	var out []*Dispute
	for _, id := range t.s.state.disputesOf[charge] {
		out = append(out, t.dispute(id))
	}
	for _, p := range t.rec.Puts {
		if d := p.Dispute; d != nil && d.Charge == charge && t.dispute(d.ID) == d && t.s.state.disputes.byID[d.ID] == nil {
			out = append(out, d)
		}
	}
	return out
}

func (t *tx) putRefund(v Refund) *Refund {
	remember(&t.refunds, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{aftermathPut: aftermathPut{Refund: &v}})
	return &v
}

// refundsOn are the refunds of a charge, newest first.
func (t *tx) refundsOn(charge string) []*Refund {
	var out []*Refund
	for i := len(t.rec.Puts) - 1; i >= 0; i-- {
		made := t.rec.Puts[i].Refund
		if made != nil && made.Charge == charge && t.refund(made.ID) == made && t.s.state.refunds.byID[made.ID] == nil {
			out = append(out, made)
		}
	}
	for _, stored := range (reader{state: t.s.state}).refundsOn(charge) {
		out = append(out, t.refund(stored.ID))
	}
	return out
}

func (r reader) refund(id string) *Refund   { return r.refunds.byID[id] }
func (r reader) dispute(id string) *Dispute { return r.disputes.byID[id] }
func (r reader) payout(id string) *Payout   { return r.payouts.byID[id] }
func (r reader) seed() uint64               { return r.init.Seed }
func (r reader) review(id string) *Review   { return r.reviews.byID[id] }

func (r reader) warning(id string) *FraudWarning { return r.warnings.byID[id] }

func (r reader) refundsOn(charge string) []*Refund {
	ids := r.refundsOf[charge]
	out := make([]*Refund, 0, len(ids))
	for i := len(ids) - 1; i >= 0; i-- {
		out = append(out, r.refunds.byID[ids[i]])
	}
	return out
}

// moment is a view with the clock of an event, so that an event shows its object
// as it was then, whenever it is sent.
type moment struct {
	view
	at int64
}

func (m moment) clock() time.Time { return time.Unix(m.at, 0).UTC() }

// What happens after the gift by the passing of time alone.
const (
	timerRefund  = "refund"
	timerDispute = "dispute"
	timerDebit   = "debit"
	timerPayout  = "payout"
	// timerSchedule is made anew at every start and is in no record.
	timerSchedule = "payout_schedule"
)

func (t *tx) fireAftermath(due timer) {
	switch due.kind {
	case timerRefund:
		t.refundDue(due)
	case timerDispute:
		t.disputeDue(due)
	case timerDebit:
		t.debitDone(due)
	case timerPayout:
		t.payoutDue(due)
	case timerSchedule:
		t.runSchedule(due)
	}
}

func (s *Server) aftermathReads() map[string]read {
	return map[string]read{
		"/v1/disputes":                        {disputeFilters(), s.listDisputes},
		"/v1/disputes/{id}":                   {schema{}, getDispute},
		"/v1/payouts":                         {payoutFilters(), s.listPayouts},
		"/v1/payouts/{id}":                    {schema{}, getPayout},
		"/v1/reviews":                         {pageParams(schema{"created": {kind: isRange}}), s.listReviews},
		"/v1/reviews/{id}":                    {schema{}, getReview},
		"/v1/refunds":                         {refundFilters(), s.listRefunds},
		"/v1/radar/early_fraud_warnings":      {warningFilters(), s.listWarnings},
		"/v1/radar/early_fraud_warnings/{id}": {schema{}, getWarning},
		"/v1/refunds/{id}":                    {schema{}, getRefund},
		"/v1/charges/{id}/refunds":            {pageParams(nil), s.listChargeRefunds},
	}
}

func (s *Server) aftermathWrites() map[string]write {
	return map[string]write{
		"POST /v1/disputes/{id}":        {disputeParams(), s.checkDisputeID, updateDispute},
		"POST /v1/disputes/{id}/close":  {schema{}, s.checkDisputeID, closeDispute},
		"POST /v1/payouts":              {payoutParams(), s.checkNewPayout, createPayout},
		"POST /v1/payouts/{id}":         {metadataParams(), s.checkPayoutID, updatePayout},
		"POST /v1/payouts/{id}/cancel":  {schema{}, s.checkPayoutID, cancelPayout},
		"POST /v1/reviews/{id}/approve": {schema{}, s.checkReviewID, approveReview},
		"POST /v1/refunds":              {refundParams(), checkNewRefund, createRefund},
		"POST /v1/refunds/{id}":         {metadataParams(), s.checkRefundID, updateRefund},
		"POST /v1/refunds/{id}/cancel":  {schema{}, s.checkRefundID, cancelRefund},
	}
}

func metadataParams() schema { return schema{"metadata": {kind: isMetadata}} }

// renderAftermath renders any version of an object of this part.
func renderAftermath(v view, object any) map[string]any {
	switch o := object.(type) {
	case *Refund:
		return renderRefund(v, o)
	case *Dispute:
		return renderDispute(v, o)
	case *Payout:
		return renderPayout(v, o)
	case *FraudWarning:
		return renderWarning(o)
	case *Review:
		return renderReview(o)
	}
	return nil
}

func aftermathExpandable(kind string) string {
	names := map[string]string{
		"dispute":                   " charge payment_intent ",
		"radar.early_fraud_warning": " charge payment_intent ",
		"review":                    " charge payment_intent ",
		"payout":                    " balance_transaction destination failure_balance_transaction original_payout reversed_by ",
		"refund":                    " balance_transaction charge failure_balance_transaction payment_intent source_transfer_reversal transfer_reversal ",
	}
	return names[kind]
}

// expandAftermath finds an object by the property that names it, or, for the
// source of a balance transaction, by its id.
func expandAftermath(v view, property, id string) map[string]any {
	switch property {
	case "charge":
		return renderCharge(v, v.charge(id))
	case "failure_balance_transaction":
		return renderTransaction(v, v.transaction(id))
	case "review":
		if review := v.review(id); review != nil {
			return renderReview(review)
		}
		return nil
	case "destination":
		return renderBankAccount(v, id)
	}
	if charge := v.charge(id); charge != nil {
		return renderCharge(v, charge)
	}
	if refund := v.refund(id); refund != nil {
		return renderRefund(v, refund)
	}
	if d := v.dispute(id); d != nil {
		return renderDispute(v, d)
	}
	if p := v.payout(id); p != nil {
		return renderPayout(v, p)
	}
	return nil
}
