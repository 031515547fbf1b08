package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const disputeColumns = `id, account_id, donation_id, charge_id, payment_intent_id, amount_minor, currency, status, reason,
	evidence_due_at, created_at, check_at`

const disputeColumnCount = 12

func scanDispute(r row) (domain.Dispute, error) {
	var d domain.Dispute
	var currency string
	err := r.Scan(&d.ID, &d.AccountID, &d.Donation, &d.ChargeID, &d.PaymentID, &d.Amount.Minor, &currency, &d.Status, &d.Reason,
		&d.EvidenceDueAt, &d.CreatedAt, &d.CheckAt)
	if err != nil {
		return domain.Dispute{}, err
	}
	d.Amount.Currency, err = money.ParseCurrency(currency)
	if err != nil {
		return domain.Dispute{}, fmt.Errorf("read dispute %s: %w", d.ID, err)
	}
	return d, nil
}

func (t *tx) DisputesOf(ctx context.Context, donationIDs []string) ([]domain.Dispute, error) {
	return allIn(ctx, t, scanDispute, donationIDs, func(count int) string {
		return `SELECT ` + disputeColumns + ` FROM dispute WHERE donation_id IN ` + in(count, 1) + ` ORDER BY donation_id, created_at, id`
	})
}

func (t *tx) SaveDisputes(ctx context.Context, disputes []domain.Dispute) error {
	for piece := range database.Pieces(disputes) {
		args := make([]any, 0, len(piece)*(disputeColumnCount+1))
		for _, d := range piece {
			args = append(args, d.ID, d.AccountID, d.Donation, d.ChargeID, d.PaymentID, d.Amount.Minor, d.Amount.Currency.Code(),
				string(d.Status), d.Reason, d.EvidenceDueAt, d.CreatedAt, d.CheckAt, flag(d.Status.Closed()))
		}
		_, err := t.ExecContext(ctx, `INSERT INTO dispute (`+disputeColumns+`, closed)
			VALUES `+database.Placeholders(len(piece), disputeColumnCount+1)+`
			ON CONFLICT (id) DO UPDATE SET charge_id = excluded.charge_id, payment_intent_id = excluded.payment_intent_id,
				amount_minor = excluded.amount_minor, status = excluded.status, reason = excluded.reason,
				evidence_due_at = excluded.evidence_due_at, created_at = excluded.created_at, check_at = excluded.check_at,
				closed = excluded.closed`, args...)
		if err != nil {
			return fmt.Errorf("save %d disputes: %w", len(disputes), err)
		}
	}
	return nil
}

func (t *tx) HeardDisputes(ctx context.Context, ids []string) (map[string]domain.DisputeStatus, error) {
	heard := map[string]domain.DisputeStatus{}
	_, err := allIn(ctx, t, func(r row) (id string, err error) {
		var status domain.DisputeStatus
		err = r.Scan(&id, &status)
		heard[id] = status
		return id, err
	}, ids, func(count int) string {
		return `SELECT id, status FROM dispute WHERE id IN ` + in(count, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("look for disputes: %w", err)
	}
	return heard, nil
}

func (t *tx) DueDisputes(ctx context.Context, now int64, limit int) ([]domain.Dispute, error) {
	return all(ctx, t, scanDispute, `SELECT `+disputeColumns+` FROM dispute WHERE check_at > 0 AND check_at <= $1
		ORDER BY check_at, id LIMIT $2`, now, limit)
}

func (t *tx) ListDisputes(ctx context.Context, page app.DisputePage) ([]domain.Dispute, error) {
	if page.Closed {
		after := page.AfterAt
		if page.AfterID == "" {
			after = app.NoTerm
		}
		return all(ctx, t, scanDispute, `SELECT `+disputeColumns+` FROM dispute
			WHERE closed = 1 AND (created_at < $1 OR (created_at = $1 AND id < $2)) ORDER BY created_at DESC, id DESC LIMIT $3`,
			after, page.AfterID, page.Limit)
	}
	// What is open is little; that it has to be sorted costs nothing.
	term := `CASE WHEN evidence_due_at = 0 THEN ` + strconv.FormatInt(app.NoTerm, 10) + ` ELSE evidence_due_at END`
	return all(ctx, t, scanDispute, `SELECT `+disputeColumns+` FROM dispute
		WHERE closed = 0 AND (`+term+` > $1 OR (`+term+` = $1 AND id > $2)) ORDER BY `+term+`, id LIMIT $3`,
		page.AfterAt, page.AfterID, page.Limit)
}
