package store

import (
	"fmt"
	"strings"

	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// where collects the conditions of one query with their values.
type where struct {
	conditions []string
	args       []any
}

// add adds a condition in which each question mark stands for the next value.
func (w *where) add(condition string, values ...any) {
	for _, value := range values {
		w.args = append(w.args, value)
		condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(w.args)), 1)
	}
	w.conditions = append(w.conditions, condition)
}

// bind adds a value that stands outside the conditions and returns its name.
func (w *where) bind(value any) string {
	w.args = append(w.args, value)
	return fmt.Sprintf("$%d", len(w.args))
}

func (w *where) text() string { return strings.Join(w.conditions, " AND ") }

// span adds the days of a span, as it was when it was opened.
func (w *where) span(table string, span app.Span) {
	w.add(table+".organization_id = ?", span.OrganizationID)
	w.add(table+".booked_on >= ?", span.From)
	w.add(table+".booked_on <= ?", span.To)
	w.add(table+".number <= ?", span.Until)
}

// unindexed is a column in a form that no engine looks up in an index. What a
// filter asks is looked at on entries that were found otherwise; with an index
// of its own, each look would read all that fits it.
func unindexed(column string) string { return "(" + column + " || '')" }

// posting adds what a filter asks of one posting.
func (w *where) posting(table string, filter app.EntryFilter) {
	account := unindexed(table + ".account")
	switch {
	case filter.Account == "":
	case domain.Account(filter.Account).Divided():
		// The parts are the code with a slash behind it; a zero is the next character.
		w.add(account+" >= ?", filter.Account)
		w.add(account+" < ?", filter.Account+"0")
	default:
		w.add(account+" = ?", filter.Account)
	}
	for _, c := range []struct{ column, value string }{
		{"currency", filter.Currency}, {"fund", filter.Fund}, {"appeal_id", filter.Appeal}, {"fundraiser_id", filter.Fundraiser},
	} {
		if c.value != "" {
			w.add(unindexed(table+"."+c.column)+" = ?", c.value)
		}
	}
}

// entry adds what a filter asks of the entry itself. Postings repeat its day and
// rule, so table may be either of the two.
func (w *where) entry(table string, filter app.EntryFilter) {
	if filter.From != "" {
		w.add(unindexed(table+".booked_on")+" >= ?", filter.From)
	}
	if filter.To != "" {
		w.add(unindexed(table+".booked_on")+" <= ?", filter.To)
	}
	if filter.Rule != "" {
		w.add(unindexed(table+".rule")+" = ?", filter.Rule)
	}
}

// exists adds a filter to a query that walks through entries anyway.
func (w *where) exists(entry string, filter app.EntryFilter) {
	w.entry(entry, filter)
	if filter.Reference != "" {
		w.add(`EXISTS (SELECT 1 FROM entry_reference r WHERE r.reference = ?
			AND r.organization_id = `+entry+`.organization_id AND r.number = `+entry+`.number)`, filter.Reference)
	}
	if !filter.RestrictsPostings() {
		return
	}
	line := where{args: w.args}
	line.posting("l", filter)
	w.args = line.args
	w.conditions = append(w.conditions, `EXISTS (SELECT 1 FROM posting l WHERE l.organization_id = `+entry+`.organization_id
		AND l.number = `+entry+`.number AND `+line.text()+`)`)
}
