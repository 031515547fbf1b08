package store_test

import (
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/app/apptest"
	"github.com/almoner/almoner/services/fundraiser/internal/store"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

func BenchmarkFoldOnSQLite(b *testing.B) {
	apptest.Benchmark(b, func(b *testing.B) app.Store {
		db := testkit.SQLite(b, "fundraiser", sets()...)
		return store.New(db, feed.NewLog(db, "fundraiser"))
	})
}

func BenchmarkFoldOnPostgreSQL(b *testing.B) {
	apptest.Benchmark(b, func(b *testing.B) app.Store {
		db := testkit.PostgreSQL(b, "fundraiser", sets()...)
		return store.New(db, feed.NewLog(db, "fundraiser"))
	})
}
