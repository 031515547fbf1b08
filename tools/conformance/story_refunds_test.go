package conformance

import (
	"fmt"
	"time"
)

func refunds(s *story) {
	paid := s.give("4242424242424242")
	intent, charge := paid.text("payment_intent.id"), paid.text("payment_intent.latest_charge.id")
	part := s.post("/v1/refunds", "payment_intent="+intent+"&amount=2500&reason=requested_by_customer&metadata[refund_id]=re_1").text("id")
	s.get("/v1/refunds/"+part, "expand[0]=balance_transaction&expand[1]=charge")
	s.post("/v1/refunds/"+part, "metadata[refund_id]=re_2")
	s.refused("POST", "/v1/refunds/"+part+"/cancel", "")
	s.refused("POST", "/v1/refunds", "charge="+charge+"&amount=9000")
	s.do("/_sim/refund", fmt.Sprintf(`{"charge": %q, "reason": "duplicate"}`, charge))
	s.refused("POST", "/v1/refunds", "charge="+charge)
	s.get("/v1/charges/"+charge, "expand[0]=refunds")
	s.get("/v1/charges/"+charge+"/refunds", "limit=1")
	s.get("/v1/refunds", "charge="+charge)
}

func slowRefunds(s *story) {
	for _, card := range []string{"4000000000005126", "4000000000007726"} {
		charge := s.give(card).text("payment_intent.latest_charge.id")
		refund := s.post("/v1/refunds", "charge="+charge).text("id")
		s.advance(time.Minute)
		s.get("/v1/refunds/"+refund, "expand[0]=failure_balance_transaction")
		s.get("/v1/charges/"+charge, "")
	}
}

// words are the texts by which Stripe's test mode ends a dispute.
const (
	winning    = "evidence[uncategorized_text]=winning_evidence&submit=true"
	losing     = "evidence[uncategorized_text]=losing_evidence&submit=true"
	escalating = "evidence[uncategorized_text]=escalate_inquiry_evidence&submit=true"
)

// disputed gives with a card whose bank takes the money back, and answers the dispute.
func (s *story) disputed(number string) string {
	charge := s.give(number).text("payment_intent.latest_charge.id")
	s.advance(time.Minute)
	return s.get("/v1/disputes", "charge="+charge).text("data.0.id")
}

func disputes(s *story) {
	won := s.disputed("4000000000000259")
	s.get("/v1/disputes/"+won, "expand[0]=charge&expand[1]=payment_intent")
	s.post("/v1/disputes/"+won, "evidence[customer_name]=Amina Yusuf&submit=false&metadata[case]=1")
	s.post("/v1/disputes/"+won, winning)
	s.advance(time.Minute)
	s.get("/v1/disputes/"+won, "")
	s.refused("POST", "/v1/disputes/"+won, winning)
	lost := s.disputed("4000000000002685")
	s.post("/v1/disputes/"+lost, losing)
	s.advance(time.Minute)
	s.get("/v1/disputes/"+lost, "")
	charge := s.get("/v1/disputes/"+lost, "").text("charge")
	s.refused("POST", "/v1/refunds", "charge="+charge)
	given := s.disputed("4000000404000079")
	s.post("/v1/disputes/"+given+"/close", "")
}

func inquiry(s *story) {
	id := s.disputed("4000000000001976")
	s.post("/v1/disputes/"+id, escalating)
	s.advance(time.Minute)
	s.get("/v1/disputes/"+id, "")
	s.post("/v1/disputes/"+s.disputed("4000000000001976")+"/close", "")
}

func debits(s *story) {
	for _, b := range testAccounts {
		paid := s.debit(b)
		s.get("/v1/checkout/sessions/"+paid.text("id"), "expand[0]=payment_intent.latest_charge")
		s.advance(10 * 24 * time.Hour)
		s.get("/v1/checkout/sessions/"+paid.text("id"), "expand[0]=payment_intent.latest_charge.balance_transaction")
	}
}

// debit has a donor give from a bank account, and answers the session.
func (s *story) debit(b testAccount) exchange {
	id := s.post("/v1/checkout/sessions", b.gift()).text("id")
	s.page("/c/pay/"+id, b.form())
	return s.get("/v1/checkout/sessions/"+id, "expand[0]=payment_intent.latest_charge")
}

// atOnce is a card whose money is available at once.
const atOnce = "4000000000000077"

func payouts(s *story) {
	s.give(atOnce)
	made := s.do("/_sim/payout", `{"currency": "eur", "include_pending": true}`)
	id, _ := follow(made, "payouts.0.id").(string)
	s.get("/v1/payouts/"+id, "expand[0]=balance_transaction&expand[1]=destination")
	s.advance(7 * 24 * time.Hour)
	s.get("/v1/payouts/"+id, "")
	s.get("/v1/balance_transactions", "payout="+id+"&limit=100&expand[0]=data.source")
	s.do("/_sim/payout/"+id, `{"status": "failed"}`)
	s.get("/v1/payouts/"+id, "expand[0]=failure_balance_transaction")
	s.give(atOnce)
	byHand := s.post("/v1/payouts", "amount=1000&currency=eur&description=By hand&metadata[why]=rent&statement_descriptor=RELIEF").text("id")
	s.post("/v1/payouts/"+byHand, "metadata[why]=heating")
	s.post("/v1/payouts/"+byHand+"/cancel", "")
	s.refused("POST", "/v1/payouts", "amount=99999999&currency=eur")
	s.get("/v1/payouts", "status=canceled")
}

func doubts(s *story) {
	for _, card := range []string{"4000000000009235", "4000000000009235", "4000000000005423"} {
		charge := s.give(card).text("payment_intent.latest_charge.id")
		s.get("/v1/charges/"+charge, "expand[0]=review")
	}
	opened := s.get("/v1/reviews", "")
	s.get("/v1/reviews/"+opened.text("data.0.id"), "expand[0]=charge")
	s.post("/v1/reviews/"+opened.text("data.0.id")+"/approve", "")
	s.post("/v1/refunds", "charge="+opened.text("data.1.charge"))
	s.get("/v1/reviews/"+opened.text("data.1.id"), "")
	warned := s.get("/v1/radar/early_fraud_warnings", "")
	s.get("/v1/radar/early_fraud_warnings/"+warned.text("data.0.id"), "expand[0]=charge")
	s.post("/v1/refunds", "charge="+warned.text("data.0.charge"))
}
