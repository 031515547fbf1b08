package store

import (
	"context"
	"fmt"
	"math"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// AddChanges is app.Tx's.
func (t *boundTx) AddChanges(ctx context.Context, changes []app.Change) error {
	if len(changes) == 0 {
		return nil
	}
	const columns = 7
	arguments := make([]any, 0, columns*len(changes))
	for _, c := range changes {
		arguments = append(arguments, micros(c.At), c.PersonID, string(c.Subject), c.SubjectID, c.SubjectName, c.Action, encode(c.Fields))
	}
	_, err := t.tx.ExecContext(ctx, `INSERT INTO change (changed_at, person_id, subject, subject_id, subject_name, action, fields)
		VALUES `+database.Placeholders(len(changes), columns), arguments...)
	return wrap("add changes", err)
}

// Changes is app.Reader's.
func (t *boundTx) Changes(ctx context.Context, before int64, limit int) ([]app.Change, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := t.tx.QueryContext(ctx, `SELECT id, changed_at, person_id, subject, subject_id, subject_name, action, fields
		FROM change WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, limit)
	changes, err := all(rows, err, func(row scanner) (app.Change, error) {
		var c app.Change
		var at int64
		err := row.Scan(&c.ID, &at, &c.PersonID, &c.Subject, &c.SubjectID, &c.SubjectName, &c.Action, list[app.FieldChange]{&c.Fields})
		c.At = fromMicros(at)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return changes, nil
}
