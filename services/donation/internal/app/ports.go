package app

import (
	"context"
	"errors"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// ErrNone is what a Tx answers when there is no such row.
var ErrNone = errors.New("no such row")

// Store is the service's database.
type Store interface {
	// InTx runs fn in a transaction that may write. fn may be run more than once
	// and must use the ctx it gets.
	InTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// InReadTx runs fn on one consistent snapshot.
	InReadTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
}

// Tx is one transaction. It must not be used by two goroutines at once.
type Tx interface {
	Donations
	Sessions
	StripeEvents
	Transactions
	Plans
	Returns
	Payouts
	Feed
}

// Donations are the gifts and, apart from them, who gave.
type Donations interface {
	// LockIntent makes the intent's row if there is none and locks it until the
	// commit, so that one transaction at a time decides about an intent.
	LockIntent(ctx context.Context, id string) (Intent, error)
	SaveIntent(ctx context.Context, intent Intent) error

	// InsertDonation stores a gift and its donor. It answers false, and stores
	// nothing, when the intent already has a gift with that input.
	InsertDonation(ctx context.Context, d domain.Donation, donor domain.Donor) (bool, error)
	// Donation answers ErrNone when there is none.
	Donation(ctx context.Context, id string) (domain.Donation, error)
	// DonationOfSession finds by a session of any attempt, or answers ErrNone.
	DonationOfSession(ctx context.Context, sessionID string) (domain.Donation, error)
	// DonationsByReference finds by exactly that id: of the donation, or of any of
	// its sessions, payments, charges, invoices, refunds, disputes, balance transactions
	// and its monthly plan, by our id or Stripe's, also those of a second payment that is no gift. The newest come first.
	DonationsByReference(ctx context.Context, reference string, limit int) ([]domain.Donation, error)
	// DonationsOfIntent locks and returns them, ordered by id.
	DonationsOfIntent(ctx context.Context, intentID string) ([]domain.Donation, error)
	// LockDonations locks and returns those that exist, ordered by id.
	LockDonations(ctx context.Context, ids []string) ([]domain.Donation, error)
	// DonationsOfPayments returns the succeeded gifts of payment intents.
	DonationsOfPayments(ctx context.Context, paymentIntentIDs []string) ([]PaidGift, error)
	// UpdateDonations writes everything that may change of each but its fee.
	UpdateDonations(ctx context.Context, donations []domain.Donation) error
	// SaveFees writes what Stripe kept of gifts, and nothing else.
	SaveFees(ctx context.Context, fees []Fee) error
	// DueDonations are gifts that Stripe should be asked about by now, the
	// longest due first.
	DueDonations(ctx context.Context, now int64, limit int) ([]domain.Donation, error)
	// ClaimAsk notes that Stripe is asked about a donation now, and answers false
	// when it was asked after notSince.
	ClaimAsk(ctx context.Context, donationID string, now, notSince int64) (bool, error)

	// Donor answers ErrNone when there is none.
	Donor(ctx context.Context, donationID string) (domain.Donor, error)
	// Donors answers who gave each of the donations that are known.
	Donors(ctx context.Context, donationIDs []string) (map[string]domain.Donor, error)
	// PublicGifts returns what is needed to show those that succeeded, in no order.
	PublicGifts(ctx context.Context, donationIDs []string) ([]PublicRow, error)
	// GiftSums adds up what is left of succeeded gifts, ordered by organization and
	// currency.
	GiftSums(ctx context.Context) ([]GiftSum, error)
	// GiftsWithoutFee counts succeeded gifts whose fee is not known.
	GiftsWithoutFee(ctx context.Context) (int64, error)
	// Standing tells what is not finished.
	Standing(ctx context.Context) (Standing, error)
}

// PaidGift is a gift that succeeded, or whose payment takes days, as far as its money
// is concerned.
type PaidGift struct {
	ID              string
	PaymentIntentID string
	ChargeID        string
	Traceparent     string
	PlanID          string
	Delayable       bool
	// Beside says that the payment is another one than that which made the gift succeed:
	// what is given back of it is not given back of the gift.
	Beside      bool
	Attribution domain.Attribution
}

// Fee is what Stripe kept of a gift, and the balance transaction that says so.
type Fee struct {
	DonationID    string
	TransactionID string
	Amount        money.Amount
	PaymentMethod string // Stripe's word, which only the charge knows
}

// Intent is one drawn form. While Claim is set and ClaimedUntil is not past, one
// request has it in hand, maybe in another process.
type Intent struct {
	ID           string
	Claim        string
	ClaimedUntil int64
}

// AttemptState is what became of one try to get a session.
type AttemptState string

// The states of an attempt.
const (
	AttemptAsked  AttemptState = "asked"  // Stripe is being asked; the same may be asked again
	AttemptOpen   AttemptState = "open"   // there is a session
	AttemptClosed AttemptState = "closed" // the session cannot be paid any more
	AttemptDead   AttemptState = "dead"   // no session came of it, and the key is used up
)

// Attempt is one try to get a checkout session for a gift. What the request to
// Stripe is made of is kept here and on the donation, so that asking again is
// asking for the same, to the byte.
type Attempt struct {
	DonationID string
	Number     int64
	IntentID   string
	State      AttemptState
	SessionID  string
	URL        string
	BaseURL    string // of the return addresses
	StartedAt  int64
	ExpiresAt  int64
	// Methods are how the donor may pay, in Stripe's words.
	Methods []string
}

// Sessions are the attempts.
type Sessions interface {
	InsertAttempt(ctx context.Context, a Attempt) error
	// UpdateAttempt writes state, session and address.
	UpdateAttempt(ctx context.Context, a Attempt) error
	// Attempt answers ErrNone when there is none.
	Attempt(ctx context.Context, donationID string, number int64) (Attempt, error)
	// CloseSessions marks the attempts with those sessions closed, if they were open.
	CloseSessions(ctx context.Context, sessionIDs []string) error
	// OpenSessions counts an intent's sessions that can still be paid.
	OpenSessions(ctx context.Context, intentID string, now int64) (int, error)
}

// EventState is what became of one of Stripe's events.
type EventState string

// The states of a stored event.
const (
	EventPending EventState = "pending"
	EventDone    EventState = "done"
	EventIgnored EventState = "ignored"
	EventParked  EventState = "parked"
)

// StripeEvent is one of Stripe's events as it was received, or something that
// another route found and could not apply.
type StripeEvent struct {
	Seq        int64  // order of storing, set by the store
	AccountID  string // as in the event: empty for the account's own events
	EventID    string
	Type       string
	ObjectID   string // once parked: the payment, if it is about one
	APIVersion string
	Livemode   bool
	CreatedAt  int64 // Stripe's time, whole seconds
	ReceivedAt int64
	State      EventState
	Reason     domain.Reason
	Attempts   int64
	NextAt     int64 // not to be tried before

	Sealed []byte // the body, to be stored; EventBodies reads it
	// Stored is the state, and HasBody whether there is a body, as the store read it.
	Stored  EventState
	HasBody bool
}

// EventKey is what Stripe's events differ in.
type EventKey struct{ AccountID, EventID string }

// Key of the event.
func (e *StripeEvent) Key() EventKey { return EventKey{e.AccountID, e.EventID} }

// StripeEvents is the inbox.
type StripeEvents interface {
	// StoreEvents keeps those that are new, by account and event id, and answers
	// where they are. Those that are pending are due.
	StoreEvents(ctx context.Context, events []StripeEvent) (map[EventKey]int64, error)
	// PendingEvents are due, in the order they came. Like all that are read they
	// come without their bodies.
	PendingEvents(ctx context.Context, now int64, limit int) ([]StripeEvent, error)
	// Unlisted tells whether a process of an earlier version, which knows no list of
	// what is due, stored events that nobody worked on yet; ListEvents puts them on it.
	Unlisted(ctx context.Context) (bool, error)
	ListEvents(ctx context.Context) error
	// EventBodies answers the sealed bodies of those that have one.
	EventBodies(ctx context.Context, seqs []int64) (map[int64][]byte, error)
	// LockEvents locks those that are still in one of the states, and answers
	// which they are.
	LockEvents(ctx context.Context, seqs []int64, states ...EventState) (map[int64]bool, error)
	// FinishEvents writes object, state, reason, attempts and next time of events
	// that were read. Attempts of what is done are not kept.
	FinishEvents(ctx context.Context, events []StripeEvent) error
	// ParkedEvent answers ErrNone when that one is not parked.
	ParkedEvent(ctx context.Context, seq int64) (StripeEvent, error)
	// ParkedEvents answers those behind a place, oldest first.
	ParkedEvents(ctx context.Context, after int64, limit int) ([]StripeEvent, error)
	// ParkedOf answers all that are parked about the objects, oldest first.
	ParkedOf(ctx context.Context, objectIDs []string) ([]StripeEvent, error)
	// ParkedThoughKnown answers what is parked as being of an unknown gift or plan and is
	// about an object that one has now, behind a place, oldest first.
	ParkedThoughKnown(ctx context.Context, after int64, limit int) ([]StripeEvent, error)
	// CountEvents counts those in a state.
	CountEvents(ctx context.Context, state EventState) (int64, error)
	// ForgetBodies drops the raw bodies of finished events received before.
	ForgetBodies(ctx context.Context, before int64) error
}

// Money is an amount in whichever currency Stripe settles; unlike a gift's
// currency it need not be one that can be charged.
type Money struct {
	Minor    int64
	Currency string // ISO 4217, upper case
}

// FeeDetail is one part of what Stripe kept.
type FeeDetail struct {
	Type        string
	Amount      Money
	Description string
}

// Transaction is a balance transaction and what it belongs to.
type Transaction struct {
	ID              string
	AccountID       string
	Type            string
	Category        string // reporting_category
	Amount          Money
	Fee             Money
	Net             Money
	FeeDetails      []FeeDetail
	ExchangeRate    string // as Stripe wrote it, empty when nothing was converted
	SourceID        string
	SourceAmount    Money
	PaymentIntentID string
	CreatedAt       int64
	ImportedAt      int64

	DonationID     string // empty when it is foreign
	OrganizationID string
	Foreign        bool

	// Ours says that the source carries our metadata, InvoiceID which invoice it was
	// charged for. They are not stored.
	Ours      bool
	InvoiceID string
	// ChargeID is the charge that the source is, refunds or disputes, PaymentMethod
	// how a charge was paid, Return what the source says if it is a refund or a
	// dispute. They are told, and not stored with it.
	ChargeID      string
	PaymentMethod string
	Return        *Return
}

// Transactions are the imported balance transactions.
type Transactions interface {
	// InsertTransactions stores those that are new and answers their ids.
	InsertTransactions(ctx context.Context, list []Transaction) (map[string]bool, error)
	// KnownTransactions answers which of the ids are imported.
	KnownTransactions(ctx context.Context, ids []string) (map[string]bool, error)
	// ForeignSources answers which of the payment intents and charges have a
	// foreign transaction.
	ForeignSources(ctx context.Context, ids []string) (map[string]bool, error)
	// HeldForRisk is what Stripe has moved to its reserve against risk and not back, by
	// currency: its balance does not tell.
	HeldForRisk(ctx context.Context, accountID string) ([]Money, error)
	// TransactionAnchor is the newest imported transaction that is at least so
	// much older than the newest one; empty when there is none.
	TransactionAnchor(ctx context.Context, accountID string, overlap int64) (string, error)

	// Account is the Stripe account last confirmed, empty before the first time.
	Account(ctx context.Context) (string, error)
	// LockAccount lets one transaction at a time decide, until its commit, what
	// the money of an account is for. It is locked before any donation.
	LockAccount(ctx context.Context, id string) error
	// TryLockAccount is LockAccount that does not wait: it answers false when
	// another transaction has it.
	TryLockAccount(ctx context.Context, id string) (bool, error)
	SaveAccount(ctx context.Context, id string, now int64) error
}

// Feed is the service's event log.
type Feed interface {
	AppendEvents(ctx context.Context, events ...envelope.Event) error
	// EventPosition is 0 until the event has one.
	EventPosition(ctx context.Context, eventID string) (int64, error)
	// SalvagedEvent is the newest event of a type about an aggregate that an
	// operator's recovery of the feed kept of what the log had forgotten, or ErrNone.
	SalvagedEvent(ctx context.Context, eventType, aggregateID string) (envelope.Event, error)
	// FeedStatus is the newest position, and how many events have none yet.
	FeedStatus(ctx context.Context) (head, unsequenced int64, err error)
}

// PublicRow is what PublicGifts is made from.
type PublicRow struct {
	DonationID string
	Visibility domain.Visibility
	Donor      domain.Donor
}

// GiftSum adds up the succeeded gifts of one organization and currency.
type GiftSum struct {
	OrganizationID string
	Currency       string
	GiftMinor      int64
	CoverMinor     int64
	Gifts          int64
}

// What can go wrong at Stripe, as far as it makes a difference to us.
var (
	// ErrStripeAway means that it is not known whether it happened: asking the
	// same again, with the same key, is right.
	ErrStripeAway = errors.New("stripe cannot be reached or cannot answer now")
	// ErrKeyUsedUp means that the idempotency key answers with an old failure for
	// ever, or was used for something else. A new key is needed.
	ErrKeyUsedUp = errors.New("the idempotency key is used up")
	// ErrStripeUnknown means that Stripe does not have the object.
	ErrStripeUnknown = errors.New("stripe does not know the object")
	// ErrNotOpen means that a session is complete or expired already.
	ErrNotOpen = errors.New("the checkout session is not open")
)

// RefusedError is Stripe's no to what was asked. The same again is refused again.
type RefusedError struct {
	Code  string // Stripe's error code
	Param string // Stripe's name of the parameter
}

func (e *RefusedError) Error() string {
	return "stripe refused: " + e.Code + " " + e.Param
}

// SessionRequest is everything that a checkout session is made from.
type SessionRequest struct {
	Donation  domain.Donation
	Email     string
	Attempt   int64
	BaseURL   string
	ExpiresAt int64 // unix seconds
	Methods   []string
	// Record and Proof say what the gift is, signed; both may be empty.
	Record, Proof string
}

// Keepsake is what Stripe still has of a gift beside its payment, or of a plan beside
// its subscription.
type Keepsake struct {
	SessionID   string
	CreatedAt   int64 // of the session
	Name, Email string
	ProductName string
	// Organization, Record and Proof as they were sent with the session.
	Organization, Record, Proof string
}

// Found is one object of Stripe's, read as far as it concerns a gift.
type Found struct {
	// Ours says that it carries our metadata.
	Ours       bool
	DonationID string
	Snapshot   domain.Snapshot

	// PlanID is the monthly plan that our metadata names. Subscription and Invoice are
	// what is said about one.
	PlanID       string
	Subscription *domain.Subscription
	Invoice      *domain.Invoice
	// LookedAt is when what was fetched was asked for, in unix microseconds.
	LookedAt int64
	// Return is set for a refund, a dispute or a refunded charge. Then the rest tells
	// of the payment that it is about, once that was fetched.
	Return *Return
	// Payout is set for a payout, which is about no gift.
	Payout *PayoutNews
}

// Return is what an object of Stripe's says about money that goes back.
type Return struct {
	ObjectID  string
	PaymentID string // empty when it was not paid by a payment intent
	ChargeID  string
	Refunds   []domain.Refund
	Dispute   *domain.Dispute
	// Sum is what a charge says of all its refunds together.
	Sum *money.Amount
	// Whole says that Refunds are all of the payment, as they are now.
	Whole bool
}

// Stripe is what the service asks of Stripe. Every method may take as long as a
// network call.
type Stripe interface {
	// AccountID is the account that the key belongs to.
	AccountID(ctx context.Context) (string, error)
	// CreateSession answers the session's id and the page to send the donor to.
	// Asked twice for the same attempt it answers the same session.
	CreateSession(ctx context.Context, request SessionRequest) (id, url string, err error)
	// ExpireSession makes an open session unpayable; ErrNotOpen when it is not open.
	ExpireSession(ctx context.Context, id string) error
	Billing
	// Session and PaymentIntent fetch the object and what hangs on it.
	Session(ctx context.Context, id string) (Found, error)
	PaymentIntent(ctx context.Context, id string) (Found, error)
	// Keepsake reads what was sent with the session of a payment, and who paid;
	// ErrStripeUnknown for a payment that no session led to.
	Keepsake(ctx context.Context, paymentIntentID string) (Keepsake, error)
	// PlanKeepsake reads the same of a subscription.
	PlanKeepsake(ctx context.Context, subscriptionID string) (Keepsake, error)
	// ReadEvent reads a webhook's body: which event it is, and what its object says
	// about a gift, nil when that is nothing or cannot be read. It fails when the
	// text is not what every event is.
	ReadEvent(raw []byte) (StripeEvent, *Found, error)
	// TransactionsBefore pages towards newer ones: the up to 100 that come right
	// before id in Stripe's list, oldest first.
	TransactionsBefore(ctx context.Context, id string) (page []Transaction, more bool, err error)
	// TransactionsAfter pages towards older ones, newest first; an empty id starts
	// at the newest.
	TransactionsAfter(ctx context.Context, id string) (page []Transaction, more bool, err error)
	// CreateRefund gives back what staff asked for. Asked twice for the same request
	// and attempt it answers the same refund.
	CreateRefund(ctx context.Context, request domain.Refund) (Return, error)
	// Return fetches a refund, a dispute or a charge.
	Return(ctx context.Context, id string) (Return, error)
	// RefundsOf answers all refunds of a payment.
	RefundsOf(ctx context.Context, paymentID string) ([]domain.Refund, error)
	// RefundsSince and DisputesSince page through what was made since a time in unix
	// seconds, newest first; an empty id starts at the newest.
	RefundsSince(ctx context.Context, since int64, after string) (page []Return, more bool, err error)
	DisputesSince(ctx context.Context, since int64, after string) (page []Return, more bool, err error)
	// Payout fetches a payout; PayoutsSince pages through them as RefundsSince does.
	Payout(ctx context.Context, id string) (domain.Payout, error)
	PayoutsSince(ctx context.Context, since int64, after string) (page []domain.Payout, more bool, err error)
	// PayoutTransactions pages through what is in an automatic payout, its own
	// transaction included. They come without what is read from their sources.
	PayoutTransactions(ctx context.Context, payoutID, after string) (page []Transaction, more bool, err error)
	// UndeliveredEvents pages in the same way through events that no endpoint of ours
	// has taken. They come without bodies.
	UndeliveredEvents(ctx context.Context, since int64, after string) (page []StripeEvent, more bool, err error)
	// Balance is what the account holds, by currency.
	Balance(ctx context.Context) ([]Balance, error)
}

// Balance is what Stripe holds in one currency.
type Balance struct {
	Currency string
	Minor    int64 // available and pending together
	Reserved int64 // for connected accounts
}
