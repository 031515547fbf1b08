package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const planColumns = `id, donation_id, donor_key, status, account_id, subscription_id, customer_id, gift_minor, cover_minor,
	next_at, ends_at, paused_until, failed, retry_at, started_at, looked_at, cancel_asked_at, cancel_by, check_at, version, created_at`

const planColumnCount = 21

func scanPlan(r row) (domain.Plan, error) {
	var p domain.Plan
	var created int64 // the first gift's
	err := r.Scan(&p.ID, &p.First.ID, &p.DonorKey, &p.Status, &p.AccountID, &p.SubscriptionID, &p.CustomerID, &p.Gift.Minor, &p.Cover.Minor,
		&p.NextAt, &p.EndsAt, &p.PausedUntil, &p.Failed, &p.RetryAt, &p.StartedAt, &p.LookedAt, &p.CancelAskedAt, &p.CancelBy,
		&p.CheckAt, &p.Version, &created)
	return p, err
}

func (t *tx) InsertPlan(ctx context.Context, p domain.Plan) error {
	_, err := t.ExecContext(ctx, `INSERT INTO recurring_plan (`+planColumns+`) VALUES `+database.Placeholders(1, planColumnCount),
		p.ID, p.First.ID, p.DonorKey, string(p.Status), p.AccountID, p.SubscriptionID, p.CustomerID, p.Gift.Minor, p.Cover.Minor,
		p.NextAt, p.EndsAt, p.PausedUntil, flag(p.Failed), p.RetryAt, p.StartedAt, p.LookedAt, p.CancelAskedAt, p.CancelBy,
		p.CheckAt, p.Version, p.First.CreatedAt)
	if err != nil {
		return fmt.Errorf("insert plan: %w", err)
	}
	return nil
}

// whole gives plans the gifts that they began with, which say what they give to.
func (t *tx) whole(ctx context.Context, plans []domain.Plan, err error) ([]domain.Plan, error) {
	if err != nil || len(plans) == 0 {
		return plans, err
	}
	ids := make([]string, len(plans))
	for i, p := range plans {
		ids[i] = p.First.ID
	}
	gifts, err := allIn(ctx, t, scanDonation, ids, func(count int) string {
		return `SELECT ` + donationColumns + ` FROM donation WHERE id IN ` + in(count, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("read the first gifts of plans: %w", err)
	}
	first := make(map[string]domain.Donation, len(gifts))
	for _, d := range gifts {
		first[d.ID] = d
	}
	for i := range plans {
		p := &plans[i]
		p.First = first[p.First.ID]
		p.Gift.Currency, p.Cover.Currency = p.First.Gift.Currency, p.First.Gift.Currency
	}
	return plans, nil
}

func (t *tx) Plan(ctx context.Context, id string) (domain.Plan, error) {
	list, err := all(ctx, t, scanPlan, `SELECT `+planColumns+` FROM recurring_plan WHERE id = $1`, id)
	list, err = t.whole(ctx, list, err)
	if err != nil || len(list) == 0 {
		return domain.Plan{}, none(err)
	}
	return list[0], nil
}

func none(err error) error {
	if err == nil {
		return app.ErrNone
	}
	return err
}

// LockPlans looks the ids of subscriptions up first, so that all rows are locked in
// the order of ids whichever way they were asked for.
func (t *tx) LockPlans(ctx context.Context, ids, subscriptionIDs []string) ([]domain.Plan, error) {
	linked, err := allIn(ctx, t, scanText, subscriptionIDs, func(count int) string {
		return `SELECT id FROM recurring_plan WHERE subscription_id <> '' AND subscription_id IN ` + in(count, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("find the plans of subscriptions: %w", err)
	}
	wanted := slices.Concat(ids, linked)
	slices.Sort(wanted)
	list, err := allIn(ctx, t, scanPlan, slices.Compact(wanted), func(count int) string {
		return `SELECT ` + planColumns + ` FROM recurring_plan WHERE id IN ` + in(count, 1) + ` ORDER BY id` + t.ForUpdate()
	})
	return t.whole(ctx, list, err)
}

func (t *tx) UpdatePlans(ctx context.Context, plans []domain.Plan) error {
	const columns = 18
	for piece := range database.Pieces(plans) {
		args := make([]any, 0, len(piece)*columns)
		for _, p := range piece {
			args = append(args, p.ID, string(p.Status), p.AccountID, p.SubscriptionID, p.CustomerID, p.Gift.Minor, p.Cover.Minor, p.NextAt,
				p.EndsAt, p.PausedUntil, flag(p.Failed), p.RetryAt, p.StartedAt, p.LookedAt, p.CancelAskedAt, p.CancelBy, p.CheckAt, p.Version)
		}
		_, err := t.ExecContext(ctx, `WITH v(id, status, account_id, subscription_id, customer_id, gift_minor, cover_minor, next_at,
				ends_at, paused_until, failed, retry_at, started_at, looked_at, cancel_asked_at, cancel_by, check_at, version) AS (VALUES `+
			database.CastPlaceholders(len(piece), "TEXT", "TEXT", "TEXT", "TEXT", "TEXT", "BIGINT", "BIGINT", "BIGINT",
				"BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "TEXT", "BIGINT", "BIGINT")+`)
			UPDATE recurring_plan SET status = v.status, account_id = v.account_id, subscription_id = v.subscription_id,
				customer_id = v.customer_id, gift_minor = v.gift_minor, cover_minor = v.cover_minor, next_at = v.next_at,
				ends_at = v.ends_at, paused_until = v.paused_until, failed = v.failed, retry_at = v.retry_at,
				started_at = v.started_at, looked_at = v.looked_at, cancel_asked_at = v.cancel_asked_at,
				cancel_by = v.cancel_by, check_at = v.check_at, version = v.version
			FROM v WHERE recurring_plan.id = v.id`, args...)
		if err != nil {
			return fmt.Errorf("update %d plans: %w", len(plans), err)
		}
	}
	return nil
}

func (t *tx) DuePlans(ctx context.Context, now int64, limit int) ([]domain.Plan, error) {
	list, err := all(ctx, t, scanPlan, `SELECT `+planColumns+` FROM recurring_plan WHERE check_at > 0 AND check_at <= $1
		ORDER BY check_at, id LIMIT $2`, now, limit)
	return t.whole(ctx, list, err)
}

func (t *tx) PlansOfDonor(ctx context.Context, donorKey string) ([]domain.Plan, error) {
	list, err := all(ctx, t, scanPlan, `SELECT `+planColumns+` FROM recurring_plan WHERE donor_key = $1 AND started_at > 0
		AND status NOT IN ('canceled', 'incomplete_expired') ORDER BY created_at, id`, donorKey)
	return t.whole(ctx, list, err)
}

// ListPlans looks a reference up in each column by its own index.
func (t *tx) ListPlans(ctx context.Context, f app.PlanFilter) ([]domain.Plan, error) {
	query, args := `SELECT `+planColumns+` FROM recurring_plan WHERE (created_at < $1 OR (created_at = $1 AND id < $2))`,
		[]any{f.BeforeAt, f.BeforeID, f.Limit}
	if f.Status != "" {
		args = append(args, f.Status)
		query += fmt.Sprintf(` AND status = $%d`, len(args))
	}
	if f.Failed {
		query += ` AND failed = 1`
	}
	if f.Ending {
		// In the words of the index for it.
		query += ` AND cancel_asked_at > 0 AND status NOT IN ('canceled', 'incomplete_expired')`
	}
	if f.Reference != "" {
		args = append(args, f.Reference)
		at := len(args)
		query += fmt.Sprintf(` AND id IN (SELECT id FROM recurring_plan WHERE id = $%d
			UNION SELECT id FROM recurring_plan WHERE subscription_id = $%d AND subscription_id <> ''
			UNION SELECT id FROM recurring_plan WHERE customer_id = $%d AND customer_id <> '')`, at, at, at)
	}
	list, err := all(ctx, t, scanPlan, query+` ORDER BY created_at DESC, id DESC LIMIT $3`, args...)
	return t.whole(ctx, list, err)
}

func (t *tx) Instalments(ctx context.Context, planID string, limit int) ([]domain.Donation, error) {
	return all(ctx, t, scanDonation, `SELECT `+donationColumns+` FROM donation WHERE plan_id = $1 AND plan_id <> ''
		AND state = 'succeeded' ORDER BY created_at DESC, id DESC LIMIT $2`, planID, limit)
}

func (t *tx) LastPaid(ctx context.Context, planID string) (int64, error) {
	at := int64(0)
	err := t.QueryRowContext(ctx, `SELECT COALESCE(MAX(paid_at), 0) FROM donation WHERE plan_id = $1 AND plan_id <> ''
		AND state = 'succeeded'`, planID).Scan(&at)
	if err != nil {
		return 0, fmt.Errorf("read when a plan's newest instalment was charged: %w", err)
	}
	return at, nil
}

func (t *tx) CountInstalments(ctx context.Context, planIDs []string) (map[string]int, error) {
	counts := map[string]int{}
	_, err := allIn(ctx, t, func(r row) (id string, err error) {
		count := 0
		err = r.Scan(&id, &count)
		counts[id] = count
		return id, err
	}, planIDs, func(count int) string {
		return `SELECT plan_id, COUNT(*) FROM donation WHERE plan_id <> '' AND plan_id IN ` + in(count, 1) + ` AND state = 'succeeded' GROUP BY plan_id`
	})
	if err != nil {
		return nil, fmt.Errorf("count instalments: %w", err)
	}
	return counts, nil
}

func (t *tx) KnownInvoices(ctx context.Context, ids []string) (map[string]bool, error) {
	known, err := allIn(ctx, t, scanText, ids, func(count int) string {
		return `SELECT invoice_id FROM donation WHERE invoice_id <> '' AND invoice_id IN ` + in(count, 1) + ` AND state = 'succeeded'`
	})
	if err != nil {
		return nil, fmt.Errorf("find the gifts of invoices: %w", err)
	}
	return setOf(known), nil
}
