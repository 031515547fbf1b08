// Package migrations holds the tables of the ledger's own database, once per
// engine. Files of the same name in both folders describe the same tables.
package migrations

import (
	"embed"

	"github.com/almoner/almoner/services/internal/platform/database"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// Set is what a database of the ledger is migrated with, besides the feed's.
func Set() database.MigrationSet {
	return database.MigrationSet{Name: "ledger", FS: files, Grants: grants()}
}
