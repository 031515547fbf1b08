package donation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// Whatever goes wrong on the way, a donor who asks once, and again if told to, has
// the amount changed once.
func TestStripeFailsInEveryWayToChangeAPlan(t *testing.T) {
	t.Parallel()
	for _, knob := range []string{
		`{"500_after_commit": {"count": 1, "only": "POST /v1/subscriptions"}}`,
		`{"500_before_commit": {"count": 1, "only": "POST /v1/subscriptions"}}`,
		`{"429": {"count": 2, "only": "POST /v1/subscriptions"}}`,
		`{"html_502": {"count": 1, "only": "POST /v1/subscriptions"}}`,
		`{"timeout_after_commit": {"count": 1, "only": "POST /v1/subscriptions"}}`,
	} {
		t.Run(knob[2:strings.Index(knob, ":")-1], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, token := w.begun(visa)
			w.quiet()
			w.knobs(knob)
			r := &donationv1.ChangePlanRequest{
				PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(),
				Change: &donationv1.ChangePlanRequest_Amount{Amount: &donationv1.NewAmount{Gift: &moneyv1.Money{Minor: 35_00, Currency: "EUR"}}},
			}
			w.eventually("it is changed", func() bool {
				w.clock.Advance(time.Second)
				answer, err := w.web.ChangePlan(t.Context(), r)
				if err != nil && apperr.CodeOf(err) != apperr.Unavailable {
					t.Fatalf("told %v", err)
				}
				return err == nil && answer.GetPlan().GetGift().GetMinor() == 35_00
			})
			w.quiet()
			subscriptions := w.sim.Truth().Subscriptions
			if len(subscriptions) != 1 || w.plan(p.GetPlanId()).GetInstalments() != 1 {
				t.Errorf("Stripe has %d subscriptions, the plan is %v", len(subscriptions), w.plan(p.GetPlanId()))
			}
			w.eventually("the donor is told once", func() bool { return len(w.mail.about("has changed")) == 1 })
			if parked := w.parked(); len(parked) != 0 {
				t.Errorf("parked %v", parked)
			}
		})
	}
}
