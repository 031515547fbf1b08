package store

import (
	"context"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// Fold is what of the receipts follows from the events alone, by donation: that
// there is one or that one is due, and for what, and what happened to the gift. Whose name is on it and which
// number it has, donation and the moment decided.
func Fold(ctx context.Context, q database.Querier) (feed.Fold, error) {
	var fold feed.Fold
	err := fold.Add(ctx, q, `SELECT donation_id, organization_id, gift_minor, cover_minor, currency, payment_reference FROM receipt WHERE version = 1
		UNION SELECT donation_id, organization_id, gift_minor, cover_minor, currency, payment_reference FROM receipt_due
		ORDER BY 1, 3, 4`)
	if err != nil {
		return feed.Fold{}, err
	}
	err = fold.Add(ctx, q, `SELECT donation_id, kind, object, gift_minor, cover_minor, currency FROM gift_change ORDER BY 1, 2, 3`)
	return fold, err
}
