package receipt

import (
	"context"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/receipt/internal/store"
)

// Rebuild derives once more from the events which gifts have a receipt or are due
// one, in scratch, an empty and migrated database of receipts, and returns what
// both say. Receipts themselves are never written again: they are documents that
// people hold.
func (s *Service) Rebuild(ctx context.Context, scratch *database.DB) (feed.Rebuilt, error) {
	deps := s.deps
	deps.DB, deps.NATS, deps.Metrics = scratch, nil, nil
	derived, err := New(s.cfg, deps)
	if err != nil {
		return feed.Rebuilt{}, err
	}
	return feed.Derive(ctx, s.db, scratch, derived.consumers, store.Fold)
}
