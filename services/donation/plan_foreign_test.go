package donation_test

import (
	"encoding/json"
	"testing"
	"time"
)

// Bad input: a subscription without our metadata. Another program's members pay by
// the month on the same account: that is no plan and no gift here, nothing waits for
// staff, and its money is booked as foreign.
func TestASubscriptionWithoutOurMetadataIsNoPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := func(path, form string) string {
		t.Helper()
		var object struct {
			ID string `json:"id"`
		}
		err := json.Unmarshal(w.stripePost(path, form), &object)
		if err != nil || object.ID == "" {
			t.Fatalf("%s made %v, %v", path, object, err)
		}
		return object.ID
	}
	member := made("/v1/customers", "name=A+member")
	card := made("/v1/payment_methods/pm_card_visa/attach", "customer="+member)
	fee := made("/v1/prices", "currency=eur&unit_amount=990&recurring[interval]=month&product_data[name]=Membership")
	made("/v1/subscriptions", "customer="+member+"&items[0][price]="+fee+"&default_payment_method="+card)
	w.eventually("its money is booked", func() bool {
		w.clock.Advance(5 * time.Second)
		return w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1 AND amount_minor = 990`) == 1
	})
	w.quiet()
	if gifts, plans := w.rows(`SELECT COUNT(*) FROM donation`), w.rows(`SELECT COUNT(*) FROM recurring_plan`); gifts != 0 || plans != 0 {
		t.Errorf("%d gifts and %d plans", gifts, plans)
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}
