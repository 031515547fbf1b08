package staff

import (
	"net/http"
	"strings"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

func (d *Desk) appeals(v *visit) {
	listed, err := d.catalogue.ListAllAppeals(v.ctx, &fundraiserv1.ListAllAppealsRequest{})
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	page := TablePage{Frame: v.frame(v.say("area.appeals"), appealsPath), Heading: v.say("area.appeals")}
	if v.admin {
		page.New = &view.Link{Label: v.say("appeals.new"), URL: newAppealPath}
	}
	table := Table{
		Columns: []string{v.say("label.title"), v.say("column.state"), v.say("label.kind"), v.say("column.raised"), v.say("column.gifts"), v.fieldName("ends_on")},
		Empty:   v.say("appeals.none"),
	}
	for _, a := range listed.GetAppeals() {
		raised := ""
		currency, err := money.ParseCurrency(a.GetInput().GetCurrency())
		if err == nil {
			raised = v.spoken.Money(money.Amount{Minor: a.GetTotals().GetSettledMinor(), Currency: currency})
		}
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			{Text: a.GetInput().GetTitle(), URL: under(appealsPath, a.GetAppealId())},
			{Text: v.standing(a)}, {Text: v.known("kind.", kindName(a.GetInput().GetKind()))}, {Text: raised, Number: true},
			{Text: v.spoken.Number(a.GetTotals().GetGifts()), Number: true}, {Text: a.GetInput().GetEndsOn()},
		}})
	}
	page.Tables = []Table{table}
	d.front.Show(v.w, v.r, http.StatusOK, &page)
}

// standing says where an appeal stands, and why, when a date says otherwise than
// was decided.
func (v *visit) standing(a *fundraiserv1.EditableAppeal) string {
	live := a.GetState() == fundraiserv1.AppealState_APPEAL_STATE_LIVE
	switch {
	case live && a.GetStateNow() == fundraiserv1.AppealState_APPEAL_STATE_DRAFT:
		return v.say("state.waiting", "Day", a.GetInput().GetStartsOn())
	case live && a.GetStateNow() == fundraiserv1.AppealState_APPEAL_STATE_CLOSED:
		return v.say("state.over", "Day", a.GetInput().GetEndsOn())
	case live:
		return v.say("state.live")
	case a.GetState() == fundraiserv1.AppealState_APPEAL_STATE_CLOSED:
		return v.say("state.closed")
	default:
		return v.say("state.draft")
	}
}

func (d *Desk) newAppeal(v *visit) {
	if !v.admin {
		d.front.Unknown(v.w, v.r)
		return
	}
	typed := map[string]string{"kind": "standing"}
	if len(v.organizations) > 0 {
		typed["currency"] = v.organizations[0].GetOrganization().GetBaseCurrency()
		currency, err := money.ParseCurrency(typed["currency"])
		if err == nil {
			typed["minimum"] = v.spoken.Typed(money.Minimum(currency))
		}
	}
	d.showAppeal(v, nil, typed)
}

func (d *Desk) appeal(v *visit) {
	a, ok := d.findAppeal(v)
	if ok {
		d.showAppeal(v, a, v.typedAppeal(a))
	}
}

func (d *Desk) showAppeal(v *visit, a *fundraiserv1.EditableAppeal, typed map[string]string) {
	page, err := d.appealPage(v, a, typed)
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	d.front.Show(v.w, v.r, http.StatusOK, page)
}

// findAppeal is the appeal that the address names, or the answer that there is none.
func (d *Desk) findAppeal(v *visit) (*fundraiserv1.EditableAppeal, bool) {
	found, err := d.catalogue.GetAppealForEdit(v.ctx, &fundraiserv1.GetAppealForEditRequest{AppealId: v.r.PathValue("id")})
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return nil, false
	}
	return found.GetAppeal(), true
}

// appealPage is the form of an appeal, or of a new one for nil.
func (d *Desk) appealPage(v *visit, a *fundraiserv1.EditableAppeal, typed map[string]string) (*FormPage, error) {
	listed, err := d.catalogue.ListFunds(v.ctx, &fundraiserv1.ListFundsRequest{})
	if err != nil {
		return nil, err
	}
	heading, action := v.say("appeals.new"), newAppealPath
	if a != nil {
		heading, action = a.GetInput().GetTitle(), under(appealsPath, a.GetAppealId())
	}
	page := &FormPage{Frame: v.frame(heading, appealsPath), Heading: heading, Back: view.Link{Label: v.say("area.appeals"), URL: appealsPath}}
	if a != nil {
		page.Facts = append(page.Facts, Fact{v.say("column.state"), v.standing(a)})
	}
	fixed := a.GetWasPublished()
	list := []view.Input{{Name: "version", Kind: "hidden", Value: typed["version"]}}
	if a == nil {
		list = append(list, v.chooseOrganization(typed))
	}
	// What was shared stays; the services say so too.
	for _, name := range []string{"slug", "currency"} {
		if fixed {
			page.Facts = append(page.Facts, Fact{v.say("label." + name), typed[name]})
			list = append(list, view.Input{Name: name, Kind: "hidden", Value: typed[name]})
		} else {
			list = append(list, v.text(name, typed))
		}
	}
	funds := v.text("funds", typed)
	funds.Hint = v.say("funds.choose", "Funds", codes(listed.GetFunds()))
	list = append(list,
		v.choice("kind", typed,
			view.Choice{Value: "standing", Label: v.say("kind.standing")},
			view.Choice{Value: "crisis", Label: v.say("kind.crisis")},
			view.Choice{Value: "campaign", Label: v.say("kind.campaign")}),
		v.text("title", typed), v.area("summary", typed, 2), v.area("story", typed, 14), funds,
		v.area("suggested", typed, 4), v.text("minimum", typed), v.text("goal", typed),
		v.text("goal_count", typed), v.text("goal_unit", typed), v.text("unit_cost", typed),
		v.text("starts_on", typed), v.text("ends_on", typed), v.text("fee_rate", typed), v.text("fee_fixed", typed))
	if !v.admin {
		page.Facts = append(page.Facts, v.facts(list)...)
		return page, nil
	}
	page.Forms = []Section{{Form: view.Inputs{Action: action, Button: v.say("save"), List: list}}}
	if a != nil {
		page.Buttons = v.appealButtons(a)
	}
	return page, nil
}

func codes(funds []*fundraiserv1.FundChanged) string {
	var all []string
	for _, f := range funds {
		all = append(all, f.GetCode()+" ("+f.GetName()+")")
	}
	return strings.Join(all, ", ")
}

// appealButtons are what can be done with an appeal as it stands.
func (v *visit) appealButtons(a *fundraiserv1.EditableAppeal) []Button {
	button := func(value string, quiet bool) []Button {
		return []Button{{Action: under(appealsPath, a.GetAppealId()) + "/state", Name: "action", Value: value, Label: v.say("do." + value), Quiet: quiet}}
	}
	switch a.GetState() {
	case fundraiserv1.AppealState_APPEAL_STATE_DRAFT:
		return button("publish", false)
	case fundraiserv1.AppealState_APPEAL_STATE_LIVE:
		return button("close", true)
	case fundraiserv1.AppealState_APPEAL_STATE_CLOSED:
		return button("reopen", true)
	default:
		return nil
	}
}

func (d *Desk) saveAppeal(v *visit) {
	if !d.front.ReadForm(v.w, v.r, largestForm) {
		return
	}
	var before *fundraiserv1.EditableAppeal
	id := v.r.PathValue("id")
	if id != "" {
		var ok bool
		before, ok = d.findAppeal(v)
		if !ok {
			return
		}
	}
	typed := v.typed(appealFields()...)
	version, ok := position(typed["version"])
	if !ok {
		d.front.Unknown(v.w, v.r)
		return
	}
	if before != nil {
		typed["organization"] = before.GetInput().GetOrganizationId()
	}
	input, faults := v.readAppeal(typed)
	var saved *fundraiserv1.SaveAppealResponse
	var err error
	if len(faults) == 0 {
		saved, err = d.catalogue.SaveAppeal(v.ctx, &fundraiserv1.SaveAppealRequest{AppealId: id, Version: version, Input: input})
	}
	if len(faults) == 0 && err == nil {
		v.goTo(under(appealsPath, saved.GetAppeal().GetAppealId()), "done", "saved")
		return
	}
	page, pageErr := d.appealPage(v, before, typed)
	switch {
	case pageErr != nil:
		d.front.Fail(v.w, v.r, pageErr)
	case len(faults) > 0:
		d.wrong(v, page, faults)
	default:
		d.again(v, page, err)
	}
}

func (d *Desk) changeAppealState(v *visit) {
	if !d.front.ReadForm(v.w, v.r, largestForm) {
		return
	}
	actions := map[string]struct {
		action fundraiserv1.AppealAction
		done   string
	}{
		"publish": {fundraiserv1.AppealAction_APPEAL_ACTION_PUBLISH, "published"},
		"close":   {fundraiserv1.AppealAction_APPEAL_ACTION_CLOSE, "closed"},
		"reopen":  {fundraiserv1.AppealAction_APPEAL_ACTION_REOPEN, "reopened"},
	}
	wanted, known := actions[v.r.PostForm.Get("action")]
	if !known {
		d.front.Unknown(v.w, v.r)
		return
	}
	id := v.r.PathValue("id")
	_, err := d.catalogue.ChangeAppealState(v.ctx, &fundraiserv1.ChangeAppealStateRequest{AppealId: id, Action: wanted.action})
	if err == nil {
		v.goTo(under(appealsPath, id), "done", wanted.done)
		return
	}
	_, _, sayable := v.inTheWay(err)
	if !sayable {
		d.front.Fail(v.w, v.r, err)
		return
	}
	a, ok := d.findAppeal(v)
	if !ok {
		return
	}
	page, pageErr := d.appealPage(v, a, v.typedAppeal(a))
	if pageErr != nil {
		d.front.Fail(v.w, v.r, pageErr)
		return
	}
	d.again(v, page, err)
}
