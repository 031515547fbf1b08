package staff

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// latestChanges is how many of them the overview shows, changesShown how many
	// a page of them has.
	latestChanges = 10
	changesShown  = 50
	// endsSoon is how early the overview says that an appeal will end.
	endsSoon = 7 * 24 * time.Hour
)

func (d *Desk) overview(v *visit) {
	appeals, err := d.catalogue.ListAllAppeals(v.ctx, &fundraiserv1.ListAllAppealsRequest{})
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	changes, err := d.catalogue.ListChanges(v.ctx, &fundraiserv1.ListChangesRequest{Limit: latestChanges})
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	names, err := d.names(v)
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	page := Overview{
		Frame: v.frame(v.say("name"), overviewPath), Heading: v.say("name"), Table: v.changeTable(changes.GetChanges(), names, true),
		More: view.Link{Label: v.say("changes.all"), URL: changesPath},
	}
	for _, a := range appeals.GetAppeals() {
		page.Attention = append(page.Attention, d.appealAttention(v, a)...)
	}
	for _, asked := range d.askParked(v) {
		switch {
		case asked.err != nil:
			page.Attention = append(page.Attention, view.Link{Label: v.say("attention.away", "Service", v.say("service."+asked.service)), URL: parkedPath})
		case len(asked.items) > 0:
			label, err := v.spoken.Count("staff.attention.parked", int64(len(asked.items)), "Service", v.say("service."+asked.service))
			if err != nil {
				d.front.Fail(v.w, v.r, err)
				return
			}
			page.Attention = append(page.Attention, view.Link{Label: label, URL: parkedPath})
		}
	}
	d.front.Show(v.w, v.r, http.StatusOK, &page)
}

// appealAttention is what somebody should look at about an appeal.
func (d *Desk) appealAttention(v *visit, a *fundraiserv1.EditableAppeal) []view.Link {
	way := func(key string) []view.Link {
		return []view.Link{{Label: v.say("attention."+key, "Appeal", a.GetInput().GetTitle()), URL: under(appealsPath, a.GetAppealId())}}
	}
	switch {
	case a.GetState() == fundraiserv1.AppealState_APPEAL_STATE_DRAFT:
		return way("draft")
	case a.GetState() == fundraiserv1.AppealState_APPEAL_STATE_LIVE && a.GetStateNow() == fundraiserv1.AppealState_APPEAL_STATE_CLOSED:
		return way("ended")
	case a.GetStateNow() == fundraiserv1.AppealState_APPEAL_STATE_LIVE && a.GetInput().GetEndsOn() != "":
		ends, err := time.ParseInLocation(time.DateOnly, a.GetInput().GetEndsOn(), v.zone)
		if err == nil && ends.Sub(d.front.Now()) < endsSoon {
			return way("ends")
		}
	}
	return nil
}

func (d *Desk) changes(v *visit) {
	before, ok := position(v.r.URL.Query().Get("before"))
	if !ok {
		d.front.Unknown(v.w, v.r)
		return
	}
	changes, err := d.catalogue.ListChanges(v.ctx, &fundraiserv1.ListChangesRequest{Before: before, Limit: changesShown})
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	names, err := d.names(v)
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	page := TablePage{
		Frame: v.frame(v.say("area.changes"), changesPath), Heading: v.say("area.changes"), Intro: v.say("changes.intro"),
		Tables: []Table{v.changeTable(changes.GetChanges(), names, false)},
	}
	if changes.GetMore() {
		last := changes.GetChanges()[len(changes.GetChanges())-1]
		page.Next = &view.Link{Label: v.say("older"), URL: changesPath + "?before=" + number(last.GetChangeId())}
	}
	d.front.Show(v.w, v.r, http.StatusOK, &page)
}

// names are the addresses of who changed something. They are admins' to know; who
// else looks is shown that it was one person and not another.
func (d *Desk) names(v *visit) (map[string]string, error) {
	if !v.admin {
		return nil, nil
	}
	return d.people.StaffAddresses(v.ctx)
}

// changeTable says who changed what, in brief without the values. They are shown
// as they were written.
func (v *visit) changeTable(changes []*fundraiserv1.Change, names map[string]string, brief bool) Table {
	table := Table{
		Columns: []string{v.say("column.what"), v.say("column.action"), v.say("column.fields"), v.say("column.who"), v.say("column.when")},
		Empty:   v.say("changes.none"),
	}
	for _, c := range changes {
		var fields []string
		isNew := c.GetAction() == "created"
		for _, f := range c.GetFields() {
			switch name := v.fieldName(f.GetField()); {
			case brief && isNew:
				// That it is there is the news, not each of its fields.
			case brief:
				fields = append(fields, name)
			case isNew:
				fields = append(fields, name+": "+short(f.GetAfter()))
			default:
				fields = append(fields, name+": "+short(f.GetBefore())+" → "+short(f.GetAfter()))
			}
		}
		who := cmp.Or(names[c.GetPersonId()], c.GetPersonId())
		if who == "operator" {
			who = v.say("operator")
		}
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			{Text: c.GetSubjectName(), URL: subjectPath(c)},
			{Text: v.known("action.", c.GetAction())},
			{Text: strings.Join(fields, "\n")},
			{Text: who},
			{Text: v.moment(c.GetChangedAt())},
		}})
	}
	return table
}

// known is the text of a word that a service said, or the word itself when it is
// newer than the texts here.
func (v *visit) known(prefix, word string) string {
	text, err := v.spoken.Text("staff." + prefix + word)
	if err != nil {
		return word
	}
	return text
}

// fieldName is what a field is called in the forms here.
func (v *visit) fieldName(field string) string {
	name, renamed := formNames[field]
	if !renamed {
		name = field
	}
	// Beside a value it is of no interest that the form may go without.
	label, _, _ := strings.Cut(v.known("label.", name), " (")
	return label
}

// shortest keeps a long text from filling the page; all of it is where it is
// edited.
const shortest = 120

func short(text string) string {
	runes := []rune(text)
	if text == "" {
		return "–"
	}
	if len(runes) > shortest {
		return string(runes[:shortest]) + "…"
	}
	return text
}

func subjectPath(c *fundraiserv1.Change) string {
	switch c.GetSubject() {
	case "organization":
		return organizationPath
	case "appeal":
		return under(appealsPath, c.GetSubjectId())
	case "fund":
		return under(fundsPath, c.GetSubjectId())
	case "fundraiser":
		return moderationPath
	default:
		return ""
	}
}

// asked is what one service says that it has parked.
type asked struct {
	service string
	items   []*feedv1.ParkedItem
	err     error
}

// parkers are the services that set aside what could not be applied.
func parkers() []string { return []string{"donation", "fundraiser", "receipt", "ledger"} }

// askParked asks all services; one that is away does not hide the others.
func (d *Desk) askParked(v *visit) []asked {
	var all []asked
	for _, service := range parkers() {
		answer, err := d.parking.ListParked(v.ctx, &feedv1.ListParkedRequest{Service: service})
		all = append(all, asked{service: service, items: answer.GetItems(), err: err})
	}
	return all
}
