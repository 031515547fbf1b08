package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const (
	appealColumns = `id, organization_id, slug, kind, state, title, summary, story, currency, suggested,
		minimum_minor, goal_minor, goal_count, goal_unit, unit_cost_minor, starts_at, ends_at,
		cover_rate_ppm, cover_fixed_minor, was_published, version`
	selectAppeal = `SELECT ` + appealColumns + `, ` + totalColumns + `
		FROM appeal JOIN appeal_total ON appeal_id = id`
)

func scanAppeal(row scanner) (app.Appeal, error) {
	var a app.Appeal
	var currency string
	var starts, ends, published int64
	err := row.Scan(append([]any{&a.ID, &a.OrganizationID, &a.Slug, &a.Kind, &a.State, &a.Title, &a.Summary,
		&a.Story, &currency, list[int64]{&a.Suggested}, &a.Minimum, &a.Goal, &a.GoalCount,
		&a.GoalUnit, &a.UnitCost, &starts, &ends, &a.CoverRatePPM, &a.CoverFixed,
		&published, &a.Version}, totalFields(&a.Total)...)...)
	if err != nil {
		return app.Appeal{}, err
	}
	a.StartsAt, a.EndsAt = fromMicros(starts), fromMicros(ends)
	a.WasPublished = published == 1
	a.Currency, err = money.ParseCurrency(currency)
	return a, err
}

// Appeals is app.Reader's.
func (t *boundTx) Appeals(ctx context.Context) ([]app.Appeal, error) {
	rows, err := t.tx.QueryContext(ctx, selectAppeal+` ORDER BY ordinal`)
	appeals, err := all(rows, err, scanAppeal)
	if err != nil {
		return nil, fmt.Errorf("read appeals: %w", err)
	}
	funds, err := t.appealFunds(ctx, "")
	if err != nil {
		return nil, err
	}
	for i := range appeals {
		appeals[i] = withFunds(appeals[i], funds)
	}
	return appeals, nil
}

// AppealBySlug is app.Reader's.
func (t *boundTx) AppealBySlug(ctx context.Context, slug string) (app.Appeal, bool, error) {
	return t.appeal(ctx, ` WHERE slug = $1`, slug)
}

// AppealByID is app.Reader's.
func (t *boundTx) AppealByID(ctx context.Context, id string) (app.Appeal, bool, error) {
	return t.appeal(ctx, ` WHERE id = $1`, id)
}

func (t *boundTx) appeal(ctx context.Context, where, key string) (app.Appeal, bool, error) {
	appeal, found, err := one(t.tx.QueryRowContext(ctx, selectAppeal+where, key), scanAppeal)
	if err != nil || !found {
		return app.Appeal{}, false, wrap("read appeal", err)
	}
	funds, err := t.appealFunds(ctx, appeal.ID)
	if err != nil {
		return app.Appeal{}, false, err
	}
	return withFunds(appeal, funds), true, nil
}

type appealFund struct {
	appealID string
	domain.Fund
}

// appealFunds returns the funds of one appeal, or of all for "", in order.
func (t *boundTx) appealFunds(ctx context.Context, appealID string) ([]appealFund, error) {
	query, arguments := `SELECT appeal_id, id, organization_id, code, name, class, version
		FROM appeal_fund JOIN fund ON id = fund_id`, []any{}
	if appealID != "" {
		query, arguments = query+` WHERE appeal_id = $1`, []any{appealID}
	}
	rows, err := t.tx.QueryContext(ctx, query+` ORDER BY appeal_id, ordinal`, arguments...)
	funds, err := all(rows, err, func(row scanner) (appealFund, error) {
		var f appealFund
		err := row.Scan(&f.appealID, &f.ID, &f.OrganizationID, &f.Code, &f.Name, &f.Class, &f.Version)
		return f, err
	})
	return funds, wrap("read funds of appeals", err)
}

func withFunds(a app.Appeal, funds []appealFund) app.Appeal {
	for _, f := range funds {
		if f.appealID == a.ID {
			a.Funds = append(a.Funds, f.Fund)
			a.FundCodes = append(a.FundCodes, f.Code)
		}
	}
	return a
}

// PutAppeal is app.Tx's.
func (t *boundTx) PutAppeal(ctx context.Context, a domain.Appeal) error {
	published := int64(0)
	if a.WasPublished {
		published = 1
	}
	_, err := t.tx.ExecContext(ctx, `INSERT INTO appeal (`+appealColumns+`, ordinal)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CAST($11 AS BIGINT), CAST($12 AS BIGINT), CAST($13 AS BIGINT),
			$14, CAST($15 AS BIGINT), CAST($16 AS BIGINT), CAST($17 AS BIGINT), CAST($18 AS BIGINT),
			CAST($19 AS BIGINT), CAST($20 AS BIGINT), CAST($21 AS BIGINT), COALESCE(MAX(ordinal), 0) + 1 FROM appeal WHERE true
		ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, currency = excluded.currency, kind = excluded.kind, state = excluded.state, title = excluded.title,
			summary = excluded.summary, story = excluded.story, suggested = excluded.suggested,
			minimum_minor = excluded.minimum_minor, goal_minor = excluded.goal_minor,
			goal_count = excluded.goal_count, goal_unit = excluded.goal_unit,
			unit_cost_minor = excluded.unit_cost_minor, starts_at = excluded.starts_at,
			ends_at = excluded.ends_at, cover_rate_ppm = excluded.cover_rate_ppm,
			cover_fixed_minor = excluded.cover_fixed_minor,
			was_published = excluded.was_published, version = excluded.version`,
		a.ID, a.OrganizationID, a.Slug, string(a.Kind), string(a.State), a.Title, a.Summary, a.Story,
		a.Currency.Code(), encode(a.Suggested), a.Minimum, a.Goal, a.GoalCount, a.GoalUnit, a.UnitCost,
		micros(a.StartsAt), micros(a.EndsAt), a.CoverRatePPM, a.CoverFixed, published, a.Version)
	if err != nil {
		return fmt.Errorf("put appeal: %w", err)
	}
	_, err = t.reviseCatalogue(ctx)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, `INSERT INTO appeal_total (appeal_id, settled_minor, gifts, as_of)
		VALUES ($1, 0, 0, 0) ON CONFLICT (appeal_id) DO NOTHING`, a.ID)
	if err != nil {
		return fmt.Errorf("put appeal's total: %w", err)
	}
	_, err = t.tx.ExecContext(ctx, `DELETE FROM appeal_fund WHERE appeal_id = $1`, a.ID)
	if err != nil {
		return fmt.Errorf("clear appeal's funds: %w", err)
	}
	var links []any
	for i, code := range a.FundCodes {
		links = append(links, a.ID, int64(i), domain.FundID(a.OrganizationID, code))
	}
	if len(links) == 0 {
		return nil
	}
	_, err = t.tx.ExecContext(ctx, `INSERT INTO appeal_fund (appeal_id, ordinal, fund_id) VALUES `+
		database.Placeholders(len(a.FundCodes), 3), links...)
	return wrap("put appeal's funds", err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
