package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// lead is what a page of entries is found by: a table and the column in it whose
// index goes on with the number.
type lead struct {
	table  string
	column string // empty: the table's own order of numbers
	value  string
	rest   app.EntryFilter // what is to be looked at besides
}

// leading picks the condition that is rarest as a rule. The parts of an account
// are not one place in an index, so they never lead.
func leading(page app.EntryPage) lead {
	f := page.Filter
	rest := f
	// Days are found as numbers first; see numbersOf.
	switch {
	case f.Reference != "":
		rest.Reference = ""
		return lead{"entry_reference", "reference", f.Reference, rest}
	case page.DonationID != "":
		return lead{"entry_reference", "reference", page.DonationID, rest}
	case f.Fundraiser != "":
		rest.Fundraiser = ""
		return lead{"posting", "fundraiser_id", f.Fundraiser, rest}
	case f.Appeal != "":
		rest.Appeal = ""
		return lead{"posting", "appeal_id", f.Appeal, rest}
	case f.Account != "" && !domain.Account(f.Account).Divided():
		rest.Account = ""
		return lead{"posting", "account", f.Account, rest}
	case f.Fund != "":
		rest.Fund = ""
		return lead{"posting", "fund", f.Fund, rest}
	case f.Currency != "":
		rest.Currency = ""
		return lead{"posting", "currency", f.Currency, rest}
	case f.Account != "":
		return lead{"posting", "", "", rest}
	case f.Rule != "":
		rest.Rule = ""
		return lead{"journal_entry", "rule", f.Rule, rest}
	}
	return lead{"journal_entry", "", "", rest}
}

// choose writes the query that finds the keys of a page. It walks through one
// index, in the order of numbers and from where the page begins, and looks at
// each entry for the rest of the filter; so a page costs what is on it, wherever
// in the journal it is. Left to choose, an engine takes the index that fits most
// conditions, reads all that fits them and sorts it, for every page again; or it
// reads the whole journal. Therefore the table that leads is asked for its key
// alone, and joined with itself by a CROSS JOIN, which SQLite does not turn
// round.
//
// The keys are named in_books and numbered, to be told from the columns of what
// they are joined with.
func (r reader) choose(ctx context.Context, page app.EntryPage) (keys string, w where, found bool, err error) {
	by := leading(page)
	if by.column != "" {
		w.add("k."+by.column+" = ?", by.value)
		if by.table == "posting" && by.column != "account" && by.column != "currency" {
			// Says what the index is restricted to, or it is not used.
			w.add("k." + by.column + " <> ''")
		}
	}
	if page.OrganizationID != "" {
		w.add("k.organization_id = ?", page.OrganizationID)
	}
	switch {
	case !page.NewestFirst:
		w.add("k.number > ?", page.After)
	case page.After != 0:
		w.add("k.number < ?", page.After)
	}
	if page.OrganizationID != "" && (page.Filter.From != "" || page.Filter.To != "") {
		lowest, highest, found, err := r.numbersOf(ctx, page.OrganizationID, page.Filter)
		if err != nil || !found {
			return "", where{}, false, err
		}
		w.add("k.number >= ?", lowest)
		w.add("k.number <= ?", highest)
	}
	from := by.table + " k" + w.beside(by, page.DonationID)
	distinct, direction := "", ""
	if by.table == "posting" || by.rest.RestrictsPostings() {
		distinct = "DISTINCT "
	}
	if page.NewestFirst {
		direction = " DESC"
	}
	keys = fmt.Sprintf(`SELECT %[1]sk.organization_id AS in_books, k.number AS numbered FROM %[2]s WHERE %[3]s
		ORDER BY k.organization_id%[4]s, k.number%[4]s LIMIT %[5]s`, distinct, from, w.text(), direction, w.bind(page.Limit))
	return keys, w, true, nil
}

// beside adds the rest of a filter, and returns what must be joined for it.
func (w *where) beside(by lead, donationID string) (join string) {
	if donationID != "" {
		w.add(`EXISTS (SELECT 1 FROM journal_entry d WHERE d.organization_id = k.organization_id AND d.number = k.number
			AND d.donation_id = ?)`, donationID)
	}
	if by.rest.IsEmpty() {
		return ""
	}
	if by.column == "" {
		w.entry("k", by.rest)
		w.posting("k", by.rest)
		return ""
	}
	table := "journal_entry"
	if by.rest.RestrictsPostings() {
		table = "posting"
	}
	w.conditions = append(w.conditions, "c.organization_id = k.organization_id", "c.number = k.number")
	if by.table == "posting" && table == "posting" {
		w.conditions = append(w.conditions, "c.line = k.line")
	}
	w.entry("c", by.rest)
	w.posting("c", by.rest)
	return " CROSS JOIN " + table + " c"
}

// numbersOf returns the lowest and highest number of the entries of some days.
// It steps from day to day through the index: a journal has few days and many
// entries.
func (r reader) numbersOf(ctx context.Context, organizationID string, filter app.EntryFilter) (lowest, highest int64, found bool, err error) {
	to := filter.To
	if to == "" {
		to = "9999-12-31"
	}
	var low, high sql.NullInt64
	err = r.tx.QueryRowContext(ctx, `WITH RECURSIVE day (booked_on) AS (
			SELECT MIN(booked_on) FROM journal_entry WHERE organization_id = $1 AND booked_on >= $2 AND booked_on <= $3
			UNION ALL
			SELECT (SELECT MIN(e.booked_on) FROM journal_entry e
				WHERE e.organization_id = $1 AND e.booked_on > day.booked_on AND e.booked_on <= $3)
			FROM day WHERE day.booked_on IS NOT NULL
		)
		SELECT MIN((SELECT MIN(e.number) FROM journal_entry e WHERE e.organization_id = $1 AND e.booked_on = day.booked_on)),
			MAX((SELECT MAX(e.number) FROM journal_entry e WHERE e.organization_id = $1 AND e.booked_on = day.booked_on))
		FROM day WHERE day.booked_on IS NOT NULL`, organizationID, filter.From, to).Scan(&low, &high)
	if err != nil {
		return 0, 0, false, fmt.Errorf("find the numbers of days: %w", err)
	}
	return low.Int64, high.Int64, low.Valid, nil
}
