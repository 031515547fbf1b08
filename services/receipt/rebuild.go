package receipt

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/receipt/internal/store"
)

// Rebuild derives once more from the events which gifts have a receipt or are due
// one, in scratch, an empty and migrated database of receipts, and returns what
// both say. Receipts themselves are never written again: they are documents that
// people hold.
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
		return feed.Rebuilt{}, fmt.Errorf("read the receipts: %w", err)
	}
	deps := s.deps
	deps.DB, deps.NATS, deps.Metrics = scratch, nil, nil
	derived, err := New(s.cfg, deps)
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
		return feed.Rebuilt{}, fmt.Errorf("derive what is due again: %w", err)
	}
	return result, nil
}
