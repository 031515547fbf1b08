package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const transactionColumnCount = 20

func (t *tx) InsertTransactions(ctx context.Context, list []app.Transaction) (map[string]bool, error) {
	var added []string
	for piece := range database.Pieces(list) {
		args := make([]any, 0, len(piece)*transactionColumnCount)
		for _, x := range piece {
			details, err := json.Marshal(x.FeeDetails)
			if err != nil {
				return nil, fmt.Errorf("write fee details of %s: %w", x.ID, err)
			}
			args = append(args, x.ID, x.AccountID, x.Type, x.Category, x.Amount.Minor, x.Fee.Minor, x.Net.Minor, x.Amount.Currency,
				string(details), x.ExchangeRate, x.SourceID, x.SourceAmount.Minor, x.SourceAmount.Currency, x.PaymentIntentID,
				x.CreatedAt, x.ImportedAt, x.DonationID, x.OrganizationID, flag(x.Foreign), x.ChargeID)
		}
		ids, err := all(ctx, t, scanText, `INSERT INTO balance_transaction (id, account_id, type, reporting_category,
				amount_minor, fee_minor, net_minor, currency, fee_details, exchange_rate, source_id, source_minor,
				source_currency, payment_intent_id, created_at, imported_at, donation_id, organization_id, is_foreign, charge_id)
			VALUES `+database.Placeholders(len(piece), transactionColumnCount)+` ON CONFLICT (id) DO NOTHING RETURNING id`, args...)
		if err != nil {
			return nil, fmt.Errorf("insert %d balance transactions: %w", len(list), err)
		}
		added = append(added, ids...)
	}
	return setOf(added), nil
}

func (t *tx) KnownTransactions(ctx context.Context, ids []string) (map[string]bool, error) {
	known, err := allIn(ctx, t, scanText, ids, func(count int) string {
		return `SELECT id FROM balance_transaction WHERE id IN ` + in(count, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("find balance transactions: %w", err)
	}
	return setOf(known), nil
}

// ForeignSources asks once for each of the two columns. One query with the same
// values in two places would be long in the reading on SQLite, see database.
func (t *tx) ForeignSources(ctx context.Context, ids []string) (map[string]bool, error) {
	var found []string
	for _, column := range []string{"payment_intent_id", "source_id"} {
		ids, err := allIn(ctx, t, scanText, ids, func(count int) string {
			return `SELECT ` + column + ` FROM balance_transaction WHERE is_foreign = 1 AND ` + column + ` IN ` + in(count, 1)
		})
		if err != nil {
			return nil, fmt.Errorf("find foreign transactions: %w", err)
		}
		found = append(found, ids...)
	}
	return setOf(found), nil
}

func (t *tx) HeldForRisk(ctx context.Context, accountID string) ([]app.Money, error) {
	return all(ctx, t, func(rows row) (app.Money, error) {
		var held app.Money
		err := rows.Scan(&held.Currency, &held.Minor)
		return held, err
	}, `SELECT currency, CAST(-SUM(amount_minor) AS BIGINT) FROM balance_transaction
		WHERE account_id = $1 AND reporting_category = 'risk_reserved_funds' GROUP BY currency ORDER BY currency`, accountID)
}

func (t *tx) TransactionAnchor(ctx context.Context, accountID string, overlap int64) (string, error) {
	id, err := one(ctx, t, scanText, `SELECT id FROM balance_transaction WHERE account_id = $1 AND created_at <=
		(SELECT MAX(created_at) FROM balance_transaction WHERE account_id = $1) - CAST($2 AS BIGINT)
		ORDER BY created_at DESC, id DESC LIMIT 1`, accountID, overlap)
	if errors.Is(err, app.ErrNone) {
		return "", nil
	}
	return id, err
}

func (t *tx) Account(ctx context.Context) (string, error) {
	id, err := one(ctx, t, scanText, `SELECT id FROM stripe_account ORDER BY confirmed_at DESC LIMIT 1`)
	if errors.Is(err, app.ErrNone) {
		return "", nil
	}
	return id, err
}

// LockAccount locks the account's row, so that on PostgreSQL a second transaction
// waits here until the first has committed, and then sees what it did.
func (t *tx) LockAccount(ctx context.Context, id string) error {
	_, err := one(ctx, t, scanText, `SELECT id FROM stripe_account WHERE id = $1`+t.ForUpdate(), id)
	if err != nil {
		return fmt.Errorf("lock the stripe account: %w", err)
	}
	return nil
}

func (t *tx) TryLockAccount(ctx context.Context, id string) (bool, error) {
	_, err := one(ctx, t, scanText, `SELECT id FROM stripe_account WHERE id = $1`+t.ForUpdateIfFree(), id)
	if errors.Is(err, app.ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock the stripe account: %w", err)
	}
	return true, nil
}

func (t *tx) SaveAccount(ctx context.Context, id string, now int64) error {
	_, err := t.ExecContext(ctx, `INSERT INTO stripe_account (id, confirmed_at) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET confirmed_at = excluded.confirmed_at`, id, now)
	if err != nil {
		return fmt.Errorf("keep the stripe account: %w", err)
	}
	return nil
}
