package migrations

import "github.com/almoner/almoner/services/internal/platform/database"

// grants are all that the ledger's code needs. The books are only added to.
func grants() database.Grants {
	return database.Grants{
		"organization":    "SELECT, INSERT, UPDATE",
		"fund":            "SELECT, INSERT, UPDATE",
		"chain_head":      "SELECT, INSERT, UPDATE (number, hash)",
		"journal_entry":   "SELECT, INSERT",
		"posting":         "SELECT, INSERT",
		"entry_reference": "SELECT, INSERT",
	}
}
