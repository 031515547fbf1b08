package donation_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/tools/stripesim"
)

// gives has staff change, in Stripe's dashboard, how much a plan's gift is: as many
// times the amount of before. Stripe prorates as they choose there.
func (w *world) gives(p *donationv1.Plan, times int, behavior string) {
	w.t.Helper()
	w.atStripe("/v1/subscriptions/"+p.GetSubscriptionId(), url.Values{
		"items[0][id]": {w.subscription(p).Items[0].ID}, "items[0][quantity]": {fmt.Sprint(times)}, "proration_behavior": {behavior},
	})
}

func (w *world) subscription(p *donationv1.Plan) stripesim.Subscription {
	w.t.Helper()
	all := w.sim.Truth().Subscriptions
	return all[slices.IndexFunc(all, func(s stripesim.Subscription) bool { return s.ID == p.GetSubscriptionId() })]
}

// comesTrue waits, and lets time go by meanwhile: what was put off is tried again.
func (w *world) comesTrue(what string, cond func() bool) {
	w.t.Helper()
	w.eventually(what, func() bool {
		w.clock.Advance(5 * time.Second)
		return cond()
	})
}

// becomesGift waits until a plan's gift is so much.
func (w *world) becomesGift(p *donationv1.Plan, minor int64) {
	w.t.Helper()
	w.comesTrue("the plan is what its subscription is", func() bool { return w.plan(p.GetPlanId()).GetGift().GetMinor() == minor })
}

// newest is the invoice that Stripe made last.
func (w *world) newest() stripesim.Invoice {
	all := w.sim.Truth().Invoices
	return all[len(all)-1]
}

// paidAs waits for the instalment of the newest invoice and answers it, booked, with
// all its money known.
func (w *world) paidAs(p *donationv1.Plan, token string, count int32) *donationv1.Donation {
	w.t.Helper()
	w.comesTrue("the instalment is booked", func() bool { return w.plan(p.GetPlanId()).GetInstalments() == count })
	invoice := w.newest()
	for _, d := range w.page(p, token).GetInstalments() {
		if d.GetInvoiceId() == invoice.ID {
			d = w.settled(d.GetDonationId())
			if got := d.GetGift().GetMinor() + d.GetCover().GetMinor(); got != invoice.AmountPaid {
				w.t.Errorf("a gift of %d of an invoice that took %d", got, invoice.AmountPaid)
			}
			return d
		}
	}
	w.t.Fatalf("no instalment of %s", invoice.ID)
	return nil
}

// agrees holds what is booked against all money at Stripe.
func (w *world) agrees() {
	w.t.Helper()
	w.quiet()
	var took, gave int64
	truth := w.sim.Truth()
	for _, charge := range truth.Charges {
		if charge.Status == "succeeded" {
			took += charge.Amount
		}
	}
	var sums *donationv1.SumGiftsResponse
	w.comesTrue("every fee is known", func() bool {
		sums = w.sums()
		return sums.GetGiftsWithoutFee() == 0
	})
	gave = int64(w.rows(`SELECT SUM(gift_minor + cover_minor) FROM donation WHERE state = 'succeeded'`))
	if gave != took || w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`) != 0 || len(w.parked()) != 0 {
		w.t.Errorf("gifts of %d, charges of %d, sums %v, parked %v", gave, took, sums, w.parked())
	}
}

// Staff raise a plan in Stripe's dashboard, which charges the rest of the month at
// once: that is an instalment of its own. Whether Stripe's webhooks come or not.
func TestTheRestOfAMonthIsAGiftOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprintf("webhooks %t", told), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, token := w.begun(visa)
			w.quiet()
			w.passes(10 * 24 * time.Hour)
			if !told {
				w.knobs(`{"drop": 1}`)
			}
			w.gives(p, 3, "always_invoice")
			invoice := w.newest()
			if invoice.BillingReason != "subscription_update" || invoice.AmountPaid <= 20_00 || invoice.AmountPaid >= 40_00 {
				t.Fatalf("the invoice is %+v", invoice)
			}

			rest := w.paidAs(p, token, 2)

			if rest.GetCover().GetMinor() != 0 || rest.GetPaymentIntentId() != invoice.PaymentIntent || rest.GetAppealSlug() != "winter-shelter" {
				t.Errorf("the rest of the month is %v", rest)
			}
			w.passes(25 * time.Hour) // a plan of which nothing is heard is looked at every day
			w.becomesGift(p, 60_00)
			if now := w.plan(p.GetPlanId()); now.GetCover().GetMinor() != p.GetCover().GetMinor() {
				t.Errorf("the plan is %v", now)
			}
			w.knobs(`{"drop": 0}`)
			w.passes(month)
			w.passes(hour)
			whole := w.paidAs(p, token, 3)
			if whole.GetGift().GetMinor() != 60_00 || whole.GetCover().GetMinor() != p.GetCover().GetMinor() {
				t.Errorf("the next month is %v", whole)
			}
			w.agrees()
		})
	}
}

// Staff lower a plan, and what was paid too much stays at Stripe for the months to
// come. An invoice that is paid by that is no gift, one that is paid in part is a gift
// of what was charged.
func TestWhatCreditPaysIsNoGift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	w.quiet()
	w.gives(p, 4, "always_invoice")
	w.paidAs(p, token, 2)
	w.passes(24 * time.Hour)

	w.gives(p, 1, "always_invoice")

	credit := w.newest()
	if credit.Status != "paid" || credit.AmountPaid != 0 || credit.Total >= -50_00 {
		t.Fatalf("the invoice is %+v", credit)
	}
	w.becomesGift(p, 20_00)
	w.agrees()
	for free := range 2 {
		w.passes(month)
		w.passes(hour)
		if invoice := w.newest(); invoice.AmountPaid != 0 || invoice.BillingReason != "subscription_cycle" {
			t.Fatalf("month %d cost %+v", free, invoice)
		}
		w.agrees()
	}
	if now := w.plan(p.GetPlanId()); now.GetInstalments() != 2 || now.GetStatus() != "active" {
		t.Errorf("after two months of credit the plan is %v", now)
	}
	w.passes(month)
	w.passes(hour)
	if part := w.paidAs(p, token, 3); part.GetGift().GetMinor() >= 20_00 || part.GetCover().GetMinor() != 0 {
		t.Errorf("the month that credit pays in part is %v", part)
	}
	w.agrees()
}

// Staff raise a plan and let the rest of the month wait: the next instalment is as
// much more. It cannot be charged at once, then it can.
func TestTheRestOfAMonthIsPaidWithTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	w.quiet()
	w.passes(20 * 24 * time.Hour)
	w.gives(p, 2, "create_prorations")
	w.control("/_sim/subscriptions/"+p.GetSubscriptionId()+"/fail_next", `{"attempts": 1}`)
	w.passes(11*24*time.Hour + hour)
	w.comesTrue("it could not be charged", func() bool { return w.plan(p.GetPlanId()).GetPaymentFailed() })
	w.passes(3 * 24 * time.Hour)

	both := w.paidAs(p, token, 2)

	if invoice := w.newest(); len(invoice.Lines) != 4 || invoice.AmountPaid <= 40_00+p.GetCover().GetMinor() {
		t.Errorf("the invoice is %+v", invoice)
	}
	if both.GetGift().GetMinor() <= 40_00 {
		t.Errorf("the instalment is %v", both)
	}
	w.agrees()
}

// Staff made it three times the gift. What the donor asks for then is what is charged,
// and not three times that.
func TestADonorsAmountIsNotMultiplied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	w.quiet()
	w.gives(p, 3, "none")
	w.becomesGift(p, 60_00)

	w.clock.Advance(time.Minute)
	w.ask(&donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(),
		Change: &donationv1.ChangePlanRequest_Amount{Amount: &donationv1.NewAmount{Gift: &moneyv1.Money{Minor: 30_00, Currency: "EUR"}, CoverFees: true}},
	})

	w.becomesGift(p, 30_00)
	w.passes(month)
	w.passes(hour)
	if next := w.paidAs(p, token, 2); next.GetGift().GetMinor() != 30_00 {
		t.Errorf("the next instalment is %v", next)
	}
	w.agrees()
}
