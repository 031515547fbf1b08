package console

import (
	"errors"
	"net/http"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

// plans lists monthly plans. Those that a donor was told have ended and Stripe still has
// come first, and then those whose last try to charge failed.
func (c *Console) plans(w http.ResponseWriter, v *visit) {
	show, tabs, known := v.tabs(plansPath, "plans", []string{"all", "ending", "failing", "active", "past_due", "paused", "canceled", "created"})
	if !known {
		c.unknown(w, v)
		return
	}
	ask := &donationv1.ListPlansRequest{PageToken: v.query.Get(pageParameter), PageSize: listed, PaymentFailed: show == "failing", Ending: show == "ending"}
	if show != "all" && show != "failing" && show != "ending" {
		ask.Status = show
	}
	found, err := c.donations.ListPlans(v.ctx, ask)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	page := &Listing{
		Desk: v.newDesk(v.spoken.Say("console.area.plans"), "plans"), Heading: v.spoken.Say("console.area.plans"), Tabs: tabs,
		Intro: []string{v.spoken.Say("console.plans.intro")},
	}
	if show == "all" && ask.GetPageToken() == "" {
		for _, first := range []struct {
			heading string
			ask     *donationv1.ListPlansRequest
		}{
			{"console.plans.ending_heading", &donationv1.ListPlansRequest{Ending: true, PageSize: listed}},
			{"console.plans.failing_heading", &donationv1.ListPlansRequest{PaymentFailed: true, PageSize: listed}},
		} {
			some, err := c.donations.ListPlans(v.ctx, first.ask)
			if err != nil {
				c.fail(w, v, err)
				return
			}
			if len(some.GetPlans()) > 0 {
				table := v.planTable(some.GetPlans(), c)
				table.Caption = v.spoken.Say(first.heading)
				page.Tables = append(page.Tables, table)
			}
		}
	}
	table := v.planTable(found.GetPlans(), c)
	table.Empty = v.spoken.Say("console.plans.none." + show)
	if len(page.Tables) > 0 {
		table.Caption = v.spoken.Say("console.plans.all_heading")
	}
	page.Tables = append(page.Tables, table)
	v.turn(page, plansPath, found.GetNextPageToken())
	c.showList(w, v, page)
}

func (v *visit) planTable(plans []*donationv1.Plan, c *Console) Table {
	table := Table{
		Name:    v.spoken.Say("console.area.plans"),
		Columns: v.columns("begun", "+monthly", "state", "next", "+instalments", "for", "rests_on"),
	}
	for _, p := range plans {
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			{Day: v.moment(p.GetStartedAt())}, {Amount: monthly(p), URL: v.link(under(plansPath, p.GetPlanId()))},
			v.planState(p), v.planNext(p), {Text: v.spoken.Number(int64(p.GetInstalments()))}, {Typed: p.GetProductName()},
			{Ties: c.ties(v, p.GetSubscriptionId())},
		}})
	}
	return table
}

func (v *visit) planState(p *donationv1.Plan) Cell {
	cell := v.state("plan.status", p.GetStatus())
	if p.GetPaymentFailed() {
		cell.Mark = "bad"
		cell.Soft = append(cell.Soft, v.spoken.Say("console.plan.failed"))
	}
	switch until := p.GetPausedUntil(); {
	case until > 0:
		cell.Mark = ""
		cell.Soft = append(cell.Soft, v.spoken.Say("console.plan.paused_until", "Day", v.spoken.Day(v.moment(until))))
	case until < 0:
		cell.Mark = ""
		cell.Soft = append(cell.Soft, v.spoken.Say("console.plan.paused"))
	}
	if p.GetEnding() {
		cell.Mark = "bad"
		cell.Soft = append(cell.Soft, v.spoken.Say("console.plan.ending"))
	}
	if p.GetEndsAt() > 0 {
		cell.Soft = append(cell.Soft, v.spoken.Say("console.plan.ends", "Day", v.spoken.Day(v.moment(p.GetEndsAt()))))
	}
	return cell
}

// planNext is when Stripe charges next: the next instalment, or the next try of one
// that failed.
func (v *visit) planNext(p *donationv1.Plan) Cell {
	switch {
	case planOver(p):
		return Cell{}
	case p.GetRetryAt() > 0:
		return Cell{Day: v.moment(p.GetRetryAt()), Soft: []string{v.spoken.Say("console.plan.again")}}
	case p.GetNextAt() > 0:
		return Cell{Day: v.moment(p.GetNextAt())}
	}
	return Cell{}
}

// monthly is what Stripe charges every month, with the cover.
func monthly(p *donationv1.Plan) *money.Amount {
	whole := amount(p.GetGift().GetMinor()+p.GetCover().GetMinor(), p.GetGift().GetCurrency())
	return &whole
}

func planOver(p *donationv1.Plan) bool {
	return p.GetStatus() == "canceled" || p.GetStatus() == "incomplete_expired"
}

// findPlan is one plan by its own id.
func (c *Console) findPlan(v *visit) (*donationv1.Plan, error) {
	id := v.r.PathValue("id")
	if !isUUID(id) {
		return nil, errNoPage
	}
	found, err := c.donations.ListPlans(v.ctx, &donationv1.ListPlansRequest{Reference: id, PageSize: 1})
	if err != nil {
		return nil, err
	}
	if len(found.GetPlans()) == 0 {
		return nil, errNoPage
	}
	return found.GetPlans()[0], nil
}

// plan shows one plan with its newest instalments.
func (c *Console) plan(w http.ResponseWriter, v *visit) {
	p, err := c.findPlan(v)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	paid, err := c.donations.FindDonations(v.ctx, &donationv1.FindDonationsRequest{Reference: p.GetPlanId()})
	if err != nil {
		c.fail(w, v, err)
		return
	}
	page := &Listing{
		Desk: v.newDesk(v.spoken.Say("console.plan.title"), "plans"), Heading: v.spoken.Say("console.plan.title"),
		Aside: v.spoken.Say("console.plan.monthly", "Amount", view.Money(v.spoken, *monthly(p))),
		Back:  Choice{Label: v.spoken.Say("console.area.plans"), URL: v.link(plansPath)},
		Facts: c.planFacts(v, p),
	}
	if v.query.Get("done") == "ended" && (planOver(p) || p.GetEndsAt() > 0) {
		page.Done = v.spoken.Say("console.plan.ended")
	}
	if v.mayAct() && !planOver(p) {
		page.Buttons = []Choice{{Label: v.spoken.Say("console.plan.end"), URL: v.link(under(plansPath, p.GetPlanId()) + "/end")}}
	}
	table := Table{
		Caption: v.spoken.Say("console.plan.instalments"), Name: v.spoken.Say("console.plan.instalments"),
		Columns: v.columns("day", "+amount", "state", "rests_on"), Empty: v.spoken.Say("console.plan.no_instalments"),
	}
	for _, d := range paid.GetDonations() {
		total := amount(d.GetGift().GetMinor()+d.GetCover().GetMinor(), d.GetGift().GetCurrency())
		at := d.GetPaidAt()
		if at == 0 {
			at = d.GetCreatedAt()
		}
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			{At: v.moment(at)}, {Amount: &total, URL: v.link(giftsPath + d.GetDonationId())},
			v.giftState(d), {Ties: c.ties(v, d.GetInvoiceId())},
		}})
	}
	page.Tables = []Table{table}
	c.showList(w, v, page)
}

func (c *Console) planFacts(v *visit, p *donationv1.Plan) []Fact {
	facts := []Fact{
		{v.spoken.Say("console.fact.id"), Cell{Ties: []Tie{{ID: p.GetPlanId()}}}},
		{v.spoken.Say("console.column.state"), v.planState(p)},
		{v.spoken.Say("console.figure.gift"), Cell{Amount: value(p.GetGift())}},
		{v.spoken.Say("console.figure.cover"), Cell{Amount: value(p.GetCover())}},
		{v.spoken.Say("console.column.begun"), Cell{At: v.moment(p.GetStartedAt())}},
	}
	if next := v.planNext(p); !next.Day.IsZero() {
		facts = append(facts, Fact{v.spoken.Say("console.column.next"), next})
	}
	facts = append(facts,
		Fact{v.spoken.Say("console.column.instalments"), Cell{Text: v.spoken.Number(int64(p.GetInstalments()))}},
		Fact{v.spoken.Say("console.column.for"), Cell{Typed: p.GetProductName(), URL: v.link(journalPath, "appeal", p.GetAppealId())}},
	)
	if p.GetSubscriptionId() != "" {
		facts = append(facts, Fact{v.spoken.Say("console.plan.subscription"), Cell{Ties: c.ties(v, p.GetSubscriptionId())}})
	}
	return facts
}

// askEnd asks before a plan is ended.
func (c *Console) askEnd(w http.ResponseWriter, v *visit) {
	p, err := c.findPlan(v)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	c.show(w, v, http.StatusOK, c.endForm(v, p, newRequest(), ""))
}

func (c *Console) endForm(v *visit, p *donationv1.Plan, request, note string) *FormPage {
	page := &FormPage{
		Desk: v.newDesk(v.spoken.Say("console.plan.end"), "plans"), Heading: v.spoken.Say("console.plan.end_question"),
		Back:  Choice{Label: v.spoken.Say("console.plan.title"), URL: v.link(under(plansPath, p.GetPlanId()))},
		Facts: c.planFacts(v, p), Text: []string{v.spoken.Say("console.plan.end_text")},
	}
	if planOver(p) {
		page.Text = []string{v.spoken.Say("console.plan.ended")}
		return page
	}
	page.Form = &view.Inputs{
		Action: v.link(under(plansPath, p.GetPlanId()) + "/end"), Button: v.spoken.Say("console.plan.end_send"),
		List: []view.Input{
			{Name: "request_id", Kind: "hidden", Value: request},
			{Name: "note", Kind: "area", Label: v.spoken.Say("console.plan.note"), Hint: v.spoken.Say("console.refund.note_hint"), Value: note, Rows: 3},
		},
	}
	return page
}

// endPlan ends a plan for its donor.
func (c *Console) endPlan(w http.ResponseWriter, v *visit) {
	if !c.front.ReadForm(w, v.r, largestForm) {
		return
	}
	p, err := c.findPlan(v)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	request, note := v.r.PostForm.Get("request_id"), v.r.PostForm.Get("note")
	_, err = c.donations.CancelPlan(v.ctx, &donationv1.CancelPlanRequest{PlanId: p.GetPlanId(), RequestId: request, Note: note})
	if err == nil {
		v.goTo(w, v.link(under(plansPath, p.GetPlanId()), "done", "ended"))
		return
	}
	var refusal *apperr.Error
	if !errors.As(err, &refusal) {
		c.fail(w, v, err)
		return
	}
	faults, status := map[string][]string{}, http.StatusUnprocessableEntity
	switch {
	case len(refusal.Fields) > 0:
		for _, field := range refusal.Fields {
			faults[field.Name] = append(faults[field.Name], v.worded("console.fault."+field.Reason, field.Message))
		}
	case refusal.Code == apperr.Unavailable, refusal.Code == apperr.DeadlineExceeded:
		// The wish is kept and carried out all the same; the same form is the same wish.
		faults["away"], status = []string{v.spoken.Say("console.plan.end_away")}, http.StatusServiceUnavailable
	default:
		c.fail(w, v, err)
		return
	}
	if faults["request_id"] != nil {
		request = newRequest()
	}
	page := c.endForm(v, p, request, note)
	v.blame(page, faults)
	c.show(w, v, status, page)
}
