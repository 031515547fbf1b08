package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// ownerTable holds the one row that names the owning service. The check keeps
// a second row, and with it a second owner, out.
const ownerTable = `CREATE TABLE IF NOT EXISTS almoner_database (
	only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
	service  TEXT NOT NULL
)`

// ownerLock is the PostgreSQL advisory lock under which the marker is made: two
// processes that create one table at the same time fail in the catalogue.
const ownerLock = 0x616c6d6f6e6572 // "almoner"

// ErrForeign says that a database is another service's. Nothing was changed in it.
var ErrForeign = errors.New("this is another's database")

// owner returns the service that the marker names, "" when there is none yet,
// and an error when it is another one than ours.
func (db *DB) owner(ctx context.Context) (string, error) {
	var owner string
	err := db.InReadTx(ctx, func(ctx context.Context, tx *Tx) error {
		owner = ""
		lookup := `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'almoner_database'`
		if db.engine == PostgreSQL {
			lookup = `SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('almoner_database')`
		}
		var tables int
		err := tx.QueryRowContext(ctx, lookup).Scan(&tables)
		if err != nil || tables == 0 {
			return err
		}
		err = tx.QueryRowContext(ctx, `SELECT service FROM almoner_database`).Scan(&owner)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the owner's mark: %w", err)
	}
	if owner != "" && owner != db.service {
		return "", fmt.Errorf("%w: it belongs to %s, not to %s", ErrForeign, owner, db.service)
	}
	return owner, nil
}

// claim writes the marker. Whoever comes second finds the first one's name.
func (db *DB) claim(ctx context.Context) error {
	err := db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		if db.engine == PostgreSQL {
			_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(ownerLock))
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, ownerTable)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx,
			`INSERT INTO almoner_database (only_row, service) VALUES (1, $1) ON CONFLICT DO NOTHING`, db.service)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the owner's mark: %w", err)
	}
	_, err = db.owner(ctx)
	return err
}

// Migrate brings the database up to date, and on PostgreSQL the rights of the
// service's roles with it. Processes that migrate the same database at once do
// not disturb each other.
func (db *DB) Migrate(ctx context.Context) error {
	err := db.claim(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.service, err)
	}
	for _, set := range db.sets {
		provider, err := db.provider(set)
		if err != nil {
			return fmt.Errorf("migrate %s, set %s: %w", db.service, set.Name, err)
		}
		applied, err := db.up(ctx, provider)
		if err != nil {
			return fmt.Errorf("migrate %s, set %s: %w", db.service, set.Name, err)
		}
		for _, step := range applied {
			db.logger.InfoContext(ctx, "migration applied", "service", db.service, "set", set.Name,
				"version", step.Source.Version, "took", step.Duration)
		}
	}
	if db.engine == PostgreSQL {
		err = db.grant(ctx)
		if err != nil {
			return fmt.Errorf("migrate %s: %w", db.service, err)
		}
	}
	return nil
}

// migrateAttempts is more than the processes that start on one file together.
const migrateAttempts = 8

// up applies what is missing. On PostgreSQL processes wait for each other. On
// SQLite they can both find the same step missing; the one that comes second then
// fails as a whole, since step and history are one transaction, and finds at the
// next look that the step is done.
func (db *DB) up(ctx context.Context, provider *goose.Provider) (applied []*goose.MigrationResult, err error) {
	for range migrateAttempts {
		applied, err = provider.Up(ctx)
		if err == nil || db.engine == PostgreSQL || ctx.Err() != nil {
			break
		}
	}
	return applied, err
}

// Pending tells whether Migrate would change anything.
func (db *DB) Pending(ctx context.Context) (bool, error) {
	owner, err := db.owner(ctx)
	if err != nil {
		return false, fmt.Errorf("look for pending migrations of %s: %w", db.service, err)
	}
	if owner == "" {
		return true, nil
	}
	for _, set := range db.sets {
		provider, err := db.provider(set)
		if err != nil {
			return false, fmt.Errorf("look for pending migrations of %s, set %s: %w", db.service, set.Name, err)
		}
		pending, err := provider.HasPending(ctx)
		if err != nil {
			return false, fmt.Errorf("look for pending migrations of %s, set %s: %w", db.service, set.Name, err)
		}
		if pending {
			return true, nil
		}
	}
	return false, nil
}

// historyTable records what was applied of a set.
func historyTable(set MigrationSet) string { return "goose_" + set.Name }

// provider is goose without its package-level state. It is not closed: closing
// it would close our pool.
func (db *DB) provider(set MigrationSet) (*goose.Provider, error) {
	files, err := fs.Sub(set.FS, db.engine.migrationsDir())
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{
		goose.WithTableName(historyTable(set)),
		goose.WithDisableGlobalRegistry(true),
	}
	if db.engine == SQLite {
		// The writer's BEGIN IMMEDIATE and busy timeout make two processes queue.
		return goose.NewProvider(goose.DialectSQLite3, db.writer, files, options...)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	options = append(options, goose.WithSessionLocker(locker))
	return goose.NewProvider(goose.DialectPostgres, db.writer, files, options...)
}
