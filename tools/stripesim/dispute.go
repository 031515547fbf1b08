package stripesim

import (
	"slices"
	"strings"
)

// Dispute is a donor's bank that wants money back (a chargeback), or only asks
// (an inquiry: its status begins with warning_, and no money moves).
type Dispute struct {
	ID            string            `json:"id"`
	Created       int64             `json:"created"`
	Amount        int64             `json:"amount"`
	Currency      string            `json:"currency"`
	Charge        string            `json:"charge"`
	PaymentIntent string            `json:"payment_intent,omitempty"`
	Reason        string            `json:"reason"`
	Status        string            `json:"status"`
	Transactions  []string          `json:"balance_transactions,omitempty"`
	Evidence      map[string]string `json:"evidence,omitempty"`
	Metadata      map[string]string `json:"metadata"`
	DueBy         int64             `json:"due_by,omitempty"`
	Submissions   int64             `json:"submission_count,omitempty"`
	// Due is when the bank decides by itself, in unix seconds, and Verdict what;
	// zero after the end.
	Due     int64  `json:"due,omitempty"`
	Verdict string `json:"verdict,omitempty"`
}

const (
	disputeNeedsResponse = "needs_response"
	disputeUnderReview   = "under_review"
	disputeWon           = "won"
	disputeLost          = "lost"
	inquiryNeedsResponse = "warning_needs_response"
	inquiryUnderReview   = "warning_under_review"
	inquiryClosed        = "warning_closed"

	// verdictEscalate makes a chargeback of an inquiry; the other verdicts are
	// the statuses that they lead to.
	verdictEscalate = "escalate"
)

const (
	// answerDays is how long there is to send evidence: to the end of that day.
	answerDays = 9
	// bankDays is how long a bank looks at evidence that says nothing special.
	bankDays = 75
	// inquiryDays is when an inquiry that nobody escalated is over.
	inquiryDays = 120
	// wordDelay is how long the words of a test take, in seconds.
	wordDelay = 3
)

func disputeReasons() []string {
	return []string{
		"bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized",
		"duplicate", "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "product_not_received",
		"product_unacceptable", "subscription_canceled", "unrecognized",
	}
}

func legalDispute() map[string]string {
	return map[string]string{
		"":                   " needs_response warning_needs_response ",
		inquiryNeedsResponse: " warning_under_review warning_closed needs_response ",
		inquiryUnderReview:   " warning_closed needs_response ",
		disputeNeedsResponse: " under_review won lost ",
		disputeUnderReview:   " won lost ",
	}
}

func (d *Dispute) inquiry() bool { return strings.HasPrefix(d.Status, "warning_") }

func (d *Dispute) closed() bool {
	return d.Status == disputeWon || d.Status == disputeLost || d.Status == inquiryClosed
}

// holds tells whether the disputed money is with the bank, now or for good.
func (d *Dispute) holds() bool {
	return d.Status == disputeNeedsResponse || d.Status == disputeUnderReview || d.Status == disputeLost
}

// claim is what a dispute is about; an amount of zero is all that is left.
type claim struct {
	amount  int64
	reason  string
	inquiry bool
}

// openDispute takes the money at once, or for an inquiry nothing.
func (t *tx) openDispute(charge *Charge, about claim) (*Dispute, *apiError) {
	if charge.Status != chargeSucceeded {
		return nil, badRequest("", "charge", "Charge %s has not been paid; nobody can dispute it.", charge.ID)
	}
	left := t.disputable(charge)
	if about.amount == 0 {
		about.amount = left
	}
	if about.amount > left || left == 0 || about.amount%step(charge.Currency) != 0 {
		return nil, badRequest("", "amount", "Of charge %s at most %s can be disputed.", charge.ID, shownAmount(left, charge.Currency))
	}
	d := Dispute{
		ID: t.newID("dispute"), Created: t.now.Unix(), Amount: about.amount, Currency: charge.Currency, Charge: charge.ID,
		PaymentIntent: charge.PaymentIntent, Reason: about.reason, Metadata: map[string]string{}, DueBy: t.answerBy(),
	}
	if about.inquiry {
		d.Status, d.Due, d.Verdict = inquiryNeedsResponse, t.now.Unix()+inquiryDays*86_400, inquiryClosed
		made := t.putDispute(d)
		t.emit("charge.dispute.created", nil)
		return made, nil
	}
	d.Status, d.Due, d.Verdict = disputeNeedsResponse, d.DueBy+1, disputeLost
	d.Transactions = []string{t.bookWithdrawal(charge, &d).ID}
	t.putDispute(d)
	t.emit("charge.dispute.created", nil)
	t.emit("charge.dispute.funds_withdrawn", nil)
	t.markDisputed(charge.ID)
	t.acted(charge, closedDisputed)
	return t.dispute(d.ID), nil
}

// disputable is what of a charge is neither refunded nor with the bank already.
func (t *tx) disputable(charge *Charge) int64 {
	left := charge.Amount - charge.AmountRefunded
	for _, other := range t.disputesOn(charge.ID) {
		if other.holds() {
			left -= other.Amount
		}
	}
	return left
}

func (t *tx) answerBy() int64 { return (t.now.Unix()/86_400+answerDays+1)*86_400 - 1 }

func (t *tx) markDisputed(id string) {
	charge := t.charge(id)
	if charge.Disputed {
		return
	}
	next := *charge
	next.Disputed = true
	t.putCharge(next)
	t.emit("charge.updated", map[string]any{"disputed": false})
}

func (t *tx) bookWithdrawal(charge *Charge, d *Dispute) *BalanceTransaction {
	amount, currency, rate := t.settle(charge, d.Amount)
	cost := disputeFee(currency)
	return t.putTransaction(BalanceTransaction{
		ID: t.newID("txn"), Created: t.now.Unix(), AvailableOn: t.now.Unix(), Amount: -amount, Fee: cost, Net: -amount - cost,
		Currency: currency, ExchangeRate: rate, Type: "adjustment", Category: "dispute", Source: d.ID,
		Description: "Chargeback withdrawal for " + charge.ID,
	})
}

// disputeFee is 15 of the major unit, and 1500 where the unit is small.
func disputeFee(currency string) int64 {
	if exponent(currency) == 0 {
		return 1500
	}
	return 15 * power10(exponent(currency))
}

// judge ends a dispute, or makes a chargeback of an inquiry.
func (t *tx) judge(d *Dispute, verdict string) (*Dispute, *apiError) {
	if d.closed() {
		return nil, executedError(badRequest("", "", "This dispute is already closed."))
	}
	if d.inquiry() && verdict == verdictEscalate {
		return t.escalate(d)
	}
	if d.inquiry() != (verdict == inquiryClosed) || verdict == verdictEscalate {
		return nil, badRequest("", "", "A dispute with status %s cannot become %s.", d.Status, verdict)
	}
	next := *d
	next.Status, next.Due, next.Verdict = verdict, 0, ""
	if verdict == disputeWon {
		next.Transactions = append(slices.Clone(d.Transactions), t.bookReinstatement(d).ID)
	}
	ended := t.putDispute(next)
	t.emit("charge.dispute.closed", map[string]any{"status": d.Status})
	if verdict == disputeWon {
		t.emit("charge.dispute.funds_reinstated", nil)
	}
	return ended, nil
}

// escalate takes what is left by now, with new time to answer.
func (t *tx) escalate(d *Dispute) (*Dispute, *apiError) {
	charge := t.charge(d.Charge)
	left := t.disputable(charge)
	if left == 0 {
		return nil, badRequest("", "", "Nothing is left of charge %s that could be disputed.", charge.ID)
	}
	next := *d
	next.Amount = min(d.Amount, left)
	next.Status, next.DueBy, next.Submissions, next.Evidence = disputeNeedsResponse, t.answerBy(), 0, nil
	next.Due, next.Verdict = next.DueBy+1, disputeLost
	next.Transactions = []string{t.bookWithdrawal(charge, &next).ID}
	t.putDispute(next)
	t.emit("charge.dispute.updated", map[string]any{"status": d.Status})
	t.emit("charge.dispute.funds_withdrawn", nil)
	t.markDisputed(charge.ID)
	return t.dispute(d.ID), nil
}

// bookReinstatement gives back what was withdrawn, at the rate of then. Whether
// the fee comes back depends on country and year: a knob decides.
func (t *tx) bookReinstatement(d *Dispute) *BalanceTransaction {
	taken := t.transaction(d.Transactions[0])
	back := *taken
	back.ID, back.Created, back.AvailableOn = t.newID("txn"), t.now.Unix(), t.now.Unix()
	back.Amount, back.Fee, back.Category = -taken.Amount, 0, "dispute_reversal"
	if t.s.knobs.disputeFeeReturned() {
		back.Fee = -taken.Fee
	}
	back.Net = back.Amount - back.Fee
	back.Description = "Chargeback reversal for " + d.Charge
	return t.putTransaction(back)
}

// disputeDue is what the bank does when the time is over.
func (t *tx) disputeDue(due timer) {
	d := t.dispute(due.id)
	if d == nil || d.Due != due.at {
		return
	}
	_, failure := t.judge(d, d.Verdict)
	if failure != nil {
		// An inquiry about money that was refunded meanwhile has nothing to become.
		_, _ = t.judge(d, inquiryClosed)
	}
}

// submit sends the evidence to the bank. The words of Stripe's test mode decide.
func (t *tx) submit(next *Dispute) {
	next.Submissions++
	next.Due, next.Verdict = t.now.Unix()+wordDelay, ""
	word := next.Evidence["uncategorized_text"]
	if next.inquiry() {
		next.Status = inquiryUnderReview
		switch word {
		case "escalate_inquiry_evidence":
			next.Verdict = verdictEscalate
		case "winning_evidence", "losing_evidence":
			next.Verdict = inquiryClosed
		default:
			next.Due, next.Verdict = next.Created+inquiryDays*86_400, inquiryClosed
		}
		return
	}
	next.Status = disputeUnderReview
	switch word {
	case "winning_evidence":
		next.Verdict = disputeWon
	case "losing_evidence":
		next.Verdict = disputeLost
	default:
		next.Due, next.Verdict = t.now.Unix()+bankDays*86_400, disputeLost
	}
}

// refundedInFull: such a charge leaves nothing to ask for.
func (t *tx) refundedInFull(charge *Charge) {
	if charge.AmountRefunded < charge.Amount {
		return
	}
	for _, d := range t.disputesOn(charge.ID) {
		if d.inquiry() && !d.closed() {
			_, _ = t.judge(d, inquiryClosed)
		}
	}
	how := closedRefunded
	if charge.FraudReport != "" {
		how = closedAsFraud
	}
	t.acted(charge, how)
}

// afterPayment is what Radar, the card's issuer and the donor's bank do next.
func (t *tx) afterPayment(charge *Charge, c card) {
	if charge.Review != "" {
		t.openReview(charge)
	}
	if c.warned {
		// A payment that was just made has no warning yet.
		_, _ = t.warn(charge, "misc")
	}
	t.disputedBy(charge, c.dispute)
}

// disputedBy is what a test card's bank does right after the payment.
func (t *tx) disputedBy(charge *Charge, how string) {
	about := map[string][]claim{
		disputesFraud:   {{reason: "fraudulent"}},
		disputesMissing: {{reason: "product_not_received"}},
		disputesAsking:  {{reason: "general", inquiry: true}},
		disputesTwice: {
			{reason: "fraudulent", amount: charge.Amount / 2 / step(charge.Currency) * step(charge.Currency)}, {reason: "fraudulent"},
		},
	}[how]
	for _, one := range about {
		// A payment that was just made can be disputed.
		_, _ = t.openDispute(t.charge(charge.ID), one)
	}
}

// What a test card's bank does about the payment.
const (
	disputesFraud   = "fraud"
	disputesMissing = "missing"
	disputesAsking  = "asking"
	disputesTwice   = "twice"
)
