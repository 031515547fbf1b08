package stripesim

const (
	usageOnSession  = "on_session"
	usageOffSession = "off_session"
)

// keep lets a card that a gift was paid with be used again, when the session asked
// for that: it is the customer's from now on, or may still become one's. A customer
// who was deleted meanwhile is none.
func (t *tx) keep(intent *PaymentIntent, method *PaymentMethod, charge *Charge) {
	if intent.FutureUsage == "" || intent.Invoice != "" {
		return // what pays for a plan is kept with the plan
	}
	next := *method
	next.SetUp = intent.FutureUsage == usageOffSession && charge.ThreeDSecure == "challenge"
	_, gone := liveCustomer(t, intent.Customer, "customer")
	if gone != nil {
		t.putMethod(next)
		return
	}
	t.attachTo(&next, intent.Customer)
}
