package store

import (
	"context"
	"slices"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

const giftColumns = `donation_id, organization_id, fund_code, gift_minor, cover_minor, currency,
	paid_at, payment_reference, traceparent, succeeded_at, monthly`

// AddGifts makes a receipt due for each donation that has none.
func (tx transaction) AddGifts(ctx context.Context, gifts []domain.Gift) error {
	for piece := range database.Pieces(gifts) {
		var args []any
		for _, g := range piece {
			args = append(args, g.DonationID, g.Fund.OrganizationID, g.Fund.Code, g.Amount.Minor, g.Cover.Minor, g.Amount.Currency.Code(),
				g.PaidAt.UnixMicro(), g.PaymentReference, g.Traceparent, g.SucceededAt.UnixMicro(), flag(g.Monthly))
		}
		rows := database.CastPlaceholders(len(piece),
			"TEXT", "TEXT", "TEXT", "BIGINT", "BIGINT", "TEXT", "BIGINT", "TEXT", "TEXT", "BIGINT", "BIGINT")
		_, err := tx.ExecContext(ctx, `
			WITH v(`+giftColumns+`) AS (VALUES `+rows+`)
			INSERT INTO receipt_due (`+giftColumns+`)
			SELECT `+giftColumns+` FROM v
			WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE receipt.donation_id = v.donation_id)
			ON CONFLICT (donation_id) DO NOTHING`, args...)
		if err != nil {
			return err
		}
	}
	return nil
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
	// Locked by their ids, so that two transactions that want the same rows wait
	// for each other instead of both giving up.
	var locked []app.DueGift
	for piece := range database.Pieces(slices.Sorted(slices.Values(donationIDs))) {
		found, err := collect(ctx, tx, readDueGift, `
			SELECT `+giftColumns+`, attempts FROM receipt_due
			WHERE parked_at = 0 AND donation_id IN `+database.Placeholders(1, len(piece))+`
			AND NOT EXISTS (SELECT 1 FROM receipt WHERE receipt.donation_id = receipt_due.donation_id)
			ORDER BY donation_id`+tx.ForUpdate(), texts(piece)...)
		if err != nil {
			return nil, err
		}
		locked = append(locked, found...)
	}
	slices.SortStableFunc(locked, func(x, y app.DueGift) int { return x.SucceededAt.Compare(y.SucceededAt) })
	return locked, nil
}

// RemoveGifts ends the dues of those donations that have their receipt. A gift
// that was not locked may be one that another process has just parked: without
// the receipt as proof it stays, or it would never be receipted.
func (tx transaction) RemoveGifts(ctx context.Context, donationIDs []string) error {
	for piece := range database.Pieces(donationIDs) {
		_, err := tx.ExecContext(ctx, `
			DELETE FROM receipt_due WHERE donation_id IN `+database.Placeholders(1, len(piece))+`
			AND EXISTS (SELECT 1 FROM receipt WHERE receipt.donation_id = receipt_due.donation_id)`, texts(piece)...)
		if err != nil {
			return err
		}
	}
	return nil
}

func readDueGift(scan func(...any) error) (app.DueGift, error) {
	var g app.DueGift
	err := scan(&g.DonationID, &g.Fund.OrganizationID, &g.Fund.Code, &g.Amount.Minor, &g.Cover.Minor,
		currency{[]*money.Amount{&g.Amount, &g.Cover}},
		moment{&g.PaidAt}, &g.PaymentReference, &g.Traceparent, moment{&g.SucceededAt}, &g.Monthly, &g.Attempts)
	return g, err
}
