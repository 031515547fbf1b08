package stripesim

import (
	"errors"
	"fmt"
	"sort"
	"time"
)

// Payout sends money from the balance to the bank account.
type Payout struct {
	ID                  string            `json:"id"`
	Created             int64             `json:"created"`
	Amount              int64             `json:"amount"`
	Currency            string            `json:"currency"`
	Status              string            `json:"status"`
	ArrivalDate         int64             `json:"arrival_date"`
	Automatic           bool              `json:"automatic,omitempty"`
	BalanceTransaction  string            `json:"balance_transaction"`
	FailureTransaction  string            `json:"failure_balance_transaction,omitempty"`
	FailureCode         string            `json:"failure_code,omitempty"`
	FailureMessage      string            `json:"failure_message,omitempty"`
	Description         string            `json:"description,omitempty"`
	StatementDescriptor string            `json:"statement_descriptor,omitempty"`
	Metadata            map[string]string `json:"metadata"`
	// Reconciled says that the transactions in it can be listed.
	Reconciled bool `json:"reconciled,omitempty"`
	// Due is when its next step happens by itself, in unix seconds, and Fate
	// whether the bank will refuse it.
	Due  int64  `json:"due,omitempty"`
	Fate string `json:"fate,omitempty"`
}

// payoutContents are the transactions that an automatic payout pays out. They
// are written once, beside the first version of the payout.
type payoutContents struct {
	Payout       string   `json:"payout"`
	Transactions []string `json:"txns"`
}

const (
	payoutPending   = "pending"
	payoutInTransit = "in_transit"
	payoutPaid      = "paid"
	payoutFailed    = "failed"
	payoutCanceled  = "canceled"

	// What a bank does that refuses a payout: at its arrival, or later, when it
	// was called paid already.
	fateFails     = "fails"
	fateFailsLate = "fails_late"

	scheduleManual = "manual"
	scheduleDaily  = "daily"
)

const (
	// submitAfter is when a payout goes to the bank, in seconds.
	submitAfter = 3600
	// arrivalDays is when it arrives; not at a weekend.
	arrivalDays = 2
	// lateDays is how long after that a bank may still send it back.
	lateDays = 2
)

func legalPayout() map[string]string {
	return map[string]string{
		"":              " pending ",
		payoutPending:   " in_transit canceled ",
		payoutInTransit: " paid failed ",
		payoutPaid:      " failed ",
	}
}

// returned tells whether the money is back in the balance.
func (p *Payout) returned() bool { return p.Status == payoutFailed || p.Status == payoutCanceled }

// arrival is the morning of a business day.
func arrival(from time.Time) int64 {
	at := from.UTC().Truncate(24*time.Hour).AddDate(0, 0, arrivalDays)
	for at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	return at.Unix()
}

// makePayout takes the money from the balance.
func (t *tx) makePayout(p Payout) *Payout {
	p.ID, p.Created, p.Status, p.ArrivalDate = t.newID("payout"), t.now.Unix(), payoutPending, arrival(t.now)
	p.Due = p.Created + submitAfter
	switch {
	case t.s.knobs.hit("payout_fails", p.Currency, p.ID):
		p.Fate = fateFails
	case t.s.knobs.hit("payout_fails_late", p.Currency, p.ID):
		p.Fate = fateFailsLate
	}
	description := p.Description
	if description == "" {
		description = "STRIPE PAYOUT"
	}
	p.BalanceTransaction = t.putTransaction(BalanceTransaction{
		ID: t.newID("txn"), Created: p.Created, AvailableOn: p.Created, Amount: -p.Amount, Net: -p.Amount,
		Currency: p.Currency, Type: "payout", Category: "payout", Source: p.ID, Description: description,
	}).ID
	made := t.putPayout(p)
	t.emit("payout.created", nil)
	return made
}

// payOut makes an automatic payout of all that is available in each currency, or
// in one. A currency that owes money waits until it does not.
func (t *tx) payOut(only string) []*Payout {
	sums, contents := map[string]int64{}, map[string][]string{}
	for _, id := range t.s.state.unpaid {
		txn := t.transaction(id)
		if txn.AvailableOn <= t.now.Unix() && (only == "" || txn.Currency == only) {
			sums[txn.Currency] += txn.Net
			contents[txn.Currency] = append(contents[txn.Currency], id)
		}
	}
	currencies := make([]string, 0, len(sums))
	for currency, sum := range sums {
		if sum > 0 {
			currencies = append(currencies, currency)
		}
	}
	sort.Strings(currencies)
	var out []*Payout
	for _, currency := range currencies {
		made := t.makePayout(Payout{Amount: sums[currency], Currency: currency, Automatic: true, Metadata: map[string]string{}})
		listed := payoutContents{Payout: made.ID, Transactions: append(contents[currency], made.BalanceTransaction)}
		t.rec.Puts = append(t.rec.Puts, put{aftermathPut: aftermathPut{Contents: &listed}})
		out = append(out, made)
	}
	return out
}

// payoutDue takes the next step of a payout.
func (t *tx) payoutDue(due timer) {
	p := t.payout(due.id)
	if p == nil || p.Due != due.at {
		return
	}
	switch {
	case p.Status == payoutPending:
		t.payoutSubmitted(p)
	case p.Status == payoutInTransit && p.Fate != fateFails:
		t.payoutArrived(p)
	default:
		t.payoutRefused(p)
	}
}

func (t *tx) payoutSubmitted(p *Payout) *Payout {
	next := *p
	next.Status, next.Due = payoutInTransit, max(p.ArrivalDate, t.now.Unix()+1)
	out := t.putPayout(next)
	t.emit("payout.updated", map[string]any{"status": p.Status})
	return out
}

func (t *tx) payoutArrived(p *Payout) *Payout {
	next := *p
	next.Status, next.Due = payoutPaid, 0
	if p.Fate == fateFailsLate {
		next.Due = t.now.Unix() + lateDays*86_400
	}
	t.putPayout(next)
	t.emit("payout.paid", map[string]any{"status": p.Status})
	return t.reconcile(next.ID)
}

// payoutRefused brings the money back: the next payout pays it out again.
func (t *tx) payoutRefused(p *Payout) *Payout {
	next := *p
	next.Status, next.Due = payoutFailed, 0
	next.FailureCode, next.FailureMessage = "account_closed", "The bank account has been closed."
	next.FailureTransaction = t.returnPayout(p, "payout_failure", "STRIPE PAYOUT FAILURE")
	t.putPayout(next)
	t.emit("payout.failed", map[string]any{
		"status": p.Status, "failure_balance_transaction": nil, "failure_code": nil, "failure_message": nil,
	})
	return t.reconcile(next.ID)
}

func (t *tx) returnPayout(p *Payout, kind, description string) string {
	return t.putTransaction(BalanceTransaction{
		ID: t.newID("txn"), Created: t.now.Unix(), AvailableOn: t.now.Unix(), Amount: p.Amount, Net: p.Amount,
		Currency: p.Currency, Type: kind, Category: "payout_reversal", Source: p.ID, Description: description,
	}).ID
}

// reconcile says, once, that the transactions of an automatic payout can be
// listed.
func (t *tx) reconcile(id string) *Payout {
	p := t.payout(id)
	if !p.Automatic || p.Reconciled {
		return p
	}
	next := *p
	next.Reconciled = true
	out := t.putPayout(next)
	t.emit("payout.reconciliation_completed", map[string]any{"reconciliation_status": "in_progress"})
	return out
}

// push brings a payout to a status at once, through the steps between.
func (t *tx) push(p *Payout, status string) (*Payout, error) {
	if p.Status == payoutPending {
		p = t.payoutSubmitted(p)
	}
	switch {
	case p.Status == status:
		return p, nil
	case status == payoutPaid && p.Status == payoutInTransit:
		return t.payoutArrived(p), nil
	case status == payoutFailed && !p.returned():
		return t.payoutRefused(p), nil
	}
	return nil, fmt.Errorf("a payout with status %s cannot become %s", p.Status, status)
}

// available is what of a currency can be paid out now; it may be below zero.
func (t *tx) available(currency string) int64 {
	return t.s.state.balances(t.now.Unix()).Available[currency]
}

// hasten makes all pending money available, as if its days had passed.
func (t *tx) hasten(currency string) {
	for _, id := range t.s.state.unpaid {
		txn := t.transaction(id)
		if txn.AvailableOn > t.now.Unix() && (currency == "" || txn.Currency == currency) {
			next := *txn
			next.AvailableOn = t.now.Unix()
			t.putTransaction(next)
		}
	}
}

// runSchedule pays out at midnight, and sees to the next one.
func (t *tx) runSchedule(due timer) {
	if due.at != t.s.nextPayout {
		return // another schedule has taken its place
	}
	t.payOut("")
	t.s.nextPayout += 86_400
	t.s.state.addTimer(t.s.nextPayout, timerSchedule, "")
}

// schedulePayouts follows the knob: from the midnight after a second, or not at
// all. The caller holds the lock.
func (s *Server) schedulePayouts(from int64) {
	daily := s.knobs.payoutSchedule() == scheduleDaily
	switch {
	case !daily:
		s.nextPayout = 0
	case s.nextPayout == 0:
		s.nextPayout = (from/86_400 + 1) * 86_400
		s.state.addTimer(s.nextPayout, timerSchedule, "")
	}
}

func checkSchedule(schedule string) error {
	if schedule != "" && schedule != scheduleDaily && schedule != scheduleManual {
		return errors.New("payout_schedule is daily or manual")
	}
	return nil
}
