package migrations_test

import (
	"io/fs"
	"slices"
	"testing"

	"github.com/almoner/almoner/services/ledger/migrations"
)

func TestBothEnginesHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	names := func(engine string) []string {
		entries, err := fs.ReadDir(migrations.Set().FS, engine)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
	sqlite, postgres := names("sqlite"), names("postgres")
	if len(sqlite) == 0 || !slices.Equal(sqlite, postgres) {
		t.Fatalf("SQLite has %v, PostgreSQL %v", sqlite, postgres)
	}
}
