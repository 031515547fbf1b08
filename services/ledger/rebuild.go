package ledger

import (
	"context"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/ledger/internal/store"
)

// Rebuild derives the books once more from the events that they were made of, in
// scratch, an empty and migrated database of a ledger, and returns what both say.
// The books themselves are never written again: a difference is for people.
func (s *Service) Rebuild(ctx context.Context, scratch *database.DB) (feed.Rebuilt, error) {
	deps := s.deps
	deps.DB, deps.NATS, deps.Metrics = scratch, nil, nil
	derived, err := New(Config{}, deps)
	if err != nil {
		return feed.Rebuilt{}, err
	}
	return feed.Derive(ctx, s.db, scratch, derived.consumers, store.Fold)
}
