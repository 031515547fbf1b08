package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/fundraiser/internal/store"
	"github.com/almoner/almoner/services/fundraiser/migrations"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

// asOf is the schema as the first release had it.
func asOf(t *testing.T, files ...string) []database.MigrationSet {
	t.Helper()
	old := fstest.MapFS{}
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, file := range files {
			content, err := migrations.FS.ReadFile(engine + "/" + file)
			if err != nil {
				t.Fatal(err)
			}
			old[engine+"/"+file] = &fstest.MapFile{Data: content}
		}
	}
	return []database.MigrationSet{{Name: "fundraiser", FS: old}, feed.Migrations()}
}

// What was there before supporters had accounts is there after: a story's
// paragraphs are one text in their order, and a page knows of no owner.
func TestPagesOfTheFirstReleaseSurvive(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "fundraiser.db") },
		"PostgreSQL": func(t *testing.T) string { return testkit.PostgreSQLURL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			at := url(t)
			open := func(sets []database.MigrationSet) *database.DB {
				db, err := database.Open(t.Context(), database.Config{URL: at, Service: "fundraiser", Migrations: sets})
				if err != nil {
					t.Fatal(err)
				}
				err = db.Migrate(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
			before := open(asOf(t, "0001_init.sql"))
			err := before.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				for _, statement := range []string{
					`INSERT INTO organization VALUES ('o', 1, 'WAYHAVEN', 'wayhaven', 'Wayhaven', 'Wayhaven', 'null', 'r', 'NL',
						'Europe/Amsterdam', 'EUR', 'generic', 'm', 'hello@wayhaven.example', 1, 1)`,
					`INSERT INTO appeal VALUES ('a', 1, 'o', 'shelter-tonight', 'crisis', 'live', 'Shelter', 'Shelter.',
						'["Ils arrivent à pied.","“One”, they said.","وصلوا سيرًا."]', 'EUR', 'null', 100, 0, 0, '', 0, 0, 0, 15000, 25)`,
					`INSERT INTO appeal_total VALUES ('a', 2500, 1, 7)`,
					`INSERT INTO fundraiser VALUES ('f', 'a', 'salma-walks', 'Salma walks', 'Salma', '["One.","Two."]', 540000, 'live'),
						('g', 'a', 'no-story', 'No story', 'Nobody', 'null', 0, 'draft')`,
					`INSERT INTO fundraiser_total VALUES ('f', 2500, 1, 7), ('g', 0, 0, 0)`,
				} {
					_, err := tx.ExecContext(ctx, statement)
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			err = before.Close()
			if err != nil {
				t.Fatal(err)
			}

			after := open(sets())
			defer func() { _ = after.Close() }()
			kept := store.New(after, feed.NewLog(after, "fundraiser"))
			err = kept.InReadTx(t.Context(), func(ctx context.Context, tx app.Reader) error {
				appeal, found, err := tx.AppealBySlug(ctx, "shelter-tonight")
				if err != nil || !found || appeal.Story != "Ils arrivent à pied.\n\n“One”, they said.\n\nوصلوا سيرًا." || appeal.Total.Settled != 2500 {
					t.Errorf("%+v, %v, %v", appeal, found, err)
				}
				page, found, err := tx.PageBySlug(ctx, "salma-walks")
				if err != nil || !found || page.Story != "One.\n\nTwo." || page.State != domain.Live || page.Version != 1 ||
					page.SupporterID != "" || page.Unclaimed || page.Photo.ID != "" || page.Total.Gifts != 1 {
					t.Errorf("%+v, %v, %v", page, found, err)
				}
				seen, err := tx.PagesSince(ctx, 0)
				if err != nil || len(seen) != 1 || seen[0].Slug != "salma-walks" {
					t.Errorf("who watches is told %+v, %v", seen, err)
				}
				empty, found, err := tx.PageBySlug(ctx, "no-story")
				if err != nil || !found || empty.Story != "" {
					t.Errorf("%+v, %v, %v", empty, found, err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
