package account

import (
	"context"
	"errors"
	"net/http"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/session"
	"github.com/almoner/almoner/services/web/internal/view"
)

// linkForm shows the button of a link. Looking uses nothing up.
func (d *Desk) linkForm(w http.ResponseWriter, r *http.Request) {
	link, err := d.sessions.FindLink(r.Context(), r.PathValue("token"), d.sessions.Binding(r))
	if err != nil {
		d.refuseLink(w, r, err)
		return
	}
	d.showLink(w, r, http.StatusOK, link, "", nil)
}

func (d *Desk) showLink(w http.ResponseWriter, r *http.Request, status int, link session.Link, typed string, wrong []string) {
	page := &Link{
		Frame: d.frame(r, d.say(r, "link.title")),
		Form:  view.Inputs{Action: r.URL.Path, Button: d.say(r, "link.button")},
		Other: !link.Bound,
	}
	if page.Other {
		page.Form.List = []view.Input{{
			Name: "email", Kind: "email", Label: d.say(r, "sign_in.email"), Hint: d.say(r, "link.email_hint"),
			Value: typed, Autocomplete: "email", Keyboard: "email", Wrong: wrong,
		}}
	}
	if len(wrong) > 0 {
		page.Title = d.say(r, "error", "Title", page.Title)
	}
	d.front.Show(w, r, status, page)
}

// refuseLink says one thing of all links that do not work.
func (d *Desk) refuseLink(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, session.ErrLink) {
		d.front.Fail(w, r, err)
		return
	}
	d.front.Show(w, r, http.StatusGone, &DeadLink{Frame: d.frame(r, d.say(r, "dead.title"))})
}

// redeem signs in with a link. The account is made before the link is used up, so
// that a service that is away does not cost anybody a link.
func (d *Desk) redeem(w http.ResponseWriter, r *http.Request) {
	if !d.front.ReadForm(w, r, smallForm) {
		return
	}
	ctx := r.Context()
	link, err := d.sessions.FindLink(ctx, r.PathValue("token"), d.sessions.Binding(r))
	if err == nil && !link.Bound {
		typed := r.PostForm.Get("email")
		err = d.sessions.Prove(ctx, link, typed)
		if errors.Is(err, session.ErrOtherAddress) {
			d.showLink(w, r, http.StatusUnprocessableEntity, link, typed, []string{d.say(r, "link.other_address")})
			return
		}
	}
	if err != nil {
		d.refuseLink(w, r, err)
		return
	}
	supporter, err := d.accountOf(r, link.Address)
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	err = d.sessions.Redeem(ctx, link)
	if err != nil {
		d.refuseLink(w, r, err)
		return
	}
	draft := link.Draft
	if own := d.sessions.Draft(ctx); own != "" {
		draft = own
	}
	err = d.sessions.SignIn(ctx, link.Address, supporter)
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.sessions.Unbind(w)
	visitor, err := d.sessions.Visitor(ctx)
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.logger.InfoContext(ctx, "signed in", "supporter", supporter, "staff", visitor.StaffID)
	claimed, err := d.claim(ctx, supporter, draft)
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	if claimed != "" {
		seeOther(w, r, claimed)
		return
	}
	seeOther(w, r, d.home(visitor, link.Next))
}

// accountOf is the supporter's account of an address. The staff's desks do without
// one while the fundraiser service is away.
func (d *Desk) accountOf(r *http.Request, address string) (string, error) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := d.supporters.EnsureSupporter(ctx, &fundraiserv1.EnsureSupporterRequest{
		Email: address, Language: d.front.Texts(r.Context()).Tag,
	})
	if err == nil {
		return answer.GetSupporterId(), nil
	}
	staff, lookup := d.sessions.IsStaff(r.Context(), address)
	if lookup != nil || !staff {
		return "", err
	}
	d.logger.WarnContext(r.Context(), "staff signs in without a supporter's account", "error", err)
	return "", nil
}

// claim makes a draft the supporter's own, and returns where it is; empty when
// there is none, or none any more. A draft that cannot be claimed just now is kept
// in the session for the next visit.
func (d *Desk) claim(ctx context.Context, supporter, draft string) (string, error) {
	id := begunOf(draft).id
	if id == "" || supporter == "" {
		return "", nil
	}
	ctxAs, cancel := context.WithTimeout(as(ctx, supporter), readTimeout)
	defer cancel()
	_, err := d.supporters.ClaimDraft(ctxAs, &fundraiserv1.ClaimDraftRequest{FundraiserId: id})
	switch code := apperr.CodeOf(err); {
	case err == nil:
		return ownPath(id), d.sessions.KeepDraft(ctx, "")
	case code == apperr.NotFound || code == apperr.InvalidArgument:
		return "", d.sessions.KeepDraft(ctx, "")
	default:
		d.logger.WarnContext(ctx, "claim draft", "error", err)
		return "", d.sessions.KeepDraft(ctx, draft)
	}
}

// ownPath is the desk of a page.
func ownPath(id string) string { return "/account/fundraisers/" + id }

// signOutForm asks for the button: what ends a session is sent, not opened.
func (d *Desk) signOutForm(w http.ResponseWriter, r *http.Request) {
	visitor, err := d.sessions.Visitor(r.Context())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.front.Show(w, r, http.StatusOK, &SignOut{Frame: d.frame(r, d.say(r, "sign_out.title")), SignedIn: visitor.SignedIn()})
}

func (d *Desk) signOut(w http.ResponseWriter, r *http.Request) {
	d.leave(w, r, d.sessions.SignOut)
}

func (d *Desk) signOutEverywhere(w http.ResponseWriter, r *http.Request) {
	d.leave(w, r, d.sessions.SignOutEverywhere)
}

func (d *Desk) leave(w http.ResponseWriter, r *http.Request, end func(context.Context) error) {
	err := end(r.Context())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	seeOther(w, r, "/sign-out")
}
