package app

import (
	"context"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

// Returns are refunds and disputes. Whoever writes them has locked their gifts.
type Returns interface {
	// RefundsOf and DisputesOf answer those of gifts, ordered by gift and age.
	RefundsOf(ctx context.Context, donationIDs []string) ([]domain.Refund, error)
	DisputesOf(ctx context.Context, donationIDs []string) ([]domain.Dispute, error)
	// SaveRefunds and SaveDisputes store what is new and update what is not. What
	// staff wrote stays as it was first stored.
	SaveRefunds(ctx context.Context, refunds []domain.Refund) error
	SaveDisputes(ctx context.Context, disputes []domain.Dispute) error
	// RequestedRefund finds what staff asked for, or answers ErrNone.
	RequestedRefund(ctx context.Context, requestID string) (domain.Refund, error)
	// HeardRefunds and HeardDisputes answer how far those that are known have come,
	// by Stripe's ids.
	HeardRefunds(ctx context.Context, ids []string) (map[string]domain.RefundStatus, error)
	HeardDisputes(ctx context.Context, ids []string) (map[string]domain.DisputeStatus, error)
	// DueRefunds and DueDisputes are those that Stripe should be asked about by now.
	DueRefunds(ctx context.Context, now int64, limit int) ([]domain.Refund, error)
	DueDisputes(ctx context.Context, now int64, limit int) ([]domain.Dispute, error)
	// ListRefunds pages through refunds, the newest first.
	ListRefunds(ctx context.Context, page RefundPage) ([]domain.Refund, error)
	// ListDisputes pages through open disputes by when their evidence is due, or
	// through closed ones, the newest first.
	ListDisputes(ctx context.Context, page DisputePage) ([]domain.Dispute, error)
	// ReturnStanding tells what of refunds and disputes is not finished.
	ReturnStanding(ctx context.Context, now int64) (ReturnStanding, error)

	// SeenUntil is how far one of Stripe's lists was compared with ours, in unix
	// microseconds of Stripe's time; 0 before the first time.
	SeenUntil(ctx context.Context, accountID, list string) (int64, error)
	SaveSeenUntil(ctx context.Context, accountID, list string, at int64) error
}

// RefundPage asks for refunds that come after one, in the order of the list.
type RefundPage struct {
	Waiting, Failed bool // only those; both false is all
	// After is the age and key of the last one on the page before; zero begins.
	AfterAt  int64
	AfterKey string
	Limit    int
}

// DisputePage asks for disputes that come after one, in the order of the list.
type DisputePage struct {
	Closed bool
	// After is what the list is ordered by, and the id, of the last one on the page
	// before; an empty id begins.
	AfterAt int64
	AfterID string
	Limit   int
}

// NoTerm is what an open dispute without a term is ordered by: behind all others.
const NoTerm = int64(1)<<62 - 1

// ReturnStanding is what of refunds and disputes is not finished.
type ReturnStanding struct {
	// Waiting refunds want a second person, Asked ones Stripe's answer, Failed ones
	// did not reach the donor in the last week.
	Waiting, Asked, Failed int64
	// OldestWaiting and OldestAsked are since when, in unix microseconds; 0 for none.
	OldestWaiting, OldestAsked int64
	// Open disputes, and those of them whose evidence is due within three days.
	Open, Due int64
	// TakenBack gifts were lost in the last week, without anybody being asked.
	TakenBack int64
}

const (
	// failedLately is how long a refund that failed is told of, or a gift that was taken
	// back.
	failedLately = 7 * 24 * 60 * 60 * 1_000_000
	// dueSoon is how long before the term a dispute is told of.
	dueSoon = 3 * 24 * 60 * 60 * 1_000_000
)

// FailedSince and DueBefore are the bounds of ReturnStanding at a time.
func FailedSince(now int64) int64 { return now - failedLately }

// DueBefore is the term until which a dispute counts as due.
func DueBefore(now int64) int64 { return now + dueSoon }
