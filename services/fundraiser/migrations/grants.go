package migrations

import "github.com/almoner/almoner/services/internal/platform/database"

// Set is what a database of the fundraiser service is migrated with, besides the
// feed's tables.
func Set() database.MigrationSet {
	return database.MigrationSet{Name: "fundraiser", FS: FS, Grants: grants(), Checked: database.Grants{"supporter": ""}}
}

// grants are all that the fundraiser service's code needs. Who changed what is
// only added to.
func grants() database.Grants {
	return database.Grants{
		"catalogue_lock":   "SELECT, UPDATE",
		"revision":         "SELECT, UPDATE (number)",
		"organization":     "SELECT, INSERT, UPDATE",
		"fund":             "SELECT, INSERT, UPDATE",
		"appeal":           "SELECT, INSERT, UPDATE",
		"appeal_fund":      "SELECT, INSERT, DELETE",
		"appeal_total":     "SELECT, INSERT, UPDATE",
		"fundraiser":       "SELECT, INSERT, UPDATE, DELETE",
		"fundraiser_total": "SELECT, INSERT, UPDATE, DELETE",
		"gift":             "SELECT, INSERT, UPDATE (total_minor, returned_minor)",
		"gift_fact":        "SELECT, INSERT",
		"gift_mail":        "SELECT, INSERT, UPDATE",
		"supporter":        "SELECT, INSERT, UPDATE",
		"image":            "SELECT, INSERT, DELETE",
		"image_size":       "SELECT, INSERT, DELETE",
		"change":           "SELECT, INSERT",
	}
}
