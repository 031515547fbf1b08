package app

import (
	"context"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// Plans are the monthly plans, what was asked of them, and the letters about them.
type Plans interface {
	// InsertPlan stores a plan; its first gift is stored before it.
	InsertPlan(ctx context.Context, p domain.Plan) error
	// Plan answers ErrNone when there is none.
	Plan(ctx context.Context, id string) (domain.Plan, error)
	// LockPlans locks, in the order of ids, and returns those that have one of the
	// ids or subscriptions.
	LockPlans(ctx context.Context, ids, subscriptionIDs []string) ([]domain.Plan, error)
	// UpdatePlans writes everything that may change of each.
	UpdatePlans(ctx context.Context, plans []domain.Plan) error
	// DuePlans are those to look at by now, the longest due first.
	DuePlans(ctx context.Context, now int64, limit int) ([]domain.Plan, error)
	// PlansOfDonor are the plans that began and are not over, the oldest first.
	PlansOfDonor(ctx context.Context, donorKey string) ([]domain.Plan, error)
	// ListPlans pages through plans, the newest first.
	ListPlans(ctx context.Context, filter PlanFilter) ([]domain.Plan, error)
	// Instalments are the plan's paid gifts, the newest first.
	Instalments(ctx context.Context, planID string, limit int) ([]domain.Donation, error)
	// LastPaid is when the newest of them was charged, by Stripe's clock; 0 for none.
	LastPaid(ctx context.Context, planID string) (int64, error)
	// CountInstalments counts them for each plan.
	CountInstalments(ctx context.Context, planIDs []string) (map[string]int, error)
	// KnownInvoices answers which invoices have paid a gift.
	KnownInvoices(ctx context.Context, ids []string) (map[string]bool, error)

	// InsertChange stores a request. It answers false, and stores nothing, when there
	// is one with that id.
	InsertChange(ctx context.Context, c PlanChange) (bool, error)
	// Change answers ErrNone when there is none.
	Change(ctx context.Context, requestID string) (PlanChange, error)
	// UpdateChange writes state, attempt and time.
	UpdateChange(ctx context.Context, c PlanChange) error
	// NewerChange tells whether something else of the same kind was asked of the plan
	// after it.
	NewerChange(ctx context.Context, c PlanChange) (bool, error)
	// OpenEnds are requests for the end of a plan that are not done.
	OpenEnds(ctx context.Context, planID string) ([]PlanChange, error)

	// AddPlanMails stores letters to be written, those that are not there already.
	AddPlanMails(ctx context.Context, mails []PlanMail) error
	// DuePlanMails are those to send by now, the longest due first.
	DuePlanMails(ctx context.Context, now int64, limit int) ([]PlanMail, error)
	// SettlePlanMail notes that a letter is out of our hands and forgets its link.
	SettlePlanMail(ctx context.Context, key string, at int64) error
	// DelayPlanMail puts a letter off; ParkPlanMail keeps it for staff.
	DelayPlanMail(ctx context.Context, key string, attempts, until int64) error
	ParkPlanMail(ctx context.Context, key string, attempts, at int64, reason string) error
	// ParkedPlanMails come the longest parked first, without URL and By.
	ParkedPlanMails(ctx context.Context) ([]PlanMail, error)
	// ReleasePlanMails makes one parked letter due again, or all when the key is empty.
	ReleasePlanMails(ctx context.Context, key string) error

	// PlanStanding tells what of plans is not finished.
	PlanStanding(ctx context.Context) (PlanStanding, error)
}

// PlanStanding is what of plans is not finished, and since when.
type PlanStanding struct {
	// Ending plans are those whose end was asked for and that Stripe still has;
	// OldestEnding is since when, by our clock, in unix microseconds, 0 for none.
	Ending, OldestEnding int64
	// Letters that wait for staff: about plans, and about debits that were refused.
	ParkedPlanMails, ParkedDebitMails int64
}

// PlanFilter says which plans are listed. Empty parts say nothing.
type PlanFilter struct {
	Status    string
	Failed    bool
	Ending    bool   // its end was asked for here, and Stripe still has it
	Reference string // a plan, a subscription or a customer
	// BeforeAt and BeforeID are the last plan of the page before.
	BeforeAt int64
	BeforeID string
	Limit    int
}

// ChangeKind is what is asked of a plan.
type ChangeKind string

// The kinds.
const (
	ChangeAmount ChangeKind = "amount"
	ChangePause  ChangeKind = "pause"
	ChangeResume ChangeKind = "resume"
	ChangeCancel ChangeKind = "cancel"
)

// ChangeState is what became of a request.
type ChangeState string

// The states of a request.
const (
	ChangeAsked   ChangeState = "asked"
	ChangeDone    ChangeState = "done"
	ChangeRefused ChangeState = "refused" // by Stripe, or overtaken by a later one
)

// PlanChange is one request to change a plan.
type PlanChange struct {
	RequestID string
	PlanID    string
	Kind      ChangeKind
	Parts     domain.Parts // of the new amount
	ResumesAt int64        // when a pause ends
	InputHash string
	AskedBy   string // domain.ByDonor, or the address of who did for staff
	Note      string
	AskedAt   int64
	State     ChangeState
	Attempt   int64
	DoneAt    int64
}

// MailKind is the occasion of a letter.
type MailKind string

// The occasions.
const (
	MailStarted MailKind = "started"
	MailFailed  MailKind = "failed"
	MailConfirm MailKind = "confirm"
	MailChanged MailKind = "changed"
	MailPaused  MailKind = "paused"
	MailResumed MailKind = "resumed"
	MailEnded   MailKind = "ended"
	MailLinks   MailKind = "links"
	// MailDebitFailed is about a single gift whose debit the bank refused.
	MailDebitFailed MailKind = "debit_failed"
)

// PlanMail is a letter that is to be written, about a plan or about a single gift. It
// holds no personal data: whom it goes to is looked up when it is.
type PlanMail struct {
	Key        string
	PlanID     string
	DonationID string // of a letter about a gift; then there is no plan
	Kind       MailKind
	Parts      domain.Parts
	At         int64  // the day that it is about; domain.UntilResumed and 0 have their own words
	URL        string // Stripe's page, where the letter is about one
	By         string // who ended the plan
	Language   string // empty for the donor's own
	MadeAt     int64

	Attempts     int64
	ParkedAt     int64
	ParkedReason string
}

// Billing is what the service asks of Stripe about monthly plans.
type Billing interface {
	// Subscription fetches a subscription with its newest invoice.
	Subscription(ctx context.Context, id string) (Found, error)
	// Invoice fetches an invoice with its payment and subscription.
	Invoice(ctx context.Context, id string) (Found, error)
	// InvoicesOf answers the newest invoices of a subscription, at most 100.
	InvoicesOf(ctx context.Context, subscriptionID string) ([]Found, error)
	// Subscriptions pages through those made since, the newest first; an empty id
	// begins. They come without their invoices.
	Subscriptions(ctx context.Context, since int64, after string) (page []Found, more bool, err error)
	// ChangeAmount sets what is charged from the next instalment on.
	ChangeAmount(ctx context.Context, key string, change AmountChange) error
	// PauseUntil lets nothing be charged until then; 0 lets it go on.
	PauseUntil(ctx context.Context, key, subscriptionID string, until int64) error
	// CancelSubscription ends it at once. One that has ended is no error.
	CancelSubscription(ctx context.Context, key, subscriptionID string) error
	// VoidInvoice makes an open invoice unpayable. One that is not open is no error.
	VoidInvoice(ctx context.Context, key, id string) error
	// OpenPortal answers Stripe's page where a customer puts in another card.
	OpenPortal(ctx context.Context, key, customerID, returnURL string) (string, error)
}

// AmountChange is everything that a new amount is made from.
type AmountChange struct {
	Subscription domain.Subscription // as it is
	Currency     money.Currency
	Parts        domain.Parts
}
