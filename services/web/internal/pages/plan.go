package pages

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

// A monthly gift is its donor's, who has no account here: the link in the mail is
// the key to it. Its pages are kept nowhere and tell no other site their address.

const (
	fieldRequest = "request_id"
	fieldMonths  = "pause_months"
	mostMonths   = 12
)

func planPath(id, token string) string { return "/plans/" + id + "/" + token }

// planKey is what the address of a plan opens; it reports false for what cannot be
// one.
func planKey(r *http.Request) (id, token string, ok bool) {
	id, token = r.PathValue("id"), r.PathValue("token")
	return id, token, isID(id) && isWord(token, 256, lower+upper+digits+"-_")
}

// planFound is a plan with what it is shown with.
type planFound struct {
	id, token   string
	plan        *donationv1.Plan
	instalments []*donationv1.Donation
	target      target // zero while it cannot be looked up: the plan goes on all the same
	terms       terms
	gift, cover money.Amount
	total       money.Amount
	charged     money.Amount // after its end had been asked for
}

func (f planFound) path() string { return planPath(f.id, f.token) }

// link leads to what is given to.
func (f planFound) link() view.Link {
	if f.target.appeal == nil {
		return view.Link{Label: f.plan.GetProductName()}
	}
	return view.Link{Label: f.target.title(), URL: f.target.path()}
}

// findPlan looks up the plan of the address. It answers itself, and reports false,
// when there is none or its link is wrong.
func (s *Site) findPlan(w http.ResponseWriter, r *http.Request) (planFound, bool) {
	id, token, ok := planKey(r)
	if !ok {
		s.front.Unknown(w, r)
		return planFound{}, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := s.donations.GetPlan(ctx, &donationv1.GetPlanRequest{PlanId: id, Token: token})
	if err != nil {
		s.fail(w, r, err)
		return planFound{}, false
	}
	found := planFound{id: id, token: token, plan: answer.GetPlan(), instalments: answer.GetInstalments()}
	err = found.price(answer, s.front.Texts(r.Context()))
	if err != nil {
		s.fail(w, r, fmt.Errorf("plan %s: %w", id, err))
		return planFound{}, false
	}
	known, err := s.find(r.Context(), found.plan.GetAppealSlug(), found.plan.GetFundraiserSlug())
	if err == nil {
		found.target = known
	}
	if err == nil && !known.closed() && known.appeal.GetCurrency() == found.gift.Currency.Code() {
		found.terms.cover = view.Cover{
			RatePPM: known.appeal.GetCoverRatePpm(),
			Fixed:   money.Amount{Minor: known.appeal.GetCoverFixedMinor(), Currency: found.gift.Currency},
		}
	}
	return found, true
}

// price reads the amounts.
func (f *planFound) price(answer *donationv1.GetPlanResponse, spoken *texts.Texts) error {
	var err error
	f.gift, f.cover, f.total, err = amounts(&donationv1.Donation{Gift: f.plan.GetGift(), Cover: f.plan.GetCover()})
	if err != nil {
		return err
	}
	f.charged, err = amount(answer.GetChargedAfterEnd())
	if err != nil {
		return err
	}
	minimum, err := amount(answer.GetMinimum())
	if err != nil || minimum.Currency.IsZero() {
		minimum = money.Minimum(f.gift.Currency)
	}
	f.terms = terms{texts: spoken, currency: f.gift.Currency, minimum: minimum}
	return nil
}

// standing is where the plan stands, of which some say more than others.
func (f planFound) standing() view.Standing {
	switch status := f.plan.GetStatus(); {
	case status == "canceled" || status == "incomplete_expired":
		return view.PlanEnded
	case f.plan.GetEnding():
		return view.PlanEnding
	case status == "created" || status == "incomplete":
		return view.PlanWaiting
	case f.plan.GetPaymentFailed():
		return view.PlanFailing
	case f.plan.GetPausedUntil() != 0 || status == "paused":
		return view.PlanPaused
	case status == "active" || status == "trialing":
		return view.PlanActive
	default:
		return view.PlanUnclear
	}
}

// plan shows a monthly gift to the donor who holds its link.
func (s *Site) plan(w http.ResponseWriter, r *http.Request) {
	found, ok := s.findPlan(w, r)
	if !ok {
		return
	}
	page, err := s.planPage(r, found, planInput{})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	// What was done is said only where it still is so: links are kept and sent on.
	done := r.URL.Query().Get("done")
	paused := found.plan.GetPausedUntil() != 0
	if page.Standing != view.PlanEnded && (done == "amount" || done == "paused" && paused || done == "resumed" && !paused) {
		page.Done = done
	}
	s.front.Show(w, r, http.StatusOK, page)
}

// toPlan leads back from the address of a form that was sent.
func (s *Site) toPlan(w http.ResponseWriter, r *http.Request) {
	found, ok := s.findPlan(w, r)
	if ok {
		http.Redirect(w, r, found.path(), http.StatusSeeOther) //nolint:gosec // a path of our own
	}
}

// planInput is what was sent with one of the page's forms; zero for a fresh page.
type planInput struct {
	form    string // amount or pause
	request string
	amount  string
	cover   bool
	months  string
	wrong   []view.FieldError
}

// planPage is the page with a form as it was sent.
func (s *Site) planPage(r *http.Request, found planFound, in planInput) (*view.Plan, error) {
	p, spoken := found.plan, s.front.Texts(r.Context())
	page := &view.Plan{
		Frame:    view.Frame{Title: spoken.Say("plan.title"), Private: true},
		Standing: found.standing(), Target: found.link(), Gift: found.gift, Cover: found.cover, Total: found.total,
		Charged: found.charged,
		Retry:   dayOf(p.GetRetryAt()), Ends: dayOf(p.GetEndsAt()), Begun: dayOf(p.GetStartedAt()), Payments: int64(p.GetInstalments()),
	}
	if found.target.organization != nil {
		page.Site = site(found.target.organization)
	}
	if p.GetEndsAt() == 0 || p.GetNextAt() < p.GetEndsAt() {
		page.Next = dayOf(p.GetNextAt())
	}
	if p.GetPausedUntil() > 0 {
		page.Until = dayOf(p.GetPausedUntil())
	}
	var err error
	page.Instalments, err = s.instalments(r.Context(), found)
	if err != nil {
		return nil, err
	}
	if page.Standing == view.PlanEnded && found.target.appeal != nil && !found.target.closed() {
		page.AgainURL = found.target.donatePath("")
	}
	switch page.Standing {
	case view.PlanActive, view.PlanPaused, view.PlanFailing:
		page.Amount = amountForm(found, in)
		page.Card = &view.Inputs{Action: found.path() + "/card", Button: spoken.Say("plan.card.button"), Look: "quiet"}
	case view.PlanWaiting, view.PlanEnding, view.PlanEnded, view.PlanUnclear:
	}
	switch {
	case page.Amount == nil:
	case p.GetPausedUntil() != 0:
		page.Resume = &view.Inputs{
			Action: found.path() + "/resume", Button: spoken.Say("plan.resume.button"),
			List: []view.Input{numbered(uuid.NewString())},
		}
	case page.Standing == view.PlanActive:
		page.Pause, err = pauseForm(found, in)
	case page.Standing == view.PlanFailing:
		page.Card.Look = "" // it is what the page asks for
	}
	if page.Amount != nil || page.Standing == view.PlanUnclear {
		page.EndURL = found.path() + "/end"
	}
	if len(in.wrong) > 0 {
		page.Title = spoken.Say("trouble.error", "Title", page.Title)
	}
	return page, err
}

// dayOf is a day of Stripe's calendar, which is that of the mails too; zero for none.
func dayOf(micros int64) time.Time {
	if micros <= 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// numbered carries the number of a form's request.
func numbered(request string) view.Input {
	return view.Input{Name: fieldRequest, Kind: "hidden", Value: request}
}

// requestOf is the number of a form: that which it was sent with, or a new one.
func (in planInput) requestOf(form string) string {
	if in.form == form && isID(in.request) {
		return in.request
	}
	return uuid.NewString()
}

// wrongAt is what is wrong with a field.
func (in planInput) wrongAt(field string) []string { return view.Form{Errors: in.wrong}.Wrong(field) }

func amountForm(found planFound, in planInput) *view.Inputs {
	spoken := found.terms.texts
	typed, covered := spoken.Typed(found.gift), found.cover.Minor > 0
	if in.form == "amount" {
		typed, covered = in.amount, in.cover
	}
	form := &view.Inputs{
		Action: found.path() + "/amount", Button: spoken.Say("plan.amount.button"), Look: "quiet",
		List: []view.Input{
			numbered(in.requestOf("amount")),
			{
				Name: view.FieldAmount, Kind: "text", Label: spoken.Say("plan.amount.label"), Unit: found.gift.Currency.Code(), Keyboard: "decimal",
				Hint:  spoken.Say("donate.amount.least", "Minimum", view.Money(spoken, found.terms.minimum)) + " " + spoken.Say("plan.amount.from"),
				Value: typed, Autocomplete: "transaction-amount", Wrong: in.wrongAt(view.FieldAmount),
			},
		},
	}
	if found.gift.Currency.Exponent() == 0 || found.gift.Currency.Step() >= 100 {
		form.List[1].Keyboard = "numeric"
	}
	if found.terms.cover.Offered() {
		form.List = append(form.List, view.Input{
			Name: view.FieldCover, Kind: "check", Label: spoken.Say("donate.cover.label"), Hint: coverHint(found.terms.cover, spoken),
			Checked: covered, Wrong: in.wrongAt(view.FieldCover),
		})
	}
	return form
}

func coverHint(c view.Cover, spoken *texts.Texts) string {
	if c.Fixed.Minor > 0 {
		return spoken.Say("donate.cover.estimate_fixed", "Rate", spoken.Rate(c.RatePPM), "Fixed", view.Money(spoken, c.Fixed))
	}
	return spoken.Say("donate.cover.estimate", "Rate", spoken.Rate(c.RatePPM))
}

func pauseForm(found planFound, in planInput) (*view.Inputs, error) {
	spoken := found.terms.texts
	months := view.Input{
		Name: fieldMonths, Kind: "select", Label: spoken.Say("plan.pause.label"), Wrong: in.wrongAt(fieldMonths),
	}
	for n := range int64(mostMonths) {
		label, err := spoken.Count("plan.months", n+1)
		if err != nil {
			return nil, err
		}
		value := strconv.FormatInt(n+1, 10)
		months.Choices = append(months.Choices, view.Choice{Value: value, Label: label, Checked: in.months == value})
	}
	return &view.Inputs{
		Action: found.path() + "/pause", Button: spoken.Say("plan.pause.button"), Look: "quiet",
		List: []view.Input{numbered(in.requestOf("pause")), months},
	}, nil
}

// instalments are the newest payments with their receipts. Without the receipt
// service they are listed all the same.
func (s *Site) instalments(ctx context.Context, found planFound) ([]view.Instalment, error) {
	ctx, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	location := zone(found.target.organization)
	var list []view.Instalment
	var away error
	for _, paid := range found.instalments {
		_, _, total, err := amounts(paid)
		if err != nil {
			return nil, fmt.Errorf("instalment %s: %w", paid.GetDonationId(), err)
		}
		back, err := amount(paid.GetReturned())
		if err != nil {
			return nil, fmt.Errorf("instalment %s: %w", paid.GetDonationId(), err)
		}
		line := view.Instalment{On: time.UnixMicro(paid.GetPaidAt()).In(location), Total: total, Back: back}
		if away == nil {
			line.Receipt, away = s.receiptLink(ctx, paid.GetDonationId())
		}
		list = append(list, line)
	}
	if away != nil {
		s.logger.WarnContext(ctx, "monthly gift is shown without receipts", "code", string(apperr.CodeOf(away)), "error", away)
	}
	return list, nil
}
