package database

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ServerTime is what the database server's clock says. Rows never hold it; it is
// for telling that one of the two clocks is wrong. SQLite has none of its own.
func (db *DB) ServerTime(ctx context.Context) (time.Time, error) {
	if db.engine == SQLite {
		return time.Time{}, errors.New("SQLite has no clock of its own")
	}
	var micros int64
	err := db.reader.QueryRowContext(ctx, `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`).Scan(&micros)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the database of %s for the time: %w", db.service, err)
	}
	return time.UnixMicro(micros), nil
}
