package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/tools/stripesim"
)

// story is one life of an account, told through the API. Its first fault ends it.
type story struct {
	*account
	// acting is the connected account that requests act for; empty for none.
	acting string
	err    error
}

// chapters is what happens. An endpoint that joins the simulator is a line here;
// a route that no line reaches fails TestRoutes.
var chapters = []struct {
	name string
	tell func(*story)
}{
	{"a gift by card", giftByCard},
	{"a gift that is declined", declinedGift},
	{"a gift with 3-D Secure", secureGift},
	{"a gift whose card is kept", keptCard},
	{"sessions that end unpaid", unpaidSessions},
	{"a session that asks the donor, and one that is recovered", askedSessions},
	{"payments without a page", barePayments},
	{"money of another program, in another currency", foreignMoney},
	{"balance and account", func(s *story) {
		s.get("/v1/balance", "")
		s.get("/v1/account", "")
	}},
	{"webhook endpoints", webhookEndpoints},
	{"refunds", refunds},
	{"a refund that fails, and one that takes time", slowRefunds},
	{"disputes", disputes},
	{"an inquiry that becomes a dispute", inquiry},
	{"gifts from bank accounts", debits},
	{"payouts", payouts},
	{"payments that somebody doubts", doubts},
	{"customers and their cards", customers},
	{"products and prices", catalogue},
	{"a plan and what becomes of it", plans},
	{"a plan that changes in the middle of a period", changes},
	{"invoices that are late", lateInvoices},
	{"the billing portal", portal},
	{"test clocks", testClocks},
	{"accounts that are connected", connectedAccounts},
	{"lists", lists},
}

const aGift = "mode=payment&submit_type=donate&payment_method_types[0]=card&client_reference_id=don_1" +
	"&customer_email=amina@example.org&success_url=https://give.example.org/thanks?s={CHECKOUT_SESSION_ID}" +
	"&cancel_url=https://give.example.org/cancelled&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur" +
	"&line_items[0][price_data][unit_amount]=10000&line_items[0][price_data][product_data][name]=Winter relief" +
	"&metadata[donation_id]=don_1&payment_intent_data[metadata][donation_id]=don_1&payment_intent_data[description]=Winter relief"

func giftByCard(s *story) {
	session := s.post("/v1/checkout/sessions", aGift+"&line_items[1][quantity]=1&line_items[1][price_data][currency]=eur"+
		"&line_items[1][price_data][unit_amount]=330&line_items[1][price_data][product_data][name]=Towards the payment fee")
	id := session.text("id")
	s.get("/v1/checkout/sessions/"+id, "")
	s.pay(id, "4242424242424242")
	paid := s.get("/v1/checkout/sessions/"+id, "expand[0]=payment_intent.latest_charge.balance_transaction&expand[1]=line_items")
	s.get("/v1/checkout/sessions/"+id+"/line_items", "limit=1")
	s.get("/v1/payment_intents/"+paid.text("payment_intent.id"), "expand[0]=latest_charge")
	s.get("/v1/charges/"+paid.text("payment_intent.latest_charge.id"), "")
	s.get("/v1/balance_transactions/"+paid.text("payment_intent.latest_charge.balance_transaction.id"), "expand[0]=source")
}

func declinedGift(s *story) {
	id := s.post("/v1/checkout/sessions", aGift+"&locale=fr&billing_address_collection=required&custom_text[submit][message]=Thank you").text("id")
	s.pay(id, "4000000000009995")
	s.get("/v1/checkout/sessions/"+id, "expand[0]=payment_intent.latest_charge")
	s.pay(id, "378282246310005")
}

func secureGift(s *story) {
	id := s.post("/v1/checkout/sessions", aGift+"&payment_intent_data[statement_descriptor_suffix]=WINTER").text("id")
	to := s.pay(id, "4000002760003184")
	intent := to[strings.LastIndexByte(to, '/')+1:]
	s.get("/v1/payment_intents/"+intent, "")
	s.page(to, url.Values{"result": {"complete"}})
	s.get("/v1/payment_intents/"+intent, "expand[0]=payment_method")
}

func keptCard(s *story) {
	id := s.post("/v1/checkout/sessions", aGift+"&customer_creation=always&payment_intent_data[setup_future_usage]=off_session").text("id")
	s.pay(id, "5555555555554444")
	s.get("/v1/checkout/sessions/"+id, "expand[0]=payment_intent.payment_method&expand[1]=customer")
}

func unpaidSessions(s *story) {
	left := s.post("/v1/checkout/sessions", aGift).text("id")
	s.post("/v1/checkout/sessions/"+left+"/expire", "")
	tried := s.post("/v1/checkout/sessions", aGift+fmt.Sprintf("&expires_at=%d", s.now()+3600)).text("id")
	s.pay(tried, "4000000000000002")
	s.advance(2 * time.Hour)
	s.get("/v1/checkout/sessions/"+tried, "expand[0]=payment_intent")
}

func askedSessions(s *story) {
	const asked = aGift + "&custom_fields[0][key]=dedication&custom_fields[0][type]=text&custom_fields[0][optional]=true" +
		"&custom_fields[0][label][type]=custom&custom_fields[0][label][custom]=In memory of&custom_fields[0][text][maximum_length]=40" +
		"&custom_fields[1][key]=membership&custom_fields[1][type]=numeric&custom_fields[1][label][type]=custom" +
		"&custom_fields[1][label][custom]=Membership number&custom_fields[2][key]=heard&custom_fields[2][type]=dropdown" +
		"&custom_fields[2][label][type]=custom&custom_fields[2][label][custom]=How did you hear of us" +
		"&custom_fields[2][dropdown][options][0][label]=On the radio&custom_fields[2][dropdown][options][0][value]=radio" +
		"&consent_collection[promotions]=auto&consent_collection[terms_of_service]=required&after_expiration[recovery][enabled]=true" +
		"&customer_creation=always"
	expired := s.post("/v1/checkout/sessions", asked).text("id")
	s.post("/v1/checkout/sessions/"+expired+"/expire", "")
	again := s.recovered(expired)
	s.get("/v1/checkout/sessions/"+again, "")
	form := paying("4242424242424242")
	for name, value := range map[string]string{"field_membership": "712", "field_heard": "radio", "consent_terms": "yes"} {
		form.Set(name, value)
	}
	s.page("/c/pay/"+again, form)
	s.get("/v1/checkout/sessions/"+again, "expand[0]=payment_intent.latest_charge&expand[1]=customer")
}

// recovered follows the link that an expired session leaves, to its copy.
func (s *story) recovered(expired string) string {
	link := s.get("/v1/checkout/sessions/"+expired, "").text("after_expiration.recovery.url")
	if s.err != nil {
		return ""
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, link, http.NoBody)
	if err != nil {
		s.err = err
		return ""
	}
	response, err := s.client.Do(request)
	if err != nil {
		s.err = err
		return ""
	}
	s.err = response.Body.Close()
	return strings.TrimPrefix(response.Header.Get("Location"), "/c/pay/")
}

func barePayments(s *story) {
	begun := s.post("/v1/payment_intents", "amount=2500&currency=eur&description=A collection tin&metadata[case]=7").text("id")
	s.post("/v1/payment_intents/"+begun, "payment_method=pm_card_visa&receipt_email=amina@example.org")
	s.post("/v1/payment_intents/"+begun+"/confirm", "expand[0]=latest_charge")
	s.refused("POST", "/v1/payment_intents/"+begun+"/cancel", "")
	s.refused("POST", "/v1/payment_intents", "amount=2500&currency=eur&confirm=true&payment_method=pm_card_visa_chargeDeclined")
	left := s.post("/v1/payment_intents", "amount=2500&currency=eur&payment_method=pm_card_visa").text("id")
	s.post("/v1/payment_intents/"+left+"/cancel", "cancellation_reason=abandoned")
	asked := s.post("/v1/payment_intents", "amount=2500&currency=eur&confirm=true&payment_method=pm_card_authenticationRequired"+
		"&return_url=https://give.example.org/back").text("id")
	s.page("/3ds/"+asked, url.Values{"result": {"fail"}})
	s.get("/v1/payment_intents/"+asked, "")
	s.refused("POST", "/v1/payment_intents", "amount=2500&currency=eur&confirm=true&off_session=true&payment_method=pm_card_authenticationRequired")
}

func foreignMoney(s *story) {
	s.do("/_sim/foreign_charge", `{"amount": 990, "currency": "usd", "description": "A mug"}`)
	s.do("/_sim/knobs", `{"settlement": {"jpy": {"to": "usd", "rate_micros": 6512}}}`)
	s.do("/_sim/foreign_charge", `{"amount": 5000, "currency": "jpy"}`)
	s.do("/_sim/knobs", `{"settlement": {}, "async_capture": 1}`)
	s.do("/_sim/foreign_charge", `{"amount": 1200, "currency": "eur"}`)
	s.advance(10 * time.Second)
	s.do("/_sim/knobs", `{"async_capture": null}`)
}

func webhookEndpoints(s *story) {
	id := s.post("/v1/webhook_endpoints", "url=https://give.example.org/webhooks/stripe&enabled_events[0]=payment_intent.succeeded"+
		"&api_version="+stripesim.APIVersion+"&description=Almoner&metadata[almoner]=1").text("id")
	s.get("/v1/webhook_endpoints/"+id, "")
	s.post("/v1/webhook_endpoints/"+id, "enabled_events[0]=charge.updated&enabled_events[1]=payment_intent.succeeded&disabled=true")
	s.get("/v1/webhook_endpoints", "limit=3")
	s.delete("/v1/webhook_endpoints/" + id)
	older := s.post("/v1/webhook_endpoints", "url=https://ledger.example.org/stripe&enabled_events[0]=charge.refunded&api_version=2022-08-01").text("id")
	s.delete("/v1/webhook_endpoints/" + older)
	s.refused("POST", "/v1/webhook_endpoints", "url=https://give.example.org/stripe&enabled_events[0]=charge.refunded&api_version=2025-03-31.basil")
}

// narrowed are of something, and no lists of all; their chapters ask for them.
var narrowed = map[string]bool{"/v1/invoices/upcoming": true, "/v1/payment_methods": true}

func lists(s *story) {
	for _, route := range s.sim.Routes() {
		method, list, _ := strings.Cut(route, " ")
		if method != http.MethodGet || strings.Contains(list, "{") || narrowed[list] {
			continue
		}
		page := s.get(list, "")
		if last := page.text("data.1.id"); last != "" {
			s.get(list, "limit=2&starting_after="+last)
			s.get(list, "limit=2&ending_before="+last)
		}
	}
	s.get("/v1/balance_transactions", "limit=100&expand[0]=data.source&created[gte]=1")
	event := s.get("/v1/events", "limit=1&types[0]=payment_intent.succeeded&types[1]=charge.succeeded").text("data.0.id")
	s.get("/v1/events/"+event, "")
}

// ---- how it is told ----

func (s *story) send(method, path, fields string) exchange {
	if s.err != nil {
		return exchange{}
	}
	e, err := s.call(method, path, fields, "Stripe-Account", s.acting)
	if err == nil && e.status != http.StatusOK {
		err = fmt.Errorf("%s: %s", e, e.raw)
	}
	s.err = err
	return e
}

func (s *story) post(path, fields string) exchange { return s.send(http.MethodPost, path, fields) }
func (s *story) get(path, fields string) exchange  { return s.send(http.MethodGet, path, fields) }
func (s *story) delete(path string) exchange       { return s.send(http.MethodDelete, path, "") }

// refused asks for what is not to be had.
func (s *story) refused(method, path, fields string) {
	if s.err != nil {
		return
	}
	e, err := s.call(method, path, fields, "Stripe-Account", s.acting)
	if err == nil && (e.status < 400 || e.status >= 500) {
		err = fmt.Errorf("%s should be refused: %s", e, e.raw)
	}
	s.err = err
}

// give has a donor give with a card, and answers the paid session, expanded.
func (s *story) give(number string) exchange {
	id := s.post("/v1/checkout/sessions", aGift).text("id")
	s.pay(id, number)
	return s.get("/v1/checkout/sessions/"+id, "expand[0]=payment_intent.latest_charge")
}

// pay has a donor use a card and answers where the page leads, if it does.
func (s *story) pay(session, number string) string { return s.page("/c/pay/"+session, paying(number)) }

func (s *story) page(path string, form url.Values) string {
	if s.err != nil {
		return ""
	}
	_, location, err := s.submit(path, form)
	s.err = err
	return location
}

func (s *story) do(path, document string) map[string]any {
	if s.err != nil {
		return nil
	}
	out, err := s.control(path, document)
	s.err = err
	return out
}

func (s *story) advance(d time.Duration) {
	s.do("/_sim/clock", fmt.Sprintf(`{"advance_seconds": %d}`, int64(d.Seconds())))
}

func (s *story) now() int64 { return s.sim.Truth().Now }

// told is what was overheard of the whole story.
type told struct {
	exchanges  []exchange
	deliveries []delivery
	routes     []string
	err        error
}

// theStory is told once and judged by many.
var theStory = sync.OnceValue(func() told {
	a, err := openAccount(nil)
	if err != nil {
		return told{err: err}
	}
	s := &story{account: a}
	for _, chapter := range chapters {
		chapter.tell(s)
		if s.err != nil {
			_ = a.stop() // the first fault is the one to mend
			return told{err: fmt.Errorf("%s: %w", chapter.name, s.err)}
		}
	}
	err = a.settle()
	t := told{exchanges: a.heard(), deliveries: a.hook.deliveries(), routes: a.sim.Routes()}
	t.err = err
	err = a.stop()
	if t.err == nil {
		t.err = err
	}
	return t
})

func hearStory(t *testing.T) told {
	t.Helper()
	out := theStory()
	if out.err != nil {
		t.Fatalf("the story came to no end: %v", out.err)
	}
	return out
}
