package staff

import (
	"net/http"
	"net/url"
	"slices"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/view"
)

// pagesShown is how many supporters' pages are listed at once.
const pagesShown = 50

func (d *Desk) moderation(v *visit) {
	after := v.r.URL.Query().Get("after")
	page, err := d.moderationPage(v, after, "", nil, "")
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	d.front.Show(v.w, v.r, http.StatusOK, page)
}

// moderationPage lists pages. What is wrong with the form of one of them stands
// there, with what was typed.
func (d *Desk) moderationPage(v *visit, after, blamed string, wrong []string, typed string) (*TablePage, error) {
	listed, err := d.catalogue.ListFundraisers(v.ctx, &fundraiserv1.ListFundraisersRequest{After: after, Limit: pagesShown})
	if err != nil {
		return nil, err
	}
	page := &TablePage{Frame: v.frame(v.say("area.moderation"), moderationPath), Heading: v.say("area.moderation"), Intro: v.say("moderation.intro")}
	table := Table{
		Columns: []string{v.say("label.title"), v.say("column.owner"), v.say("column.appeal"), v.say("column.state"), v.say("column.gifts")},
		Empty:   v.say("moderation.none"),
	}
	if v.admin {
		table.Columns = append(table.Columns, v.say("column.do"))
	}
	for _, p := range listed.GetFundraisers() {
		hidden := p.GetState() == fundraiserv1.FundraiserState_FUNDRAISER_STATE_TAKEN_DOWN
		title := Cell{Text: p.GetTitle(), URL: "/f/" + p.GetSlug()}
		if hidden {
			title.URL = ""
		}
		row := Row{Cells: []Cell{
			title, {Text: p.GetOwnerName()}, {Text: p.GetAppealSlug(), URL: "/appeals/" + p.GetAppealSlug()},
			{Text: v.say("page." + pageState(p.GetState()))}, {Text: v.spoken.Number(p.GetTotals().GetGifts()), Number: true},
		}}
		if v.admin {
			row.Form = v.moderate(p.GetFundraiserId(), after, hidden)
			if p.GetFundraiserId() == blamed && !hidden {
				reason := &row.Form.List[1]
				reason.Wrong, reason.Value = wrong, typed
			}
		}
		table.Rows = append(table.Rows, row)
	}
	page.Tables = []Table{table}
	if listed.GetNext() != "" {
		page.Next = &view.Link{Label: v.say("older"), URL: moderationPath + "?after=" + url.QueryEscape(listed.GetNext())}
	}
	return page, nil
}

// reasonOf names the field of one page's form: many of them stand on one page.
func reasonOf(id string) string { return "reason-" + id }

func (v *visit) moderate(id, after string, hidden bool) *view.Inputs {
	form := &view.Inputs{Action: under(moderationPath, id), Button: v.say("take_down"), List: []view.Input{
		{Name: "after", Kind: "hidden", Value: after},
		{Name: reasonOf(id), Kind: "text", Label: v.say("label.reason"), Autocomplete: "off"},
	}}
	if hidden {
		form.Button = v.say("restore")
		form.List[1] = view.Input{Name: "restore", Kind: "hidden", Value: "1"}
	}
	return form
}

func pageState(s fundraiserv1.FundraiserState) string {
	switch s {
	case fundraiserv1.FundraiserState_FUNDRAISER_STATE_LIVE:
		return "live"
	case fundraiserv1.FundraiserState_FUNDRAISER_STATE_PAUSED:
		return "paused"
	case fundraiserv1.FundraiserState_FUNDRAISER_STATE_TAKEN_DOWN:
		return "taken_down"
	default:
		return "closed"
	}
}

func (d *Desk) takeDown(v *visit) {
	if !d.front.ReadForm(v.w, v.r, largestForm) {
		return
	}
	id, after := v.r.PathValue("id"), v.r.PostForm.Get("after")
	restore, reason := v.r.PostForm.Get("restore") != "", v.r.PostForm.Get(reasonOf(id))
	_, err := d.catalogue.TakeDownFundraiser(v.ctx, &fundraiserv1.TakeDownFundraiserRequest{FundraiserId: id, Reason: reason, Restore: restore})
	if faults := v.faults(err); faults != nil {
		page, err := d.moderationPage(v, after, id, faults["reason"], reason)
		if err != nil {
			d.front.Fail(v.w, v.r, err)
			return
		}
		page.Title = v.spoken.Say("trouble.error", "Title", page.Title)
		d.front.Show(v.w, v.r, http.StatusUnprocessableEntity, page)
		return
	}
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	done := "taken_down"
	if restore {
		done = "restored"
	}
	v.goTo(moderationPath, "done", done)
}

func (d *Desk) parked(v *visit) {
	page := TablePage{Frame: v.frame(v.say("area.parked"), parkedPath), Heading: v.say("area.parked"), Intro: v.say("parked.intro")}
	for _, asked := range d.askParked(v) {
		table := Table{
			Caption: v.say("service." + asked.service), Empty: v.say("parked.none"),
			Columns: []string{v.say("column.item"), v.say("column.reason"), v.say("column.tried"), v.say("column.since")},
		}
		if asked.err != nil {
			table.Empty = v.say("parked.away")
		}
		if v.accountant {
			table.Columns = append(table.Columns, v.say("column.do"))
		}
		for _, item := range asked.items {
			reason := item.GetReason()
			if item.GetWaiting() {
				reason += "\n" + v.say("parked.waiting")
			}
			row := Row{Cells: []Cell{
				{Text: item.GetType() + "\n" + item.GetAggregateId(), ID: true}, {Text: reason},
				{Text: v.spoken.Number(int64(item.GetAttempts())), Number: true}, {Text: v.moment(item.GetSince())},
			}}
			if v.accountant {
				row.Form = &view.Inputs{Action: under(parkedPath, item.GetId()) + "/retry", Button: v.say("retry"), List: []view.Input{
					{Name: "service", Kind: "hidden", Value: asked.service},
				}}
			}
			table.Rows = append(table.Rows, row)
		}
		page.Tables = append(page.Tables, table)
	}
	d.front.Show(v.w, v.r, http.StatusOK, &page)
}

func (d *Desk) retry(v *visit) {
	if !d.front.ReadForm(v.w, v.r, largestForm) {
		return
	}
	// An empty id would mean all of them, which no button here says.
	id, service := v.r.PathValue("id"), v.r.PostForm.Get("service")
	if !slices.Contains(parkers(), service) {
		// Nobody could be asked, which would look as if a service were away.
		v.goTo(parkedPath, "done", "retried")
		return
	}
	_, err := d.parking.RetryParked(v.ctx, &feedv1.RetryParkedRequest{Service: service, Id: id})
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		d.front.Fail(v.w, v.r, err)
		return
	}
	// One that is not there any more was applied meanwhile; the list says what is left.
	v.goTo(parkedPath, "done", "retried")
}
