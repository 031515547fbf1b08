package app

import (
	"context"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

// PayoutNews is what was heard of a payout.
type PayoutNews struct {
	Payout domain.Payout
	// Listing is set once all that is in it was listed.
	Listing *domain.Listing
}

// Payouts are the payouts, and what is in them. Whoever writes them has locked the
// account.
type Payouts interface {
	// Payout answers ErrNone when there is none.
	Payout(ctx context.Context, id string) (domain.Payout, error)
	// PayoutsByID answers those that are known.
	PayoutsByID(ctx context.Context, ids []string) (map[string]domain.Payout, error)
	// SavePayouts stores what is new and updates what is not.
	SavePayouts(ctx context.Context, payouts []domain.Payout) error
	// PutOffPayout says when to ask about one again, and nothing else.
	PutOffPayout(ctx context.Context, id string, checkAt int64) error
	// DuePayouts are those that Stripe should be asked about by now.
	DuePayouts(ctx context.Context, now int64, limit int) ([]domain.Payout, error)
	// ListPayouts pages through payouts, the newest first.
	ListPayouts(ctx context.Context, page PayoutPage) ([]domain.Payout, error)
	// EmptyPayout takes everything out of a payout, and PutInPayout puts imported
	// transactions in.
	EmptyPayout(ctx context.Context, id string) error
	PutInPayout(ctx context.Context, id string, transactionIDs []string) error
	// InPayout pages through what is in a payout, the oldest first.
	InPayout(ctx context.Context, id string, page PayoutPage) ([]PayoutLine, error)
	// PayoutStanding tells what of payouts staff should know.
	PayoutStanding(ctx context.Context, now int64) (PayoutStanding, error)
}

// PayoutPage asks for payouts, or lines of one, that come after one in the order of
// the list. An empty id begins.
type PayoutPage struct {
	AfterAt int64
	AfterID string
	Limit   int
}

// PayoutLine is a balance transaction in a payout.
type PayoutLine struct {
	TransactionID    string
	Category         string
	Amount, Fee, Net Money
	SourceID         string
	DonationID       string // empty when it belongs to none
	CreatedAt        int64
}

// PayoutStanding is what of payouts staff should know.
type PayoutStanding struct {
	// Failed ones did not reach the bank in the last month, and none in their currency
	// has since. Different ones are not the sum of what is in them.
	Failed, Different int64
}

// payoutFailedLately is how long a payout that failed is told of.
const payoutFailedLately = 30 * 24 * 60 * 60 * 1_000_000

// PayoutFailedSince is the bound of PayoutStanding at a time.
func PayoutFailedSince(now int64) int64 { return now - payoutFailedLately }
