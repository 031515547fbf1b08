package conformance

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

func customers(s *story) {
	id := s.post("/v1/customers", "name=Amina Yusuf&email=amina@example.org&phone=%2B491701234567&address[country]=DE&address[city]=Hamburg"+
		"&preferred_locales[0]=de&metadata[donor]=1&description=Monthly donor").text("id")
	card := s.post("/v1/payment_methods/pm_card_visa/attach", "customer="+id).text("id")
	s.post("/v1/customers/"+id, "name=Amina Y. Hassan&invoice_settings[default_payment_method]="+card)
	s.get("/v1/customers/"+id, "expand[0]=invoice_settings.default_payment_method")
	s.get("/v1/customers/"+id+"/payment_methods", "type=card")
	s.get("/v1/customers/"+id+"/payment_methods/"+card, "")
	s.get("/v1/payment_methods", "customer="+id+"&type=card")
	s.get("/v1/payment_methods/"+card, "expand[0]=customer")
	s.post("/v1/payment_methods/"+card+"/detach", "")
	s.delete("/v1/customers/" + id)
	s.get("/v1/customers/"+id, "")
}

func catalogue(s *story) {
	product := s.post("/v1/products", "name=Monthly gift&description=Every month&metadata[organization]=1"+
		"&default_price_data[currency]=eur&default_price_data[unit_amount]=2000&default_price_data[recurring][interval]=month").text("id")
	price := s.post("/v1/prices", "product="+product+"&currency=eur&unit_amount=3000&recurring[interval]=month&nickname=Monthly&lookup_key=monthly").text("id")
	s.post("/v1/prices", "currency=eur&unit_amount=1000&product_data[name]=One gift")
	s.post("/v1/prices/"+price, "active=false&metadata[old]=1")
	s.get("/v1/prices/"+price, "expand[0]=product")
	s.post("/v1/products/"+product, "name=Monthly gift to Harbour Relief")
	s.get("/v1/products/"+product, "expand[0]=default_price")
}

// aPlan is a monthly gift with something towards the fees.
const aPlan = "mode=subscription&payment_method_types[0]=card&client_reference_id=don_1&customer_email=amina@example.org" +
	"&success_url=https://give.example.org/thanks?s={CHECKOUT_SESSION_ID}&cancel_url=https://give.example.org/cancelled" +
	"&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=2000" +
	"&line_items[0][price_data][recurring][interval]=month&line_items[0][price_data][product_data][name]=Monthly gift" +
	"&line_items[1][quantity]=1&line_items[1][price_data][currency]=eur&line_items[1][price_data][unit_amount]=70" +
	"&line_items[1][price_data][recurring][interval]=month&line_items[1][price_data][product_data][name]=Towards the payment fee" +
	"&metadata[donation_id]=don_1&subscription_data[metadata][plan_id]=plan_1&subscription_data[description]=Monthly gift"

// pledge has a donor begin a plan and answers its paid session.
func (s *story) pledge(number string) exchange {
	id := s.post("/v1/checkout/sessions", aPlan).text("id")
	if page := s.pay(id, number); strings.HasPrefix(page, "/3ds/") {
		s.page(page, url.Values{"result": {"complete"}})
	}
	return s.get("/v1/checkout/sessions/"+id, "expand[0]=subscription.latest_invoice.payment_intent&expand[1]=customer&expand[2]=invoice.charge.balance_transaction")
}

func plans(s *story) {
	begun := s.pledge("4242424242424242")
	plan, customer := begun.text("subscription.id"), begun.text("customer.id")
	s.get("/v1/checkout/sessions/"+begun.text("id")+"/line_items", "")
	s.get("/v1/invoices/"+begun.text("invoice.id")+"/lines", "limit=1")
	s.get("/v1/invoices", "customer="+customer+"&status=paid&expand[0]=data.charge&expand[1]=data.subscription")
	s.get("/v1/subscriptions", "customer="+customer+"&status=active&expand[0]=data.latest_invoice")
	s.get("/v1/payment_intents", "customer="+customer)
	s.advance(31*24*time.Hour + 2*time.Hour)
	renewed := s.get("/v1/subscriptions/"+plan, "expand[0]=latest_invoice.charge&expand[1]=default_payment_method&expand[2]=customer")
	s.get("/v1/invoices/"+renewed.text("latest_invoice.id"), "expand[0]=payment_intent&expand[1]=customer&expand[2]=charge.balance_transaction")
	item := renewed.text("items.data.0.id")
	product := renewed.text("items.data.0.price.product")
	s.post("/v1/subscriptions/"+plan, "proration_behavior=none&metadata[changed]=1&items[0][id]="+item+"&items[0][price_data][currency]=eur"+
		"&items[0][price_data][product]="+product+"&items[0][price_data][recurring][interval]=month&items[0][price_data][unit_amount]=3000")
	s.refused("POST", "/v1/subscriptions/"+plan, "items[0][id]="+item+"&items[0][quantity]=2&payment_behavior=pending_if_incomplete")
	s.post("/v1/subscriptions/"+plan, fmt.Sprintf("pause_collection[behavior]=void&pause_collection[resumes_at]=%d", s.now()+40*86_400))
	s.advance(31 * 24 * time.Hour)
	s.post("/v1/subscriptions/"+plan, "pause_collection=")
	s.post("/v1/subscriptions/"+plan, "cancel_at_period_end=true&cancellation_details[feedback]=too_expensive")
	s.post("/v1/subscriptions/"+plan, "cancel_at_period_end=false")
	s.do("/_sim/subscriptions/"+plan+"/fail_next", `{"attempts": 1}`)
	s.do("/_sim/subscriptions/"+plan+"/renew", `{}`)
	s.get("/v1/subscriptions/"+plan, "expand[0]=latest_invoice.payment_intent")
	s.advance(4 * 24 * time.Hour)
	s.do("/_sim/payment_methods/"+renewed.text("default_payment_method.id")+"/update_card", `{"exp_month": 4, "exp_year": 2039}`)
	s.delete("/v1/subscriptions/" + plan)
}

func lateInvoices(s *story) {
	secure := s.pledge("4000002760003184")
	failing := s.pledge("4242424242424242")
	bad := s.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", "customer="+failing.text("customer.id")).text("id")
	s.post("/v1/subscriptions/"+failing.text("subscription.id"), "default_payment_method="+bad)
	s.advance(31*24*time.Hour + 2*time.Hour)
	s.get("/v1/subscriptions/"+secure.text("subscription.id"), "expand[0]=latest_invoice.payment_intent")
	late := s.get("/v1/subscriptions/"+failing.text("subscription.id"), "expand[0]=latest_invoice.payment_intent").text("latest_invoice.id")
	s.refused("POST", "/v1/invoices/"+late+"/pay", "")
	s.post("/v1/invoices/"+late+"/mark_uncollectible", "")
	s.post("/v1/invoices/"+late+"/void", "expand[0]=payment_intent")
	s.advance(31 * 24 * time.Hour)
	s.get("/v1/invoices", "status=open")

	customer := s.post("/v1/customers", "email=ben@example.org").text("id")
	price := s.post("/v1/prices", "product_data[name]=Gift&currency=usd&unit_amount=1000&recurring[interval]=week").text("id")
	card := s.post("/v1/payment_methods/pm_card_visa/attach", "customer="+customer).text("id")
	begun := s.post("/v1/subscriptions", "customer="+customer+"&items[0][price]="+price+"&default_payment_method="+card+"&expand[0]=latest_invoice")
	s.post("/v1/subscriptions/"+begun.text("id"), "pause_collection[behavior]=keep_as_draft")
	s.advance(7 * 24 * time.Hour)
	draft := s.get("/v1/subscriptions/"+begun.text("id"), "").text("latest_invoice")
	s.get("/v1/invoices/"+draft, "")
	s.post("/v1/invoices/"+draft+"/finalize", "")
	s.post("/v1/invoices/"+draft+"/pay", "")
	s.delete("/v1/customers/" + customer)
}

func portal(s *story) {
	begun := s.pledge("4242424242424242")
	plan, customer := begun.text("subscription.id"), begun.text("customer.id")
	configuration := s.get("/v1/billing_portal/configurations", "is_default=true").text("data.0.id")
	s.get("/v1/billing_portal/configurations/"+configuration, "")
	s.post("/v1/billing_portal/sessions", "customer="+customer+"&return_url=https://give.example.org/plan&locale=fr&configuration="+configuration)
	card := s.post("/v1/billing_portal/sessions", "customer="+customer+"&flow_data[type]=payment_method_update"+
		"&flow_data[after_completion][type]=redirect&flow_data[after_completion][redirect][return_url]=https://give.example.org/plan").text("id")
	s.page("/p/session/"+card+"/card", paying("5555555555554444"))
	cancel := s.post("/v1/billing_portal/sessions", "customer="+customer+"&flow_data[type]=subscription_cancel"+
		"&flow_data[subscription_cancel][subscription]="+plan+"&flow_data[after_completion][type]=hosted_confirmation"+
		"&flow_data[after_completion][hosted_confirmation][custom_message]=Thank you").text("id")
	s.page("/p/session/"+cancel+"/cancel/"+plan, url.Values{"when": {"now"}})
	s.get("/v1/customers/"+customer, "expand[0]=invoice_settings.default_payment_method")
}

func testClocks(s *story) {
	start := s.now() - 400*86_400
	clock := s.post("/v1/test_helpers/test_clocks", fmt.Sprintf("frozen_time=%d&name=A year of gifts", start)).text("id")
	customer := s.post("/v1/customers", "email=amina@example.org&test_clock="+clock).text("id")
	id := s.post("/v1/checkout/sessions", strings.Replace(aPlan, "customer_email=amina@example.org", "customer="+customer, 1)).text("id")
	s.pay(id, "4242424242424242")
	s.post("/v1/test_helpers/test_clocks/"+clock+"/advance", fmt.Sprintf("frozen_time=%d", start+40*86_400))
	s.get("/v1/test_helpers/test_clocks/"+clock, "")
	s.get("/v1/test_helpers/test_clocks", "limit=1")
	s.get("/v1/subscriptions", "test_clock="+clock+"&expand[0]=data.test_clock&expand[1]=data.latest_invoice")
	s.delete("/v1/test_helpers/test_clocks/" + clock)
}
