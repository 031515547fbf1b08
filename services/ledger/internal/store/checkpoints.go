package store

import (
	"context"

	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/ledger/internal/app"
)

// Checkpoints returns how far the consumed feeds are applied, in the same
// snapshot as the sums they are compared with.
func (r reader) Checkpoints(ctx context.Context) ([]app.Checkpoint, error) {
	checkpoints, err := feed.Checkpoints(ctx, r.tx)
	if err != nil {
		return nil, err
	}
	list := make([]app.Checkpoint, len(checkpoints))
	for i, c := range checkpoints {
		list[i] = app.Checkpoint{Feed: c.Feed, Epoch: c.Epoch, Pos: c.Pos}
	}
	return list, nil
}
