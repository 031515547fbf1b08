package migrations

import "github.com/almoner/almoner/services/internal/platform/database"

// Set is what a database of receipt is migrated with, besides the feed's tables.
func Set() database.MigrationSet {
	return database.MigrationSet{Name: "receipt", FS: FS, Grants: grants(), Checked: checked()}
}

// grants are all that receipt's code needs. What was issued is never changed.
func grants() database.Grants {
	return database.Grants{
		"organization":       "SELECT, INSERT, UPDATE",
		"fund":               "SELECT, INSERT, UPDATE",
		"receipt_due":        "SELECT, INSERT, UPDATE, DELETE",
		"receipt_series":     "SELECT, INSERT, UPDATE (last_sequence)",
		"receipt":            "SELECT, INSERT",
		"receipt_mail":       "SELECT, INSERT, UPDATE",
		"receipt_drawing":    "SELECT, INSERT, UPDATE",
		"receipt_pdf":        "SELECT, INSERT",
		"receipt_ending":     "SELECT, INSERT",
		"gift_change":        "SELECT, INSERT",
		"receipt_correction": "SELECT, INSERT, UPDATE, DELETE",
		"receipt_notice":     "SELECT, INSERT, UPDATE",
	}
}

// checked leaves out who got a receipt: its name and address, and the file that
// shows them.
func checked() database.Grants {
	return database.Grants{
		"receipt": `SELECT (number, version, organization_id, code, year, sequence, donation_id, profile, organization_legal_name,
			organization_address, organization_registration, organization_contact, gift_minor, cover_minor, currency, fund_name,
			received_on, issued_on, payment_reference, language, issued_at, trace_id,
			replaces, monthly)`,
		"receipt_pdf": "SELECT (number, sha256, drawn_at)",
	}
}
