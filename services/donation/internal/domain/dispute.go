package domain

import "github.com/almoner/almoner/services/internal/money"

// DisputeStatus is Stripe's word for where a dispute stands.
type DisputeStatus string

// Stripe's words. Those of an inquiry, which moves no money, begin with a warning.
const (
	WarningNeedsResponse DisputeStatus = "warning_needs_response"
	WarningUnderReview   DisputeStatus = "warning_under_review"
	WarningClosed        DisputeStatus = "warning_closed"
	NeedsResponse        DisputeStatus = "needs_response"
	UnderReview          DisputeStatus = "under_review"
	DisputeWon           DisputeStatus = "won"
	DisputeLost          DisputeStatus = "lost"
)

// weight orders the words by how far the dispute has come; 0 for a word that is
// not known. An inquiry can become a dispute, and what is closed stays closed.
func (s DisputeStatus) weight() int {
	switch s {
	case WarningNeedsResponse:
		return 1
	case WarningUnderReview:
		return 2
	case NeedsResponse:
		return 3
	case UnderReview:
		return 4
	case WarningClosed, DisputeWon, DisputeLost:
		return 5
	}
	return 0
}

// Closed reports whether the dispute is over.
func (s DisputeStatus) Closed() bool {
	return s == WarningClosed || s == DisputeWon || s == DisputeLost
}

// Inquiry reports whether the bank has only asked, or had when it was closed.
func (s DisputeStatus) Inquiry() bool {
	return s == WarningNeedsResponse || s == WarningUnderReview || s == WarningClosed
}

// DisputeState is what disputes mean for a gift, in one word.
type DisputeState string

// The states. An inquiry that was closed leaves none.
const (
	NoDispute   DisputeState = ""
	Inquired    DisputeState = "inquiry"
	Disputed    DisputeState = "open"
	WonDispute  DisputeState = "won"
	LostDispute DisputeState = "lost"
)

func (s DisputeStatus) state() DisputeState {
	switch s {
	case WarningNeedsResponse, WarningUnderReview:
		return Inquired
	case NeedsResponse, UnderReview:
		return Disputed
	case DisputeWon:
		return WonDispute
	case DisputeLost:
		return LostDispute
	case WarningClosed:
	}
	return NoDispute
}

func (s DisputeState) weight() int {
	switch s {
	case NoDispute:
		return 0
	case WonDispute:
		return 1
	case LostDispute:
		return 2
	case Inquired:
		return 3
	case Disputed:
		return 4
	}
	return 0
}

// PaymentFailed is the reason of what Stripe makes no dispute of: a payment that
// succeeded, and whose money the bank took back because it failed after all. It is lost
// from the first, under the id of the balance transaction that took it.
const PaymentFailed = "payment_failed"

// ReasonsWithoutAnswer are those of disputes that are lost when they are opened: they are
// about debits, and banks hear no evidence.
func ReasonsWithoutAnswer() []string {
	return []string{PaymentFailed, "debit_not_authorized", "insufficient_funds", "incorrect_account_details", "bank_cannot_process"}
}

// Dispute is a donor's bank that asks about a gift or takes it back.
type Dispute struct {
	ID            string
	AccountID     string
	Donation      string
	ChargeID      string
	PaymentID     string
	Amount        money.Amount
	Status        DisputeStatus
	Reason        string
	EvidenceDueAt int64 // 0 when there is no term
	CreatedAt     int64
	// CheckAt is when Stripe is asked about it unless something is heard before;
	// 0 once it is closed.
	CheckAt int64
}

// merge takes the fact that has come further. What has come as far is compared, so
// that the order of hearing does not matter.
func (d Dispute) merge(fact Dispute) Dispute {
	next := d
	next.ID, next.ChargeID, next.PaymentID = fact.ID, either(d.ChargeID, fact.ChargeID), either(d.PaymentID, fact.PaymentID)
	next.AccountID, next.Donation = either(d.AccountID, fact.AccountID), either(d.Donation, fact.Donation)
	if d.CreatedAt == 0 {
		next.CreatedAt = fact.CreatedAt
	}
	switch {
	case fact.Status.weight() > d.Status.weight():
		next.Status, next.Amount = fact.Status, fact.Amount
		next.Reason, next.EvidenceDueAt = either(fact.Reason, d.Reason), fact.EvidenceDueAt
	case d.Status.Closed(): // what was lost has been told
	case fact.Status.weight() == d.Status.weight():
		next.Amount.Minor = max(d.Amount.Minor, fact.Amount.Minor)
		next.Reason, next.EvidenceDueAt = max(d.Reason, fact.Reason), max(d.EvidenceDueAt, fact.EvidenceDueAt)
	}
	return next
}
