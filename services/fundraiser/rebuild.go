package fundraiser

import (
	"context"
	"errors"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/fundraiser/internal/store"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// errOnlyChecked undoes a rebuilding that was only to be looked at.
var errOnlyChecked = errors.New("only checked")

// Rebuild counts every gift again, from the first event on, and replaces the
// totals by what comes out, in one transaction; or only looks what would. Gifts
// that come meanwhile wait, and are counted after it. Nobody is written to.
func (s *Service) Rebuild(ctx context.Context, onlyCheck bool) (feed.Rebuilt, error) {
	deps := s.deps
	deps.Metrics = nil // this one is not the consumer that operators watch
	consumer := donationConsumer(deps, s.app, func(tx *database.Tx) app.Tx { return unannounced{s.store.Bind(tx)} })
	var result feed.Rebuilt
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		result = feed.Rebuilt{}
		// Locked first, as every consumer does: nothing is counted beside this.
		at, err := consumer.Lock(ctx, tx)
		if err != nil {
			return err
		}
		result.Through = []feed.Checkpoint{at}
		result.Before, err = store.Fold(ctx, tx)
		if err != nil {
			return err
		}
		err = store.ForgetGifts(ctx, tx)
		if err != nil {
			return err
		}
		err = consumer.Refold(ctx, tx, at)
		if err != nil {
			return err
		}
		result.After, err = store.Fold(ctx, tx)
		if err == nil && onlyCheck {
			err = errOnlyChecked
		}
		return err
	})
	if err != nil && !errors.Is(err, errOnlyChecked) {
		return feed.Rebuilt{}, fmt.Errorf("count the gifts again: %w", err)
	}
	return result, nil
}

// unannounced counts gifts without writing to the pages' owners, who have heard.
type unannounced struct{ app.Tx }

// AddGiftMails adds none.
func (unannounced) AddGiftMails(context.Context, []domain.CountedGift) error { return nil }
