package store

import (
	"context"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// EnsureSupporter is app.Tx's.
func (t *boundTx) EnsureSupporter(ctx context.Context, s domain.Supporter) (string, error) {
	var id string
	// The update changes nothing; it is what makes the row that was there
	// already come back, whoever added it and however short ago.
	err := t.tx.QueryRowContext(ctx, `INSERT INTO supporter (id, email, display_name, language, mail_gifts, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id`,
		s.ID, s.Email, s.DisplayName, s.Language, number(s.MailGifts), micros(s.CreatedAt)).Scan(&id)
	return id, wrap("put supporter", err)
}

// number is how a truth is kept: SQLite has none.
func number(truth bool) int64 {
	if truth {
		return 1
	}
	return 0
}

// Supporter is app.Reader's.
func (t *boundTx) Supporter(ctx context.Context, id string) (domain.Supporter, bool, error) {
	row := t.tx.QueryRowContext(ctx, `SELECT id, email, display_name, language, mail_gifts, created_at FROM supporter WHERE id = $1`, id)
	s, found, err := one(row, func(row scanner) (domain.Supporter, error) {
		var s domain.Supporter
		var mails, created int64
		err := row.Scan(&s.ID, &s.Email, &s.DisplayName, &s.Language, &mails, &created)
		s.MailGifts, s.CreatedAt = mails == 1, fromMicros(created)
		return s, err
	})
	return s, found, wrap("read supporter", err)
}

// UpdateSupporter is app.Tx's.
func (t *boundTx) UpdateSupporter(ctx context.Context, s domain.Supporter) error {
	_, err := t.tx.ExecContext(ctx, `UPDATE supporter SET display_name = $1, language = $2, mail_gifts = $3 WHERE id = $4`,
		s.DisplayName, s.Language, number(s.MailGifts), s.ID)
	return wrap("update supporter", err)
}

// LockSupporter is app.Tx's.
func (t *boundTx) LockSupporter(ctx context.Context, id string) (bool, error) {
	_, found, err := one(t.tx.QueryRowContext(ctx, `SELECT id FROM supporter WHERE id = $1`+t.tx.ForUpdate(), id),
		func(row scanner) (string, error) {
			var id string
			err := row.Scan(&id)
			return id, err
		})
	return found, wrap("lock supporter", err)
}

const (
	isOwn   = ` WHERE supporter_id = $1 AND supporter_id <> '' AND page.id = $2`
	isDraft = ` WHERE page.id = $1 AND unclaimed = 1`
)

// OwnPages is app.Reader's.
func (t *boundTx) OwnPages(ctx context.Context, supporterID string) ([]app.Page, error) {
	// Said twice so that SQLite sees that the partial index will do.
	return t.pages(ctx, ` WHERE supporter_id = $1 AND supporter_id <> '' ORDER BY created_at DESC, page.id`, supporterID)
}

// OwnPage is app.Reader's.
func (t *boundTx) OwnPage(ctx context.Context, supporterID, id string) (app.Page, bool, error) {
	return t.page(ctx, isOwn, supporterID, id)
}

// LockOwnPage is app.Tx's.
func (t *boundTx) LockOwnPage(ctx context.Context, supporterID, id string) (app.Page, bool, error) {
	return t.page(ctx, isOwn+t.forUpdateOfPage(), supporterID, id)
}

// Draft is app.Reader's.
func (t *boundTx) Draft(ctx context.Context, id string) (app.Page, bool, error) {
	return t.page(ctx, isDraft, id)
}

// LockDraft is app.Tx's.
func (t *boundTx) LockDraft(ctx context.Context, id string) (app.Page, bool, error) {
	return t.page(ctx, isDraft+t.forUpdateOfPage(), id)
}

// forUpdateOfPage locks the page alone: its totals are counted on meanwhile.
func (t *boundTx) forUpdateOfPage() string {
	lock := t.tx.ForUpdate()
	if lock != "" {
		lock += " OF page"
	}
	return lock
}

// PageExists is app.Reader's.
func (t *boundTx) PageExists(ctx context.Context, id string) (bool, error) {
	var pages int64
	err := t.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM fundraiser WHERE id = $1`, id).Scan(&pages)
	return pages > 0, wrap("look for fundraiser", err)
}

// SlugOwners is app.Reader's.
func (t *boundTx) SlugOwners(ctx context.Context, slugs []string) (map[string]string, error) {
	owners := map[string]string{}
	if len(slugs) == 0 {
		return owners, nil
	}
	arguments := make([]any, 0, len(slugs))
	for _, slug := range slugs {
		arguments = append(arguments, slug)
	}
	rows, err := t.tx.QueryContext(ctx, `SELECT slug, id FROM fundraiser WHERE slug IN `+database.Placeholders(1, len(slugs)), arguments...)
	_, err = all(rows, err, func(row scanner) (struct{}, error) {
		var slug, id string
		err := row.Scan(&slug, &id)
		owners[slug] = id
		return struct{}{}, err
	})
	return owners, wrap("read addresses", err)
}

// CountDrafts is app.Reader's.
func (t *boundTx) CountDrafts(ctx context.Context, since time.Time) (count, recent int64, err error) {
	err = t.tx.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN created_at >= $1 THEN 1 END) FROM fundraiser WHERE unclaimed = 1`,
		micros(since)).Scan(&count, &recent)
	return count, recent, wrap("count drafts", err)
}

// OldDrafts is app.Reader's.
func (t *boundTx) OldDrafts(ctx context.Context, before time.Time, limit int) ([]string, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT id FROM fundraiser WHERE unclaimed = 1 AND created_at < $1
		ORDER BY created_at, id LIMIT $2`, micros(before), limit)
	ids, err := all(rows, err, func(row scanner) (string, error) {
		var id string
		err := row.Scan(&id)
		return id, err
	})
	return ids, wrap("read old drafts", err)
}

// RemovePage is app.Tx's.
func (t *boundTx) RemovePage(ctx context.Context, id string) error {
	for _, statement := range []string{
		`DELETE FROM fundraiser_total WHERE fundraiser_id = $1 AND gifts = 0`,
		`DELETE FROM fundraiser WHERE id = $1 AND state = 'draft'`,
	} {
		gone, err := t.tx.ExecContext(ctx, statement, id)
		if err != nil {
			return fmt.Errorf("remove fundraiser: %w", err)
		}
		rows, err := gone.RowsAffected()
		if err != nil {
			return fmt.Errorf("remove fundraiser: %w", err)
		}
		if rows != 1 {
			return fmt.Errorf("remove fundraiser %s: it is no draft without gifts", id)
		}
	}
	return nil
}
