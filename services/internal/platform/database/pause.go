package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
)

const (
	// pausePatience is how long one write lock is waited for while others are held:
	// whoever writes meanwhile stands still, and gives up after five seconds.
	pausePatience = "PRAGMA busy_timeout = 500"
	usualPatience = "PRAGMA busy_timeout = 5000"
)

// pauseWriting takes the write lock of every database, and gives them back when
// resume is called. When one is taken for long, all are given back, and that one is
// waited for alone: then it is the first that is held.
func pauseWriting(ctx context.Context, copies []Copy, waits func(service string)) (resume func(), err error) {
	first := 0
	for {
		held, taken, err := tryPause(ctx, copies, first)
		if err == nil && taken < 0 {
			return func() { resumeWriting(ctx, held) }, nil
		}
		resumeWriting(ctx, held)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if waits != nil {
			waits(copies[taken].From.service)
		}
		first = taken
	}
}

// tryPause takes lock after lock, from the first on and around. taken is the one
// that somebody else has, or -1. What it holds is to be given back in any case.
func tryPause(ctx context.Context, copies []Copy, first int) (held []*sql.Conn, taken int, err error) {
	for i := range copies {
		at := (first + i) % len(copies)
		conn, err := lockWriting(ctx, copies[at].From)
		switch {
		case err == nil:
			held = append(held, conn)
		case busy(err):
			return held, at, nil
		default:
			return held, -1, fmt.Errorf("pause writing to the database of %s: %w", copies[at].From.service, err)
		}
	}
	return held, -1, nil
}

func lockWriting(ctx context.Context, db *DB) (*sql.Conn, error) {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	_, err = conn.ExecContext(ctx, pausePatience)
	if err == nil {
		_, err = conn.ExecContext(ctx, `BEGIN IMMEDIATE`)
	}
	if err != nil {
		resumeWriting(ctx, []*sql.Conn{conn})
		return nil, err
	}
	return conn, nil
}

// resumeWriting gives back what was taken; nothing was written. A connection on
// which that fails is closed, and its lock is gone with it.
func resumeWriting(ctx context.Context, held []*sql.Conn) {
	ctx = context.WithoutCancel(ctx)
	for _, conn := range held {
		_, _ = conn.ExecContext(ctx, `ROLLBACK`) // fails where nothing was begun
		_, err := conn.ExecContext(ctx, usualPatience)
		if err != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = conn.Close() // to the pool
	}
}
