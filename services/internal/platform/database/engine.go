package database

import (
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Engine says which database runs underneath. SQL is the same for both; code
// asks for the engine only where a lock or a wake-up needs it.
type Engine int

// The engines that every query runs on.
const (
	SQLite Engine = iota + 1
	PostgreSQL
)

// String returns the engine's name as people write it.
func (e Engine) String() string {
	switch e {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	default:
		return fmt.Sprintf("Engine(%d)", int(e))
	}
}

// migrationsDir is the folder of a MigrationSet that holds this engine's DDL.
func (e Engine) migrationsDir() string {
	if e == PostgreSQL {
		return "postgres"
	}
	return "sqlite"
}

// parseURL tells the engine of a database URL and, for SQLite, the file's path.
// The error never repeats the URL: it may hold a password.
func parseURL(raw string) (Engine, string, error) {
	path, isSQLite := strings.CutPrefix(raw, "sqlite:")
	switch {
	case isSQLite && path == "":
		return 0, "", fmt.Errorf("the database URL sqlite: names no file")
	case isSQLite && strings.Contains(path, ":memory:"):
		// Readers and the writer are separate connections; each would get a
		// memory of its own.
		return 0, "", fmt.Errorf("a database in memory is not supported, name a file")
	case isSQLite:
		return SQLite, path, nil
	case strings.HasPrefix(raw, "postgres://"), strings.HasPrefix(raw, "postgresql://"):
		return PostgreSQL, "", nil
	default:
		return 0, "", fmt.Errorf("the database URL must start with sqlite: or postgres://")
	}
}

// sqliteDSN builds the driver's connection string. The path is escaped so that
// a folder with a question mark or a percent sign in its name is still a folder.
func sqliteDSN(path string, pragmas url.Values) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode()
}

// writerDSN is for the only connection that writes. BEGIN IMMEDIATE takes the
// write lock at once, so that no transaction fails half-way for having read first.
// synchronous=FULL is the promise that a webhook answered with 200 is kept.
//
// The others are for batches. A statement of many rows keeps each page that it
// changes until it is done, in a temporary file if that is allowed: three of four
// writes went there. Keys are random, so a batch touches hundreds of pages, which
// the usual cache of two megabytes does not hold. And a page that every batch
// changes goes from the WAL into the file once in 4,000 pages and not in 1,000.
func writerDSN(path string) string {
	return sqliteDSN(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			"temp_store(MEMORY)", "cache_size(-8192)", "wal_autocheckpoint(4000)",
		},
	})
}

// readerDSN is for the pool that reads beside the writer, each transaction in
// the snapshot of its first statement.
func readerDSN(path string) string {
	return sqliteDSN(path, url.Values{
		"_txlock": {"deferred"},
		"_pragma": {"busy_timeout(5000)", "foreign_keys(1)", "query_only(1)"},
	})
}

// ensureFile creates a missing database file readable by its owner alone; SQLite
// gives its side files the same mode. Donors' addresses are in it.
func ensureFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}
