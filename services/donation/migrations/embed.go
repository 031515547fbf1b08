// Package migrations carries the donation service's tables, once for each
// engine. Files of the same name in both folders describe the same tables.
package migrations

import (
	"embed"

	"github.com/almoner/almoner/services/internal/platform/database"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// Set is what a database of the donation service is migrated with, besides the
// feed's tables.
func Set() database.MigrationSet {
	return database.MigrationSet{Name: "donation", FS: files, Grants: grants(), Checked: checked()}
}
