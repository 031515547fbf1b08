package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// query runs a query and scans each row into a value.
func query[R any](ctx context.Context, tx *database.Tx, scan func(*sql.Rows) (R, error), text string, args ...any) ([]R, error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var found []R
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

// anyOf makes the values of an IN list.
func anyOf[V ~string](list []V) []any {
	args := make([]any, len(list))
	for i, value := range list {
		args[i] = string(value)
	}
	return args
}

// oneText scans a row of a single text.
func oneText(rows *sql.Rows) (string, error) {
	var text string
	err := rows.Scan(&text)
	return text, err
}
