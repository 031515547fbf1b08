package store

import (
	"context"
	"fmt"
	"math"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const (
	pageColumns = `id, appeal_id, slug, title, owner_name, story, goal_minor, state, supporter_id, unclaimed,
		state_before, taken_down_reason, version, created_at, published_at, photo_id`
	selectPage = `SELECT page.id, appeal_id, slug, title, owner_name, story, goal_minor, state, supporter_id, unclaimed,
			state_before, taken_down_reason, version, created_at, published_at,
			photo_id, COALESCE(alt, ''), COALESCE(width, 0), COALESCE(height, 0), COALESCE(widths, 'null'),
			` + totalColumns + `
		FROM fundraiser AS page JOIN fundraiser_total ON fundraiser_id = page.id LEFT JOIN image ON image.id = photo_id`
)

func scanPage(row scanner) (app.Page, error) {
	var p app.Page
	var unclaimed, created, published int64
	err := row.Scan(append([]any{&p.ID, &p.AppealID, &p.Slug, &p.Title, &p.Owner, &p.Story, &p.Goal, &p.State, &p.SupporterID,
		&unclaimed, &p.StateBefore, &p.Reason, &p.Version, &created, &published,
		&p.Photo.ID, &p.Photo.Alt, &p.Photo.Width, &p.Photo.Height, list[int]{&p.Photo.Widths}},
		totalFields(&p.Total)...)...)
	p.Unclaimed = unclaimed == 1
	p.CreatedAt, p.PublishedAt = fromMicros(created), fromMicros(published)
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
	return t.page(ctx, ` WHERE slug = $1`, slug)
}

// LockPage is app.Tx's.
func (t *boundTx) LockPage(ctx context.Context, id string) (app.Page, bool, error) {
	return t.page(ctx, ` WHERE page.id = $1`+t.forUpdateOfPage(), id)
}

func (t *boundTx) page(ctx context.Context, where string, keys ...any) (app.Page, bool, error) {
	page, found, err := one(t.tx.QueryRowContext(ctx, selectPage+where, keys...), scanPage)
	return page, found, wrap("read fundraiser", err)
}

// TopPages is app.Reader's.
func (t *boundTx) TopPages(ctx context.Context, appealID string, limit int) ([]app.Page, error) {
	return t.pages(ctx, ` WHERE appeal_id = $1 AND state = $2
		ORDER BY settled_minor DESC, slug LIMIT $3`, appealID, string(domain.Live), limit)
}

// PublishedPages is app.Reader's.
func (t *boundTx) PublishedPages(ctx context.Context, after app.PageCursor, limit int) ([]app.Page, error) {
	before, id := int64(math.MaxInt64), ""
	if after.ID != "" {
		before, id = micros(after.PublishedAt), after.ID
	}
	return t.pages(ctx, ` WHERE state <> 'draft' AND (published_at < $1 OR (published_at = $1 AND page.id > $2))
		ORDER BY published_at DESC, page.id LIMIT $3`, before, id, limit)
}

func (t *boundTx) pages(ctx context.Context, where string, keys ...any) ([]app.Page, error) {
	rows, err := t.tx.QueryContext(ctx, selectPage+where, keys...)
	pages, err := all(rows, err, scanPage)
	return pages, wrap("read fundraisers", err)
}

// PutPage is app.Tx's.
func (t *boundTx) PutPage(ctx context.Context, p domain.Page) error {
	return t.writePage(ctx, p, `
		ON CONFLICT (id) DO UPDATE SET appeal_id = excluded.appeal_id, slug = excluded.slug, title = excluded.title,
			owner_name = excluded.owner_name, story = excluded.story, goal_minor = excluded.goal_minor,
			state = excluded.state, supporter_id = excluded.supporter_id, unclaimed = excluded.unclaimed,
			state_before = excluded.state_before, taken_down_reason = excluded.taken_down_reason,
			version = excluded.version, created_at = excluded.created_at, published_at = excluded.published_at,
			photo_id = excluded.photo_id, catalogue_revision = excluded.catalogue_revision`)
}

// AddPage is app.Tx's.
func (t *boundTx) AddPage(ctx context.Context, p domain.Page) error { return t.writePage(ctx, p, "") }

func (t *boundTx) writePage(ctx context.Context, p domain.Page, onConflict string) error {
	revision, err := t.revisePage(ctx, p)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, `INSERT INTO fundraiser (`+pageColumns+`, catalogue_revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`+onConflict,
		p.ID, p.AppealID, p.Slug, p.Title, p.Owner, p.Story, p.Goal, string(p.State), p.SupporterID, number(p.Unclaimed),
		string(p.StateBefore), p.Reason, p.Version, micros(p.CreatedAt), micros(p.PublishedAt), p.Photo.ID, revision)
	if database.IsUniqueViolation(err) {
		return fmt.Errorf("put fundraiser: %w", app.ErrPageTaken)
	}
	if err != nil {
		return fmt.Errorf("put fundraiser: %w", err)
	}
	_, err = t.tx.ExecContext(ctx, `INSERT INTO fundraiser_total (fundraiser_id, settled_minor, gifts, as_of)
		VALUES ($1, 0, 0, 0) ON CONFLICT (fundraiser_id) DO NOTHING`, p.ID)
	return wrap("put fundraiser's total", err)
}

// revisePage raises the catalogue's revision for a page that is written, unless
// nobody sees it before and after: anybody can write drafts, and what pages were
// drawn from must not be thrown away for that.
func (t *boundTx) revisePage(ctx context.Context, p domain.Page) (int64, error) {
	if p.State == domain.Draft {
		before, found, err := one(t.tx.QueryRowContext(ctx, `SELECT state FROM fundraiser WHERE id = $1`, p.ID),
			func(row scanner) (state domain.State, err error) {
				err = row.Scan(&state)
				return state, err
			})
		if err != nil {
			return 0, fmt.Errorf("read state of fundraiser: %w", err)
		}
		if !found || before == domain.Draft {
			return 0, nil
		}
	}
	return t.reviseCatalogue(ctx)
}
