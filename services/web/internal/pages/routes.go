package pages

import (
	"net/http"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/live"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Routes are the addresses of the public site.
func (s *Site) Routes() []front.Route {
	routes := []front.Route{
		{Pattern: "/{$}", Privacy: front.Open, Get: s.shared(everything, s.home)},
		{Pattern: "/appeals/{slug}", Privacy: front.Open, Get: s.shared(appealKey, s.appeal)},
		{Pattern: "/appeals/{slug}/donate", Privacy: front.Form, Get: s.donateForm(s.appealTarget), Post: s.donate(s.appealTarget)},
		{Pattern: "/appeals/{slug}/events", Privacy: front.Open, Get: s.events(s.shownAppeal)},
		{Pattern: "/f/{slug}/events", Privacy: front.Open, Get: s.events(s.shownFundraiser)},
		{Pattern: "/f/{slug}", Privacy: front.Open, Get: s.shared(fundraiserKey, s.fundraiser)},
		{Pattern: "/f/{slug}/og.png", Privacy: front.Open, Get: s.sharePicture},
		{Pattern: "/f/{slug}/qr.svg", Privacy: front.Open, Get: s.qrCode},
		{Pattern: "/embed/f/{slug}", Privacy: front.Framed, Get: s.shared(fundraiserKey, s.embedded)},
		{Pattern: "/api/v1/appeals", Privacy: front.Open, Get: s.apiAppeals},
		{Pattern: "/api/v1/appeals/{slug}", Privacy: front.Open, Get: s.apiAppeal},
		{Pattern: "/api/v1/fundraisers/{slug}", Privacy: front.Open, Get: s.apiFundraiser},
		{Pattern: "/api/v1/openapi.json", Privacy: front.Open, Get: s.apiDescription},
		{Pattern: "/api/", Privacy: front.Open, Get: s.apiUnknown},
		{Pattern: "/f/{slug}/donate", Privacy: front.Form, Get: s.donateForm(s.fundraiserTarget), Post: s.donate(s.fundraiserTarget)},
		{Pattern: "/donations/{id}/thanks", Privacy: front.Secret, Get: s.thanks},
		{Pattern: "/donations/{id}/cancelled", Privacy: front.SecretForm, Get: s.cancelled},
		{Pattern: "/plans", Privacy: front.SecretForm, Get: s.planLinksForm, Post: s.planLinks},
		{Pattern: "/plans/{id}/{token}", Privacy: front.SecretForm, Get: s.plan},
		{Pattern: "/plans/{id}/{token}/amount", Privacy: front.SecretForm, Get: s.toPlan, Post: s.changeAmount},
		{Pattern: "/plans/{id}/{token}/pause", Privacy: front.SecretForm, Get: s.toPlan, Post: s.pausePlan},
		{Pattern: "/plans/{id}/{token}/resume", Privacy: front.SecretForm, Get: s.toPlan, Post: s.resumePlan},
		{Pattern: "/plans/{id}/{token}/end", Privacy: front.SecretForm, Get: s.endQuestion, Post: s.endPlan},
		{Pattern: "/plans/{id}/{token}/card", Privacy: front.SecretForm, Get: s.toPlan, Post: s.changeCard},
		{Pattern: "/receipts/{number}/{token}", Privacy: front.Secret, Get: s.receipt},
		{Pattern: "/verify", Privacy: front.SecretForm, Get: s.verify},
		{Pattern: "/verify/{number}", Privacy: front.SecretForm, Get: s.verify},
		{Pattern: assets.Prefix, Privacy: front.Open, Get: s.asset},
		// Everything else, so that a mistyped address gets a page of ours.
		{Pattern: "/", Privacy: front.Open, Get: s.front.Unknown, Post: s.front.Unknown},
	}
	if s.mailbox != nil {
		routes = append(routes,
			front.Route{Pattern: "/dev/mail", Privacy: front.Secret, Get: s.mails},
			front.Route{Pattern: "/dev/mail/{id}", Privacy: front.Secret, Get: s.mail},
		)
	}
	return routes
}

// everything is the key of the front page, which shows all appeals.
func everything(*http.Request) live.Key { return live.Key{} }

func appealKey(r *http.Request) live.Key { return live.Key{Appeal: r.PathValue("slug")} }

func fundraiserKey(r *http.Request) live.Key { return live.Key{Fundraiser: r.PathValue("slug")} }

func (s *Site) asset(w http.ResponseWriter, r *http.Request) {
	if !s.files.Has(r.URL.Path) {
		s.front.Unknown(w, r)
		return
	}
	s.files.ServeHTTP(w, r)
}

// fail answers for a question that was not answered. What is closed is answered
// with what is open.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if apperr.CodeOf(err) == apperr.Gone {
		s.gone(w, r, target{})
		return
	}
	s.front.Fail(w, r, err)
}

// gone says that what was to be given to is closed (nothing of it may be known)
// and lists what is open, if that can be had. Where only a supporter's page has
// ended, its appeal comes first.
func (s *Site) gone(w http.ResponseWriter, r *http.Request, found target) {
	what := front.Closed
	way := view.Link{Label: s.front.Texts(r.Context()).Say("trouble.way.appeals"), URL: "/"}
	if found.page.GetClosed() && !found.appeal.GetClosed() {
		what = front.PageClosed
		if found.paused() {
			what = front.PagePaused
		}
		way = view.Link{Label: found.appeal.GetTitle(), URL: appealPath(found.appeal.GetSlug())}
	}
	page := view.Problem{
		Frame:   view.Frame{Title: s.front.Heading(r.Context(), what), Private: true},
		Heading: s.front.Heading(r.Context(), what),
		Text:    []string{s.front.Text(r.Context(), what)},
		Ways:    []view.Link{way},
	}
	all, err := s.listAppeals(r.Context())
	if err == nil {
		page.Site = homeSite(all)
		for _, appeal := range all.GetAppeals() {
			page.Open = append(page.Open, view.Link{Label: appeal.GetTitle(), URL: appealPath(appeal.GetSlug())})
		}
	}
	s.front.Show(w, r, http.StatusGone, &page)
}
