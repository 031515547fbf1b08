package store_test

import (
	"os"
	"slices"
	"testing"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/app/apptest"
	"github.com/almoner/almoner/services/donation/internal/store"
	"github.com/almoner/almoner/services/donation/migrations"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

func sets() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

func on(db *database.DB) app.Store { return store.New(db, feed.NewLog(db, "donation")) }

func TestStoreOnSQLite(t *testing.T) {
	t.Parallel()
	apptest.Conform(t, func(t *testing.T) app.Store { return on(testkit.SQLite(t, "donation", sets()...)) })
}

func TestStoreOnPostgreSQL(t *testing.T) {
	t.Parallel()
	apptest.Conform(t, func(t *testing.T) app.Store { return on(testkit.PostgreSQL(t, "donation", sets()...)) })
}

func TestBothEnginesHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	names := func(engine string) []string {
		entries, err := os.ReadDir("../../migrations/" + engine)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}
	if !slices.Equal(names("sqlite"), names("postgres")) {
		t.Errorf("SQLite has %v, PostgreSQL %v", names("sqlite"), names("postgres"))
	}
}
