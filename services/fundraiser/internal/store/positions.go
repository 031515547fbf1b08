package store

import (
	"context"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// Positions is app.Reader's.
func (t *boundTx) Positions(ctx context.Context) (app.Positions, error) {
	status, err := t.log.StatusIn(ctx, t.tx)
	if err != nil {
		return app.Positions{}, err
	}
	positions := app.Positions{Head: status.Head, Unsequenced: status.Unsequenced}
	checkpoints, err := feed.Checkpoints(ctx, t.tx)
	if err != nil {
		return app.Positions{}, err
	}
	for _, c := range checkpoints {
		positions.Checkpoints = append(positions.Checkpoints, app.Checkpoint{Feed: c.Feed, Epoch: c.Epoch, Pos: c.Pos})
	}
	return positions, nil
}
