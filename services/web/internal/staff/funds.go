package staff

import (
	"net/http"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	unrestricted = "unrestricted"
	restricted   = "restricted"
)

func className(class attributionv1.FundClass) string {
	switch class {
	case attributionv1.FundClass_FUND_CLASS_UNRESTRICTED:
		return unrestricted
	case attributionv1.FundClass_FUND_CLASS_RESTRICTED:
		return restricted
	default:
		return ""
	}
}

func classOf(name string) attributionv1.FundClass {
	switch name {
	case unrestricted:
		return attributionv1.FundClass_FUND_CLASS_UNRESTRICTED
	case restricted:
		return attributionv1.FundClass_FUND_CLASS_RESTRICTED
	default:
		return attributionv1.FundClass_FUND_CLASS_UNSPECIFIED
	}
}

func (d *Desk) funds(v *visit) {
	listed, err := d.catalogue.ListFunds(v.ctx, &fundraiserv1.ListFundsRequest{})
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	page := TablePage{Frame: v.frame(v.say("area.funds"), fundsPath), Heading: v.say("area.funds"), Intro: v.say("funds.intro")}
	if v.admin {
		page.New = &view.Link{Label: v.say("funds.new"), URL: newFundPath}
	}
	table := Table{Columns: []string{v.say("label.name"), v.say("label.code"), v.say("label.class"), v.say("label.organization")}, Empty: v.say("funds.none")}
	for _, f := range listed.GetFunds() {
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			{Text: f.GetName(), URL: under(fundsPath, f.GetFundId())}, {Text: f.GetCode(), ID: true},
			{Text: v.known("class.", className(f.GetFundClass()))}, {Text: v.organization(f.GetOrganizationId()).GetName()},
		}})
	}
	page.Tables = []Table{table}
	d.front.Show(v.w, v.r, http.StatusOK, &page)
}

// findFund is one of the funds; nil if there is none with that id.
func (d *Desk) findFund(v *visit, id string) (*fundraiserv1.FundChanged, error) {
	listed, err := d.catalogue.ListFunds(v.ctx, &fundraiserv1.ListFundsRequest{})
	if err != nil {
		return nil, err
	}
	for _, f := range listed.GetFunds() {
		if f.GetFundId() == id {
			return f, nil
		}
	}
	return nil, nil
}

func (d *Desk) newFund(v *visit) {
	if !v.admin {
		d.front.Unknown(v.w, v.r)
		return
	}
	d.front.Show(v.w, v.r, http.StatusOK, v.fundPage(nil, map[string]string{"class": restricted}))
}

func (d *Desk) fund(v *visit) {
	fund, err := d.findFund(v, v.r.PathValue("id"))
	if err != nil {
		d.front.Fail(v.w, v.r, err)
		return
	}
	if fund == nil {
		d.front.Unknown(v.w, v.r)
		return
	}
	d.front.Show(v.w, v.r, http.StatusOK, v.fundPage(fund, map[string]string{"name": fund.GetName(), "version": number(fund.GetVersion())}))
}

// fundPage is the form of a fund, or of a new one for nil.
func (v *visit) fundPage(fund *fundraiserv1.FundChanged, typed map[string]string) *FormPage {
	back := view.Link{Label: v.say("area.funds"), URL: fundsPath}
	if fund == nil {
		page := &FormPage{Frame: v.frame(v.say("funds.new"), fundsPath), Heading: v.say("funds.new"), Back: back}
		page.Forms = []Section{{Form: view.Inputs{Action: newFundPath, Button: v.say("save"), List: []view.Input{
			v.chooseOrganization(typed), v.text("code", typed), v.text("name", typed),
			v.choice("class", typed,
				view.Choice{Value: restricted, Label: v.say("class.restricted"), Hint: v.say("class.restricted.hint")},
				view.Choice{Value: unrestricted, Label: v.say("class.unrestricted"), Hint: v.say("class.unrestricted.hint")}),
		}}}}
		return page
	}
	page := &FormPage{Frame: v.frame(fund.GetName(), fundsPath), Heading: fund.GetName(), Back: back}
	page.Facts = []Fact{
		{v.say("label.organization"), v.organization(fund.GetOrganizationId()).GetName()},
		{v.say("label.code"), fund.GetCode()}, {v.say("label.class"), v.known("class.", className(fund.GetFundClass()))},
	}
	if v.admin {
		page.Forms = []Section{{Form: view.Inputs{Action: under(fundsPath, fund.GetFundId()), Button: v.say("save"), List: []view.Input{
			{Name: "version", Kind: "hidden", Value: typed["version"]}, v.text("name", typed),
		}}}}
	}
	return page
}

// chooseOrganization is a choice where there are several, else settled.
func (v *visit) chooseOrganization(typed map[string]string) view.Input {
	if len(v.organizations) == 1 {
		return view.Input{Name: "organization", Kind: "hidden", Value: v.organizations[0].GetOrganization().GetOrganizationId()}
	}
	var choices []view.Choice
	for _, o := range v.organizations {
		choices = append(choices, view.Choice{Value: o.GetOrganization().GetOrganizationId(), Label: o.GetOrganization().GetName()})
	}
	return v.choice("organization", typed, choices...)
}

func (d *Desk) saveFund(v *visit) {
	if !d.front.ReadForm(v.w, v.r, largestForm) {
		return
	}
	var before *fundraiserv1.FundChanged
	wanted := &fundraiserv1.FundChanged{
		OrganizationId: v.r.PostForm.Get("organization"), Code: v.r.PostForm.Get("code"),
		Name: v.r.PostForm.Get("name"), FundClass: classOf(v.r.PostForm.Get("class")),
	}
	if id := v.r.PathValue("id"); id != "" {
		var err error
		before, err = d.findFund(v, id)
		if err != nil {
			d.front.Fail(v.w, v.r, err)
			return
		}
		version, ok := position(v.r.PostForm.Get("version"))
		if before == nil || !ok {
			d.front.Unknown(v.w, v.r)
			return
		}
		wanted.FundId, wanted.OrganizationId, wanted.Code = before.GetFundId(), before.GetOrganizationId(), before.GetCode()
		wanted.FundClass, wanted.Version = before.GetFundClass(), version
	}
	_, err := d.catalogue.SaveFund(v.ctx, &fundraiserv1.SaveFundRequest{Fund: wanted})
	if err != nil {
		d.again(v, v.fundPage(before, v.typed("organization", "code", "name", "class", "version")), err)
		return
	}
	v.goTo(fundsPath, "done", "saved")
}
