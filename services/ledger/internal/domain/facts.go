package domain

import (
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// FundClass says whether the donor restricted what the money may be used for.
type FundClass int

// Classes of funds. The zero value is refused wherever money is booked.
const (
	FundUnrestricted FundClass = iota + 1
	FundRestricted
)

// Channels, a dimension of postings.
const (
	channelOnline = "online"
	channelPeer   = "peer_to_peer"
)

// Attribution says what a gift was given to. It was fixed when the gift was
// made: a fund that is later reclassified does not move old gifts.
type Attribution struct {
	OrganizationID string
	AppealID       string
	FundCode       string
	FundClass      FundClass
	FundraiserID   string
	TeamID         string
}

// dimensions are the same on every posting of a gift and of its fee; there are
// none where nothing was given.
func (a Attribution) dimensions() Dimensions {
	if a.OrganizationID == "" {
		return Dimensions{}
	}
	channel := channelOnline
	if a.FundraiserID != "" {
		channel = channelPeer
	}
	return Dimensions{
		Fund: a.FundCode, Appeal: a.AppealID, Fundraiser: a.FundraiserID, Team: a.TeamID, Channel: channel,
	}
}

// Gift is the fact that a donor's money has reached the Stripe account.
type Gift struct {
	DonationID      string
	AccountID       string
	ChargeID        string
	PaymentIntentID string
	Gift            money.Amount // without the cover
	Cover           money.Amount // same currency, may be 0
	Attribution     Attribution
	RecurringPlanID string // the plan that it is an instalment of; empty for a single gift
	Delayed         bool   // paid by a method that takes days, see bookArrival
	PaidAt          time.Time
}

// FeeDetail is one part of what Stripe kept, in the transaction's currency.
type FeeDetail struct {
	Type        string
	Amount      money.Amount
	Description string
}

// Transaction is the fact that Stripe moved the account's balance. All amounts
// but Source are in one currency, and Net = Amount − Fee.
type Transaction struct {
	ID              string
	AccountID       string
	Category        string // Stripe's reporting category
	Amount          money.Amount
	Fee             money.Amount
	FeeDetails      []FeeDetail
	Net             money.Amount
	SourceID        string       // ch_…, re_…, po_…; may be empty
	Source          money.Amount // that object's own amount; zero value if it has none
	ChargeID        string       // the charge that the source is, or is about; may be empty
	PaymentIntentID string
	OrganizationID  string
	DonationID      string
	Foreign         bool // belongs to no gift of ours, see also beside
	Delayed         bool // its charge was paid by a method that takes days, see bookArrival
	Attribution     Attribution
	CreatedAt       time.Time
}
