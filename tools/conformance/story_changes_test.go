package conformance

import (
	"fmt"
	"time"
)

// changes is a plan whose price changes in the middle of its periods: what is owed or
// given back for the rest waits, is charged at once, or stays on the balance.
func changes(s *story) {
	begun := s.pledge("4242424242424242")
	plan, customer := begun.text("subscription.id"), begun.text("customer.id")
	item := s.get("/v1/subscriptions/"+plan, "").text("items.data.0.id")
	change := func(fields string) exchange {
		return s.post("/v1/subscriptions/"+plan, "items[0][id]="+item+"&"+fields+"&expand[0]=latest_invoice")
	}
	s.advance(10 * 24 * time.Hour)
	s.get("/v1/invoices/upcoming", "subscription="+plan+"&subscription_items[0][id]="+item+"&subscription_items[0][quantity]=3"+
		fmt.Sprintf("&subscription_proration_date=%d&expand[0]=lines.data.price.product", s.now()))
	change("items[0][quantity]=3")
	waiting := s.get("/v1/invoiceitems", "pending=true&customer="+customer+"&expand[0]=data.subscription")
	s.get("/v1/invoiceitems/"+waiting.text("data.1.id"), "expand[0]=customer")
	s.get("/v1/invoices/upcoming", "customer="+customer)
	s.advance(21*24*time.Hour + 2*time.Hour)
	renewed := s.get("/v1/subscriptions/"+plan, "expand[0]=latest_invoice.lines.data.invoice_item").text("latest_invoice.id")
	s.get("/v1/invoiceitems", "invoice="+renewed+"&expand[0]=data.invoice")

	change("items[0][quantity]=5&proration_behavior=always_invoice")
	s.get("/v1/invoices/upcoming", "subscription="+plan+"&subscription_items[0][id]="+item+"&subscription_items[0][quantity]=1"+
		"&subscription_proration_behavior=always_invoice")
	change("items[0][quantity]=1&proration_behavior=always_invoice")
	s.advance(31 * 24 * time.Hour)
	entry := s.get("/v1/customers/"+customer+"/balance_transactions", "limit=10&expand[0]=data.invoice").text("data.0.id")
	s.get("/v1/customers/"+customer+"/balance_transactions/"+entry, "expand[0]=customer")
	s.get("/v1/customers/"+customer, "")
	change("billing_cycle_anchor=now&payment_behavior=error_if_incomplete")
	s.refused("POST", "/v1/subscriptions/"+plan, "items[0][id]="+item+"&items[0][quantity]=2&payment_behavior=pending_if_incomplete")
	s.refused("POST", "/v1/subscriptions/"+plan, "items[0][id]="+item+"&items[0][quantity]=2&proration_date=1")

	change("items[0][quantity]=2")
	s.delete("/v1/subscriptions/" + plan)
	s.refused("GET", "/v1/invoices/upcoming", "customer="+customer)
	s.refused("GET", "/v1/invoiceitems/ii_none", "")
}
