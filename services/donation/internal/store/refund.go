package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const refundColumns = `request_id, refund_id, account_id, donation_id, charge_id, payment_intent_id, amount_minor, currency,
	status, reason, failure, created_at, made_at, requested_by, decided_by, note, attempt, check_at, settled_at`

const refundColumnCount = 19

func scanRefund(r row) (domain.Refund, error) {
	var f domain.Refund
	var currency string
	err := r.Scan(&f.RequestID, &f.ID, &f.AccountID, &f.Donation, &f.ChargeID, &f.PaymentID, &f.Amount.Minor, &currency,
		&f.Status, &f.Reason, &f.Failure, &f.CreatedAt, &f.MadeAt, &f.Request.By, &f.Request.DecidedBy, &f.Request.Note,
		&f.Request.Attempt, &f.CheckAt, &f.SettledAt)
	if err != nil {
		return domain.Refund{}, err
	}
	f.Amount.Currency, err = money.ParseCurrency(currency)
	if err != nil {
		return domain.Refund{}, fmt.Errorf("read refund %s: %w", f.Key(), err)
	}
	return f, nil
}

func (t *tx) RefundsOf(ctx context.Context, donationIDs []string) ([]domain.Refund, error) {
	return allIn(ctx, t, scanRefund, donationIDs, func(count int) string {
		return `SELECT ` + refundColumns + ` FROM refund WHERE donation_id IN ` + in(count, 1) + ` ORDER BY donation_id, created_at, key`
	})
}

func (t *tx) SaveRefunds(ctx context.Context, refunds []domain.Refund) error {
	for piece := range database.Pieces(refunds) {
		args := make([]any, 0, len(piece)*(refundColumnCount+1))
		for _, f := range piece {
			args = append(args, f.Key(), f.RequestID, f.ID, f.AccountID, f.Donation, f.ChargeID, f.PaymentID, f.Amount.Minor,
				f.Amount.Currency.Code(), string(f.Status), f.Reason, f.Failure, f.CreatedAt, f.MadeAt, f.Request.By, f.Request.DecidedBy,
				f.Request.Note, f.Request.Attempt, f.CheckAt, f.SettledAt)
		}
		_, err := t.ExecContext(ctx, `INSERT INTO refund (key, `+refundColumns+`)
			VALUES `+database.Placeholders(len(piece), refundColumnCount+1)+`
			ON CONFLICT (key) DO UPDATE SET refund_id = excluded.refund_id, account_id = excluded.account_id,
				charge_id = excluded.charge_id, payment_intent_id = excluded.payment_intent_id, status = excluded.status,
				reason = excluded.reason, failure = excluded.failure, made_at = excluded.made_at, decided_by = excluded.decided_by,
				attempt = excluded.attempt, check_at = excluded.check_at, settled_at = excluded.settled_at`, args...)
		if err != nil {
			return fmt.Errorf("save %d refunds: %w", len(refunds), err)
		}
	}
	return nil
}

func (t *tx) RequestedRefund(ctx context.Context, requestID string) (domain.Refund, error) {
	return one(ctx, t, scanRefund, `SELECT `+refundColumns+` FROM refund WHERE key = $1 AND request_id = $1`, requestID)
}

func (t *tx) HeardRefunds(ctx context.Context, ids []string) (map[string]domain.RefundStatus, error) {
	heard := map[string]domain.RefundStatus{}
	_, err := allIn(ctx, t, func(r row) (id string, err error) {
		var status domain.RefundStatus
		err = r.Scan(&id, &status)
		heard[id] = status
		return id, err
	}, ids, func(count int) string {
		return `SELECT refund_id, status FROM refund WHERE refund_id <> '' AND refund_id IN ` + in(count, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("look for refunds: %w", err)
	}
	return heard, nil
}

func (t *tx) DueRefunds(ctx context.Context, now int64, limit int) ([]domain.Refund, error) {
	return all(ctx, t, scanRefund, `SELECT `+refundColumns+` FROM refund WHERE check_at > 0 AND check_at <= $1
		ORDER BY check_at, key LIMIT $2`, now, limit)
}

// ListRefunds names the statuses in its text, so that the engines see that the small
// partial indexes have the answer.
func (t *tx) ListRefunds(ctx context.Context, page app.RefundPage) ([]domain.Refund, error) {
	which := ``
	switch {
	case page.Waiting:
		which = `status = 'waiting' AND `
	case page.Failed:
		which = `status IN ('failed', 'canceled', 'refused') AND `
	}
	after := page.AfterAt
	if page.AfterKey == "" {
		after = app.NoTerm
	}
	return all(ctx, t, scanRefund, `SELECT `+refundColumns+` FROM refund
		WHERE `+which+`(created_at < $1 OR (created_at = $1 AND key < $2)) ORDER BY created_at DESC, key DESC LIMIT $3`,
		after, page.AfterKey, page.Limit)
}

func (t *tx) ReturnStanding(ctx context.Context, now int64) (app.ReturnStanding, error) {
	var s app.ReturnStanding
	var without []any
	for _, reason := range domain.ReasonsWithoutAnswer() {
		without = append(without, reason)
	}
	for _, part := range []struct {
		query string
		args  []any
		into  []any
	}{
		{`SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM refund WHERE status = 'waiting'`, nil, []any{&s.Waiting, &s.OldestWaiting}},
		{`SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM refund WHERE check_at > 0 AND status = 'asked'`, nil, []any{&s.Asked, &s.OldestAsked}},
		{`SELECT COUNT(*) FROM refund WHERE status IN ('failed', 'canceled', 'refused') AND settled_at >= $1`,
			[]any{app.FailedSince(now)}, []any{&s.Failed}},
		{`SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN evidence_due_at > $2 AND evidence_due_at <= $1
				AND status IN ('needs_response', 'warning_needs_response') THEN 1 ELSE 0 END), 0) AS BIGINT)
			FROM dispute WHERE closed = 0`, []any{app.DueBefore(now), now}, []any{&s.Open, &s.Due}},
		{`SELECT COUNT(*) FROM dispute WHERE closed = 1 AND created_at >= $1 AND status = 'lost' AND reason IN ` + in(len(without), 2),
			append([]any{app.FailedSince(now)}, without...), []any{&s.TakenBack}},
	} {
		err := t.QueryRowContext(ctx, part.query, part.args...).Scan(part.into...)
		if err != nil {
			return app.ReturnStanding{}, fmt.Errorf("read what of refunds and disputes is not finished: %w", err)
		}
	}
	return s, nil
}

func (t *tx) SeenUntil(ctx context.Context, accountID, list string) (int64, error) {
	at, err := one(ctx, t, scanNumber, `SELECT seen_at FROM stripe_list WHERE account_id = $1 AND name = $2`, accountID, list)
	if errors.Is(err, app.ErrNone) {
		return 0, nil
	}
	return at, err
}

func (t *tx) SaveSeenUntil(ctx context.Context, accountID, list string, at int64) error {
	_, err := t.ExecContext(ctx, `INSERT INTO stripe_list (account_id, name, seen_at) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, name) DO UPDATE SET seen_at = excluded.seen_at`, accountID, list, at)
	if err != nil {
		return fmt.Errorf("note how far a list was read: %w", err)
	}
	return nil
}
