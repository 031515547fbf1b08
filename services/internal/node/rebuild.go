package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// ErrNothingToRebuild says that a service's data is made from no other's events.
var ErrNothingToRebuild = errors.New("nothing of it is made from events")

// folded is a service whose data is a fold of others' events and can be folded
// again in place; derived is one that keeps what it made of them for ever.
type (
	folded interface {
		Rebuild(ctx context.Context, onlyCheck bool) (feed.Rebuilt, error)
	}
	derived interface {
		Rebuild(ctx context.Context, scratch *database.DB) (feed.Rebuilt, error)
	}
)

// Rebuild folds what a service made from events again, beside a running instance
// or without one, and returns what it says before and after. Totals are replaced,
// unless they are only to be checked; books and receipts are never written again,
// so for them it always only compares.
func (o *Operator) Rebuild(ctx context.Context, service string, onlyCheck bool) (feed.Rebuilt, error) {
	for _, part := range o.parts.services {
		if part.name != service {
			continue
		}
		switch s := part.service.(type) {
		case folded:
			return s.Rebuild(ctx, onlyCheck)
		case derived:
			return o.beside(ctx, service, s.Rebuild)
		}
	}
	return feed.Rebuilt{}, fmt.Errorf("rebuild %s: %w", service, ErrNothingToRebuild)
}

// beside gives derive an empty database of the service, on disk: it grows as large
// as the one it is compared with.
func (o *Operator) beside(ctx context.Context, service string, derive func(context.Context, *database.DB) (feed.Rebuilt, error)) (result feed.Rebuilt, err error) {
	place := o.cfg.DataDir
	if !exists(place) {
		place = os.TempDir() // where all databases are on servers, the system's own place has to do
	}
	clearRooms(ctx, place, rebuildRooms, time.Now(), o.logger)
	own, err := makeRoom(place, "almoner-rebuild-")
	if err != nil {
		return feed.Rebuilt{}, fmt.Errorf("make room beside the database of %s: %w", service, err)
	}
	defer func() { err = errors.Join(err, own.remove()) }()
	scratch, err := database.Open(ctx, database.Config{
		URL: "sqlite:" + filepath.Join(own.path, service+".db"), Service: service, Migrations: migrationSets()[service],
	})
	if err != nil {
		return feed.Rebuilt{}, err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	err = scratch.Migrate(ctx)
	if err != nil {
		return feed.Rebuilt{}, err
	}
	return derive(ctx, scratch)
}
