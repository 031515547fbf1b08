package feed

import (
	"embed"
	"io/fs"

	"github.com/almoner/almoner/services/internal/platform/database"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the tables of the log, of checkpoints and of what is parked.
// Every service's database has them.
func Migrations() database.MigrationSet {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded by the line above
	}
	return database.MigrationSet{Name: "feed", FS: files, Grants: database.Grants{
		// What happened stays as it was written; it gets its position, and no more.
		"event":            "SELECT, INSERT, UPDATE (pos, chain)",
		"event_head":       "SELECT, INSERT, UPDATE (pos)",
		"event_epoch":      "SELECT",
		"salvaged_event":   "SELECT",
		"feed_checkpoint":  "SELECT, INSERT, UPDATE",
		"parked_aggregate": "SELECT, INSERT, UPDATE, DELETE",
		"parked_event":     "SELECT, INSERT, DELETE",
	}}
}
