package stripesim

import (
	"net/http"
	"strings"
	"time"
)

// billingPages are the hosted pages of recurring money. They work without
// JavaScript, like the checkout.
func (s *Server) billingPages(site *http.ServeMux) {
	site.HandleFunc("GET /invoice/{id}", s.invoicePage)
	site.HandleFunc("POST /invoice/{id}", s.invoicePost)
	site.HandleFunc("GET /p/session/{id}", s.portalPage)
	site.HandleFunc("GET /p/session/{id}/card", s.portalCardPage)
	site.HandleFunc("POST /p/session/{id}/card", s.portalCardPost)
	site.HandleFunc("GET /p/session/{id}/secure", s.portalSecurePage)
	site.HandleFunc("POST /p/session/{id}/secure", s.portalSecurePost)
	site.HandleFunc("GET /p/session/{id}/cancel/{plan}", s.portalCancelPage)
	site.HandleFunc("POST /p/session/{id}/cancel/{plan}", s.portalCancelPost)
	site.HandleFunc("POST /p/session/{id}/keep/{plan}", s.portalKeepPost)
}

// cardFields is what the card fields of a page need.
type cardFields struct {
	Action, Button, Error string
	Form                  Billing
	Cards                 []cardLine
}

func newCardFields(action, button string, form Billing, failure string) cardFields {
	out := cardFields{Action: action, Button: button, Error: failure, Form: form}
	for _, c := range cards() {
		out.Cards = append(out.Cards, cardLine{c.spaced(), c.label})
	}
	return out
}

type invoiceView struct {
	cardFields
	Title, Number, Amount, Currency, Status, Secure string
	Lines                                           []string
	Payable                                         bool
}

// currentInvoice finds the invoice of a page, after what time has made due. A
// draft has no page yet.
func (s *Server) currentInvoice(id string) (*Invoice, *PaymentIntent) {
	err := s.refresh()
	if err != nil {
		s.log.Error("bring state up to date", "error", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	invoice := s.state.invoices.byID[id]
	if invoice == nil || invoice.Number == "" {
		return nil, nil
	}
	return invoice, s.state.intents.byID[invoice.PaymentIntent]
}

func (i *Invoice) payable() bool {
	return i.Status == invoiceOpen || i.Status == invoiceUncollectible
}

func (s *Server) showInvoice(w http.ResponseWriter, status int, invoice *Invoice, intent *PaymentIntent, form Billing, failure string) {
	if form == (Billing{}) {
		form = Billing{
			Email: invoice.CustomerEmail, Name: invoice.CustomerName,
			Country: invoice.CustomerAddress["country"], PostalCode: invoice.CustomerAddress["postal_code"],
		}
	}
	amount, currency := majorUnits(invoice.amountDue(), invoice.Currency), strings.ToUpper(invoice.Currency)
	v := invoiceView{
		cardFields: newCardFields("/invoice/"+invoice.ID, "Pay "+amount+" "+currency, form, failure),
		Title:      "Invoice (simulator)", Number: invoice.Number, Amount: amount, Currency: currency,
		Status: invoice.Status, Payable: invoice.payable(),
	}
	for _, line := range invoice.Lines {
		v.Lines = append(v.Lines, line.Description)
	}
	if intent != nil && intent.Status == intentAction && v.Payable {
		v.Secure = "/3ds/" + intent.ID
	}
	s.sitePage(w, status, "invoice", v, "")
}

func (s *Server) invoicePage(w http.ResponseWriter, r *http.Request) {
	invoice, intent := s.currentInvoice(r.PathValue("id"))
	if invoice == nil {
		s.notFound(w)
		return
	}
	failure := ""
	if intent != nil && intent.LastError != nil && invoice.payable() {
		failure = intent.LastError.Message
	}
	s.showInvoice(w, http.StatusOK, invoice, intent, Billing{}, failure)
}

// invoicePost pays with another card. A second press of the button meets the
// invoice as the first one left it.
func (s *Server) invoicePost(w http.ResponseWriter, r *http.Request) {
	invoice, intent := s.currentInvoice(r.PathValue("id"))
	if invoice == nil {
		s.notFound(w)
		return
	}
	pay, refused := s.readCardForm(w, r)
	if refused != "" && invoice.payable() {
		s.showInvoice(w, http.StatusUnprocessableEntity, invoice, intent, pay.billing, refused)
		return
	}
	err := s.transact(requestInfo{}, func(t *tx) error {
		invoice = t.invoice(invoice.ID)
		if invoice.payable() {
			invoice = t.collect(invoice, t.cardForInvoice(invoice, pay), collection{present: true})
		}
		intent = t.intent(invoice.PaymentIntent)
		return nil
	})
	s.afterInvoice(w, r, invoice, intent, pay.billing, err)
}

// cardForInvoice keeps a card that the customer typed for one invoice, or for
// the plan when it is set up to take the card of its last payment.
func (t *tx) cardForInvoice(invoice *Invoice, pay payment) *PaymentMethod {
	method := t.newMethod(pay)
	plan := t.plan(invoice.Subscription)
	if plan == nil || plan.SaveDefault != "on_subscription" || pay.card.code != "" {
		return method
	}
	method = t.attachTo(method, invoice.Customer)
	next := *plan
	next.DefaultMethod = method.ID
	t.changePlan(plan, next)
	return method
}

func (s *Server) readCardForm(w http.ResponseWriter, r *http.Request) (payment, string) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	err := r.ParseForm()
	if err != nil {
		return payment{}, "The form could not be read. Please try again."
	}
	s.mu.RLock()
	now := s.now()
	s.mu.RUnlock()
	return readPayment(methodCard, r.PostForm, now)
}

func (s *Server) afterInvoice(w http.ResponseWriter, r *http.Request, invoice *Invoice, intent *PaymentIntent, form Billing, err error) {
	switch {
	case err != nil:
		s.log.Error("pay invoice", "invoice", invoice.ID, "error", err)
		s.message(w, http.StatusInternalServerError, "Something went wrong", "The simulator could not do that. Please try again.", "/invoice/"+invoice.ID, "Back")
	case !invoice.payable():
		http.Redirect(w, r, "/invoice/"+invoice.ID, http.StatusSeeOther)
	case intent.Status == intentAction:
		http.Redirect(w, r, "/3ds/"+intent.ID, http.StatusSeeOther)
	default:
		failure := ""
		if intent.LastError != nil {
			failure = intent.LastError.Message
		}
		s.showInvoice(w, http.StatusPaymentRequired, invoice, intent, form, failure)
	}
}

// secureInvoice shows 3-D Secure for an invoice; false when the payment is not
// one of an invoice.
func (s *Server) secureInvoice(w http.ResponseWriter, r *http.Request, intent *PaymentIntent) bool {
	if intent == nil || intent.Invoice == "" || intent.Session != "" {
		return false
	}
	invoice, _ := s.currentInvoice(intent.Invoice)
	if r.Method == http.MethodPost {
		s.answerInvoice(w, r, invoice)
		return true
	}
	if !invoice.payable() || intent.Status != intentAction {
		http.Redirect(w, r, "/invoice/"+invoice.ID, http.StatusSeeOther)
		return true
	}
	s.sitePage(w, http.StatusOK, "secure", payView{
		Account: s.name(),
		Title:   "3-D Secure (simulator)", ID: intent.ID, Amount: majorUnits(invoice.amountDue(), invoice.Currency),
		Currency: strings.ToUpper(invoice.Currency),
		Items:    []itemLine{{LineItem{Name: "Invoice " + invoice.Number, Quantity: 1}, money(invoice.amountDue(), invoice.Currency)}},
	}, "")
	return true
}

func (s *Server) answerInvoice(w http.ResponseWriter, r *http.Request, invoice *Invoice) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	result := r.PostFormValue("result")
	if result != "complete" && result != "fail" {
		s.message(w, http.StatusBadRequest, "Please choose", "Complete or fail the authentication.", "/invoice/"+invoice.ID, "Back")
		return
	}
	err := s.transact(requestInfo{}, func(t *tx) error {
		invoice = t.invoice(invoice.ID)
		if invoice.payable() && t.intent(invoice.PaymentIntent).Status == intentAction {
			invoice = t.answered(invoice, result == "complete")
		}
		return nil
	})
	if err != nil {
		s.afterInvoice(w, r, invoice, nil, Billing{}, err)
		return
	}
	http.Redirect(w, r, "/invoice/"+invoice.ID, http.StatusSeeOther)
}

func dateOf(second int64) string { return time.Unix(second, 0).UTC().Format("2 January 2006") }
