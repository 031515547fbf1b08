package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// ErrNothingToRebuild says that a service's data is made from no other's events.
var ErrNothingToRebuild = errors.New("nothing of it is made from events")

// Rebuild folds what a service made from events again, beside a running instance
// or without one, and returns what it says before and after. Totals are replaced,
// unless they are only to be checked; books and receipts are never written again,
// so for them it always only compares.
func (o *Operator) Rebuild(ctx context.Context, service string, onlyCheck bool) (feed.Rebuilt, error) {
	switch service {
	case "fundraiser":
		return o.parts.fundraiser.Rebuild(ctx, onlyCheck)
	case "ledger":
		return o.beside(ctx, service, o.parts.ledger.Rebuild)
	case "receipt":
		return o.beside(ctx, service, o.parts.receipt.Rebuild)
	default:
		return feed.Rebuilt{}, fmt.Errorf("rebuild %s: %w", service, ErrNothingToRebuild)
	}
}

// beside gives derive an empty database of the service, on disk: it grows as large
// as the one it is compared with.
func (o *Operator) beside(ctx context.Context, service string, derive func(context.Context, *database.DB) (feed.Rebuilt, error)) (result feed.Rebuilt, err error) {
	dir, err := os.MkdirTemp(o.cfg.DataDir, "rebuild-*")
	if err != nil {
		return feed.Rebuilt{}, fmt.Errorf("make room beside the database of %s: %w", service, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	scratch, err := database.Open(ctx, database.Config{
		URL: "sqlite:" + filepath.Join(dir, service+".db"), Service: service, Migrations: migrationSets()[service],
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
