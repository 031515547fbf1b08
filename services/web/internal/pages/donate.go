package pages

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// largestForm is more than the longest message in the widest script needs.
	largestForm = 64 << 10
	// checkoutTimeout leaves the donation service its whole time with Stripe.
	checkoutTimeout = 25 * time.Second
)

// donateForm draws the form for a new gift.
func (s *Site) donateForm(find finder) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found, err := find(r.Context(), r.PathValue("slug"))
		t, ok := s.openTerms(w, r, found, err)
		if !ok {
			return
		}
		fresh := input{intent: uuid.NewString(), share: shareCode(r)}
		// One amount is chosen already: a gift is then a name, an address and
		// one button away. The fee is never chosen for anybody.
		if n := len(t.suggested); n > 0 {
			fresh.amount = money.Typed(t.suggested[min(1, n-1)])
		}
		s.showForm(w, r, http.StatusOK, found, view.Donate{Form: fresh.draw(t, found, nil)})
	}
}

// openTerms are the terms on which gifts to a target are taken. It answers
// itself, and reports false, when the target was not found (the error of its
// lookup) or nothing can be given to it.
func (s *Site) openTerms(w http.ResponseWriter, r *http.Request, found target, err error) (terms, bool) {
	if err != nil {
		s.fail(w, r, err)
		return terms{}, false
	}
	if found.closed() {
		s.gone(w, r, found)
		return terms{}, false
	}
	t, err := termsOf(found.appeal, s.front.Texts(r.Context()))
	if err != nil {
		s.fail(w, r, err)
		return terms{}, false
	}
	return t, true
}

// showForm puts the form into its page.
func (s *Site) showForm(w http.ResponseWriter, r *http.Request, status int, found target, page view.Donate) {
	spoken := s.front.Texts(r.Context())
	page.Frame = view.Frame{
		Title:       spoken.Say("donate.title", "Target", found.title()),
		Description: found.appeal.GetSummary(),
		Canonical:   s.front.Absolute(found.path()),
		Site:        site(found.organization),
	}
	if len(page.Form.Errors) > 0 || page.Notice != nil {
		// Read out first, so that who cannot see the page knows at once.
		page.Title = spoken.Say("trouble.error", "Title", page.Title)
	}
	page.Heading = spoken.Say("donate.heading")
	page.Back = view.Link{Label: found.title(), URL: found.path()}
	page.Owner = found.page.GetOwnerName()
	s.front.Show(w, r, status, &page)
}

// donate takes the form and sends the donor to Stripe.
func (s *Site) donate(find finder) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.front.ReadForm(w, r, largestForm) {
			return
		}
		in := readInput(r.PostForm, shareCode(r))
		found, err := find(r.Context(), r.PathValue("slug"))
		if unanswered(err) {
			s.keep(w, r, err)
			return
		}
		t, ok := s.openTerms(w, r, found, err)
		if !ok {
			return
		}

		gift, wrong := in.check(t)
		page := view.Donate{}
		if !isID(in.intent) {
			// Without its number the same form sent twice would be two gifts.
			in.intent = uuid.NewString()
			page.Notice = notice(t.texts, "donate.again")
		}
		if len(wrong) > 0 || page.Notice != nil {
			page.Form = in.draw(t, found, wrong)
			s.showForm(w, r, http.StatusUnprocessableEntity, found, page)
			return
		}

		answer, err := s.startCheckout(r, in, found, gift)
		if err != nil {
			s.refuse(w, r, err, in, t, found)
			return
		}
		if answer.GetAlreadyPaid() || answer.GetCheckoutUrl() == "" {
			http.Redirect(w, r, thanksPath(answer.GetDonationId(), answer.GetSessionId(), 0), http.StatusSeeOther) //nolint:gosec // a path of our own
			return
		}
		s.leave(w, r, answer.GetCheckoutUrl(), s.front.Checkout())
	}
}

func (s *Site) startCheckout(r *http.Request, in input, found target, gift money.Amount) (*donationv1.StartCheckoutResponse, error) {
	ctx, cancel := context.WithTimeout(r.Context(), checkoutTimeout)
	defer cancel()
	request := &donationv1.StartCheckoutRequest{
		IntentId:      in.intent,
		Gift:          &moneyv1.Money{Minor: gift.Minor, Currency: gift.Currency.Code()},
		CoverFees:     in.cover == "1",
		FundCode:      in.fund,
		Name:          in.name,
		Email:         in.email,
		Visibility:    visibilities[in.visibility],
		Message:       in.message,
		ShareCode:     in.share,
		ClientAddress: front.ClientAddress(r.Context()),
		Language:      s.front.Texts(r.Context()).Tag,
		Frequency:     frequencies[in.frequency],
	}
	if found.page != nil {
		request.Target = &donationv1.StartCheckoutRequest_FundraiserSlug{FundraiserSlug: found.page.GetSlug()}
	} else {
		request.Target = &donationv1.StartCheckoutRequest_AppealSlug{AppealSlug: found.appeal.GetSlug()}
	}
	return s.donations.StartCheckout(ctx, request)
}

// refuse shows the form again for a gift that was not started, with everything
// that was typed.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request, err error, in input, t terms, found target) {
	public := apperr.Public(err)
	if public.Code == apperr.Gone || public.Code == apperr.NotFound {
		// Closed or taken down since the form was drawn.
		s.fail(w, r, err)
		return
	}
	if public.Code == apperr.InvalidArgument && len(public.Fields) > 0 {
		page := view.Donate{Form: in.draw(t, found, fieldErrors(public.Fields, t))}
		s.showForm(w, r, http.StatusUnprocessableEntity, found, page)
		return
	}
	status, what := s.front.Judge(r, err)
	said := &view.Notice{Heading: s.front.Heading(r.Context(), what), Text: s.front.Text(r.Context(), what)}
	switch public.Code {
	case apperr.InvalidArgument:
		status = http.StatusUnprocessableEntity
		said = &view.Notice{Heading: t.texts.Say("donate.refused.heading"), Text: t.reason(public.Reason, public.Message)}
	case apperr.Aborted:
		said = notice(t.texts, "donate.twice")
	case apperr.Unavailable, apperr.DeadlineExceeded:
		said = notice(t.texts, "donate.unreachable")
	}
	s.showForm(w, r, status, found, view.Donate{Form: in.draw(t, found, nil), Notice: said})
}

// notice is a message about the whole form, of the catalogue.
func notice(spoken *texts.Texts, key string) *view.Notice {
	return &view.Notice{Heading: spoken.Say(key + ".heading"), Text: spoken.Say(key + ".text")}
}

// fieldErrors are the donation service's, which names fields as the form does.
func fieldErrors(fields []apperr.Field, t terms) []view.FieldError {
	wrong := make([]view.FieldError, len(fields))
	for i, f := range fields {
		wrong[i] = view.FieldError{Field: f.Name, Message: t.reason(f.Reason, f.Message)}
		if f.Name == view.FieldCurrency {
			wrong[i].Field = view.FieldAmount
		}
	}
	return wrong
}

// unanswered reports whether a question failed for want of an answer, so that
// the same form may well succeed a minute later.
func unanswered(err error) bool {
	code := apperr.CodeOf(err)
	return code == apperr.Unavailable || code == apperr.DeadlineExceeded || code == apperr.Internal
}

// keep answers a form whose appeal cannot be looked up. The form cannot be
// drawn without it, so the page carries what was sent and sends it again.
func (s *Site) keep(w http.ResponseWriter, r *http.Request, err error) {
	status, what := s.front.Judge(r, err)
	spoken := s.front.Texts(r.Context())
	page := view.Problem{
		Frame:   view.Frame{Title: spoken.Say("trouble.error", "Title", s.front.Heading(r.Context(), what)), Private: true},
		Heading: s.front.Heading(r.Context(), what),
		Text:    []string{s.front.Text(r.Context(), what), spoken.Say("donate.kept")},
		Retry:   &view.Retry{Action: r.URL.RequestURI()},
	}
	for _, name := range view.Fields() {
		for _, value := range r.PostForm[name] {
			page.Retry.Values = append(page.Retry.Values, view.Value{Name: name, Value: value})
		}
	}
	s.front.Show(w, r, status, &page)
}

// leave sends the donor to a page of Stripe's, which is meant to be at the origin.
func (s *Site) leave(w http.ResponseWriter, r *http.Request, address, origin string) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme+"://"+parsed.Host != origin {
		// The browser would refuse to follow and the button would seem dead.
		s.logger.ErrorContext(r.Context(), "Stripe's page is not at the configured origin", "origin", origin)
	}
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // the donation service says where, and only ever Stripe
}
