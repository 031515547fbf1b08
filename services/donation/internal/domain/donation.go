package domain

import (
	"strings"

	"github.com/almoner/almoner/services/internal/money"
)

// Visibility says what the public may see of a gift. Staff always see the donor.
type Visibility string

// The visibilities. Whatever is not one of them is shown as anonymous.
const (
	Public    Visibility = "public"
	FirstName Visibility = "first_name"
	Anonymous Visibility = "anonymous"
)

// FundClass says whether the donor restricted what the money is for.
type FundClass string

// The classes of a fund.
const (
	Unrestricted FundClass = "unrestricted"
	Restricted   FundClass = "restricted"
)

// Attribution says what a gift was given to. It never changes.
type Attribution struct {
	OrganizationID string
	AppealID       string
	FundCode       string
	FundClass      FundClass
	FundraiserID   string // empty for a gift to the appeal itself
	TeamID         string
	ShareCode      string
}

// Donation is one gift: one submitted form and what became of it. The first
// block never changes after it was stored.
type Donation struct {
	ID             string
	IntentID       string
	InputHash      string
	Gift           money.Amount
	Cover          money.Amount // in the gift's currency
	CoverFees      bool
	Attribution    Attribution
	AppealSlug     string
	FundraiserSlug string
	ProductName    string // what Stripe's page says the money is for
	Visibility     Visibility
	Livemode       bool
	Traceparent    string // of the donor's submission
	CreatedAt      int64
	PlanID         string // monthly plan that it is an instalment of; empty for a single gift

	State           State
	AccountID       string // Stripe account, known once a session was made
	Attempt         int64  // newest attempt, 0 before the first
	SessionID       string // of the newest attempt that got one
	PaymentIntentID string
	ChargeID        string
	InvoiceID       string // that it paid; empty for a single gift
	PaidAt          int64
	Delayable       bool // its payment could be made by a method that takes days
	SucceededAt     int64
	Late            bool
	DeclineCode     string
	DeclinedAt      int64
	// WebhookReceivedAt is when our endpoint took the webhook that told of the
	// payment; 0 when another route found it.
	WebhookReceivedAt int64
	// CheckAt is when to ask Stripe about it unless something is heard before;
	// 0 when there is nothing left to ask.
	CheckAt int64

	BalanceTransactionID string
	Fee                  money.Amount // in the settlement currency; zero value until known
	PaymentMethod        string       // Stripe's word, empty until known

	// Version counts what others were told of the gift.
	Version int64
	// ReturnedMinor is what is on its way back to the donor, went back, or was lost
	// in disputes, cover included; with losses after refunds more than was paid.
	ReturnedMinor int64
	// Dispute is what disputes mean for the gift now.
	Dispute DisputeState
}

// instalmentMark begins the input hash of gifts that no form made.
const instalmentMark = "invoice:"

// Instalment reports whether no form made the gift, but an invoice of its plan after
// the first.
func (d Donation) Instalment() bool { return strings.HasPrefix(d.InputHash, instalmentMark) }

// Total is what the donor's card is charged.
func (d Donation) Total() (money.Amount, error) { return d.Gift.Add(d.Cover) }

// Donor is the personal data of one gift.
type Donor struct {
	Name     string
	Email    string
	Message  string
	Language string
}
