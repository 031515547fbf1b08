package store_test

import (
	"context"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Who can write to the table can still not rewrite what it says.
func TestChangesCannotBeRewritten(t *testing.T) {
	t.Parallel()
	for engine, open := range map[string]func(*testing.T) *database.DB{
		"SQLite":     func(t *testing.T) *database.DB { return testkit.SQLite(t, "fundraiser", sets()...) },
		"PostgreSQL": func(t *testing.T) *database.DB { return testkit.PostgreSQL(t, "fundraiser", sets()...) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			run := func(statement string) error {
				return db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					_, err := tx.ExecContext(ctx, statement)
					return err
				})
			}
			err := run(`INSERT INTO change (changed_at, person_id, subject, subject_id, subject_name, action, fields)
				VALUES (1, 'staff-1', 'fund', 'f', 'GENERAL', 'created', 'null')`)
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range []string{`UPDATE change SET person_id = 'nobody'`, `DELETE FROM change`} {
				if run(statement) == nil {
					t.Errorf("%s is done", statement)
				}
			}
		})
	}
}
