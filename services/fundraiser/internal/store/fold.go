package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// Fold is what of the counted gifts follows from the events alone: each gift, and
// the totals. Left out is what depends on when an event came: the time of counting
// and the total that was reached with it.
func Fold(ctx context.Context, q database.Querier) (feed.Fold, error) {
	var fold feed.Fold
	for _, query := range []string{
		`SELECT donation_id, organization_id, appeal_id, fundraiser_id, gift_minor, currency, visibility, paid_at, pos, returned_minor FROM gift`,
		`SELECT donation_id, kind, object, organization_id, appeal_id, fundraiser_id, minor, currency, pos
			FROM gift_fact ORDER BY donation_id, kind, object`,
		`SELECT appeal_id, settled_minor, gifts, processing_minor, refunded_minor, lost_minor, disputed_minor FROM appeal_total`,
		`SELECT fundraiser_id, settled_minor, gifts, processing_minor, refunded_minor, lost_minor, disputed_minor FROM fundraiser_total`,
	} {
		err := fold.Add(ctx, q, query)
		if err != nil {
			return feed.Fold{}, err
		}
	}
	return fold, nil
}

// ForgetGifts takes back every gift that was counted, so that they can be counted
// again in the same transaction.
func ForgetGifts(ctx context.Context, q database.Querier) error {
	for _, statement := range []string{
		`DELETE FROM gift`,
		`DELETE FROM gift_fact`,
		`UPDATE appeal_total SET settled_minor = 0, gifts = 0, as_of = 0, processing_minor = 0, refunded_minor = 0, lost_minor = 0, disputed_minor = 0`,
		`UPDATE fundraiser_total SET settled_minor = 0, gifts = 0, as_of = 0, processing_minor = 0, refunded_minor = 0, lost_minor = 0, disputed_minor = 0`,
	} {
		_, err := q.ExecContext(ctx, statement)
		if err != nil {
			return fmt.Errorf("forget gifts: %w", err)
		}
	}
	return nil
}
