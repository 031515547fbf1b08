package migrations

import "github.com/almoner/almoner/services/internal/platform/database"

// Set is what a database of receipt is migrated with, besides the feed's tables.
func Set() database.MigrationSet {
	return database.MigrationSet{Name: "receipt", FS: FS, Grants: grants()}
}

// grants are all that receipt's code needs. What was issued is never changed.
func grants() database.Grants {
	return database.Grants{
		"organization":    "SELECT, INSERT, UPDATE",
		"fund":            "SELECT, INSERT, UPDATE",
		"receipt_due":     "SELECT, INSERT, UPDATE, DELETE",
		"receipt_series":  "SELECT, INSERT, UPDATE (last_sequence)",
		"receipt":         "SELECT, INSERT",
		"receipt_mail":    "SELECT, INSERT, UPDATE",
		"receipt_drawing": "SELECT, INSERT, UPDATE",
		"receipt_pdf":     "SELECT, INSERT",
	}
}
