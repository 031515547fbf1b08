package ledger

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/ledger/internal/store"
)

// Rebuild derives the books once more from the events that they were made of, in
// scratch, an empty and migrated database of a ledger, and returns what both say.
// The books themselves are never written again: a difference is for people.
func (s *Service) Rebuild(ctx context.Context, scratch *database.DB) (feed.Rebuilt, error) {
	var result feed.Rebuilt
	err := s.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		result = feed.Rebuilt{}
		result.Through, err = feed.Checkpoints(ctx, tx)
		if err != nil {
			return err
		}
		result.Before, err = store.Fold(ctx, tx)
		return err
	})
	if err != nil {
		return feed.Rebuilt{}, fmt.Errorf("read the books: %w", err)
	}
	deps := s.deps
	deps.DB, deps.NATS, deps.Metrics = scratch, nil, nil
	derived, err := New(Config{}, deps)
	if err != nil {
		return feed.Rebuilt{}, err
	}
	err = scratch.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, consumer := range derived.consumers {
			err := consumer.Refold(ctx, tx, consumer.Through(result.Through))
			if err != nil {
				return err
			}
		}
		result.After, err = store.Fold(ctx, tx)
		return err
	})
	if err != nil {
		return feed.Rebuilt{}, fmt.Errorf("derive the books again: %w", err)
	}
	return result, nil
}
