package store

import (
	"context"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// Fold is what of the books follows from the events alone, by business key. Left
// out is what depends on when an event came: the number, the hashes, the time of
// posting, and the day, which is one of the organization's time zone at that time.
func Fold(ctx context.Context, q database.Querier) (feed.Fold, error) {
	var fold feed.Fold
	err := fold.Add(ctx, q, `SELECT business_key, organization_id, rule, rule_version, description, event_id, account_id,
		stripe_ids, donation_id, trace_id, occurred_at FROM journal_entry`)
	if err != nil {
		return feed.Fold{}, err
	}
	err = fold.Add(ctx, q, `SELECT business_key, line, account, currency, minor, fund, appeal_id, fundraiser_id, team_id, channel, item
		FROM journal_entry JOIN posting ON posting.organization_id = journal_entry.organization_id AND posting.number = journal_entry.number
		ORDER BY business_key, line`)
	return fold, err
}
