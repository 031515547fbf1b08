package store

import (
	"context"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
)

// The three sums are compared with each other by the audit, so none is made
// from another: appeals from their totals, pages from theirs, direct gifts from
// the gifts themselves.

// AppealSums is app.Reader's.
func (t *boundTx) AppealSums(ctx context.Context) ([]app.Sum, error) {
	return t.sums(ctx, `SELECT organization_id, currency, CAST(SUM(settled_minor) AS BIGINT)
		FROM appeal_total JOIN appeal ON id = appeal_id GROUP BY organization_id, currency`)
}

// PageSums is app.Reader's.
func (t *boundTx) PageSums(ctx context.Context) ([]app.Sum, error) {
	return t.sums(ctx, `SELECT organization_id, currency, CAST(SUM(settled_minor) AS BIGINT)
		FROM fundraiser_total JOIN fundraiser ON fundraiser.id = fundraiser_id JOIN appeal ON appeal.id = appeal_id
		GROUP BY organization_id, currency`)
}

// DirectSums is app.Reader's.
func (t *boundTx) DirectSums(ctx context.Context) ([]app.Sum, error) {
	return t.sums(ctx, `SELECT organization_id, currency, CAST(SUM(gift_minor - returned_minor) AS BIGINT)
		FROM gift WHERE fundraiser_id = '' GROUP BY organization_id, currency`)
}

func (t *boundTx) sums(ctx context.Context, query string) ([]app.Sum, error) {
	rows, err := t.tx.QueryContext(ctx, query)
	sums, err := all(rows, err, func(row scanner) (app.Sum, error) {
		var s app.Sum
		err := row.Scan(&s.OrganizationID, &s.Currency, &s.Minor)
		return s, err
	})
	return sums, wrap("add up", err)
}
