package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const mailColumns = `key, plan_id, donation_id, kind, gift_minor, cover_minor, at, url, made_by, language, made_at`

// mailRead are the same as they are read: of the two objects that a letter can be about
// one is none.
const mailRead = `key, COALESCE(plan_id, ''), COALESCE(donation_id, ''), kind, gift_minor, cover_minor, at, url, made_by, language, made_at`

const mailColumnCount = 11

func scanMail(r row) (app.PlanMail, error) {
	var m app.PlanMail
	err := r.Scan(&m.Key, &m.PlanID, &m.DonationID, &m.Kind, &m.Parts.Gift, &m.Parts.Cover, &m.At, &m.URL, &m.By, &m.Language, &m.MadeAt,
		&m.Attempts, &m.ParkedAt, &m.ParkedReason)
	return m, err
}

func orNull(id string) any {
	if id == "" {
		return nil
	}
	return id
}

func (t *tx) AddPlanMails(ctx context.Context, mails []app.PlanMail) error {
	for piece := range database.Pieces(mails) {
		args := make([]any, 0, len(piece)*mailColumnCount)
		for _, m := range piece {
			args = append(args, m.Key, orNull(m.PlanID), orNull(m.DonationID), string(m.Kind), m.Parts.Gift, m.Parts.Cover, m.At, m.URL, m.By, m.Language, m.MadeAt)
		}
		_, err := t.ExecContext(ctx, `INSERT INTO plan_mail (`+mailColumns+`) VALUES `+database.Placeholders(len(piece), mailColumnCount)+`
			ON CONFLICT (key) DO NOTHING`, args...)
		if err != nil {
			return fmt.Errorf("add %d letters: %w", len(mails), err)
		}
	}
	return nil
}

func (t *tx) DuePlanMails(ctx context.Context, now int64, limit int) ([]app.PlanMail, error) {
	return all(ctx, t, scanMail, `SELECT `+mailRead+`, attempts, parked_at, parked_reason FROM plan_mail
		WHERE settled_at = 0 AND parked_at = 0 AND next_attempt_at <= $1 ORDER BY next_attempt_at, key LIMIT $2`, now, limit)
}

func (t *tx) SettlePlanMail(ctx context.Context, key string, at int64) error {
	return t.mail(ctx, "settle", `UPDATE plan_mail SET settled_at = $2, url = '' WHERE key = $1`, key, at)
}

func (t *tx) DelayPlanMail(ctx context.Context, key string, attempts, until int64) error {
	return t.mail(ctx, "delay", `UPDATE plan_mail SET attempts = $2, next_attempt_at = $3 WHERE key = $1`, key, attempts, until)
}

func (t *tx) ParkPlanMail(ctx context.Context, key string, attempts, at int64, reason string) error {
	return t.mail(ctx, "park", `UPDATE plan_mail SET attempts = $2, parked_at = $3, parked_reason = $4 WHERE key = $1`,
		key, attempts, at, reason)
}

func (t *tx) ReleasePlanMails(ctx context.Context, key string) error {
	return t.mail(ctx, "release", `UPDATE plan_mail SET parked_at = 0, parked_reason = '', attempts = 0, next_attempt_at = 0
		WHERE parked_at > 0 AND (CAST($1 AS TEXT) = '' OR key = CAST($1 AS TEXT))`, key)
}

func (t *tx) mail(ctx context.Context, what, statement string, args ...any) error {
	_, err := t.ExecContext(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("%s letters: %w", what, err)
	}
	return nil
}

// ParkedPlanMails leaves out the address in the letter and who asked for it: audits
// look at these as a role that may read neither.
func (t *tx) ParkedPlanMails(ctx context.Context) ([]app.PlanMail, error) {
	return all(ctx, t, scanMail, `SELECT key, COALESCE(plan_id, ''), COALESCE(donation_id, ''), kind, gift_minor, cover_minor, at, '', '', language, made_at,
			attempts, parked_at, parked_reason FROM plan_mail
		WHERE parked_at > 0 ORDER BY parked_at, key`)
}

// PlanStanding is app.Plans'. What is asked of plans is in the words of the index
// for it, so that those that go on are not read. It counts from when somebody asked: the
// end itself may be dated later, by what Stripe's clock says of the newest instalment.
func (t *tx) PlanStanding(ctx context.Context) (app.PlanStanding, error) {
	var s app.PlanStanding
	err := t.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(since), 0) FROM (
		SELECT COALESCE((SELECT MIN(asked_at) FROM plan_change WHERE plan_id = recurring_plan.id AND kind = 'cancel'), cancel_asked_at) AS since
		FROM recurring_plan WHERE cancel_asked_at > 0 AND status NOT IN ('canceled', 'incomplete_expired')) AS ending`).Scan(&s.Ending, &s.OldestEnding)
	if err == nil {
		err = t.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN donation_id IS NULL THEN 1 END), COUNT(donation_id)
			FROM plan_mail WHERE parked_at > 0`).Scan(&s.ParkedPlanMails, &s.ParkedDebitMails)
	}
	if err != nil {
		return app.PlanStanding{}, fmt.Errorf("read what of plans is not finished: %w", err)
	}
	return s, nil
}
