package account

import (
	"context"
	"net/http"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

// settingsForm shows the account.
func (d *Desk) settingsForm(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := d.supporters.GetSupporter(ctx, &fundraiserv1.GetSupporterRequest{})
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.showSettings(w, r, http.StatusOK, answer.GetSupporter(), nil, r.URL.Query().Has("saved"))
}

func (d *Desk) showSettings(w http.ResponseWriter, r *http.Request, status int, account *fundraiserv1.Supporter, faults map[string][]string, saved bool) {
	languages := view.Input{Name: "language", Kind: "choice", Label: d.say(r, "settings.language"), Hint: d.say(r, "settings.language_hint")}
	for _, l := range texts.Languages() {
		languages.Choices = append(languages.Choices, view.Choice{Value: l.Tag, Label: l.Name, Checked: l.Tag == account.GetLanguage()})
	}
	page := &Settings{
		Frame: d.frame(r, d.say(r, "settings.title")), Email: account.GetEmail(), Saved: saved,
		Form: view.Inputs{
			Action: "/account/settings", Button: d.say(r, "page.save"),
			List: []view.Input{
				{Name: "display_name", Kind: "text", Label: d.say(r, "settings.name"), Hint: d.say(r, "settings.name_hint"), Value: account.GetDisplayName(), Autocomplete: "name"},
				languages,
				{Name: "mail_gifts", Kind: "check", Label: d.say(r, "settings.mail_gifts"), Checked: account.GetMailGifts()},
			},
		},
	}
	page.Form.Blame(faults)
	if len(page.Form.Faults()) > 0 {
		page.Title = d.say(r, "error", "Title", page.Title)
	}
	d.front.Show(w, r, status, page)
}

// settings changes the account.
func (d *Desk) settings(w http.ResponseWriter, r *http.Request) {
	if !d.front.ReadForm(w, r, smallForm) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	asked := &fundraiserv1.UpdateSupporterRequest{
		DisplayName: r.PostForm.Get("display_name"), Language: r.PostForm.Get("language"), MailGifts: r.PostForm.Get("mail_gifts") != "",
	}
	_, err := d.supporters.UpdateSupporter(ctx, asked)
	if apperr.CodeOf(err) == apperr.InvalidArgument {
		now, lookup := d.supporters.GetSupporter(ctx, &fundraiserv1.GetSupporterRequest{})
		if lookup != nil {
			d.front.Fail(w, r, lookup)
			return
		}
		d.showSettings(w, r, http.StatusUnprocessableEntity, &fundraiserv1.Supporter{
			Email: now.GetSupporter().GetEmail(), DisplayName: asked.GetDisplayName(), Language: asked.GetLanguage(), MailGifts: asked.GetMailGifts(),
		}, d.blame(r, err), false)
		return
	}
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	seeOther(w, r, "/account/settings?saved")
}
