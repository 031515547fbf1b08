package pages

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Every form carries the number of its request, so that one that is sent twice, or
// again after no answer came, is done once. What was done is answered with the way
// back to the page, which can be loaded again.

// readPlanForm reads a form and looks up its plan; it answers itself when it cannot.
func (s *Site) readPlanForm(w http.ResponseWriter, r *http.Request, form string) (planFound, planInput, bool) {
	if !s.front.ReadForm(w, r, largestForm) {
		return planFound{}, planInput{}, false
	}
	found, ok := s.findPlan(w, r)
	return found, planInput{
		form: form, request: r.PostForm.Get(fieldRequest), amount: r.PostForm.Get(view.FieldAmount),
		cover: r.PostForm.Get(view.FieldCover) == "1", months: r.PostForm.Get(fieldMonths),
	}, ok
}

func (s *Site) changeAmount(w http.ResponseWriter, r *http.Request) {
	found, in, ok := s.readPlanForm(w, r, "amount")
	if !ok {
		return
	}
	gift, err := money.Parse(in.amount, found.gift.Currency, found.terms.texts.Tag)
	reason := ""
	switch {
	case err != nil:
		reason = found.terms.amountReason(err)
	case gift.Minor < found.terms.minimum.Minor:
		reason = "AMOUNT_SMALL"
	}
	if reason != "" {
		in.wrong = []view.FieldError{{Field: view.FieldAmount, Message: found.terms.reason(reason, reason)}}
		s.showPlan(w, r, http.StatusUnprocessableEntity, found, in, nil)
		return
	}
	s.askForChange(w, r, found, in, "amount", &donationv1.ChangePlanRequest{Change: &donationv1.ChangePlanRequest_Amount{Amount: &donationv1.NewAmount{
		Gift: &moneyv1.Money{Minor: gift.Minor, Currency: gift.Currency.Code()}, CoverFees: in.cover,
	}}})
}

func (s *Site) pausePlan(w http.ResponseWriter, r *http.Request) {
	found, in, ok := s.readPlanForm(w, r, "pause")
	if !ok {
		return
	}
	// What is no number is none of the months that can be chosen.
	months, err := strconv.ParseInt(in.months, 10, 32)
	if err != nil {
		months = 0
	}
	s.askForChange(w, r, found, in, "paused", &donationv1.ChangePlanRequest{
		Change: &donationv1.ChangePlanRequest_PauseMonths{PauseMonths: int32(months)},
	})
}

func (s *Site) resumePlan(w http.ResponseWriter, r *http.Request) {
	found, in, ok := s.readPlanForm(w, r, "resume")
	if !ok {
		return
	}
	s.askForChange(w, r, found, in, "resumed", &donationv1.ChangePlanRequest{Change: &donationv1.ChangePlanRequest_Resume{Resume: true}})
}

// askForChange has it done and leads back to the page, or shows the page with what
// was typed and what is in the way.
func (s *Site) askForChange(w http.ResponseWriter, r *http.Request, found planFound, in planInput, done string, request *donationv1.ChangePlanRequest) {
	if !isID(in.request) {
		in.request = uuid.NewString()
		s.showPlan(w, r, http.StatusUnprocessableEntity, found, in, notice(found.terms.texts, "plan.again"))
		return
	}
	err := s.sendChange(r, found, in.request, request)
	if err == nil {
		http.Redirect(w, r, found.path()+"?done="+done, http.StatusSeeOther) //nolint:gosec // a path of our own
		return
	}
	public := apperr.Public(err)
	switch public.Code {
	case apperr.FailedPrecondition:
		// It has ended, or is about to: the page says which.
		http.Redirect(w, r, found.path(), http.StatusSeeOther) //nolint:gosec // a path of our own
	case apperr.InvalidArgument:
		in.request = "" // it was not taken, so what is sent next is another one
		in.wrong = fieldErrors(public.Fields, found.terms)
		s.showPlan(w, r, http.StatusUnprocessableEntity, found, in, nil)
	case apperr.Aborted:
		in.request = ""
		s.showPlan(w, r, http.StatusConflict, found, in, notice(found.terms.texts, "plan.twice"))
	case apperr.Unavailable, apperr.DeadlineExceeded:
		s.showPlan(w, r, http.StatusServiceUnavailable, found, in, notice(found.terms.texts, "plan.unreachable"))
	default:
		s.fail(w, r, err)
	}
}

func (s *Site) sendChange(r *http.Request, found planFound, id string, request *donationv1.ChangePlanRequest) error {
	ctx, cancel := context.WithTimeout(r.Context(), checkoutTimeout)
	defer cancel()
	request.PlanId, request.Token, request.RequestId = found.id, found.token, id
	_, err := s.donations.ChangePlan(ctx, request)
	return err
}

// showPlan shows the page again with what was typed.
func (s *Site) showPlan(w http.ResponseWriter, r *http.Request, status int, found planFound, in planInput, said *view.Notice) {
	page, err := s.planPage(r, found, in)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Notice = said
	if said != nil {
		page.Title = found.terms.texts.Say("trouble.error", "Title", page.Title)
	}
	s.front.Show(w, r, status, page)
}

// endQuestion asks before a monthly gift is ended.
func (s *Site) endQuestion(w http.ResponseWriter, r *http.Request) {
	found, ok := s.findPlan(w, r)
	if !ok {
		return
	}
	switch found.standing() {
	case view.PlanEnded, view.PlanEnding, view.PlanWaiting:
		http.Redirect(w, r, found.path(), http.StatusSeeOther) //nolint:gosec // a path of our own
		return
	case view.PlanActive, view.PlanPaused, view.PlanFailing, view.PlanUnclear:
	}
	s.showEnd(w, r, http.StatusOK, found, uuid.NewString(), nil)
}

func (s *Site) showEnd(w http.ResponseWriter, r *http.Request, status int, found planFound, request string, said *view.Notice) {
	spoken := found.terms.texts
	page := &view.PlanEnd{
		Frame:  view.Frame{Title: spoken.Say("plan.end.heading"), Private: true},
		Target: found.link(), Total: found.total, Back: found.path(), Notice: said,
		Form: view.Inputs{
			Action: found.path() + "/end", Button: spoken.Say("plan.end.button"), Look: "danger",
			List: []view.Input{numbered(request)},
		},
	}
	if found.target.organization != nil {
		page.Site = site(found.target.organization)
	}
	if said != nil {
		page.Title = spoken.Say("trouble.error", "Title", page.Title)
	}
	s.front.Show(w, r, status, page)
}

// endPlan ends a monthly gift. Where Stripe cannot be reached the wish is kept and
// carried out, and the page says that.
func (s *Site) endPlan(w http.ResponseWriter, r *http.Request) {
	found, in, ok := s.readPlanForm(w, r, "end")
	if !ok {
		return
	}
	if !isID(in.request) {
		s.showEnd(w, r, http.StatusUnprocessableEntity, found, uuid.NewString(), notice(found.terms.texts, "plan.again"))
		return
	}
	err := s.sendChange(r, found, in.request, &donationv1.ChangePlanRequest{Change: &donationv1.ChangePlanRequest_Cancel{Cancel: true}})
	public := apperr.Public(err)
	switch {
	case err == nil, public.Code == apperr.FailedPrecondition, public.Reason == "PLAN_END_KEPT":
		http.Redirect(w, r, found.path(), http.StatusSeeOther) //nolint:gosec // a path of our own
	case public.Code == apperr.Aborted:
		s.showEnd(w, r, http.StatusConflict, found, uuid.NewString(), notice(found.terms.texts, "plan.twice"))
	case unanswered(err):
		s.showEnd(w, r, http.StatusServiceUnavailable, found, in.request, notice(found.terms.texts, "plan.unreachable"))
	default:
		s.fail(w, r, err)
	}
}

// changeCard sends the donor to Stripe's page for another card.
func (s *Site) changeCard(w http.ResponseWriter, r *http.Request) {
	found, in, ok := s.readPlanForm(w, r, "card")
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), checkoutTimeout)
	defer cancel()
	answer, err := s.donations.OpenPlanPortal(ctx, &donationv1.OpenPlanPortalRequest{PlanId: found.id, Token: found.token})
	switch {
	case err == nil:
		s.leave(w, r, answer.GetUrl(), s.front.Portal())
	case apperr.CodeOf(err) == apperr.FailedPrecondition:
		http.Redirect(w, r, found.path(), http.StatusSeeOther) //nolint:gosec // a path of our own
	case unanswered(err):
		s.showPlan(w, r, http.StatusServiceUnavailable, found, in, notice(found.terms.texts, "plan.card_unreachable"))
	default:
		s.fail(w, r, err)
	}
}
