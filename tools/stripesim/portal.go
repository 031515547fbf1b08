package stripesim

import (
	"net/http"
	"slices"
	"strings"
)

// PortalSession is a way into the billing portal, for one customer and not for
// long.
type PortalSession struct {
	ID        string `json:"id"`
	Created   int64  `json:"created"`
	Customer  string `json:"customer"`
	ReturnURL string `json:"return_url,omitempty"`
	Locale    string `json:"locale,omitempty"`
	// Flow is the one page that the customer is led to; empty for all of it.
	Flow          string `json:"flow,omitempty"`
	Plan          string `json:"subscription,omitempty"`
	After         string `json:"after_completion,omitempty"`
	AfterURL      string `json:"after_completion_url,omitempty"`
	CustomMessage string `json:"custom_message,omitempty"`
	// Pending is a card that waits for 3-D Secure.
	Pending string `json:"pending,omitempty"`
}

const (
	portalOpenFor = 3600

	flowCard   = "payment_method_update"
	flowCancel = "subscription_cancel"
)

// openPortal finds the session of a page; nil tells that the page has answered.
func (s *Server) openPortal(w http.ResponseWriter, r *http.Request) *PortalSession {
	err := s.refresh()
	if err != nil {
		s.log.Error("bring state up to date", "error", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	session := s.state.portals.byID[r.PathValue("id")]
	if session == nil {
		s.notFound(w)
		return nil
	}
	customer := s.state.customers.byID[session.Customer]
	if session.Created+portalOpenFor <= s.now().Unix() || customer.Deleted {
		s.message(w, http.StatusGone, "This link has expired", "Please ask for a new one on the site.", session.ReturnURL, "Return to the site")
		return nil
	}
	return session
}

func (p *PortalSession) base() string { return "/p/session/" + p.ID }

// formTarget is where a form of the portal may lead.
func (p *PortalSession) formTarget() string { return origin(p.ReturnURL) + origin(p.AfterURL) }

type (
	portalView struct {
		Title, Base, ReturnURL, Notice, Card string
		Plans                                []portalPlan
		Invoices                             []portalInvoice
	}
	portalPlan struct {
		ID, Description, Amount, Status string
		Live, Ends                      bool
	}
	portalInvoice struct {
		ID, Number, Date, Amount, Status string
		Due                              bool
	}
	portalCardView struct {
		cardFields
		Title, Back string
	}
	portalChoice struct{ Title, Action, Back, Description, Amount, End string }
)

func (s *Server) portalPage(w http.ResponseWriter, r *http.Request) {
	session := s.openPortal(w, r)
	if session == nil {
		return
	}
	done := r.URL.Query().Get("done")
	if done == "" && session.Flow == flowCard {
		http.Redirect(w, r, session.base()+"/card", http.StatusSeeOther)
		return
	}
	if done == "" && session.Flow == flowCancel {
		http.Redirect(w, r, session.base()+"/cancel/"+session.Plan, http.StatusSeeOther)
		return
	}
	notices := map[string]string{
		"card": "Your card was updated.", "canceled": "The plan was canceled.",
		"ends": "The plan ends with its period.", "kept": "The plan goes on.",
	}
	notice := notices[done]
	if notice != "" && session.After == "hosted_confirmation" && session.CustomMessage != "" {
		notice = session.CustomMessage
	}
	s.mu.RLock()
	v := s.portalView(session)
	s.mu.RUnlock()
	v.Notice = notice
	s.sitePage(w, http.StatusOK, "portal", v, session.formTarget())
}

// portalView reads the state; the caller holds the lock.
func (s *Server) portalView(session *PortalSession) portalView {
	st := s.state
	v := portalView{Title: "Your payments (simulator)", Base: session.base(), ReturnURL: session.ReturnURL}
	card := st.customers.byID[session.Customer].DefaultMethod
	for _, plan := range slices.Backward(st.plans.all()) {
		if plan.Customer != session.Customer {
			continue
		}
		if card == "" {
			card = plan.DefaultMethod
		}
		v.Plans = append(v.Plans, s.portalPlan(plan))
	}
	for _, invoice := range slices.Backward(st.invoices.all()) {
		if invoice.Customer == session.Customer {
			v.Invoices = append(v.Invoices, portalInvoice{
				ID: invoice.ID, Number: invoice.Number, Date: dateOf(invoice.Created), Amount: money(invoice.Total, invoice.Currency),
				Status: invoice.Status, Due: invoice.payable(),
			})
		}
	}
	if method := st.methods.byID[card]; method != nil {
		c := cardNamed(method.Card)
		v.Card = c.brand + " ending in " + c.last4()
	}
	return v
}

func (s *Server) portalPlan(plan *Subscription) portalPlan {
	out := portalPlan{ID: plan.ID, Description: plan.Description, Live: !plan.ended(), Ends: plan.CancelAtPeriodEnd && !plan.ended()}
	total, names := int64(0), []string{}
	for _, item := range plan.Items {
		price := s.state.prices.byID[item.Price]
		total += price.UnitAmount * item.Quantity
		names = append(names, s.state.products.byID[price.Product].Name)
	}
	if out.Description == "" {
		out.Description = strings.Join(names, ", ")
	}
	out.Amount = money(total, plan.Currency) + " / " + plan.Recurring.words()
	switch {
	case out.Ends:
		out.Status = "Ends on " + dateOf(plan.PeriodEnd)
	case plan.ended():
		out.Status = "Ended"
	case plan.Status == planActive:
		out.Status = "Active; next payment on " + dateOf(plan.PeriodEnd)
	default:
		out.Status = "Payment due (" + plan.Status + ")"
	}
	return out
}

func (s *Server) portalCardPage(w http.ResponseWriter, r *http.Request) {
	session := s.openPortal(w, r)
	if session == nil {
		return
	}
	s.showPortalCard(w, http.StatusOK, session, Billing{}, "")
}

func (s *Server) showPortalCard(w http.ResponseWriter, status int, session *PortalSession, form Billing, failure string) {
	if form == (Billing{}) {
		s.mu.RLock()
		customer := s.state.customers.byID[session.Customer]
		s.mu.RUnlock()
		form = Billing{
			Email: customer.Email, Name: customer.Name, Country: customer.Address["country"], PostalCode: customer.Address["postal_code"],
		}
	}
	back := session.base()
	if session.Flow != "" {
		back = session.ReturnURL
	}
	s.sitePage(w, status, "portal_card", portalCardView{
		cardFields: newCardFields(session.base()+"/card", "Save the card", form, failure), Title: "Update the card (simulator)", Back: back,
	}, session.formTarget())
}

// portalCardPost saves a card for what comes. It is not charged now, so a card
// that is declined later is taken here.
func (s *Server) portalCardPost(w http.ResponseWriter, r *http.Request) {
	session := s.openPortal(w, r)
	if session == nil {
		return
	}
	pay, refused := s.readCardForm(w, r)
	if refused == "" && pay.card.code != "" && pay.card.name != "attach_then_fail" {
		refused = pay.card.message
	}
	if refused != "" {
		s.showPortalCard(w, http.StatusUnprocessableEntity, session, pay.billing, refused)
		return
	}
	challenge := pay.card.secure == secureChallenge
	s.portalAct(w, r, session, func(t *tx) string {
		method := t.newMethod(pay)
		if challenge {
			next := *t.portal(session.ID)
			next.Pending = method.ID
			t.putPortal(next)
			return ""
		}
		t.replaceCard(session.Customer, method)
		return "card"
	})
}

// portalAct does one thing and leads the customer on: to the bank when the act
// names nothing that was done.
func (s *Server) portalAct(w http.ResponseWriter, r *http.Request, session *PortalSession, act func(*tx) string) {
	done := ""
	err := s.transact(requestInfo{}, func(t *tx) error {
		done = act(t)
		return nil
	})
	switch {
	case err != nil:
		s.log.Error("change by portal", "session", session.ID, "error", err)
		s.message(w, http.StatusInternalServerError, "Something went wrong", "The simulator could not do that. Please try again.", session.base(), "Back")
	case done == "":
		http.Redirect(w, r, session.base()+"/secure", http.StatusSeeOther)
	case session.After == "redirect":
		http.Redirect(w, r, session.AfterURL, http.StatusSeeOther)
	default:
		http.Redirect(w, r, session.base()+"?done="+done, http.StatusSeeOther)
	}
}

// replaceCard makes a new card the one that all plans of a customer are charged
// to.
func (t *tx) replaceCard(customerID string, method *PaymentMethod) {
	method = t.attachTo(method, customerID)
	customer := t.customer(customerID)
	next := *customer
	next.DefaultMethod = method.ID
	t.changeCustomer(customer, next)
	for _, id := range t.s.state.plans.order {
		plan := t.plan(id)
		if plan.Customer == customerID && plan.DefaultMethod != "" && !plan.ended() {
			changed := *plan
			changed.DefaultMethod = method.ID
			t.changePlan(plan, changed)
		}
	}
}

func (s *Server) portalSecurePage(w http.ResponseWriter, r *http.Request) {
	session := s.openPortal(w, r)
	if session == nil {
		return
	}
	if session.Pending == "" {
		http.Redirect(w, r, session.base(), http.StatusSeeOther)
		return
	}
	s.sitePage(w, http.StatusOK, "portal_secure", portalChoice{
		Title: "3-D Secure (simulator)", Action: session.base() + "/secure",
	}, session.formTarget())
}

func (s *Server) portalSecurePost(w http.ResponseWriter, r *http.Request) {
	session := s.openPortal(w, r)
	if session == nil {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	confirmed := r.PostFormValue("result") == "complete"
	if !confirmed {
		s.showPortalCard(w, http.StatusPaymentRequired, session, Billing{}, msgAuthFailed)
		return
	}
	s.portalAct(w, r, session, func(t *tx) string {
		next := *t.portal(session.ID)
		method := t.method(next.Pending)
		if method == nil {
			return "card" // answered twice
		}
		next.Pending = ""
		t.putPortal(next)
		saved := *method
		saved.SetUp = true
		t.replaceCard(session.Customer, &saved)
		return "card"
	})
}

// planOf finds a plan of the portal's customer that can still end.
func (s *Server) planOf(w http.ResponseWriter, r *http.Request, session *PortalSession) *Subscription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	plan := s.state.plans.byID[r.PathValue("plan")]
	if plan == nil || plan.Customer != session.Customer {
		s.notFound(w)
		return nil
	}
	return plan
}

func (s *Server) portalCancelPage(w http.ResponseWriter, r *http.Request) {
	session := s.openPortal(w, r)
	if session == nil {
		return
	}
	plan := s.planOf(w, r, session)
	if plan == nil {
		return
	}
	if plan.ended() {
		http.Redirect(w, r, session.base()+"?done=canceled", http.StatusSeeOther)
		return
	}
	s.mu.RLock()
	shown := s.portalPlan(plan)
	s.mu.RUnlock()
	back := session.base()
	if session.Flow != "" {
		back = session.ReturnURL
	}
	s.sitePage(w, http.StatusOK, "portal_cancel", portalChoice{
		Title: "Cancel (simulator)", Action: session.base() + "/cancel/" + plan.ID, Back: back,
		Description: shown.Description, Amount: shown.Amount, End: dateOf(plan.PeriodEnd),
	}, session.formTarget())
}

func (s *Server) portalCancelPost(w http.ResponseWriter, r *http.Request) {
	session := s.openPortal(w, r)
	if session == nil {
		return
	}
	plan := s.planOf(w, r, session)
	if plan == nil {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	when := r.PostFormValue("when")
	if when != "now" && when != "period_end" {
		s.message(w, http.StatusBadRequest, "Please choose", "Cancel now, or at the end of the period.", session.base()+"/cancel/"+plan.ID, "Back")
		return
	}
	s.portalAct(w, r, session, func(t *tx) string {
		plan = t.plan(plan.ID)
		if plan.ended() || when == "now" {
			if !plan.ended() {
				t.cancelPlan(plan, reasonRequested)
			}
			return "canceled"
		}
		next := *plan
		next.CancelAtPeriodEnd, next.CancelAt = true, 0
		next.CanceledAt, next.CancelReason = t.at(plan.TestClock), reasonRequested
		t.changePlan(plan, next)
		return "ends"
	})
}

func (s *Server) portalKeepPost(w http.ResponseWriter, r *http.Request) {
	session := s.openPortal(w, r)
	if session == nil {
		return
	}
	plan := s.planOf(w, r, session)
	if plan == nil {
		return
	}
	s.portalAct(w, r, session, func(t *tx) string {
		plan = t.plan(plan.ID)
		if plan.ended() {
			return "canceled"
		}
		next := *plan
		next.CancelAtPeriodEnd, next.CancelAt, next.CanceledAt, next.CancelReason = false, 0, 0, ""
		t.changePlan(plan, next)
		return "kept"
	})
}
