package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"
)

// Copy is one database and the new file that its content goes into.
type Copy struct {
	From *DB
	To   string
}

// ErrNotSQLite says that a database server was asked for what only files can do.
var ErrNotSQLite = errors.New("a PostgreSQL database is copied with its own tools")

// CopyTogether copies SQLite databases as they all were at one moment, beside
// whoever writes to them. The databases of one site belong together: a consumer
// that is ahead of its producer would be taken for a fork.
//
// For that moment nobody writes: the write lock of every database is taken, a
// snapshot of each is begun, and the locks are given back. What takes long, the
// copying, is done from the snapshots. Each copy is checked and on disk when it
// returns; none of the files may exist before.
//
// Behind a long write it waits for as long as ctx lets it, and holds no lock of
// another database meanwhile. waits is told whose write that is, again and again;
// it may be nil.
func CopyTogether(ctx context.Context, copies []Copy, waits func(service string)) (err error) {
	for _, c := range copies {
		if c.From.engine != SQLite {
			return fmt.Errorf("copy database of %s: %w", c.From.service, ErrNotSQLite)
		}
	}
	snapshots, err := snapshotTogether(ctx, copies, waits)
	defer func() {
		for _, snapshot := range snapshots {
			err = errors.Join(err, snapshot.Close())
		}
	}()
	if err != nil {
		return err
	}
	for i, c := range copies {
		err = copySnapshot(ctx, snapshots[i], c.To)
		if err != nil {
			return fmt.Errorf("copy database of %s: %w", c.From.service, err)
		}
	}
	return nil
}

// snapshotTogether returns connections that read the databases as they were while
// nobody could write to any of them. Close what it returns, also beside an error.
func snapshotTogether(ctx context.Context, copies []Copy, waits func(service string)) (snapshots []*sql.Conn, err error) {
	resume, err := pauseWriting(ctx, copies, waits)
	if err != nil {
		return nil, err
	}
	defer resume()
	for _, c := range copies {
		conn, err := c.From.reader.Conn(ctx)
		if err != nil {
			return snapshots, fmt.Errorf("read the database of %s: %w", c.From.service, err)
		}
		snapshots = append(snapshots, conn)
		_, err = conn.ExecContext(ctx, `BEGIN`)
		if err != nil {
			return snapshots, fmt.Errorf("begin a snapshot of the database of %s: %w", c.From.service, err)
		}
		// The snapshot is taken by the first read, not by BEGIN.
		var tables int
		err = conn.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master`).Scan(&tables)
		if err != nil {
			return snapshots, fmt.Errorf("begin a snapshot of the database of %s: %w", c.From.service, err)
		}
	}
	return snapshots, nil
}

// copySnapshot copies what a connection's transaction sees, and ends it.
func copySnapshot(ctx context.Context, snapshot *sql.Conn, to string) error {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // read-only use after the sync
	err = snapshot.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the SQLite driver cannot copy")
		}
		backup, err := source.NewBackup(to)
		if err != nil {
			return err
		}
		_, err = backup.Step(-1)
		return errors.Join(err, backup.Finish())
	})
	if err != nil {
		return err
	}
	_, err = snapshot.ExecContext(ctx, `ROLLBACK`)
	if err != nil {
		return err
	}
	err = checkFile(ctx, to)
	if err != nil {
		return err
	}
	return file.Sync()
}

// checkFile reads a whole database file, for a copy that cannot be read is none.
// Afterwards the file stands alone, without a log beside it.
func checkFile(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", writerDSN(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var verdict string
	err = db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict)
	if err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("check the copy: %s", verdict)
	}
	return nil
}
