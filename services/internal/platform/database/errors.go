package database

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// retryCodes are the PostgreSQL states after which the whole transaction is run
// again. Class 08, lost connections, joins them.
var retryCodes = map[string]bool{
	"40001": true, // serialization failure
	"40P01": true, // deadlock
	"55P03": true, // lock not available in time
	"57P01": true, // the server is being stopped
	"57P02": true, // the server crashed
	"57P03": true, // the server is starting
	"53300": true, // too many connections
	"25006": true, // read-only: a failover moved the primary away
}

// retryable tells whether running the transaction again can help. A connection
// lost during the commit is among them: what the transaction does is repeatable,
// so not knowing whether it happened is no reason to stop.
func retryable(err error) bool {
	var postgres *pgconn.PgError
	if errors.As(err, &postgres) {
		return retryCodes[postgres.Code] || strings.HasPrefix(postgres.Code, "08")
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return busy(err)
	}
	var connect *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// busy tells whether another process (an operator's command) holds the write lock.
func busy(err error) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// awayCodes are those of the retry set that end when a server has started, or
// another one has become the primary.
var awayCodes = map[string]bool{"57P01": true, "57P02": true, "57P03": true, "53300": true, "25006": true}

// away tells whether an error that can be retried comes from a server that is
// gone, and not from what other transactions do.
func away(err error) bool {
	var postgres *pgconn.PgError
	if errors.As(err, &postgres) {
		return awayCodes[postgres.Code] || strings.HasPrefix(postgres.Code, "08")
	}
	var lite *sqlite.Error
	return !errors.As(err, &lite)
}

func readOnlyServer(err error) bool {
	var postgres *pgconn.PgError
	return errors.As(err, &postgres) && postgres.Code == "25006"
}

// IsRefused tells whether the database refused the data itself: a constraint, a
// number out of range, a text that is none. The same data is refused again,
// however often it is tried.
func IsRefused(err error) bool {
	var postgres *pgconn.PgError
	if errors.As(err, &postgres) {
		return strings.HasPrefix(postgres.Code, "22") || strings.HasPrefix(postgres.Code, "23")
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
			return true
		}
	}
	return false
}

// IsUniqueViolation tells whether a statement failed because the row's key
// exists already. Where that is expected, ON CONFLICT is the better way: on
// PostgreSQL an error makes the rest of the transaction useless.
func IsUniqueViolation(err error) bool {
	var postgres *pgconn.PgError
	if errors.As(err, &postgres) {
		return postgres.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
			return true
		}
	}
	return false
}
