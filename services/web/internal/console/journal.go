package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
)

// entriesShown is how many entries a page of the journal has.
const entriesShown = 50

// Where a page of the journal is: below one number, or above one.
const (
	olderParameter = "older"
	newerParameter = "newer"
)

// journal shows entries, the newest first, a page at a time. Pages are told by the
// number that they begin after, so they stay the same while entries are added.
func (c *Console) journal(w http.ResponseWriter, v *visit) {
	taken := v.read(filterFields...)
	older, known := number(v.query.Get(olderParameter))
	newer, sound := number(v.query.Get(newerParameter))
	if !known || !sound {
		c.unknown(w, v)
		return
	}
	called := c.names(v)
	page := Journal{
		Desk:    v.newDesk(v.spoken.Say("console.area.journal"), "journal"),
		Presets: v.presets(journalPath, taken),
		Filter: v.form(journalPath, taken, map[string][]Option{
			"appeal": options(called.appeals, v.spoken.Say("console.all.appeals")),
			"fund":   options(called.funds, v.spoken.Say("console.all.funds")),
			"rule":   v.rules(),
		}),
	}
	request := &ledgerv1.ListEntriesRequest{
		OrganizationId: v.book.GetOrganizationId(), Filter: taken.wire(), Limit: entriesShown, NewestFirst: true, After: older,
	}
	if newer > 0 {
		request.NewestFirst, request.After = false, newer
	}
	listed, err := c.books.ListEntries(v.ctx, request)
	if newer > 0 && err == nil && !listed.GetMore() {
		// So near the end that the first page is what is meant.
		newer = 0
		request.NewestFirst, request.After = true, 0
		listed, err = c.books.ListEntries(v.ctx, request)
	}
	if v.refused(&page.Filter, err) {
		page.Refused = true
		c.show(w, v, http.StatusUnprocessableEntity, &page)
		return
	}
	if err != nil {
		c.fail(w, v, err)
		return
	}
	entries := listed.GetEntries()
	if newer > 0 {
		slices.Reverse(entries)
	}
	page.Entries = v.entries(entries, called)
	page.Sums = sums(entries)
	page.Exports = v.exports(taken)
	if len(entries) > 0 {
		first, last := entries[0].GetNumber(), entries[len(entries)-1].GetNumber()
		if newer > 0 || older > 0 {
			page.Newer = v.link(journalPath, taken.pairs(newerParameter, strconv.FormatInt(first, 10))...)
		}
		if newer > 0 || listed.GetMore() {
			page.Older = v.link(journalPath, taken.pairs(olderParameter, strconv.FormatInt(last, 10))...)
		}
	}
	if newer > 0 || older > 0 {
		page.Newest = v.link(journalPath, taken.pairs()...)
	}
	c.show(w, v, http.StatusOK, &page)
}

// number reads the number of an entry; absent it is 0, and nonsense is not known.
func number(text string) (n int64, known bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == text
}

// exports are the files of exactly what is filtered.
func (v *visit) exports(taken values) []Choice {
	var choices []Choice
	for _, format := range []string{"hledger", "csv"} {
		choices = append(choices, Choice{
			Label: v.spoken.Say("console.export." + format), URL: v.link(exportsPath, taken.pairs("format", format)...),
		})
	}
	return choices
}

func (v *visit) entries(entries []*ledgerv1.Entry, called names) []EntryLines {
	lines := make([]EntryLines, 0, len(entries))
	for _, entry := range entries {
		line := EntryLines{
			Number: entry.GetNumber(), URL: v.entryLink(entry.GetNumber()), Day: day(entry.GetBookedOn()),
			Description: entry.GetDescription(), Rule: entry.GetRule(), RuleURL: v.link(journalPath, "rule", entry.GetRule()),
		}
		line.Lines, line.Dimensions = v.postings(entry, called)
		lines = append(lines, line)
	}
	return lines
}

// postings are the lines of an entry, and what all of them were for: most entries
// are for one thing, which then needs saying only once.
func (v *visit) postings(entry *ledgerv1.Entry, called names) (lines []PostingLine, shared []Dimension) {
	for _, posting := range entry.GetPostings() {
		moved := posting.GetAmount()
		line := PostingLine{
			Code: posting.GetAccountCode(), Name: posting.GetAccountName(),
			URL:        v.accountLink(posting.GetAccountCode(), moved.GetCurrency(), "", ""),
			Debit:      amount(moved.GetMinor(), moved.GetCurrency()),
			Dimensions: v.dimensions(posting, called),
		}
		if moved.GetMinor() < 0 {
			line.IsCredit = true
			line.Credit = amount(-moved.GetMinor(), moved.GetCurrency())
		}
		lines = append(lines, line)
	}
	for _, line := range lines {
		if !slices.Equal(line.Dimensions, lines[0].Dimensions) {
			return lines, nil
		}
	}
	for i := range lines {
		shared, lines[i].Dimensions = lines[i].Dimensions, nil
	}
	return lines, shared
}

func (v *visit) dimensions(posting *ledgerv1.Posting, called names) []Dimension {
	var found []Dimension
	for _, dimension := range []struct{ name, value, label string }{
		{"fund", posting.GetFundCode(), called.fund(posting.GetFundCode())},
		{"appeal", posting.GetAppealId(), called.appeal(posting.GetAppealId())},
		{"fundraiser", posting.GetFundraiserId(), posting.GetFundraiserId()},
	} {
		if dimension.value == "" {
			continue
		}
		found = append(found, Dimension{
			Name: dimension.name, Label: dimension.label, Short: begin(dimension.label), URL: v.link(journalPath, dimension.name, dimension.value),
		})
	}
	return found
}

// begin is the beginning of an id, and all of a name.
func begin(label string) string {
	if isUUID(label) {
		return label[:8] + "…"
	}
	return label
}

// sums add up debits and credits, each currency by itself.
func sums(entries []*ledgerv1.Entry) []Sum {
	debits, credits := map[string]int64{}, map[string]int64{}
	var currencies []string
	for _, entry := range entries {
		for _, posting := range entry.GetPostings() {
			currency, minor := posting.GetAmount().GetCurrency(), posting.GetAmount().GetMinor()
			if !slices.Contains(currencies, currency) {
				currencies = append(currencies, currency)
			}
			if minor < 0 {
				credits[currency] -= minor
			} else {
				debits[currency] += minor
			}
		}
	}
	slices.Sort(currencies)
	var list []Sum
	for _, currency := range currencies {
		list = append(list, Sum{Debits: amount(debits[currency], currency), Credits: amount(credits[currency], currency)})
	}
	return list
}

// traceOf is the trace id in a W3C trace context.
func traceOf(traceparent string) string {
	parts := strings.Split(traceparent, "-")
	if len(parts) != 4 {
		return ""
	}
	return parts[1]
}
