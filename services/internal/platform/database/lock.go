package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
)

// Lock keeps other processes from doing the same work at the same time. It is a
// courtesy, not a fence: a network cut can leave two processes believing that
// they hold it, and what they do must be safe then too.
type Lock struct {
	conn *sql.Conn // nil on SQLite
}

// TryLock takes the named lock without waiting and returns nil when another
// process has it. PostgreSQL keeps it as long as the connection lives. An SQLite
// database is written by one process at a time as a rule, so there is nothing to ask.
func (db *DB) TryLock(ctx context.Context, name string) (*Lock, error) {
	if db.engine == SQLite {
		return &Lock{}, nil
	}
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("take lock %s: %w", name, err)
	}
	var got bool
	err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, name).Scan(&got)
	if err != nil {
		// The server may have granted it although we could not read that.
		discard(conn)
		return nil, fmt.Errorf("take lock %s: %w", name, err)
	}
	if !got {
		return nil, conn.Close()
	}
	return &Lock{conn: conn}, nil
}

// Check reports whether the lock is still held.
func (l *Lock) Check(ctx context.Context) error {
	if l.conn == nil {
		return nil
	}
	var one int
	err := l.conn.QueryRowContext(ctx, `SELECT 1`).Scan(&one)
	if err != nil {
		return fmt.Errorf("check lock: %w", err)
	}
	return nil
}

// Release gives the lock back.
func (l *Lock) Release() {
	if l.conn == nil {
		return
	}
	_, err := l.conn.ExecContext(context.Background(), `SELECT pg_advisory_unlock_all()`) // it has no other
	if err != nil {
		discard(l.conn)
		return
	}
	_ = l.conn.Close()
}

// discard ends a connection instead of giving it back to the pool, where it
// would go on holding its lock.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
