package migrations

import "github.com/almoner/almoner/services/internal/platform/database"

// Set is what web's database is migrated with.
func Set() database.MigrationSet {
	return database.MigrationSet{Name: "web", FS: FS, Grants: grants(), Checked: checked()}
}

// grants are all that web's code needs. Who gave whom which role is only added to.
func grants() database.Grants {
	return database.Grants{
		"session":        "SELECT, INSERT, UPDATE, DELETE",
		"sign_out_floor": "SELECT, INSERT, UPDATE, DELETE",
		"sign_in_link":   "SELECT, INSERT, UPDATE, DELETE",
		"sign_in_turn":   "SELECT, INSERT, UPDATE, DELETE",
		"draft_begun":    "SELECT, INSERT, DELETE",
		"staff":          "SELECT, INSERT, UPDATE",
		"staff_change":   "SELECT, INSERT",
	}
}

// checked leaves out what signs people in, and where from donors came.
func checked() database.Grants {
	return database.Grants{"session": "", "sign_in_link": "", "sign_in_turn": "", "draft_begun": ""}
}
