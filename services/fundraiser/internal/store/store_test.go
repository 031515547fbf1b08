package store_test

import (
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/app/apptest"
	"github.com/almoner/almoner/services/fundraiser/internal/store"
	"github.com/almoner/almoner/services/fundraiser/migrations"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

func sets() []database.MigrationSet {
	return []database.MigrationSet{migrations.Set(), feed.Migrations()}
}

func TestStoreOnSQLite(t *testing.T) {
	t.Parallel()
	apptest.Run(t, func(t *testing.T) app.Store {
		db := testkit.SQLite(t, "fundraiser", sets()...)
		return store.New(db, feed.NewLog(db, "fundraiser"))
	})
}

func TestStoreOnPostgreSQL(t *testing.T) {
	t.Parallel()
	apptest.Run(t, func(t *testing.T) app.Store {
		db := testkit.PostgreSQL(t, "fundraiser", sets()...)
		return store.New(db, feed.NewLog(db, "fundraiser"))
	})
}
