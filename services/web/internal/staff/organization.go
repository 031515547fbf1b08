package staff

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/web/internal/view"
)

// organizationParameter names one where there are several.
const organizationParameter = "organization"

// chosen is the organization that the page is about: the home organization
// unless another is named. nil for one that there is not.
func (v *visit) chosen(name string) *fundraiserv1.EditableOrganization {
	for i, o := range v.organizations {
		if (name == "" && i == 0) || (name != "" && o.GetOrganization().GetCode() == name) {
			return o
		}
	}
	return nil
}

func (d *Desk) organization(v *visit) {
	o := v.chosen(v.r.URL.Query().Get(organizationParameter))
	if o == nil {
		d.front.Unknown(v.w, v.r)
		return
	}
	d.front.Show(v.w, v.r, http.StatusOK, v.organizationPage(o, typedOrganization(o)))
}

// organizationPage has the forms with what was typed in them.
func (v *visit) organizationPage(o *fundraiserv1.EditableOrganization, typed map[string]string) *FormPage {
	said := o.GetOrganization()
	page := &FormPage{Frame: v.frame(v.say("area.organization"), organizationPath), Heading: said.GetName()}
	if len(v.organizations) > 1 {
		for _, other := range v.organizations {
			page.Others = append(page.Others, view.Link{Label: other.GetOrganization().GetName(), URL: organizationAddress(other)})
		}
	}
	if logo := o.GetLogo(); len(logo.GetWidths()) > 0 {
		smallest := logo.GetWidths()[len(logo.GetWidths())-1]
		page.Logo = &Picture{URL: "/photos/" + logo.GetImageId() + "/" + strconv.Itoa(int(smallest)), Alt: logo.GetAlt()}
	}
	page.Facts = []Fact{
		{v.say("label.code"), said.GetCode()}, {v.say("label.country"), said.GetCountry()}, {v.say("label.base_currency"), said.GetBaseCurrency()},
	}
	inputs := []view.Input{
		{Name: "version", Kind: "hidden", Value: typed["version"]},
		{Name: "organization", Kind: "hidden", Value: said.GetCode()},
		v.text("name", typed), v.text("legal_name", typed), v.area("address", typed, 4), v.text("registration", typed),
		v.text("time_zone", typed), v.area("mission", typed, 5), v.text("contact_email", typed),
	}
	if !v.admin {
		page.Facts = append(page.Facts, v.facts(inputs)...)
		return page
	}
	page.Forms = []Section{
		{Form: view.Inputs{Action: organizationPath, Button: v.say("save"), List: inputs}},
		{Heading: v.say("logo"), Form: view.Inputs{Action: logoPath, Button: v.say("upload"), Files: true, List: []view.Input{
			{Name: "organization", Kind: "hidden", Value: said.GetCode()},
			{Name: "logo", Kind: "file", Label: v.say("label.logo"), Hint: v.say("hint.logo"), Accept: "image/png,image/jpeg,image/webp"},
		}}},
	}
	if page.Logo != nil {
		page.Forms = append(page.Forms, Section{Form: view.Inputs{Action: logoPath, Button: v.say("logo.remove"), List: []view.Input{
			{Name: "organization", Kind: "hidden", Value: said.GetCode()},
			{Name: "remove", Kind: "hidden", Value: "1"},
		}}})
	}
	return page
}

func organizationAddress(o *fundraiserv1.EditableOrganization) string {
	return organizationPath + "?" + organizationParameter + "=" + o.GetOrganization().GetCode()
}

func typedOrganization(o *fundraiserv1.EditableOrganization) map[string]string {
	said := o.GetOrganization()
	return map[string]string{
		"version": number(said.GetVersion()), "name": said.GetName(), "legal_name": said.GetLegalName(),
		"address": strings.Join(said.GetAddress(), "\n"), "registration": said.GetRegistration(), "time_zone": said.GetTimeZone(),
		"mission": o.GetMission(), "contact_email": said.GetContactEmail(),
	}
}

func (d *Desk) saveOrganization(v *visit) {
	if !d.front.ReadForm(v.w, v.r, largestForm) {
		return
	}
	o := v.chosen(v.r.PostForm.Get("organization"))
	version, ok := position(v.r.PostForm.Get("version"))
	if o == nil || !ok {
		d.front.Unknown(v.w, v.r)
		return
	}
	typed := v.typed("version", "name", "legal_name", "address", "registration", "time_zone", "mission", "contact_email")
	_, err := d.catalogue.UpdateOrganization(v.ctx, &fundraiserv1.UpdateOrganizationRequest{
		OrganizationId: o.GetOrganization().GetOrganizationId(), Version: version,
		Name: typed["name"], LegalName: typed["legal_name"], Address: strings.Split(typed["address"], "\n"),
		Registration: typed["registration"], TimeZone: strings.TrimSpace(typed["time_zone"]), Mission: typed["mission"],
		ContactEmail: typed["contact_email"],
	})
	if err != nil {
		d.again(v, v.organizationPage(o, typed), err)
		return
	}
	v.goTo(organizationPath, organizationParameter, o.GetOrganization().GetCode(), "done", "saved")
}

func (d *Desk) saveLogo(v *visit) {
	if !d.front.ReadForm(v.w, v.r, largestUpload) {
		return
	}
	o := v.chosen(v.r.PostForm.Get("organization"))
	if o == nil {
		d.front.Unknown(v.w, v.r)
		return
	}
	done := "logo_gone"
	var content []byte
	if v.r.PostForm.Get("remove") == "" {
		done = "logo"
		var err error
		content, err = upload(v.r, "logo")
		if err != nil {
			d.front.Fail(v.w, v.r, err)
			return
		}
		if len(content) == 0 {
			page := v.organizationPage(o, typedOrganization(o))
			d.wrong(v, page, map[string][]string{"logo": {v.say("logo.none")}})
			return
		}
	}
	_, err := d.catalogue.SetOrganizationLogo(v.ctx, &fundraiserv1.SetOrganizationLogoRequest{
		OrganizationId: o.GetOrganization().GetOrganizationId(), Content: content,
	})
	if err != nil {
		d.again(v, v.organizationPage(o, typedOrganization(o)), err)
		return
	}
	v.goTo(organizationPath, organizationParameter, o.GetOrganization().GetCode(), "done", done)
}

// upload is the content of a file of the form; none for no file.
func upload(r *http.Request, name string) ([]byte, error) {
	if r.MultipartForm == nil || len(r.MultipartForm.File[name]) == 0 {
		return nil, nil
	}
	file, err := r.MultipartForm.File[name][0].Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(file)
}
