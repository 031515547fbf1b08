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
	return database.MigrationSet{Name: "feed", FS: files}
}
