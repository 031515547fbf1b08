package store

import (
	"context"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

const giftColumns = `donation_id, organization_id, fund_code, gift_minor, cover_minor, currency,
	paid_at, payment_reference, traceparent, succeeded_at`

// AddGifts makes a receipt due for each donation that has none.
func (tx transaction) AddGifts(ctx context.Context, gifts []domain.Gift) error {
	if len(gifts) == 0 {
		return nil
	}
	var args []any
	for _, g := range gifts {
		args = append(args, g.DonationID, g.Fund.OrganizationID, g.Fund.Code, g.Amount.Minor, g.Cover.Minor, g.Amount.Currency.Code(),
			g.PaidAt.UnixMicro(), g.PaymentReference, g.Traceparent, g.SucceededAt.UnixMicro())
	}
	rows := database.CastPlaceholders(len(gifts),
		"TEXT", "TEXT", "TEXT", "BIGINT", "BIGINT", "TEXT", "BIGINT", "TEXT", "TEXT", "BIGINT")
	_, err := tx.ExecContext(ctx, `
		WITH v(`+giftColumns+`) AS (VALUES `+rows+`)
		INSERT INTO receipt_due (`+giftColumns+`)
		SELECT `+giftColumns+` FROM v
		WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE receipt.donation_id = v.donation_id)
		ON CONFLICT (donation_id) DO NOTHING`, args...)
	return err
}

// DueGifts returns gifts whose receipt may be tried now.
func (tx transaction) DueGifts(ctx context.Context, now time.Time, limit int) ([]app.DueGift, error) {
	return collect(ctx, tx, readDueGift, `
		SELECT `+giftColumns+`, attempts FROM receipt_due
		WHERE parked_at = 0 AND next_attempt_at <= $1
		ORDER BY next_attempt_at, succeeded_at, donation_id LIMIT $2`, now.UnixMicro(), limit)
}

// LockGifts returns those that are still due. A donation that has its receipt
// already is not, even if a redelivery made it due again in the same instant.
func (tx transaction) LockGifts(ctx context.Context, donationIDs []string) ([]app.DueGift, error) {
	if len(donationIDs) == 0 {
		return nil, nil
	}
	return collect(ctx, tx, readDueGift, `
		SELECT `+giftColumns+`, attempts FROM receipt_due
		WHERE parked_at = 0 AND donation_id IN `+database.Placeholders(1, len(donationIDs))+`
		AND NOT EXISTS (SELECT 1 FROM receipt WHERE receipt.donation_id = receipt_due.donation_id)
		ORDER BY succeeded_at, donation_id`+tx.ForUpdate(), texts(donationIDs)...)
}

// RemoveGifts ends the dues of those donations that have their receipt. A gift
// that was not locked may be one that another process has just parked: without
// the receipt as proof it stays, or it would never be receipted.
func (tx transaction) RemoveGifts(ctx context.Context, donationIDs []string) error {
	if len(donationIDs) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		DELETE FROM receipt_due WHERE donation_id IN `+database.Placeholders(1, len(donationIDs))+`
		AND EXISTS (SELECT 1 FROM receipt WHERE receipt.donation_id = receipt_due.donation_id)`, texts(donationIDs)...)
	return err
}

func readDueGift(scan func(...any) error) (app.DueGift, error) {
	var g app.DueGift
	err := scan(&g.DonationID, &g.Fund.OrganizationID, &g.Fund.Code, &g.Amount.Minor, &g.Cover.Minor,
		currency{[]*money.Amount{&g.Amount, &g.Cover}},
		moment{&g.PaidAt}, &g.PaymentReference, &g.Traceparent, moment{&g.SucceededAt}, &g.Attempts)
	return g, err
}
