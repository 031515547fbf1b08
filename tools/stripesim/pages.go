package stripesim

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed page
var pageFiles embed.FS

// Parsed once from files in the binary, never written afterwards.
var pages = template.Must(template.ParseFS(pageFiles, "page/*.html"))

// routes joins the API, the hosted pages and the control surface.
func (s *Server) routes() http.Handler {
	site := http.NewServeMux()
	site.HandleFunc("GET /c/pay/{id}", s.payPage)
	site.HandleFunc("POST /c/pay/{id}", s.payPost)
	site.HandleFunc("GET /c/complete/{id}", s.completePage)
	site.HandleFunc("GET /c/expired/{id}", s.expiredPage)
	site.HandleFunc("GET /c/recover/{id}", s.recoverPage)
	site.HandleFunc("GET /receipts/{charge}/{link}", s.receiptPage)
	site.HandleFunc("GET /receipts/", func(w http.ResponseWriter, _ *http.Request) { s.notFound(w) })
	site.HandleFunc("GET /3ds/{intent}", s.securePage)
	site.HandleFunc("POST /3ds/{intent}", s.securePost)
	s.billingPages(site)
	s.simRoutes(site)
	// Another site must not press buttons here through the user's browser.
	guarded := http.NewCrossOriginProtection().Handler(site)
	mux := http.NewServeMux()
	mux.Handle("/v1/", s.apiRoutes())
	mux.Handle("/", guarded)
	return mux
}

// sitePage are the headers of everything that a browser shows. A form may lead
// to the page itself and, after paying, to the shop: browsers hold redirects to
// form-action, too.
func (s *Server) sitePage(w http.ResponseWriter, status int, name string, data any, formTarget string) {
	var out bytes.Buffer
	err := pages.ExecuteTemplate(&out, name, data)
	if err != nil {
		s.log.Error("render page", "page", name, "error", err)
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+formTarget)
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// origin is the CSP source of a URL that the schema has checked.
func origin(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || strings.ContainsAny(parsed.Host, " ;,'\"") {
		return ""
	}
	return " " + parsed.Scheme + "://" + parsed.Host
}

type messageView struct {
	Title, Heading, Text, Link, LinkText string
}

func (s *Server) message(w http.ResponseWriter, status int, heading, text, link, linkText string) {
	s.sitePage(w, status, "message", messageView{heading, heading, text, link, linkText}, "")
}

func (s *Server) notFound(w http.ResponseWriter) {
	s.message(w, http.StatusNotFound, "Page not found", "There is nothing at this address.", "", "")
}

// current finds the session of a page, after what time has made due.
func (s *Server) current(id string) *Session {
	err := s.refresh()
	if err != nil {
		s.log.Error("bring state up to date", "error", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state.sessions.byID[id]
}

type (
	cardLine struct{ Number, Label string }
	itemLine struct {
		LineItem
		Amount string
	}
)

type payView struct {
	Title, Account, Heading, Verb, ID, Amount, Currency, CancelURL, Error, Code, SubmitText string
	Items                                                                                   []itemLine
	Form                                                                                    Billing
	FixedEmail, WholeAddress, Keeps                                                         bool
	Cards                                                                                   []cardLine
	Method                                                                                  string
	Methods                                                                                 []methodLine
	questionView
}

func (s *Server) viewOf(session *Session) payView {
	verbs := map[string]string{"donate": "Donate", "book": "Book"}
	verb := verbs[session.SubmitType]
	if verb == "" {
		verb = "Pay"
	}
	v := payView{
		Title: verb + " (simulator)", Account: s.name(), Heading: verb + " with a test card", Verb: verb, ID: session.ID,
		Amount: majorUnits(session.AmountTotal, session.Currency), Currency: strings.ToUpper(session.Currency),
		CancelURL: session.CancelURL, SubmitText: session.CustomText["submit"],
		Form: Billing{Email: session.CustomerEmail}, FixedEmail: session.CustomerEmail != "",
		WholeAddress: session.BillingAddress == addressRequired, Keeps: session.Intent.FutureUsage != "",
	}
	for _, item := range session.LineItems {
		v.Items = append(v.Items, itemLine{item, money(item.UnitAmount*item.Quantity, session.Currency)})
	}
	for _, c := range cards() {
		v.Cards = append(v.Cards, cardLine{c.spaced(), c.label})
	}
	return v
}

func (s *Server) showPay(w http.ResponseWriter, status int, session *Session, method string, typed payment, failure string) {
	v := s.viewOf(session)
	v.Error, v.Code = failure, mistake(failure)
	s.offer(&v, session, method)
	if typed.billing != (Billing{}) {
		v.Form = typed.billing
	}
	v.ask(session, typed.answers)
	s.sitePage(w, status, "pay", v, origin(session.SuccessURL))
}

// payPage also tells why the last attempt failed: a donor comes back here from
// 3-D Secure.
func (s *Server) payPage(w http.ResponseWriter, r *http.Request) {
	session := s.current(r.PathValue("id"))
	if session == nil {
		s.notFound(w)
		return
	}
	if session.Status != sessionOpen {
		http.Redirect(w, r, "/c/"+session.Status+"/"+session.ID, http.StatusSeeOther)
		return
	}
	s.showPay(w, http.StatusOK, session, r.URL.Query().Get("method"), payment{}, s.lastFailure(session))
}

func (s *Server) lastFailure(session *Session) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	intent := s.state.intents.byID[session.PaymentIntent]
	if intent == nil || intent.LastError == nil {
		return ""
	}
	return intent.LastError.Message
}

func (s *Server) completePage(w http.ResponseWriter, r *http.Request) {
	session := s.current(r.PathValue("id"))
	if session == nil || session.Status != sessionComplete {
		s.notFound(w)
		return
	}
	done := "This payment has been made."
	if session.PaymentStatus != "paid" {
		done = "Your bank has been asked to pay. That takes days; until then this payment is processing."
	}
	s.message(w, http.StatusOK, "You're all done here", done, successURL(session), "Return to the site")
}

func (s *Server) expiredPage(w http.ResponseWriter, r *http.Request) {
	session := s.current(r.PathValue("id"))
	if session == nil || session.Status != sessionExpired {
		s.notFound(w)
		return
	}
	s.message(w, http.StatusOK, "This checkout has expired",
		"Nothing was charged. Please start again.", session.CancelURL, "Return to the site")
}

// successURL fills the one placeholder that Stripe knows, wherever it stands.
func successURL(session *Session) string {
	return strings.ReplaceAll(session.SuccessURL, "{CHECKOUT_SESSION_ID}", session.ID)
}

// payPost tries the card. A second press of the button meets the session as the
// first one left it: paid once, and both are sent on.
func (s *Server) payPost(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	session := s.current(id)
	if session == nil {
		s.notFound(w)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	err := r.ParseForm()
	if err != nil {
		s.showPay(w, http.StatusBadRequest, session, "", payment{}, "The form could not be read. Please try again.")
		return
	}
	s.mu.RLock()
	now := s.now()
	s.mu.RUnlock()
	method := session.chosen(r.PostForm.Get("method"))
	pay, refused := readPayment(method, r.PostForm, now)
	said, unsaid := readAnswers(session, r.PostForm)
	pay.answers = said
	if refused == "" {
		refused = unsaid
	}
	if refused == "" {
		refused = session.checkAddress(pay.billing)
	}
	if refused != "" && session.Status == sessionOpen {
		s.showPay(w, http.StatusUnprocessableEntity, session, method, pay, refused)
		return
	}
	var intent *PaymentIntent
	err = s.transact(requestInfo{}, func(t *tx) error {
		session = t.session(id)
		if session.Status == sessionOpen {
			intent = t.confirm(id, pay)
			session = t.session(id)
		}
		return nil
	})
	s.afterAttempt(w, r, session, intent, pay, err)
}

// afterAttempt leads the donor on: to the shop, to the bank, or back to the form.
func (s *Server) afterAttempt(w http.ResponseWriter, r *http.Request, session *Session, intent *PaymentIntent, typed payment, err error) {
	switch {
	case err != nil:
		s.log.Error("confirm payment", "session", session.ID, "error", err)
		s.message(w, http.StatusInternalServerError, "Something went wrong", "The simulator could not do that. Please try again.", "/c/pay/"+session.ID, "Back")
	case session.Status == sessionComplete:
		s.waitCompleted(r, session)
		http.Redirect(w, r, successURL(session), http.StatusSeeOther)
	case session.Status == sessionExpired:
		http.Redirect(w, r, "/c/expired/"+session.ID, http.StatusSeeOther)
	case intent.Status == intentAction:
		http.Redirect(w, r, "/3ds/"+intent.ID, http.StatusSeeOther)
	default:
		s.showPay(w, http.StatusPaymentRequired, session, r.PostForm.Get("method"), typed, intent.LastError.Message)
	}
}

// waitCompleted gives the shop the time to hear of the payment before the donor
// comes back, as Stripe does.
func (s *Server) waitCompleted(r *http.Request, session *Session) {
	s.mu.RLock()
	event := s.state.completedBy[session.ID]
	s.mu.RUnlock()
	if event != nil {
		s.waitAnswered(r.Context(), event)
	}
}

// readPayment checks the form. The number is compared and forgotten: only the
// name of a published card leaves this function.
func readPayment(method string, form url.Values, now time.Time) (payment, string) {
	pay := payment{billing: Billing{
		Email: strings.TrimSpace(form.Get("email")), Name: strings.TrimSpace(form.Get("name")),
		Country: strings.ToUpper(strings.TrimSpace(form.Get("country"))), PostalCode: strings.TrimSpace(form.Get("postal_code")),
		Line1: strings.TrimSpace(form.Get("line1")), City: strings.TrimSpace(form.Get("city")),
	}}
	refused := checkBilling(&pay.billing)
	if refused != "" {
		return pay, refused
	}
	if method != methodCard {
		pay.account, refused = readAccount(method, form)
		return pay, refused
	}
	pay.card, refused = readCard(form.Get("card_number"))
	if refused != "" {
		return pay, refused
	}
	refused = pay.readExpiry(form.Get("exp"), now)
	if refused != "" {
		return pay, refused
	}
	cvc := strings.TrimSpace(form.Get("cvc"))
	if len(cvc) != pay.card.cvcLength() || !digitsOnly(cvc) {
		return pay, msgInvalidCVC
	}
	return pay, ""
}

func checkBilling(b *Billing) string {
	for _, text := range []*string{&b.Email, &b.Name, &b.Country, &b.PostalCode, &b.Line1, &b.City} {
		if !utf8.ValidString(*text) {
			*text = ""
		}
	}
	address, err := mail.ParseAddress(b.Email)
	switch {
	case err != nil || address.Address != b.Email || len(b.Email) > 512:
		return "Please enter your e-mail address, such as you@example.org."
	case b.Name == "" || utf8.RuneCountInString(b.Name) > 200:
		return "Please enter the name on the card or account."
	case b.Country != "" && (len(b.Country) != 2 || strings.Trim(b.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != ""):
		return "Please enter the country as two letters, such as DE."
	case len(b.PostalCode) > 20:
		return "Please enter a shorter postal code."
	case utf8.RuneCountInString(b.Line1) > 200 || utf8.RuneCountInString(b.City) > 200:
		return "Please enter a shorter address."
	}
	return ""
}

func digitsOnly(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func readCard(entered string) (card, string) {
	digits := strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(entered)
	if !digitsOnly(digits) || len(digits) < 12 || len(digits) > 19 || !luhn(digits) {
		return card{}, msgNumber
	}
	c, published := cardNumbered(digits)
	if !published {
		return card{}, msgNotPublished
	}
	return c, ""
}

// readExpiry takes MM/YY and MM/YYYY; a card is good through its last month.
func (pay *payment) readExpiry(entered string, now time.Time) string {
	month, year, ok := strings.Cut(strings.ReplaceAll(entered, " ", ""), "/")
	if !ok && len(month) == 4 {
		month, year = month[:2], month[2:]
	}
	m, err := strconv.Atoi(month)
	if err != nil || m < 1 || m > 12 {
		return msgMonth
	}
	y, err := strconv.Atoi(year)
	if err != nil || (len(year) != 2 && len(year) != 4) {
		return msgYear
	}
	if len(year) == 2 {
		y += 2000
	}
	if y < now.UTC().Year() || y > now.UTC().Year()+50 {
		return msgYear
	}
	if y == now.UTC().Year() && m < int(now.UTC().Month()) {
		return msgMonth
	}
	pay.expMonth, pay.expYear = m, y
	return ""
}

// intentOf finds the payment that waits for 3-D Secure and its session.
func (s *Server) intentOf(id string) (*PaymentIntent, *Session) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	intent := s.state.intents.byID[id]
	if intent == nil {
		return nil, nil
	}
	return intent, s.state.sessions.byID[intent.Session]
}

func (s *Server) securePage(w http.ResponseWriter, r *http.Request) {
	intent, session := s.intentOf(r.PathValue("intent"))
	if s.secureInvoice(w, r, intent) || s.secureIntent(w, r, intent) {
		return
	}
	if session == nil {
		s.notFound(w)
		return
	}
	session = s.current(session.ID)
	if session.Status != sessionOpen || intent.Status != intentAction {
		http.Redirect(w, r, "/c/pay/"+session.ID, http.StatusSeeOther)
		return
	}
	v := s.viewOf(session)
	v.ID = intent.ID
	s.sitePage(w, http.StatusOK, "secure", v, origin(session.SuccessURL))
}

func (s *Server) securePost(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("intent")
	intent, session := s.intentOf(id)
	if s.secureInvoice(w, r, intent) || s.secureIntent(w, r, intent) {
		return
	}
	if session == nil {
		s.notFound(w)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	result := r.PostFormValue("result")
	if result != "complete" && result != "fail" {
		s.message(w, http.StatusBadRequest, "Please choose", "Complete or fail the authentication.", "/3ds/"+id, "Back")
		return
	}
	err := s.transact(requestInfo{}, func(t *tx) error {
		intent = t.intent(id)
		if intent.Status == intentAction {
			intent = t.authenticate(intent, result == "complete")
		}
		session = t.session(intent.Session)
		return nil
	})
	if err == nil && session.Status == sessionOpen {
		// Declined or failed: the form says so, and takes another card.
		http.Redirect(w, r, "/c/pay/"+session.ID, http.StatusSeeOther)
		return
	}
	s.afterAttempt(w, r, session, intent, payment{}, err)
}
