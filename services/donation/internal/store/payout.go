package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const payoutColumns = `id, account_id, amount_minor, currency, status, arrival_at, created_at, automatic, failure, complete,
	listed_at, difference_minor, heard_at, check_at`

const payoutColumnCount = 14

func scanPayout(r row) (domain.Payout, error) {
	var p domain.Payout
	var automatic, complete int64
	err := r.Scan(&p.ID, &p.AccountID, &p.Minor, &p.Currency, &p.Status, &p.ArrivalAt, &p.CreatedAt, &automatic, &p.Failure, &complete,
		&p.ListedAt, &p.Difference, &p.HeardAt, &p.CheckAt)
	p.Automatic, p.Complete = automatic == 1, complete == 1
	return p, err
}

func (t *tx) Payout(ctx context.Context, id string) (domain.Payout, error) {
	return one(ctx, t, scanPayout, `SELECT `+payoutColumns+` FROM payout WHERE id = $1`, id)
}

func (t *tx) PayoutsByID(ctx context.Context, ids []string) (map[string]domain.Payout, error) {
	list, err := allIn(ctx, t, scanPayout, ids, func(count int) string {
		return `SELECT ` + payoutColumns + ` FROM payout WHERE id IN ` + in(count, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("find payouts: %w", err)
	}
	found := make(map[string]domain.Payout, len(list))
	for _, p := range list {
		found[p.ID] = p
	}
	return found, nil
}

func (t *tx) SavePayouts(ctx context.Context, payouts []domain.Payout) error {
	for piece := range database.Pieces(payouts) {
		args := make([]any, 0, len(piece)*payoutColumnCount)
		for _, p := range piece {
			args = append(args, p.ID, p.AccountID, p.Minor, p.Currency, string(p.Status), p.ArrivalAt, p.CreatedAt, flag(p.Automatic),
				p.Failure, flag(p.Complete), p.ListedAt, p.Difference, p.HeardAt, p.CheckAt)
		}
		_, err := t.ExecContext(ctx, `INSERT INTO payout (`+payoutColumns+`)
			VALUES `+database.Placeholders(len(piece), payoutColumnCount)+`
			ON CONFLICT (id) DO UPDATE SET status = excluded.status, arrival_at = excluded.arrival_at, failure = excluded.failure,
				complete = excluded.complete, listed_at = excluded.listed_at, difference_minor = excluded.difference_minor,
				heard_at = excluded.heard_at, check_at = excluded.check_at`, args...)
		if err != nil {
			return fmt.Errorf("save %d payouts: %w", len(payouts), err)
		}
	}
	return nil
}

func (t *tx) PutOffPayout(ctx context.Context, id string, checkAt int64) error {
	_, err := t.ExecContext(ctx, `UPDATE payout SET check_at = $2 WHERE id = $1`, id, checkAt)
	return err
}

func (t *tx) DuePayouts(ctx context.Context, now int64, limit int) ([]domain.Payout, error) {
	return all(ctx, t, scanPayout, `SELECT `+payoutColumns+` FROM payout WHERE check_at > 0 AND check_at <= $1
		ORDER BY check_at, id LIMIT $2`, now, limit)
}

func (t *tx) ListPayouts(ctx context.Context, page app.PayoutPage) ([]domain.Payout, error) {
	after := page.AfterAt
	if page.AfterID == "" {
		after = app.NoTerm
	}
	return all(ctx, t, scanPayout, `SELECT `+payoutColumns+` FROM payout
		WHERE created_at < $1 OR (created_at = $1 AND id < $2) ORDER BY created_at DESC, id DESC LIMIT $3`,
		after, page.AfterID, page.Limit)
}

func (t *tx) EmptyPayout(ctx context.Context, id string) error {
	_, err := t.ExecContext(ctx, `UPDATE balance_transaction SET payout_id = '' WHERE payout_id = $1 AND payout_id <> ''`, id)
	return err
}

func (t *tx) PutInPayout(ctx context.Context, id string, transactionIDs []string) error {
	for piece := range database.Pieces(transactionIDs) {
		_, err := t.ExecContext(ctx, `UPDATE balance_transaction SET payout_id = $1 WHERE id IN `+in(len(piece), 2),
			append([]any{id}, anys(piece)...)...)
		if err != nil {
			return fmt.Errorf("put %d transactions in a payout: %w", len(piece), err)
		}
	}
	return nil
}

func (t *tx) InPayout(ctx context.Context, id string, page app.PayoutPage) ([]app.PayoutLine, error) {
	return all(ctx, t, func(r row) (app.PayoutLine, error) {
		var l app.PayoutLine
		var currency string
		err := r.Scan(&l.TransactionID, &l.Category, &l.Amount.Minor, &l.Fee.Minor, &l.Net.Minor, &currency, &l.SourceID, &l.DonationID, &l.CreatedAt)
		l.Amount.Currency, l.Fee.Currency, l.Net.Currency = currency, currency, currency
		return l, err
	}, `SELECT id, reporting_category, amount_minor, fee_minor, net_minor, currency, source_id, donation_id, created_at
		FROM balance_transaction WHERE payout_id = $1 AND payout_id <> '' AND (created_at > $2 OR (created_at = $2 AND id > $3))
		ORDER BY created_at, id LIMIT $4`, id, page.AfterAt, page.AfterID, page.Limit)
}

func (t *tx) PayoutStanding(ctx context.Context, now int64) (app.PayoutStanding, error) {
	var s app.PayoutStanding
	err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM payout f WHERE status = 'failed' AND heard_at >= $1 AND NOT EXISTS
		(SELECT 1 FROM payout n WHERE n.account_id = f.account_id AND n.currency = f.currency AND n.status = 'paid' AND n.created_at > f.created_at)`,
		app.PayoutFailedSince(now)).Scan(&s.Failed)
	if err == nil {
		err = t.QueryRowContext(ctx, `SELECT COUNT(*) FROM payout WHERE difference_minor <> 0`).Scan(&s.Different)
	}
	if err != nil {
		return app.PayoutStanding{}, fmt.Errorf("read what of payouts staff should know: %w", err)
	}
	return s, nil
}
