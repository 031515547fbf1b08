package donation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// renew charges a plan's next month now, and answers its payment.
func (w *world) renew(p *donationv1.Plan) (paymentID string) {
	w.t.Helper()
	w.clock.Advance(time.Second) // a month that began in this very second is not over
	w.control("/_sim/subscriptions/"+p.GetSubscriptionId()+"/renew", `{}`)
	charges := w.sim.Truth().Charges
	return charges[len(charges)-1].PaymentIntent
}

// blind keeps balance transactions from the service: nothing but webhooks tells.
func (w *world) blind(yes bool) {
	w.stripe.change(func(g *gate) {
		g.refuse = nil
		if yes {
			g.refuse = func(path string) bool { return path == "/v1/balance_transactions" }
		}
	})
}

// An instalment is refunded, another disputed, and the webhooks that it was paid are
// lost: what is heard of it then brings the instalment with it.
func TestWhatComesBackOfAnInstalmentIsHeardBeforeIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	w.quiet()
	w.blind(true)
	w.knobs(`{"drop": 1}`)
	refunded, disputed := w.renew(p), w.renew(p)
	w.knobs(`{"drop": 0}`)
	w.control("/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": 500}`, refunded))
	w.disputeAtBank(&donationv1.Donation{PaymentIntentId: disputed}, "")
	w.quiet()
	w.instalments(p.GetPlanId(), 3)
	for payment, want := range map[string]func(d *donationv1.Donation) bool{
		refunded: func(d *donationv1.Donation) bool { return d.GetReturned().GetMinor() == 5_00 },
		disputed: func(d *donationv1.Donation) bool { return len(d.GetDisputes()) == 1 },
	} {
		w.eventually("it is known of "+payment, func() bool {
			for _, d := range w.page(p, token).GetInstalments() {
				if d.GetPaymentIntentId() == payment {
					return want(w.donation(d.GetDonationId()))
				}
			}
			return false
		})
	}
	w.blind(false)
	w.eventually("every fee is known", func() bool {
		w.clock.Advance(5 * time.Second)
		return w.sums().GetGiftsWithoutFee() == 0
	})
	if foreign := w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`); foreign != 0 || len(w.parked()) != 0 {
		t.Errorf("%d transactions are foreign, parked %v", foreign, w.parked())
	}
}

// The money and a refund of it are seen while Stripe still calls the invoice open:
// both wait for it, and the donor is not told that it failed.
func TestMoneyOfAnOpenInvoiceWaitsUntilItIsPaid(t *testing.T) {
	t.Parallel()
	w := newEagerWorld(t)
	p, token := w.begun(visa)
	w.quiet()
	booked := w.rows(`SELECT COUNT(*) FROM balance_transaction`)
	w.stripe.change(func(g *gate) { g.late = true })
	w.knobs(`{"drop": 1}`)
	payment := w.renew(p)
	w.knobs(`{"drop": 0}`)
	w.control("/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": 500}`, payment))
	w.clock.Advance(time.Minute)
	w.eventually("it is said why nothing is imported", func() bool {
		return strings.Contains(w.logs.String(), "does not call paid yet")
	})
	if now := w.rows(`SELECT COUNT(*) FROM balance_transaction`); now != booked {
		t.Errorf("%d transactions were booked", now-booked)
	}
	w.stripe.change(func(g *gate) { g.late = false })
	w.quiet()
	w.instalments(p.GetPlanId(), 2)
	w.eventually("the refund is applied", func() bool {
		w.clock.Advance(5 * time.Second)
		return w.page(p, token).GetInstalments()[0].GetReturned().GetMinor() == 5_00 && w.sums().GetGiftsWithoutFee() == 0
	})
	if foreign := w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`); foreign != 0 || len(w.parked()) != 0 {
		t.Errorf("%d transactions are foreign, parked %v", foreign, w.parked())
	}
	if failed := w.mail.about("could not be charged"); len(failed) != 0 {
		t.Errorf("the donor was told %s", failed[0].Text)
	}
}

// endAskedInVain asks for a plan's end while Stripe cannot be reached, which it then
// still cannot.
func (w *world) endAskedInVain(p *donationv1.Plan, token string) {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	w.stripe.cut(true)
	_, err := w.web.ChangePlan(w.t.Context(), &donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Cancel{Cancel: true},
	})
	if err == nil {
		w.t.Fatal("it was ended")
	}
	w.clock.Advance(10 * time.Second)
	list, err := w.web.ListPlans(w.t.Context(), &donationv1.ListPlansRequest{Ending: true})
	if err != nil || len(list.GetPlans()) != 1 || list.GetPlans()[0].GetPlanId() != p.GetPlanId() || !list.GetPlans()[0].GetEnding() {
		w.t.Errorf("of plans that Stripe still has are listed %v, %v", list, err)
	}
}

// The donor asks for the end while Stripe cannot be reached, and Stripe charges once
// more: the money is a gift in the books, staff are told what to do, and are done
// when they say so.
func TestAnInstalmentChargedAfterTheEndWasAskedForIsStaffsToSettle(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprintf("webhooks %t", told), func(t *testing.T) {
			t.Parallel()
			w := newEagerWorld(t)
			p, token := w.begun(visa)
			w.quiet()
			w.endAskedInVain(p, token)
			if !told {
				w.knobs(`{"drop": 1}`)
			}
			payment := w.renew(p)
			w.stripe.cut(false)
			w.eventually("it is booked, and the plan has ended", func() bool {
				w.clock.Advance(5 * time.Second)
				now := w.plan(p.GetPlanId())
				return now.GetInstalments() == 2 && now.GetStatus() == "canceled"
			})
			w.quiet()
			late := w.page(p, token).GetInstalments()[0]
			w.settled(late.GetDonationId())
			items := w.parked()
			if len(items) != 1 || !strings.Contains(items[0].GetReason(), "refund it if it was not meant") || items[0].GetAggregateId() != late.GetInvoiceId() {
				t.Fatalf("parked %v", items)
			}
			if page := w.page(p, token); late.GetPaymentIntentId() != payment || page.GetChargedAfterEnd().GetMinor() != late.GetGift().GetMinor()+late.GetCover().GetMinor() {
				t.Errorf("the donor sees %v", page)
			}
			w.control("/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": 0}`, payment))
			w.eventually("it is given back", func() bool {
				w.clock.Advance(5 * time.Second)
				return w.page(p, token).GetChargedAfterEnd() == nil
			})
			// Whoever tries all again does not say that this donor was asked.
			if answer := w.retry(); answer.GetApplied() != 0 || len(w.parked()) != 1 {
				t.Errorf("trying all answered %v, parked are %v", answer, w.parked())
			}
			if answer := w.retryOne(items[0].GetId()); answer.GetApplied() != 1 || len(w.parked()) != 0 {
				t.Errorf("closing it answered %v, parked are %v", answer, w.parked())
			}
			w.eventually("every fee is known", func() bool { return w.sums().GetGiftsWithoutFee() == 0 })
		})
	}
}

// The same, but a refund or a dispute is the first that is heard of what was charged:
// the instalment that it brings is staff's to settle all the same.
func TestWhatComesBackIsTheFirstNewsOfAnInstalmentAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(w *world, payment string){
		"refund": func(w *world, payment string) {
			w.control("/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": 100}`, payment))
		},
		"dispute": func(w *world, payment string) {
			w.disputeAtBank(&donationv1.Donation{PaymentIntentId: payment}, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEagerWorld(t)
			p, token := w.begun(visa)
			w.quiet()
			w.endAskedInVain(p, token)
			w.knobs(`{"drop": 1}`)
			payment := w.renew(p)
			w.knobs(`{"drop": 0}`)
			w.stripe.change(func(g *gate) {
				g.refuse = func(path string) bool {
					return path == "/v1/balance_transactions" || path == "/v1/invoices" || strings.HasPrefix(path, "/v1/subscriptions")
				}
			})
			w.stripe.cut(false)
			back(w, payment)
			w.eventually("it is booked", func() bool {
				w.clock.Advance(5 * time.Second)
				return w.plan(p.GetPlanId()).GetInstalments() == 2
			})
			w.blind(false)
			w.eventually("the plan has ended", func() bool {
				w.clock.Advance(5 * time.Second)
				return w.plan(p.GetPlanId()).GetStatus() == "canceled"
			})
			w.quiet()
			late := w.page(p, token).GetInstalments()[0]
			w.settled(late.GetDonationId())
			items := w.parked()
			if len(items) != 1 || !strings.Contains(items[0].GetReason(), "refund it if it was not meant") || items[0].GetAggregateId() != late.GetInvoiceId() {
				t.Fatalf("parked %v", items)
			}
			if answer := w.retryOne(items[0].GetId()); answer.GetApplied() != 1 || len(w.parked()) != 0 {
				t.Errorf("closing it answered %v, parked are %v", answer, w.parked())
			}
		})
	}
}

// The end is carried out while an invoice is open. Whatever way its voiding fails,
// nothing of it can be paid afterwards.
func TestAnOpenInvoiceIsVoidAfterTheEnd(t *testing.T) {
	t.Parallel()
	for _, knob := range []string{"500_before_commit", "500_after_commit", "html_502"} {
		t.Run(knob, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, token := w.begun(visa)
			w.control("/_sim/subscriptions/"+p.GetSubscriptionId()+"/fail_next", `{"attempts": 1}`)
			w.renew(p)
			w.eventually("the charge has failed", func() bool { return w.plan(p.GetPlanId()).GetPaymentFailed() })
			w.quiet()
			w.knobs(fmt.Sprintf(`{%q: {"count": 1, "only": "POST /v1/invoices"}}`, knob))
			end := &donationv1.ChangePlanRequest{
				PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Cancel{Cancel: true},
			}
			w.eventually("it has ended", func() bool {
				w.clock.Advance(5 * time.Second)
				_, err := w.web.ChangePlan(t.Context(), end)
				return err == nil && w.plan(p.GetPlanId()).GetStatus() == "canceled"
			})
			w.quiet()
			for _, invoice := range w.sim.Truth().Invoices {
				if invoice.Status == "open" {
					t.Errorf("%s can still be paid", invoice.ID)
				}
			}
		})
	}
}
