package pages

import (
	"context"
	"net/http"
	"strings"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/view"
)

// planLinksForm asks for the address that the links of monthly gifts go to.
func (s *Site) planLinksForm(w http.ResponseWriter, r *http.Request) {
	s.showPlanLinks(w, r, http.StatusOK, "", nil, nil)
}

func (s *Site) showPlanLinks(w http.ResponseWriter, r *http.Request, status int, typed string, wrong []string, said *view.Notice) {
	spoken := s.front.Texts(r.Context())
	page := &view.PlanLinks{
		Frame: view.Frame{Title: spoken.Say("plan.links.heading"), Private: true},
		Sent:  r.Method != http.MethodPost && r.URL.Query().Has("sent"),
		Form: view.Inputs{
			Action: "/plans", Button: spoken.Say("plan.links.button"), Notice: said,
			List: []view.Input{{
				Name: view.FieldEmail, Kind: "email", Label: spoken.Say("donate.email"), Hint: spoken.Say("plan.links.hint"),
				Value: typed, Autocomplete: "email", Keyboard: "email", Wrong: wrong,
			}},
		},
	}
	if page.Sent {
		page.Title = spoken.Say("plan.links.sent")
	}
	if len(wrong) > 0 || said != nil {
		page.Title = spoken.Say("trouble.error", "Title", page.Title)
	}
	s.front.Show(w, r, status, page)
}

// planLinks has the links mailed. The answer is the same whether there are any.
func (s *Site) planLinks(w http.ResponseWriter, r *http.Request) {
	if !s.front.ReadForm(w, r, largestForm) {
		return
	}
	spoken := s.front.Texts(r.Context())
	typed := strings.TrimSpace(r.PostForm.Get(view.FieldEmail))
	refuse := func() {
		s.showPlanLinks(w, r, http.StatusUnprocessableEntity, typed, []string{spoken.Say("reason.EMAIL_INVALID")}, nil)
	}
	if !looksLikeAddress(typed) {
		refuse()
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	_, err := s.donations.SendPlanLinks(ctx, &donationv1.SendPlanLinksRequest{
		Email: typed, ClientAddress: front.ClientAddress(r.Context()), Language: spoken.Tag,
	})
	switch {
	case err == nil:
		http.Redirect(w, r, "/plans?sent=1", http.StatusSeeOther)
	case apperr.CodeOf(err) == apperr.InvalidArgument:
		refuse()
	case apperr.CodeOf(err) == apperr.ResourceExhausted:
		s.showPlanLinks(w, r, http.StatusTooManyRequests, typed, nil, notice(spoken, "plan.links.many"))
	case unanswered(err):
		s.showPlanLinks(w, r, http.StatusServiceUnavailable, typed, nil, notice(spoken, "plan.links.away"))
	default:
		s.fail(w, r, err)
	}
}
