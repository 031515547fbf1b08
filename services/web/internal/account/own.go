package account

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/pages"
	"github.com/almoner/almoner/services/web/internal/view"
)

// states have a text each for their name and for what they mean.
var states = map[fundraiserv1.FundraiserState]string{
	fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT:      "draft",
	fundraiserv1.FundraiserState_FUNDRAISER_STATE_LIVE:       "live",
	fundraiserv1.FundraiserState_FUNDRAISER_STATE_PAUSED:     "paused",
	fundraiserv1.FundraiserState_FUNDRAISER_STATE_CLOSED:     "closed",
	fundraiserv1.FundraiserState_FUNDRAISER_STATE_TAKEN_DOWN: "taken_down",
}

// overview lists the supporter's pages.
func (d *Desk) overview(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := d.supporters.ListOwnFundraisers(ctx, &fundraiserv1.ListOwnFundraisersRequest{})
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	page := &Overview{Frame: d.frame(r, d.say(r, "overview.title"))}
	for _, own := range answer.GetFundraisers() {
		progress, err := progressOf(own)
		if err != nil {
			d.front.Fail(w, r, err)
			return
		}
		page.Pages = append(page.Pages, Line{
			Title: own.GetFundraiser().GetTitle(), Appeal: own.GetAppeal().GetTitle(), URL: ownPath(own.GetFundraiser().GetFundraiserId()),
			State: d.say(r, "state."+states[own.GetFundraiser().GetState()]), Progress: progress,
		})
	}
	d.front.Show(w, r, http.StatusOK, page)
}

func progressOf(own *fundraiserv1.OwnFundraiser) (view.Progress, error) {
	currency, err := money.ParseCurrency(own.GetAppeal().GetCurrency())
	if err != nil {
		return view.Progress{}, err
	}
	totals := own.GetFundraiser().GetTotals()
	return view.Progress{
		Raised: money.Amount{Minor: totals.GetSettledMinor(), Currency: currency}, Gifts: totals.GetGifts(),
		Goal: money.Amount{Minor: own.GetFundraiser().GetGoalMinor(), Currency: currency},
	}, nil
}

// find is the page of the address, if it is the visitor's; it answers itself, and
// reports false, when it is not.
func (d *Desk) find(w http.ResponseWriter, r *http.Request) (*fundraiserv1.GetOwnFundraiserResponse, bool) {
	id := r.PathValue("id")
	if len(id) != 36 || uuid.Validate(id) != nil {
		d.front.Unknown(w, r)
		return nil, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := d.supporters.GetOwnFundraiser(ctx, &fundraiserv1.GetOwnFundraiserRequest{FundraiserId: id})
	if err != nil {
		d.front.Fail(w, r, err)
		return nil, false
	}
	return answer, true
}

// own is the desk of a page.
func (d *Desk) own(w http.ResponseWriter, r *http.Request) {
	found, ok := d.find(w, r)
	if !ok {
		return
	}
	page := found.GetFundraiser().GetFundraiser()
	shown, err := d.site.Own(r, found.GetOrganization(), found.GetFundraiser(), found.GetRecent())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	state, path := page.GetState(), ownPath(page.GetFundraiserId())
	desk := &Own{
		Frame: d.frame(r, page.GetTitle()), Heading: page.GetTitle(), Reason: found.GetFundraiser().GetTakenDownReason(),
		State: d.say(r, "state."+states[state]), About: d.say(r, "about."+states[state]),
		Edit: path + "/edit", Preview: path + "/preview", Progress: shown.Progress, Gifts: shown.Gifts,
	}
	switch state {
	case fundraiserv1.FundraiserState_FUNDRAISER_STATE_TAKEN_DOWN:
		desk.Edit = ""
	case fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT:
	default:
		desk.Public = shown.Path
	}
	if state == fundraiserv1.FundraiserState_FUNDRAISER_STATE_LIVE && !page.GetClosed() {
		desk.Share = &shown.Share
	}
	for name, a := range actions() {
		if a.from[state] {
			desk.Buttons = append(desk.Buttons, Button{Label: d.say(r, "action."+name), URL: path + "/" + name, Asks: a.final, Quiet: a.quiet})
		}
	}
	sortButtons(desk.Buttons)
	d.front.Show(w, r, http.StatusOK, desk)
}

// previewOwn shows a page as everybody would see it.
func (d *Desk) previewOwn(w http.ResponseWriter, r *http.Request) {
	found, ok := d.find(w, r)
	if !ok {
		return
	}
	page, err := d.site.Preview(r, found.GetOrganization(), found.GetFundraiser(), view.PreviewLinks{Change: ownPath(found.GetFundraiser().GetFundraiser().GetFundraiserId())})
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.front.Show(w, r, http.StatusOK, page)
}

// editForm draws a page's form.
func (d *Desk) editForm(w http.ResponseWriter, r *http.Request) {
	found, ok := d.find(w, r)
	if !ok {
		return
	}
	currency, err := money.ParseCurrency(found.GetFundraiser().GetAppeal().GetCurrency())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.showEdit(w, r, http.StatusOK, found.GetFundraiser(), writtenOf(found.GetFundraiser(), currency), currency, nil, nil)
}

func (d *Desk) showEdit(w http.ResponseWriter, r *http.Request, status int, own *fundraiserv1.OwnFundraiser, in written, currency money.Currency, faults map[string][]string, notice *view.Notice) {
	page := own.GetFundraiser()
	path := ownPath(page.GetFundraiserId())
	form := in.form(d, r, currency, page.GetPhoto() != nil, page.GetState() != fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT)
	form.Action, form.Notice = path+"/edit", notice
	homeless := in.refused(d, r, &form, faults)
	for _, message := range homeless {
		form.Notice = &view.Notice{Heading: d.say(r, "refused"), Text: message}
	}
	d.showForm(w, r, status, &Write{
		Frame: d.frame(r, d.say(r, "edit.title")), Form: form, Photo: pages.Photo(page.GetPhoto()), Back: path,
		Appeal: view.Link{Label: own.GetAppeal().GetTitle(), URL: "/appeals/" + own.GetAppeal().GetSlug()},
	})
}

// edit changes a page. When somebody, perhaps the owner in another window, has
// changed it meanwhile, the form comes back with what was typed and the version of
// now: sent once more, it stands.
func (d *Desk) edit(w http.ResponseWriter, r *http.Request) {
	if !d.front.ReadForm(w, r, largestPage) {
		return
	}
	in, err := readWritten(r)
	found, ok := d.find(w, r)
	if !ok {
		return
	}
	own := found.GetFundraiser()
	id := own.GetFundraiser().GetFundraiserId()
	currency, badCurrency := money.ParseCurrency(own.GetAppeal().GetCurrency())
	if err == nil {
		err = badCurrency
	}
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	input, faults := in.input(d, r, own.GetAppeal().GetSlug(), currency)
	if own.GetFundraiser().GetState() != fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT {
		input.Slug = own.GetFundraiser().GetSlug() // it was shared
	}
	ctx, cancel := context.WithTimeout(r.Context(), savingTimeout)
	defer cancel()
	saved, err := d.supporters.SaveFundraiser(ctx, &fundraiserv1.SaveFundraiserRequest{FundraiserId: id, Version: in.version, Input: input})
	if err == nil {
		own = saved.GetFundraiser()
		in.version = own.GetFundraiser().GetVersion()
	}
	if err == nil && len(faults) == 0 {
		_, err = d.setPhoto(ctx, in, own.GetFundraiser().GetPhoto(), func(ctx context.Context, p *fundraiserv1.Photo) (*fundraiserv1.Image, error) {
			answer, err := d.supporters.SetPhoto(ctx, &fundraiserv1.SetPhotoRequest{FundraiserId: id, Photo: p})
			return answer.GetImage(), err
		})
	}
	if err != nil || len(faults) > 0 {
		if apperr.CodeOf(err) == apperr.Aborted {
			in.version = own.GetFundraiser().GetVersion()
		}
		status, faults, notice := d.judge(r, err, faults)
		d.showEdit(w, r, status, own, in, currency, faults, notice)
		return
	}
	seeOther(w, r, ownPath(id))
}
