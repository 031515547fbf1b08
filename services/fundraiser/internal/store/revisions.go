package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// Changed is app.Store's.
func (s *Store) Changed() <-chan struct{} { return s.changed }

// signal never waits: a signal that is there already says the same.
func (s *Store) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// reviseCatalogue raises the catalogue's revision, once a transaction however
// much it writes, and returns it. Everything here that writes the catalogue
// calls it, so that no use case can forget to. Writers wait for each other at
// its row: revisions become visible in their order.
func (t *boundTx) reviseCatalogue(ctx context.Context) (int64, error) {
	if t.catalogueRevision > 0 {
		return t.catalogueRevision, nil
	}
	number, err := t.revise(ctx, "catalogue")
	if err != nil {
		return 0, err
	}
	t.catalogueRevision = number
	return number, nil
}

// revise raises one of the revisions and wakes who looks for changes once that
// is durable.
func (t *boundTx) revise(ctx context.Context, part string) (int64, error) {
	var number int64
	err := t.tx.QueryRowContext(ctx, `UPDATE revision SET number = number + 1 WHERE part = $1 RETURNING number`, part).Scan(&number)
	if err != nil {
		return 0, fmt.Errorf("raise revision of %s: %w", part, err)
	}
	t.tx.AfterCommit(t.signal)
	return number, nil
}

// Revision is app.Reader's.
func (t *boundTx) Revision(ctx context.Context) (app.Revision, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT part, number FROM revision`)
	parts, err := all(rows, err, func(row scanner) (part struct {
		name   string
		number int64
	}, err error) {
		err = row.Scan(&part.name, &part.number)
		return part, err
	})
	if err != nil {
		return app.Revision{}, fmt.Errorf("read revision: %w", err)
	}
	var revision app.Revision
	for _, part := range parts {
		switch part.name {
		case "catalogue":
			revision.Catalogue = part.number
		case "totals":
			revision.Totals = part.number
		}
	}
	return revision, nil
}

// PagesSince is app.Reader's.
func (t *boundTx) PagesSince(ctx context.Context, revision int64) ([]app.Page, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT id, appeal_id, slug, state, `+totalColumns+`
		FROM fundraiser JOIN fundraiser_total ON fundraiser_id = id WHERE catalogue_revision > $1`, revision)
	pages, err := all(rows, err, func(row scanner) (app.Page, error) {
		var p app.Page
		err := row.Scan(append([]any{&p.ID, &p.AppealID, &p.Slug, &p.State}, totalFields(&p.Total)...)...)
		return p, err
	})
	return pages, wrap("read changed fundraisers", err)
}

// TotalsSince is app.Reader's.
func (t *boundTx) TotalsSince(ctx context.Context, revision int64) (map[string]domain.Total, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT appeal_id, `+totalColumns+` FROM appeal_total WHERE totals_revision > $1
		UNION ALL SELECT fundraiser_id, `+totalColumns+` FROM fundraiser_total WHERE totals_revision > $1`, revision)
	changed := map[string]domain.Total{}
	_, err = all(rows, err, func(row scanner) (struct{}, error) {
		var id string
		var total domain.Total
		err := row.Scan(append([]any{&id}, totalFields(&total)...)...)
		changed[id] = total
		return struct{}{}, err
	})
	return changed, wrap("read changed totals", err)
}
