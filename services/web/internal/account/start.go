package account

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/pages"
	"github.com/almoner/almoner/services/web/internal/view"
)

// start is the first step: what to raise money for. A link from an appeal has
// chosen already.
func (d *Desk) start(w http.ResponseWriter, r *http.Request) {
	if chosen := r.URL.Query().Get("appeal"); isSlug(chosen) {
		seeOther(w, r, "/start/"+chosen)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := d.fundraisers.ListAppeals(ctx, &fundraiserv1.ListAppealsRequest{})
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	page := &Start{Frame: d.frame(r, d.say(r, "start.title"))}
	for _, appeal := range answer.GetAppeals() {
		if !appeal.GetClosed() {
			page.Appeals = append(page.Appeals, Choice{Title: appeal.GetTitle(), Summary: appeal.GetSummary(), URL: "/start/" + appeal.GetSlug()})
		}
	}
	d.front.Show(w, r, http.StatusOK, page)
}

// isSlug keeps what cannot be an address from being asked for.
func isSlug(slug string) bool {
	return slug != "" && len(slug) <= 60 && strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// begun is the draft of a visitor who has not signed in, as the session keeps it:
// the page, and the intent under which it is written again.
type begun struct{ id, intent string }

func (b begun) String() string { return b.id + " " + b.intent }

func begunOf(kept string) begun {
	id, intent, _ := strings.Cut(kept, " ")
	return begun{id, intent}
}

// draft is the visitor's, with its appeal; nil for none.
func (d *Desk) draft(ctx context.Context) (*fundraiserv1.OwnFundraiser, begun, error) {
	kept := begunOf(d.sessions.Draft(ctx))
	if kept.id == "" {
		return nil, begun{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	answer, err := d.supporters.GetDraft(ctx, &fundraiserv1.GetDraftRequest{FundraiserId: kept.id})
	if code := apperr.CodeOf(err); code == apperr.NotFound || code == apperr.InvalidArgument {
		return nil, begun{}, nil // claimed since, or thrown away after a while
	}
	return answer.GetDraft(), kept, err
}

// openAppeal is the appeal of the address, with its organization and currency; it
// answers itself, and reports false, when no page can be started for it.
func (d *Desk) openAppeal(w http.ResponseWriter, r *http.Request) (*fundraiserv1.GetAppealResponse, money.Currency, bool) {
	slug := r.PathValue("appeal")
	if !isSlug(slug) {
		d.front.Unknown(w, r)
		return nil, money.Currency{}, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := d.fundraisers.GetAppeal(ctx, &fundraiserv1.GetAppealRequest{Slug: slug})
	if err == nil && answer.GetAppeal().GetClosed() {
		d.front.Problem(w, r, http.StatusGone, front.Closed)
		return nil, money.Currency{}, false
	}
	var currency money.Currency
	if err == nil {
		currency, err = money.ParseCurrency(answer.GetAppeal().GetCurrency())
	}
	if err != nil {
		d.front.Fail(w, r, err)
		return nil, money.Currency{}, false
	}
	return answer, currency, true
}

// writeForm is the second step: the page itself. Who has begun one here goes on
// with it.
func (d *Desk) writeForm(w http.ResponseWriter, r *http.Request) {
	appeal, currency, ok := d.openAppeal(w, r)
	if !ok {
		return
	}
	draft, kept, err := d.draft(r.Context())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	in := written{intent: uuid.NewString()}
	var photo *fundraiserv1.Image
	if draft != nil && draft.GetAppeal().GetSlug() == appeal.GetAppeal().GetSlug() {
		in = writtenOf(draft, currency)
		in.intent, photo = kept.intent, draft.GetFundraiser().GetPhoto()
	} else if name := d.knownName(r); name != "" {
		in.owner = name
	}
	d.showWrite(w, r, http.StatusOK, appeal, photo, in.form(d, r, currency, photo != nil, false))
}

// knownName is what a signed-in supporter is called; it only fills a field.
func (d *Desk) knownName(r *http.Request) string {
	visitor, err := d.sessions.Visitor(r.Context())
	if err != nil || visitor.SupporterID == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(as(r.Context(), visitor.SupporterID), readTimeout)
	defer cancel()
	answer, err := d.supporters.GetSupporter(ctx, &fundraiserv1.GetSupporterRequest{})
	if err != nil {
		return ""
	}
	return answer.GetSupporter().GetDisplayName()
}

func (d *Desk) showWrite(w http.ResponseWriter, r *http.Request, status int, appeal *fundraiserv1.GetAppealResponse, photo *fundraiserv1.Image, form view.Inputs) {
	form.Button = d.say(r, "page.go_on")
	page := &Write{
		Frame: d.frame(r, d.say(r, "write.title")), Form: form, Photo: pages.Photo(photo), Step: true,
		Appeal: view.Link{Label: appeal.GetAppeal().GetTitle(), URL: "/appeals/" + appeal.GetAppeal().GetSlug()},
	}
	d.showForm(w, r, status, page)
}

// showForm puts what is wrong into the title, which is read out first.
func (d *Desk) showForm(w http.ResponseWriter, r *http.Request, status int, page *Write) {
	if len(page.Form.Faults()) > 0 || page.Form.Notice != nil {
		page.Title = d.say(r, "error", "Title", page.Title)
	}
	d.front.Show(w, r, status, page)
}

// write keeps what was written: as the supporter's own, or as a draft that only
// this browser knows.
func (d *Desk) write(w http.ResponseWriter, r *http.Request) {
	if !d.front.ReadForm(w, r, largestPage) {
		return
	}
	appeal, currency, ok := d.openAppeal(w, r)
	if !ok {
		return
	}
	in, err := readWritten(r)
	if err != nil {
		d.front.Problem(w, r, http.StatusBadRequest, front.Damaged)
		return
	}
	if uuid.Validate(in.intent) != nil || len(in.intent) != 36 {
		// Without its number the same form sent twice would be two pages.
		in.intent = uuid.NewString()
	}
	visitor, err := d.sessions.Visitor(r.Context())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	author := d.authorOf(visitor)
	var photo *fundraiserv1.Image
	refuse := func(status int, faults map[string][]string, notice *view.Notice) {
		form := in.form(d, r, currency, photo != nil, false)
		form.Notice = notice
		homeless := in.refused(d, r, &form, faults)
		if len(homeless) > 0 {
			form.Notice = &view.Notice{Heading: d.say(r, "refused"), Text: strings.Join(homeless, " ")}
		}
		d.showWrite(w, r, status, appeal, photo, form)
	}
	input, faults := in.input(d, r, appeal.GetAppeal().GetSlug(), currency)
	if len(faults["goal"]) > 0 {
		// The rest is checked by the service: with a goal that it takes, so that
		// everything that is wrong is said at once.
		input.GoalMinor = 0
	}
	allowed, err := d.sessions.BeginDraft(r.Context(), in.intent, d.client(r))
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	if !allowed && visitor.SupporterID == "" {
		refuse(http.StatusTooManyRequests, nil, &view.Notice{Heading: d.front.Heading(r.Context(), front.TooMany), Text: d.front.Text(r.Context(), front.TooMany)})
		return
	}
	id, kept, err := author.save(r.Context(), in.intent, input)
	if err == nil {
		photo = kept
		if visitor.SupporterID == "" {
			err = d.sessions.KeepDraft(r.Context(), begun{id, in.intent}.String())
		}
	}
	if err == nil && len(faults) == 0 {
		photo, err = d.setPhoto(r.Context(), in, photo, func(ctx context.Context, p *fundraiserv1.Photo) (*fundraiserv1.Image, error) {
			return author.photo(ctx, id, p)
		})
	}
	if err != nil || len(faults) > 0 {
		status, faults, notice := d.judge(r, err, faults)
		refuse(status, faults, notice)
		return
	}
	if visitor.SupporterID == "" {
		seeOther(w, r, "/start/"+appeal.GetAppeal().GetSlug()+"/preview")
		return
	}
	seeOther(w, r, ownPath(id))
}

// judge makes of a refusal what the form shows: faults at fields, or a notice.
func (d *Desk) judge(r *http.Request, err error, ours map[string][]string) (int, map[string][]string, *view.Notice) {
	if err == nil {
		return http.StatusUnprocessableEntity, ours, nil
	}
	public := apperr.Public(err)
	if public.Code == apperr.InvalidArgument {
		faults := d.blame(r, err)
		for name, messages := range ours {
			faults[name] = messages // a goal in letters is not also one of zero
		}
		if len(faults) == 0 {
			return http.StatusUnprocessableEntity, nil, &view.Notice{Heading: d.say(r, "refused"), Text: public.Message}
		}
		return http.StatusUnprocessableEntity, faults, nil
	}
	status, what := d.front.Judge(r, err)
	notice := &view.Notice{Heading: d.front.Heading(r.Context(), what), Text: d.front.Text(r.Context(), what)}
	if public.Code == apperr.Aborted {
		notice = &view.Notice{Heading: d.say(r, "changed"), Text: d.say(r, "changed_text")}
	}
	return status, ours, notice
}

// author is who a new page is kept for.
type author struct {
	save  func(ctx context.Context, intent string, in *fundraiserv1.FundraiserInput) (id string, photo *fundraiserv1.Image, err error)
	photo func(ctx context.Context, id string, p *fundraiserv1.Photo) (*fundraiserv1.Image, error)
}

// savingTimeout leaves the service time for a picture.
const savingTimeout = 30 * time.Second

func (d *Desk) authorOf(visitor front.Visitor) author {
	if visitor.SupporterID != "" {
		return author{
			save: func(ctx context.Context, intent string, in *fundraiserv1.FundraiserInput) (string, *fundraiserv1.Image, error) {
				ctx, cancel := context.WithTimeout(as(ctx, visitor.SupporterID), readTimeout)
				defer cancel()
				answer, err := d.supporters.SaveFundraiser(ctx, &fundraiserv1.SaveFundraiserRequest{IntentId: intent, Input: in})
				page := answer.GetFundraiser().GetFundraiser()
				return page.GetFundraiserId(), page.GetPhoto(), err
			},
			photo: func(ctx context.Context, id string, p *fundraiserv1.Photo) (*fundraiserv1.Image, error) {
				answer, err := d.supporters.SetPhoto(as(ctx, visitor.SupporterID), &fundraiserv1.SetPhotoRequest{FundraiserId: id, Photo: p})
				return answer.GetImage(), err
			},
		}
	}
	return author{
		save: func(ctx context.Context, intent string, in *fundraiserv1.FundraiserInput) (string, *fundraiserv1.Image, error) {
			ctx, cancel := context.WithTimeout(ctx, readTimeout)
			defer cancel()
			answer, err := d.supporters.SaveDraft(ctx, &fundraiserv1.SaveDraftRequest{IntentId: intent, Input: in})
			if err != nil {
				return "", nil, err
			}
			draft, err := d.supporters.GetDraft(ctx, &fundraiserv1.GetDraftRequest{FundraiserId: answer.GetFundraiserId()})
			return answer.GetFundraiserId(), draft.GetDraft().GetFundraiser().GetPhoto(), err
		},
		photo: func(ctx context.Context, id string, p *fundraiserv1.Photo) (*fundraiserv1.Image, error) {
			answer, err := d.supporters.SetDraftPhoto(ctx, &fundraiserv1.SetDraftPhotoRequest{FundraiserId: id, Photo: p})
			return answer.GetImage(), err
		},
	}
}

// setPhoto keeps the photo that was sent, or takes the old one away, and returns
// what there is then.
func (d *Desk) setPhoto(ctx context.Context, in written, before *fundraiserv1.Image, set func(context.Context, *fundraiserv1.Photo) (*fundraiserv1.Image, error)) (*fundraiserv1.Image, error) {
	if len(in.photo) == 0 && (!in.remove || before == nil) {
		return before, nil
	}
	ctx, cancel := context.WithTimeout(ctx, savingTimeout)
	defer cancel()
	after, err := set(ctx, &fundraiserv1.Photo{Content: in.photo, Alt: in.alt})
	if err != nil {
		return before, err
	}
	return after, nil
}

// previewDraft shows the draft as everybody would see it, and the third step.
func (d *Desk) previewDraft(w http.ResponseWriter, r *http.Request) {
	appeal, _, ok := d.openAppeal(w, r)
	if !ok {
		return
	}
	draft, _, err := d.draft(r.Context())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	back := "/start/" + appeal.GetAppeal().GetSlug()
	if draft == nil || draft.GetAppeal().GetSlug() != appeal.GetAppeal().GetSlug() {
		seeOther(w, r, back)
		return
	}
	page, err := d.site.Preview(r, appeal.GetOrganization(), draft, view.PreviewLinks{Change: back, Keep: "/sign-in"})
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.front.Show(w, r, http.StatusOK, page)
}
