package account

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/session"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// smallForm is more than any form without a story needs.
	smallForm = 16 << 10
	// mailTimeout is how long somebody looks at a page that does not come.
	mailTimeout = 15 * time.Second
)

// askForm asks for an address to mail a link to.
func (d *Desk) askForm(w http.ResponseWriter, r *http.Request) {
	d.showAsk(w, r, http.StatusOK, "", nil, nil)
}

func (d *Desk) showAsk(w http.ResponseWriter, r *http.Request, status int, typed string, wrong []string, notice *view.Notice) {
	visitor, err := d.sessions.Visitor(r.Context())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	next := d.next(r)
	page := &SignIn{
		Frame: d.frame(r, d.say(r, "sign_in.title")),
		Form: view.Inputs{
			Action: "/sign-in", Button: d.say(r, "sign_in.button"), Notice: notice,
			List: []view.Input{
				{
					Name: "email", Kind: "email", Label: d.say(r, "sign_in.email"), Hint: d.say(r, "sign_in.email_hint"),
					Value: typed, Autocomplete: "email", Keyboard: "email", Wrong: wrong,
				},
				{Name: "next", Kind: "hidden", Value: next},
			},
		},
		Draft: d.sessions.Draft(r.Context()) != "",
	}
	if visitor.SignedIn() && !visitor.Stale {
		page.SignedIn = d.home(visitor, next)
	}
	if len(wrong) > 0 || notice != nil {
		// Read out first, so that who cannot see the page knows at once.
		page.Title = d.say(r, "error", "Title", page.Title)
	}
	d.front.Show(w, r, status, page)
}

// next is where to go when signed in: only ever a page of this site.
func (d *Desk) next(r *http.Request) string {
	asked := r.URL.Query().Get("next")
	if r.Method == http.MethodPost {
		asked = r.PostForm.Get("next")
	}
	return d.front.Way(asked)
}

// home is where somebody belongs who did not say where to go.
func (d *Desk) home(visitor front.Visitor, next string) string {
	if next != "" {
		return next
	}
	if visitor.StaffID != "" {
		for _, desk := range []string{"/finance/", "/staff/"} {
			if d.front.Way(desk) != "" {
				return desk
			}
		}
	}
	return "/account/"
}

// ask mails a link. What it answers, and what it does for the answer, is the same
// for every address: nobody is looked up here.
func (d *Desk) ask(w http.ResponseWriter, r *http.Request) {
	if !d.front.ReadForm(w, r, smallForm) {
		return
	}
	ctx := r.Context()
	typed := r.PostForm.Get("email")
	address, ok := session.Address(typed)
	if !ok {
		key := "sign_in.email_wrong"
		if typed == "" {
			key = "sign_in.email_missing"
		}
		d.showAsk(w, r, http.StatusUnprocessableEntity, typed, []string{d.say(r, key)}, nil)
		return
	}
	binding, err := d.sessions.Bind(w, r)
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	token, err := d.sessions.NewLink(ctx, session.Ask{
		Address: address, Client: d.client(r), Binding: binding, Next: d.next(r), Draft: d.sessions.Draft(ctx),
	})
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	if token != "" {
		err = d.sendLink(r, address, token)
	}
	if err != nil {
		// The reason may hold what the mail server said; it never holds the address.
		d.logger.ErrorContext(ctx, "send sign-in mail", "error", err)
		err = d.sessions.DropLink(context.WithoutCancel(ctx), token)
		if err != nil {
			d.logger.ErrorContext(ctx, "take back sign-in link", "error", err)
		}
		d.showAsk(w, r, http.StatusServiceUnavailable, typed, nil,
			&view.Notice{Heading: d.say(r, "sign_in.unsent"), Text: d.say(r, "sign_in.unsent_text")})
		return
	}
	seeOther(w, r, "/sign-in/sent")
}

// sendLink writes and sends the mail. Its words are ours alone: nothing that the
// asking person typed reaches the reader but the address itself.
func (d *Desk) sendLink(r *http.Request, address, token string) error {
	organization := d.frame(r, "").Site.Name
	letter, err := d.letters.write(d.front.Texts(r.Context()), organization, d.front.Absolute("/sign-in/"+token))
	if err != nil {
		return err
	}
	// Who leaves while the mail is handed over must not undo that it was asked for:
	// it may have gone, and would not be counted.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), mailTimeout)
	defer cancel()
	return d.mail.Send(ctx, mail.Message{
		ID:      "sign-in-" + uuid.NewString(),
		From:    mail.Address{Name: organization, Email: d.from},
		To:      mail.Address{Email: address},
		Subject: letter.Subject, Text: letter.Text, HTML: letter.HTML,
	})
}

// sent says to look into the mail. It is the same page for everybody.
func (d *Desk) sent(w http.ResponseWriter, r *http.Request) {
	d.front.Show(w, r, http.StatusOK, &Sent{Frame: d.frame(r, d.say(r, "sent.title"))})
}
