package donation_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// The donor goes to Stripe's own page for another card, and comes back to the plan.
func TestTheDonorOpensStripesPageForAnotherCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	open := func() (string, error) {
		answer, err := w.web.OpenPlanPortal(t.Context(), &donationv1.OpenPlanPortalRequest{PlanId: p.GetPlanId(), Token: token})
		return answer.GetUrl(), err
	}
	w.eventually("Stripe's customer is known", func() bool { // its subscription was looked at
		address, err := open()
		if err != nil {
			return false
		}
		page, err := url.Parse(address)
		return err == nil && page.Host != "" && strings.Contains(page.Path, "/p/session/")
	})
	w.stripe.cut(true)
	_, err := open()
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Errorf("while Stripe is away: %v", err)
	}
	w.stripe.cut(false)
	w.ask(&donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Cancel{Cancel: true},
	})
	_, err = open()
	if apperr.CodeOf(err) != apperr.FailedPrecondition {
		t.Errorf("of a plan that has ended: %v", err)
	}
}

// The bank wants the donor to confirm this month's payment: the letter leads to
// Stripe's page, and nothing says that it failed.
func TestTheDonorIsAskedToConfirmAnInstalment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.begun(visa)
	w.quiet()
	w.card(w.text("SELECT customer_id FROM recurring_plan WHERE id = $1", p.GetPlanId()), p.GetSubscriptionId(), "pm_card_authenticationRequired")
	w.clock.Advance(time.Second)
	w.control("/_sim/subscriptions/"+p.GetSubscriptionId()+"/renew", `{}`)
	w.eventually("she is asked", func() bool { return len(w.mail.about("Please confirm your monthly gift")) == 1 })
	invoices := w.sim.Truth().Invoices
	letter := w.mail.about("Please confirm")[0]
	page := invoices[len(invoices)-1].ID // of Stripe's, by the simulator's address
	if !strings.Contains(letter.Text, "Confirm the payment:") || !strings.Contains(letter.Text, "/invoice/"+page) || letter.To.Email != "amina@example.org" {
		t.Errorf("about %s she reads %s", page, letter.Text)
	}
	if failed := w.mail.about("could not be charged"); len(failed) != 0 {
		t.Errorf("she is told as well: %s", failed[0].Text)
	}
}

// A mailbox that refuses for good: staff see the letter, nothing of the money hangs on
// it, and it goes out when the address works again.
func TestALetterThatIsRefusedWaitsForStaff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mail.set(true)
	answer := w.checkout(monthlyForm())
	w.pay(answer.GetSessionId(), visa)
	p := w.active(answer.GetDonationId())
	w.eventually("staff see it", func() bool { return len(w.parked()) == 1 })
	item := w.parked()[0]
	if !item.GetCourtesy() || item.GetAggregateId() != p.GetPlanId() || !strings.Contains(item.GetReason(), "no such mailbox") || strings.Contains(item.GetReason(), "@") {
		t.Errorf("parked is %v", item)
	}
	w.mail.set(false)
	if again := w.retry(); again.GetApplied() != 1 {
		t.Errorf("tried again: %v", again)
	}
	w.eventually("it is sent", func() bool { return len(w.mail.about("has begun")) == 1 })
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}

// A donor rings up. Staff end the plan with a note; who may only look may not.
func TestStaffEndAPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	end := &donationv1.CancelPlanRequest{PlanId: p.GetPlanId(), RequestId: uuid.NewString(), Note: "Asked for it on the phone."}
	as := func(role string, r *donationv1.CancelPlanRequest) (*donationv1.Plan, error) {
		answer, err := w.web.CancelPlan(rpc.WithPerson(t.Context(), rpc.Person{ID: "finance@example.org", Roles: []string{role}}), r)
		return answer.GetPlan(), err
	}
	_, err := as("viewer", end)
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("who may only look: %v", err)
	}
	_, err = as("accountant", &donationv1.CancelPlanRequest{PlanId: p.GetPlanId(), RequestId: uuid.NewString(), Note: strings.Repeat("x", 501)})
	var told *apperr.Error
	if !errors.As(err, &told) || len(told.Fields) != 1 || told.Fields[0].Name != "note" {
		t.Errorf("an endless note: %v", err)
	}
	_, err = as("accountant", &donationv1.CancelPlanRequest{PlanId: uuid.NewString(), RequestId: uuid.NewString()})
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("a plan that there is not: %v", err)
	}
	for range 2 {
		ended, err := as("accountant", end)
		if err != nil || ended.GetStatus() != "canceled" {
			t.Errorf("ended as %v, %v", ended, err)
		}
	}
	w.eventually("the donor is told", func() bool { return len(w.mail.about("has ended")) == 1 })
	if letter := w.mail.about("has ended")[0]; strings.Contains(letter.Text, "You ended it yourself.") || strings.Contains(letter.Text, "phone") {
		t.Errorf("she reads %s", letter.Text)
	}
	if by := w.text("SELECT asked_by || ': ' || note FROM plan_change WHERE plan_id = $1", p.GetPlanId()); by != "finance@example.org: Asked for it on the phone." {
		t.Errorf("kept is %q", by)
	}
	if now := w.page(p, token).GetPlan(); now.GetStatus() != "canceled" {
		t.Errorf("the donor sees %v", now)
	}
}

// A donor confirms and closes the browser, and no webhook comes. The look at all
// subscriptions finds whose it is, before its gift is asked about.
func TestAPlanThatNothingToldOfIsFoundInStripesList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blind(true)
	w.knobs(`{"drop": 1}`)
	answer := w.checkout(monthlyForm())
	w.pay(answer.GetSessionId(), visa)
	w.later(4*time.Minute, nil) // events are on their way for longer
	p := w.active(answer.GetDonationId())
	if p.GetSubscriptionId() == "" || p.GetInstalments() != 1 {
		t.Errorf("found is %v", p)
	}
	w.blind(false)
	w.settled(answer.GetDonationId())
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}

// One of them cannot be read. The one behind it in the list is found all the same.
func TestASubscriptionThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blind(true)
	w.knobs(`{"drop": 1}`)
	behind := w.checkout(monthlyForm())
	w.pay(behind.GetSessionId(), visa)
	newest := w.checkout(monthlyForm())
	w.pay(newest.GetSessionId(), visa)
	subscription := ""
	for _, s := range w.sim.Truth().Subscriptions {
		if s.Metadata["donation_id"] == newest.GetDonationId() {
			subscription = s.ID
		}
	}
	w.stripe.change(func(g *gate) {
		others := g.refuse
		g.refuse = func(path string) bool { return path == "/v1/subscriptions/"+subscription || others(path) }
	})
	w.later(4*time.Minute, nil)
	if p := w.active(behind.GetDonationId()); p.GetInstalments() != 1 {
		t.Errorf("found is %v", p)
	}
	if status := w.plan(w.donation(newest.GetDonationId()).GetRecurringPlanId()).GetStatus(); status == "active" {
		t.Error("the one that cannot be read is known, so the test says nothing")
	}
}
