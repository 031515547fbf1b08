package console

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// listed is how many lines a page of a list has.
	listed = 50
	// pageParameter tells where a page begins, in the words of the service that
	// keeps the list; showParameter which part of a list is shown.
	pageParameter = "page"
	showParameter = "show"
	// largestForm bounds what is read of a form.
	largestForm = 64 << 10
)

// Listing is a list of what happens to gifts: refunds, disputes, plans, payouts; or
// one of them, with what it consists of.
type Listing struct {
	Desk
	Heading string
	Aside   string // beside the heading
	Back    Choice
	Intro   []string
	Done    string // what the form before did; empty for nothing
	Notice  *view.Notice
	Tabs    []Choice
	Facts   []Fact
	Buttons []Choice
	Tables  []Table
	First   string // the beginning, set where the page is another
	Next    string
}

// Faults are none: its forms have only buttons.
func (*Listing) Faults() []view.Fault { return nil }

// Template names the file that draws it.
func (*Listing) Template() string { return "finance_list" }

// Fact is a value with its name.
type Fact struct {
	Label string
	Cell  Cell
}

// Table is a list with one line for each thing. The first cell names it.
type Table struct {
	Caption string // empty where it is the only one
	Name    string // for who hears the page
	Columns []Column
	Rows    []Row
	Empty   string // said when there are no rows
}

// Column is the head of one.
type Column struct {
	Label  string
	Amount bool // stands at the end
}

// Row is a line, with what can be done to it.
type Row struct {
	Cells   []Cell
	Buttons []Button
}

// Button sends a form of its own.
type Button struct {
	Action string
	Name   string
	Value  string
	Label  string
	About  string // said after the label to who hears the page
	Quiet  bool
}

// Cell is a value. What is not set is not drawn.
type Cell struct {
	Text   string
	URL    string // of the text, or of the amount
	Mark   string // good or bad, for a text that is a state
	Amount *money.Amount
	Day    time.Time
	At     time.Time
	Ties   []Tie
	Links  []Choice
	Typed  string // as somebody wrote it
	Soft   []string
}

// showList sends a list, or the page for a place in it that does not exist.
func (c *Console) showList(w http.ResponseWriter, v *visit, page *Listing) {
	c.show(w, v, http.StatusOK, page)
}

// again sends a list on which something could not be done, and says so at its top.
func (c *Console) again(w http.ResponseWriter, v *visit, page *Listing, refusal *apperr.Error) {
	page.Notice = &view.Notice{Heading: v.spoken.Say("console.refused"), Text: v.refusal(refusal)}
	page.Title = v.spoken.Say("trouble.error", "Title", page.Title)
	c.show(w, v, refusal.Code.HTTPStatus(), page)
}

// refusal is what a service says against something, in the reader's language, or in
// the service's own words where there are no others.
func (v *visit) refusal(refusal *apperr.Error) string {
	reason, message := refusal.Reason, refusal.Message
	if len(refusal.Fields) > 0 {
		reason, message = refusal.Fields[0].Reason, refusal.Fields[0].Message
	}
	return v.worded("console.fault."+reason, message)
}

// worded is a text, or what is said instead of one that is newer than the texts here.
func (v *visit) worded(key, instead string) string {
	text, err := v.spoken.Text(key)
	if err != nil {
		return instead
	}
	return text
}

// word is the text of a word of Stripe's or ours; a word that is not known stands for
// itself.
func (v *visit) word(prefix, word string) string {
	if word == "" {
		return ""
	}
	return v.worded("console."+prefix+"."+word, word)
}

// state is a word that says how something stands: well, badly, or on its way, which
// has no mark.
func (v *visit) state(prefix, word string) Cell {
	cell := Cell{Text: v.word(prefix, word)}
	switch word {
	case "succeeded", "won", "warning_closed", "prevented", "active", "paid":
		cell.Mark = "good"
	case "failed", "canceled", "refused", "requires_action", "lost", "past_due", "unpaid", "incomplete_expired":
		cell.Mark = "bad"
	}
	if prefix == "plan.status" && word == "canceled" {
		cell.Mark = "" // a donor may end what was well
	}
	return cell
}

func value(m *moneyv1.Money) *money.Amount {
	read := amount(m.GetMinor(), m.GetCurrency())
	return &read
}

// tabs are the parts of a list; the first is what is shown without a choice.
func (v *visit) tabs(path, prefix string, names []string) (chosen string, tabs []Choice, known bool) {
	chosen = cmp.Or(v.query.Get(showParameter), names[0])
	for i, name := range names {
		choice := Choice{Label: v.spoken.Say("console." + prefix + "." + name), Current: name == chosen, URL: v.link(path, showParameter, name)}
		if i == 0 {
			choice.URL = v.link(path)
		}
		known = known || choice.Current
		tabs = append(tabs, choice)
	}
	return chosen, tabs, known
}

// turn sets the ways between the pages of a list.
func (v *visit) turn(page *Listing, path, next string) {
	show := v.query.Get(showParameter)
	if v.query.Get(pageParameter) != "" {
		page.First = v.link(path, showParameter, show)
	}
	if next != "" {
		page.Next = v.link(path, showParameter, show, pageParameter, next)
	}
}

// columns are the heads of a table, by their texts' keys; those of amounts begin with
// a plus.
func (v *visit) columns(keys ...string) []Column {
	columns := make([]Column, 0, len(keys))
	for _, key := range keys {
		name, isAmount := key, false
		if key[0] == '+' {
			name, isAmount = key[1:], true
		}
		columns = append(columns, Column{Label: v.spoken.Say("console.column." + name), Amount: isAmount})
	}
	return columns
}

// who are members of the staff by their ids. Addresses are for those who act; who
// only looks is shown that it was one person and not another.
func (c *Console) who(v *visit) func(string) string {
	var addresses map[string]string
	if v.mayAct() && c.people != nil {
		known, err := c.people.StaffAddresses(v.ctx)
		if err != nil {
			c.front.Logger().WarnContext(v.ctx, "names of the staff", "error", err)
		}
		addresses = known
	}
	return func(id string) string { return cmp.Or(addresses[id], begin(id)) }
}

// newRequest is the id of a form: sent twice, it is done once.
func newRequest() string { return uuid.NewString() }

// goTo sends the browser on, so that loading the page again sends nothing again.
func (v *visit) goTo(w http.ResponseWriter, address string) {
	http.Redirect(w, v.r, address, http.StatusSeeOther)
}

// under is an address below one of the console's.
func under(path, id string) string { return path + "/" + url.PathEscape(id) }
