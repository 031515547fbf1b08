package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const donationColumns = `id, intent_id, input_hash, gift_minor, cover_minor, currency, cover_fees,
	organization_id, appeal_id, fund_code, fund_class, fundraiser_id, team_id, share_code,
	appeal_slug, fundraiser_slug, product_name, visibility, livemode, traceparent, created_at,
	state, account_id, attempt, session_id, payment_intent_id, charge_id, paid_at, succeeded_at, late,
	decline_code, declined_at, webhook_received_at, check_at, balance_transaction_id, fee_minor, fee_currency,
	plan_id, invoice_id, version, returned_minor, dispute, payment_method, delayable`

const donationColumnCount = 44

func scanDonation(r row) (domain.Donation, error) {
	var d domain.Donation
	var currency, feeCurrency string
	at := &d.Attribution
	err := r.Scan(&d.ID, &d.IntentID, &d.InputHash, &d.Gift.Minor, &d.Cover.Minor, &currency, &d.CoverFees,
		&at.OrganizationID, &at.AppealID, &at.FundCode, &at.FundClass, &at.FundraiserID, &at.TeamID, &at.ShareCode,
		&d.AppealSlug, &d.FundraiserSlug, &d.ProductName, &d.Visibility, &d.Livemode, &d.Traceparent, &d.CreatedAt,
		&d.State, &d.AccountID, &d.Attempt, &d.SessionID, &d.PaymentIntentID, &d.ChargeID, &d.PaidAt, &d.SucceededAt, &d.Late,
		&d.DeclineCode, &d.DeclinedAt, &d.WebhookReceivedAt, &d.CheckAt, &d.BalanceTransactionID, &d.Fee.Minor, &feeCurrency,
		&d.PlanID, &d.InvoiceID, &d.Version, &d.ReturnedMinor, &d.Dispute, &d.PaymentMethod, &d.Delayable)
	if err != nil {
		return domain.Donation{}, err
	}
	d.Gift.Currency, err = money.ParseCurrency(currency)
	if err != nil {
		return domain.Donation{}, fmt.Errorf("read donation %s: %w", d.ID, err)
	}
	d.Cover.Currency = d.Gift.Currency
	if feeCurrency != "" {
		d.Fee.Currency, err = money.ParseCurrency(feeCurrency)
		if err != nil {
			return domain.Donation{}, fmt.Errorf("read fee of donation %s: %w", d.ID, err)
		}
	}
	return d, nil
}

func donationValues(d domain.Donation) []any {
	at := d.Attribution
	return []any{
		d.ID, d.IntentID, d.InputHash, d.Gift.Minor, d.Cover.Minor, d.Gift.Currency.Code(), flag(d.CoverFees),
		at.OrganizationID, at.AppealID, at.FundCode, string(at.FundClass), at.FundraiserID, at.TeamID, at.ShareCode,
		d.AppealSlug, d.FundraiserSlug, d.ProductName, string(d.Visibility), flag(d.Livemode), d.Traceparent, d.CreatedAt,
		string(d.State), d.AccountID, d.Attempt, d.SessionID, d.PaymentIntentID, d.ChargeID, d.PaidAt, d.SucceededAt, flag(d.Late),
		d.DeclineCode, d.DeclinedAt, d.WebhookReceivedAt, d.CheckAt, d.BalanceTransactionID, d.Fee.Minor, d.Fee.Currency.Code(),
		d.PlanID, d.InvoiceID, d.Version, d.ReturnedMinor, string(d.Dispute), d.PaymentMethod, flag(d.Delayable),
	}
}

// LockIntent makes the row on the way. On PostgreSQL a second transaction waits
// here until the first has committed, and then sees what it did.
func (t *tx) LockIntent(ctx context.Context, id string) (app.Intent, error) {
	_, err := t.ExecContext(ctx, `INSERT INTO intent (id, claim, claimed_until) VALUES ($1, '', 0) ON CONFLICT DO NOTHING`, id)
	if err != nil {
		return app.Intent{}, fmt.Errorf("make intent: %w", err)
	}
	i := app.Intent{ID: id}
	err = t.QueryRowContext(ctx, `SELECT claim, claimed_until FROM intent WHERE id = $1`+t.ForUpdate(), id).
		Scan(&i.Claim, &i.ClaimedUntil)
	if err != nil {
		return app.Intent{}, fmt.Errorf("lock intent: %w", err)
	}
	return i, nil
}

func (t *tx) SaveIntent(ctx context.Context, i app.Intent) error {
	_, err := t.ExecContext(ctx, `UPDATE intent SET claim = $2, claimed_until = $3 WHERE id = $1`, i.ID, i.Claim, i.ClaimedUntil)
	if err != nil {
		return fmt.Errorf("save intent: %w", err)
	}
	return nil
}

func (t *tx) InsertDonation(ctx context.Context, d domain.Donation, donor domain.Donor) (bool, error) {
	result, err := t.ExecContext(ctx, `INSERT INTO donation (`+donationColumns+`)
		VALUES `+database.Placeholders(1, donationColumnCount)+` ON CONFLICT (intent_id, input_hash) DO NOTHING`, donationValues(d)...)
	if err != nil {
		return false, fmt.Errorf("insert donation: %w", err)
	}
	count, err := result.RowsAffected()
	if err != nil || count == 0 {
		return false, err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO donor (donation_id, name, email, message, language) VALUES ($1, $2, $3, $4, $5)`,
		d.ID, donor.Name, donor.Email, donor.Message, donor.Language)
	if err != nil {
		return false, fmt.Errorf("insert donor: %w", err)
	}
	return true, nil
}

func (t *tx) Donation(ctx context.Context, id string) (domain.Donation, error) {
	return one(ctx, t, scanDonation, `SELECT `+donationColumns+` FROM donation WHERE id = $1`, id)
}

func (t *tx) DonationOfSession(ctx context.Context, sessionID string) (domain.Donation, error) {
	return one(ctx, t, scanDonation, `SELECT `+donationColumns+` FROM donation
		WHERE id = (SELECT donation_id FROM attempt WHERE session_id = $1 AND session_id <> '')`, sessionID)
}

// DonationsByReference looks in each column by its own index; one condition over
// all of them would read every gift.
func (t *tx) DonationsByReference(ctx context.Context, reference string, limit int) ([]domain.Donation, error) {
	return all(ctx, t, scanDonation, `SELECT `+donationColumns+` FROM donation WHERE id IN (
			SELECT id FROM donation WHERE id = $1
			UNION SELECT id FROM donation WHERE payment_intent_id = $1 AND payment_intent_id <> ''
			UNION SELECT id FROM donation WHERE charge_id = $1 AND charge_id <> ''
			UNION SELECT id FROM donation WHERE invoice_id = $1 AND invoice_id <> ''
			UNION SELECT id FROM donation WHERE plan_id = $1 AND plan_id <> ''
			UNION SELECT d.id FROM donation d JOIN recurring_plan p ON p.id = d.plan_id WHERE p.subscription_id = $1 AND p.subscription_id <> ''
			UNION SELECT donation_id FROM attempt WHERE session_id = $1 AND session_id <> ''
			UNION SELECT donation_id FROM refund WHERE refund_id = $1 AND refund_id <> ''
			UNION SELECT donation_id FROM dispute WHERE id = $1
			UNION SELECT donation_id FROM balance_transaction WHERE id = $1
			UNION SELECT donation_id FROM balance_transaction WHERE payment_intent_id = $1 AND is_foreign = 1
			UNION SELECT donation_id FROM balance_transaction WHERE source_id = $1 AND is_foreign = 1
			UNION SELECT donation_id FROM balance_transaction WHERE payment_intent_id = $1 AND type IN ('payment', 'payment_refund', 'payment_failure_refund', 'adjustment')
			UNION SELECT donation_id FROM balance_transaction WHERE source_id = $1 AND type IN ('payment', 'payment_refund', 'payment_failure_refund', 'adjustment'))
		ORDER BY created_at DESC, id DESC LIMIT $2`, reference, limit)
}

func (t *tx) DonationsOfIntent(ctx context.Context, intentID string) ([]domain.Donation, error) {
	return all(ctx, t, scanDonation, `SELECT `+donationColumns+` FROM donation WHERE intent_id = $1
		ORDER BY id`+t.ForUpdate(), intentID)
}

// LockDonations locks in the order of ids, so that two transactions that want
// the same rows wait for each other instead of both giving up.
func (t *tx) LockDonations(ctx context.Context, ids []string) ([]domain.Donation, error) {
	return allIn(ctx, t, scanDonation, slices.Sorted(slices.Values(ids)), func(count int) string {
		return `SELECT ` + donationColumns + ` FROM donation WHERE id IN ` + in(count, 1) + ` ORDER BY id` + t.ForUpdate()
	})
}

func (t *tx) DonationsOfPayments(ctx context.Context, intents []string) ([]app.PaidGift, error) {
	return allIn(ctx, t, func(r row) (app.PaidGift, error) {
		var g app.PaidGift
		at := &g.Attribution
		err := r.Scan(&g.ID, &g.PaymentIntentID, &g.ChargeID, &g.Traceparent, &g.PlanID, &g.Delayable,
			&at.OrganizationID, &at.AppealID, &at.FundCode, &at.FundClass, &at.FundraiserID, &at.TeamID, &at.ShareCode)
		return g, err
	}, intents, func(count int) string {
		return `SELECT id, payment_intent_id, charge_id, traceparent, plan_id, delayable,
				organization_id, appeal_id, fund_code, fund_class, fundraiser_id, team_id, share_code FROM donation
			WHERE payment_intent_id <> '' AND payment_intent_id IN ` + in(count, 1) + ` AND ` + unindexed("state") + ` = 'succeeded'`
	})
}

func (t *tx) UpdateDonations(ctx context.Context, donations []domain.Donation) error {
	const columns = 19
	for piece := range database.Pieces(donations) {
		args := make([]any, 0, len(piece)*columns)
		for _, d := range piece {
			args = append(args, d.ID, string(d.State), d.AccountID, d.Attempt, d.SessionID, d.PaymentIntentID, d.ChargeID,
				d.PaidAt, d.SucceededAt, flag(d.Late), d.DeclineCode, d.DeclinedAt, d.WebhookReceivedAt, d.CheckAt, d.InvoiceID,
				d.Version, d.ReturnedMinor, string(d.Dispute), flag(d.Delayable))
		}
		_, err := t.ExecContext(ctx, `WITH v(id, state, account_id, attempt, session_id, payment_intent_id, charge_id,
				paid_at, succeeded_at, late, decline_code, declined_at, webhook_received_at, check_at, invoice_id,
				version, returned_minor, dispute, delayable) AS (VALUES `+
			database.CastPlaceholders(len(piece), "TEXT", "TEXT", "TEXT", "BIGINT", "TEXT", "TEXT", "TEXT",
				"BIGINT", "BIGINT", "BIGINT", "TEXT", "BIGINT", "BIGINT", "BIGINT", "TEXT", "BIGINT", "BIGINT", "TEXT", "BIGINT")+`)
			UPDATE donation SET state = v.state, account_id = v.account_id, attempt = v.attempt, session_id = v.session_id,
				payment_intent_id = v.payment_intent_id, charge_id = v.charge_id, paid_at = v.paid_at,
				succeeded_at = v.succeeded_at, late = v.late, decline_code = v.decline_code, declined_at = v.declined_at,
				webhook_received_at = v.webhook_received_at, check_at = v.check_at, invoice_id = v.invoice_id, version = v.version,
				returned_minor = v.returned_minor, dispute = v.dispute, delayable = v.delayable
			FROM v WHERE donation.id = v.id`, args...)
		if err != nil {
			return fmt.Errorf("update %d donations: %w", len(donations), err)
		}
	}
	return nil
}

func (t *tx) SaveFees(ctx context.Context, fees []app.Fee) error {
	for piece := range database.Pieces(fees) {
		args := make([]any, 0, len(piece)*5)
		for _, f := range piece {
			args = append(args, f.DonationID, f.TransactionID, f.Amount.Minor, f.Amount.Currency.Code(), f.PaymentMethod)
		}
		_, err := t.ExecContext(ctx, `WITH v(id, balance_transaction_id, fee_minor, fee_currency, payment_method) AS (VALUES `+
			database.CastPlaceholders(len(piece), "TEXT", "TEXT", "BIGINT", "TEXT", "TEXT")+`)
			UPDATE donation SET balance_transaction_id = v.balance_transaction_id, fee_minor = v.fee_minor,
				fee_currency = v.fee_currency, payment_method = v.payment_method
			FROM v WHERE donation.id = v.id`, args...)
		if err != nil {
			return fmt.Errorf("save %d fees: %w", len(fees), err)
		}
	}
	return nil
}

func (t *tx) DueDonations(ctx context.Context, now int64, limit int) ([]domain.Donation, error) {
	return all(ctx, t, scanDonation, `SELECT `+donationColumns+` FROM donation WHERE check_at > 0 AND check_at <= $1
		AND state IN ('created', 'checkout_open', 'processing') ORDER BY check_at, id LIMIT $2`, now, limit)
}

func (t *tx) ClaimAsk(ctx context.Context, donationID string, now, notSince int64) (bool, error) {
	result, err := t.ExecContext(ctx, `UPDATE donation SET asked_at = $2 WHERE id = $1 AND asked_at <= $3`, donationID, now, notSince)
	if err != nil {
		return false, fmt.Errorf("claim the question: %w", err)
	}
	count, err := result.RowsAffected()
	return count == 1, err
}

func (t *tx) Donor(ctx context.Context, donationID string) (domain.Donor, error) {
	return one(ctx, t, func(r row) (domain.Donor, error) {
		var d domain.Donor
		err := r.Scan(&d.Name, &d.Email, &d.Message, &d.Language)
		return d, err
	}, `SELECT name, email, message, language FROM donor WHERE donation_id = $1`, donationID)
}

func (t *tx) Donors(ctx context.Context, ids []string) (map[string]domain.Donor, error) {
	type named struct {
		id string
		domain.Donor
	}
	list, err := allIn(ctx, t, func(r row) (named, error) {
		var n named
		err := r.Scan(&n.id, &n.Name, &n.Email, &n.Message, &n.Language)
		return n, err
	}, ids, func(count int) string {
		return `SELECT donation_id, name, email, message, language FROM donor WHERE donation_id IN ` + in(count, 1)
	})
	donors := make(map[string]domain.Donor, len(list))
	for _, n := range list {
		donors[n.id] = n.Donor
	}
	return donors, err
}

func (t *tx) PublicGifts(ctx context.Context, ids []string) ([]app.PublicRow, error) {
	return allIn(ctx, t, func(r row) (app.PublicRow, error) {
		var p app.PublicRow
		err := r.Scan(&p.DonationID, &p.Visibility, &p.Donor.Name, &p.Donor.Message)
		return p, err
	}, ids, func(count int) string {
		return `SELECT donation.id, visibility, name, message FROM donation JOIN donor ON donor.donation_id = donation.id
			WHERE donation.id IN ` + in(count, 1) + ` AND ` + unindexed("state") + ` = 'succeeded'`
	})
}

func (t *tx) GiftSums(ctx context.Context) ([]app.GiftSum, error) {
	return all(ctx, t, func(r row) (app.GiftSum, error) {
		var s app.GiftSum
		err := r.Scan(&s.OrganizationID, &s.Currency, &s.GiftMinor, &s.CoverMinor, &s.Gifts)
		return s, err
	}, `SELECT organization_id, currency,
			CAST(SUM(CASE WHEN returned_minor < gift_minor THEN gift_minor - returned_minor ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN returned_minor <= gift_minor THEN cover_minor
				WHEN returned_minor < gift_minor + cover_minor THEN gift_minor + cover_minor - returned_minor ELSE 0 END) AS BIGINT),
			COUNT(*)
		FROM donation WHERE state = 'succeeded' GROUP BY organization_id, currency ORDER BY organization_id, currency`)
}

// Standing reads the ends of indexes: it is asked again and again.
func (t *tx) Standing(ctx context.Context) (app.Standing, error) {
	var s app.Standing
	for _, part := range []struct {
		query string
		into  []any
	}{
		{`SELECT COALESCE((SELECT received_at FROM stripe_event ORDER BY seq DESC LIMIT 1), 0)`, []any{&s.LastWebhook}},
		{`SELECT COUNT(*), COALESCE(MIN(received_at), 0) FROM stripe_due JOIN stripe_event ON stripe_event.seq = stripe_due.seq`,
			[]any{&s.Undone, &s.OldestUndone}},
		{`SELECT COUNT(CASE WHEN reason <> '` + string(domain.ChargedAfterEnd) + `' THEN 1 END), COUNT(CASE WHEN reason = '` + string(domain.ChargedAfterEnd) + `' THEN 1 END)
			FROM stripe_event WHERE state = 'parked'`, []any{&s.Parked, &s.ChargedAfterEnd}},
		{`SELECT COUNT(*), COALESCE(MIN(succeeded_at), 0) FROM donation WHERE state = 'succeeded' AND balance_transaction_id = ''`,
			[]any{&s.Feeless, &s.OldestFeeless}},
	} {
		err := t.QueryRowContext(ctx, part.query).Scan(part.into...)
		if err != nil {
			return app.Standing{}, fmt.Errorf("read what is not finished: %w", err)
		}
	}
	return s, nil
}

func (t *tx) GiftsWithoutFee(ctx context.Context) (int64, error) {
	return one(ctx, t, scanNumber, `SELECT COUNT(*) FROM donation WHERE state = 'succeeded' AND balance_transaction_id = ''`)
}
