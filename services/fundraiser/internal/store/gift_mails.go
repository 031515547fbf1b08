package store

import (
	"context"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// AddGiftMails is app.Tx's. Who owns the pages is asked in the statement: the
// consumer needs no other to know that nobody does.
func (t *boundTx) AddGiftMails(ctx context.Context, gifts []domain.CountedGift) error {
	if len(gifts) == 0 {
		return nil
	}
	arguments := make([]any, 0, 4*len(gifts))
	for _, g := range gifts {
		arguments = append(arguments, g.DonationID, g.PageID, g.Amount.Minor, g.TotalAfter)
	}
	_, err := t.tx.ExecContext(ctx, `WITH v(donation_id, page_id, gift, total) AS (VALUES `+
		database.CastPlaceholders(len(gifts), "TEXT", "TEXT", "BIGINT", "BIGINT")+`)
		INSERT INTO gift_mail (donation_id, fundraiser_id, gift_minor, total_minor)
		SELECT v.donation_id, v.page_id, v.gift, v.total FROM v
			JOIN fundraiser ON fundraiser.id = v.page_id JOIN supporter ON supporter.id = supporter_id
		WHERE mail_gifts = 1
		ON CONFLICT (donation_id) DO NOTHING`, arguments...)
	return wrap("add mails about gifts", err)
}

// DueGiftMails is app.Reader's.
func (t *boundTx) DueGiftMails(ctx context.Context, now time.Time, limit int) ([]app.DueGiftMail, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT gift_mail.donation_id, gift_mail.gift_minor, gift_mail.total_minor, appeal.currency,
			fundraiser.id, fundraiser.slug, fundraiser.title, fundraiser.owner_name, fundraiser.goal_minor, organization.name,
			supporter.id, email, display_name, language, mail_gifts, attempts
		FROM gift_mail JOIN fundraiser ON fundraiser.id = fundraiser_id JOIN appeal ON appeal.id = appeal_id
			JOIN organization ON organization.id = organization_id JOIN supporter ON supporter.id = supporter_id
		WHERE settled_at = 0 AND parked_at = 0 AND next_attempt_at <= $1
		ORDER BY next_attempt_at, gift_mail.donation_id LIMIT $2`, now.UnixMicro(), limit)
	mails, err := all(rows, err, func(row scanner) (app.DueGiftMail, error) {
		var m app.DueGiftMail
		var currency string
		var wanted int64
		err := row.Scan(&m.DonationID, &m.Gift.Minor, &m.Total.Minor, &currency,
			&m.Page.ID, &m.Page.Slug, &m.Page.Title, &m.Page.Owner, &m.Page.Goal, &m.OrganizationName,
			&m.Supporter.ID, &m.Supporter.Email, &m.Supporter.DisplayName, &m.Supporter.Language, &wanted, &m.Attempts)
		if err != nil {
			return app.DueGiftMail{}, err
		}
		m.Supporter.MailGifts = wanted == 1
		m.Gift.Currency, err = money.ParseCurrency(currency)
		m.Total.Currency = m.Gift.Currency
		return m, err
	})
	return mails, wrap("read due mails", err)
}

// SettleGiftMail is app.Tx's.
func (t *boundTx) SettleGiftMail(ctx context.Context, donationID string, at time.Time) error {
	_, err := t.tx.ExecContext(ctx, `UPDATE gift_mail SET settled_at = $1 WHERE donation_id = $2`, at.UnixMicro(), donationID)
	return wrap("settle mail", err)
}

// DelayGiftMails is app.Tx's.
func (t *boundTx) DelayGiftMails(ctx context.Context, delays []app.MailDelay) error {
	if len(delays) == 0 {
		return nil
	}
	var arguments []any
	for _, d := range delays {
		arguments = append(arguments, d.DonationID, int64(d.Attempts), d.Until.UnixMicro())
	}
	_, err := t.tx.ExecContext(ctx, `WITH v(id, attempts, until) AS (VALUES `+
		database.CastPlaceholders(len(delays), "TEXT", "BIGINT", "BIGINT")+`)
		UPDATE gift_mail SET attempts = v.attempts, next_attempt_at = v.until FROM v WHERE donation_id = v.id`, arguments...)
	return wrap("delay mails", err)
}

// ParkGiftMails is app.Tx's.
func (t *boundTx) ParkGiftMails(ctx context.Context, stops []app.MailStop, at time.Time) error {
	if len(stops) == 0 {
		return nil
	}
	var arguments []any
	for _, s := range stops {
		arguments = append(arguments, s.DonationID, int64(s.Attempts), s.Reason, at.UnixMicro())
	}
	_, err := t.tx.ExecContext(ctx, `WITH v(id, attempts, reason, at) AS (VALUES `+
		database.CastPlaceholders(len(stops), "TEXT", "BIGINT", "TEXT", "BIGINT")+`)
		UPDATE gift_mail SET attempts = v.attempts, parked_reason = v.reason, parked_at = v.at FROM v WHERE donation_id = v.id`, arguments...)
	return wrap("park mails", err)
}

// ReleaseGiftMails is app.Tx's.
func (t *boundTx) ReleaseGiftMails(ctx context.Context, donationID string) error {
	_, err := t.tx.ExecContext(ctx, `UPDATE gift_mail SET parked_at = 0, parked_reason = '', attempts = 0, next_attempt_at = 0
		WHERE parked_at > 0 AND (CAST($1 AS TEXT) = '' OR donation_id = CAST($1 AS TEXT))`, donationID)
	return wrap("release mails", err)
}

// ParkedGiftMails is app.Reader's.
func (t *boundTx) ParkedGiftMails(ctx context.Context) ([]app.ParkedGiftMail, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT donation_id, attempts, parked_reason, parked_at FROM gift_mail
		WHERE parked_at > 0 ORDER BY parked_at, donation_id`)
	parked, err := all(rows, err, func(row scanner) (app.ParkedGiftMail, error) {
		var p app.ParkedGiftMail
		var since int64
		err := row.Scan(&p.DonationID, &p.Attempts, &p.Reason, &since)
		if err != nil {
			return p, fmt.Errorf("scan parked mail: %w", err)
		}
		p.Since = fromMicros(since)
		return p, nil
	})
	return parked, wrap("read parked mails", err)
}

// CountParkedGiftMails is app.Reader's.
func (t *boundTx) CountParkedGiftMails(ctx context.Context) (int64, error) {
	var count int64
	err := t.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM gift_mail WHERE parked_at > 0`).Scan(&count)
	return count, wrap("count parked mails", err)
}
