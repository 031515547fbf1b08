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
