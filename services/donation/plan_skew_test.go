package donation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// ahead sets the simulator's clock before the service's.
func (w *world) ahead(by time.Duration) {
	w.t.Helper()
	w.control("/_sim/clock", fmt.Sprintf(`{"advance_seconds": %d}`, int64(by/time.Second)))
}

// Stripe's clock is ahead of ours. The instalments that were known when the end was
// asked for were charged before it, whoever asked; what Stripe then charges all the same
// is found and told.
func TestAnEndComesAfterWhatWasChargedWhateverTheClocksSay(t *testing.T) {
	t.Parallel()
	donor := func(w *world, p *donationv1.Plan, token string) error {
		_, err := w.web.ChangePlan(t.Context(), &donationv1.ChangePlanRequest{
			PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Cancel{Cancel: true},
		})
		return err
	}
	staff := func(w *world, p *donationv1.Plan, _ string) error {
		ctx := rpc.WithPerson(t.Context(), rpc.Person{ID: "finance@example.org", Roles: []string{"accountant"}})
		_, err := w.web.CancelPlan(ctx, &donationv1.CancelPlanRequest{PlanId: p.GetPlanId(), RequestId: uuid.NewString(), Note: "Asked for it on the phone."})
		return err
	}
	for name, c := range map[string]struct {
		skew  time.Duration
		known int32 // a month brings an instalment of its own
		end   func(w *world, p *donationv1.Plan, token string) error
	}{
		"three seconds, the donor": {3 * time.Second, 2, donor},
		"three seconds, staff":     {3 * time.Second, 2, staff},
		"a month, the donor":       {month, 3, donor},
		"a month, staff":           {month, 3, staff},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, token := w.begun(visa)
			w.ahead(c.skew)
			w.renew(p)
			w.quiet()
			w.instalments(p.GetPlanId(), c.known)
			w.stripe.cut(true)
			if c.end(w, p, token) == nil {
				t.Fatal("it was ended")
			}
			if page := w.page(p, token); page.GetChargedAfterEnd() != nil || len(w.parked()) != 0 {
				t.Errorf("charged after the end is %v, parked are %v", page.GetChargedAfterEnd(), w.parked())
			}
			late := w.renew(p)
			w.stripe.cut(false)
			w.eventually("it is booked, and the plan has ended", func() bool {
				w.clock.Advance(5 * time.Second)
				now := w.plan(p.GetPlanId())
				return now.GetInstalments() == c.known+1 && now.GetStatus() == "canceled"
			})
			w.quiet()
			newest, items := w.page(p, token).GetInstalments()[0], w.parked()
			if newest.GetPaymentIntentId() != late || len(items) != 1 || items[0].GetAggregateId() != newest.GetInvoiceId() {
				t.Errorf("%s was charged after the end, parked are %v", late, items)
			}
			if told := w.page(p, token).GetChargedAfterEnd().GetMinor(); told != newest.GetGift().GetMinor()+newest.GetCover().GetMinor() {
				t.Errorf("the donor is told of %d", told)
			}
		})
	}
}
