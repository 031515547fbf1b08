package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

const (
	pageColumns = `id, appeal_id, slug, title, owner_name, story, goal_minor, state`
	selectPage  = `SELECT ` + pageColumns + `, settled_minor, gifts, as_of
		FROM fundraiser JOIN fundraiser_total ON fundraiser_id = id`
)

func scanPage(row scanner) (app.Page, error) {
	var p app.Page
	err := row.Scan(&p.ID, &p.AppealID, &p.Slug, &p.Title, &p.Owner, list[string]{&p.Story}, &p.Goal, &p.State,
		&p.Total.Settled, &p.Total.Gifts, &p.Total.AsOf)
	return p, err
}

// Pages is app.Reader's.
func (t *boundTx) Pages(ctx context.Context) ([]domain.Page, error) {
	rows, err := t.tx.QueryContext(ctx, selectPage+` ORDER BY slug`)
	pages, err := all(rows, err, func(row scanner) (domain.Page, error) {
		page, err := scanPage(row)
		return page.Page, err
	})
	return pages, wrap("read fundraisers", err)
}

// PageBySlug is app.Reader's.
func (t *boundTx) PageBySlug(ctx context.Context, slug string) (app.Page, bool, error) {
	page, found, err := one(t.tx.QueryRowContext(ctx, selectPage+` WHERE slug = $1`, slug), scanPage)
	return page, found, wrap("read fundraiser", err)
}

// TopPages is app.Reader's.
func (t *boundTx) TopPages(ctx context.Context, appealID string, limit int) ([]app.Page, error) {
	rows, err := t.tx.QueryContext(ctx, selectPage+` WHERE appeal_id = $1 AND state = $2
		ORDER BY settled_minor DESC, slug LIMIT $3`, appealID, string(domain.Live), limit)
	pages, err := all(rows, err, scanPage)
	return pages, wrap("read top fundraisers", err)
}

// PutPage is app.Tx's.
func (t *boundTx) PutPage(ctx context.Context, p domain.Page) error {
	_, err := t.tx.ExecContext(ctx, `INSERT INTO fundraiser (`+pageColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, owner_name = excluded.owner_name,
			story = excluded.story, goal_minor = excluded.goal_minor, state = excluded.state`,
		p.ID, p.AppealID, p.Slug, p.Title, p.Owner, encode(p.Story), p.Goal, string(p.State))
	if err != nil {
		return fmt.Errorf("put fundraiser: %w", err)
	}
	_, err = t.tx.ExecContext(ctx, `INSERT INTO fundraiser_total (fundraiser_id, settled_minor, gifts, as_of)
		VALUES ($1, 0, 0, 0) ON CONFLICT (fundraiser_id) DO NOTHING`, p.ID)
	return wrap("put fundraiser's total", err)
}
