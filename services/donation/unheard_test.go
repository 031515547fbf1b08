package donation_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// later stops the service for so long. What it looks at when it starts, it looks at
// then.
func (w *world) later(long time.Duration, meanwhile func()) {
	w.t.Helper()
	w.kill()
	w.clock.Advance(long)
	if meanwhile != nil {
		meanwhile()
	}
	w.start()
}

// Our endpoint was away when Stripe told of a payment, and Stripe has given up: the
// list of what it could not deliver tells, before anything else would.
func TestWhatCouldNotBeDeliveredIsFoundInStripesList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	w.blind(true)
	w.knobs(`{"drop": 1}`)
	w.pay(started.GetSessionId(), visa)
	w.later(10*time.Minute, nil)
	w.eventually("the payment is known", func() bool {
		return w.donation(started.GetDonationId()).GetState() == donationv1.State_STATE_SUCCEEDED
	})
	w.quiet()
	// The list is not signed: its bodies are not kept, and the objects were asked for.
	if w.rows(`SELECT COUNT(*) FROM stripe_event WHERE type = 'payment_intent.succeeded' AND state = 'done'`) != 1 || w.stripe.objects("/v1/payment_intents/") == 0 {
		t.Errorf("%d payments were asked for", w.stripe.objects("/v1/payment_intents/"))
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}

// Staff refund a gift before anything was heard of its payment.
func TestARefundIsHeardBeforeItsGift(t *testing.T) {
	t.Parallel()
	w := newEagerWorld(t)
	w.blind(true)
	w.knobs(`{"drop": 1}`)
	started := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	w.knobs(`{"drop": 0}`)
	charges := w.sim.Truth().Charges
	w.refundAtStripe(&donationv1.Donation{PaymentIntentId: charges[len(charges)-1].PaymentIntent}, 40_00)
	w.quiet()
	w.eventually("both are known", func() bool {
		d := w.donation(started.GetDonationId())
		return d.GetState() == donationv1.State_STATE_SUCCEEDED && d.GetReturned().GetMinor() == 40_00
	})
	w.blind(false)
	w.tells(w.settled(started.GetDonationId()), "DonationRefunded 4000+0+0")
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}

// Stripe makes a refund and its answer is lost. A day later, when it has forgotten the
// key, the refund is looked for and not made a second time.
func TestAfterADayARefundIsLookedForAndNotAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.given(visa)
	w.quiet()
	w.knobs(`{"drop": 1}`)
	w.stripe.change(func(g *gate) { g.deaf = true })
	_, err := w.request("finance@example.org", ask(d, 40_00))
	asked := w.stripe.count("POST /v1/refunds")
	if made := len(w.sim.Truth().Refunds); made != 1 || asked == 0 {
		t.Fatalf("Stripe was asked %d times and made %d refunds (%v)", asked, made, err)
	}
	w.blind(true)
	w.later(25*time.Hour, func() {
		asked = w.stripe.count("POST /v1/refunds") // it may have been asked once more before
		w.stripe.change(func(g *gate) { g.deaf = false })
	})
	w.eventually("it is known", func() bool { return w.donation(d.GetDonationId()).GetReturned().GetMinor() == 40_00 })
	if made, again := len(w.sim.Truth().Refunds), w.stripe.count("POST /v1/refunds")-asked; made != 1 || again != 0 {
		t.Errorf("Stripe was asked %d times more, and made %d refunds", again, made)
	}
	w.tells(d, "DonationRefunded 4000+0+0")
}

// A shop uses the same account. Its charge, what it gives back and what it loses are
// nobody's here: booked as foreign, and no gift.
func TestRefundsAndDisputesOfAnotherProgramAreBookedAsForeign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		w.control("/_sim/foreign_charge", `{"amount": 9900, "currency": "eur"}`)
	}
	charges := w.sim.Truth().Charges
	w.control("/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": 500}`, charges[0].PaymentIntent))
	dispute := w.disputeAtBank(&donationv1.Donation{PaymentIntentId: charges[1].PaymentIntent}, "")
	w.verdict(dispute, "lost")
	w.eventually("all of it is booked", func() bool {
		w.clock.Advance(5 * time.Second)
		return w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`) == 4
	})
	w.quiet()
	for _, category := range []string{"refund", "dispute"} {
		if booked := w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1 AND donation_id = '' AND reporting_category = $1`, category); booked != 1 {
			t.Errorf("%d of %s", booked, category)
		}
	}
	if parked := w.parked(); len(parked) != 0 || w.rows(`SELECT COUNT(*) FROM donation`) != 0 {
		t.Errorf("parked %v", parked)
	}
}

// Somebody charges by hand and copies our metadata. Nothing is guessed: it waits for
// staff, by its refund as well, and its money is in the books as nobody's.
func TestAChargeOfAnUnknownGiftIsParkedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.control("/_sim/foreign_charge",
		fmt.Sprintf(`{"amount": 5000, "currency": "eur", "metadata": {"almoner": "1", "donation_id": %q}}`, uuid.NewString()))
	charges := w.sim.Truth().Charges
	payment := charges[len(charges)-1].PaymentIntent
	w.clock.Advance(time.Minute)
	w.eventually("its money is booked", func() bool {
		w.clock.Advance(5 * time.Second)
		return w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`) == 1
	})
	w.quiet()
	w.one(payment, unknownGift)
	w.control("/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": 5000}`, payment))
	w.quiet()
	w.one(payment, unknownGift)
}

// An instalment is told of in a version of the API that is not ours: the body is not
// believed, and the invoice is asked for in the version that is.
func TestAnInvoiceOfALaterVersionIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	w.quiet()
	w.clock.Advance(time.Second)
	w.control("/_sim/subscriptions/"+p.GetSubscriptionId()+"/renew", `{}`)
	w.instalments(p.GetPlanId(), 2)
	newest := w.page(p, token).GetInstalments()[0]
	w.blind(true)
	w.knobs(`{"drop": 1}`)
	w.renew(p)
	invoices := w.sim.Truth().Invoices
	id := invoices[len(invoices)-1].ID
	// What a later version leaves out: the payment, and our metadata.
	body := event("evt_later", "invoice.paid", map[string]any{
		"id": id, "object": "invoice", "status": "paid", "amount_paid": 1, "currency": "eur",
		"parent": map[string]any{"subscription_details": map[string]any{"subscription": p.GetSubscriptionId()}},
	}, func(b map[string]any) { b["api_version"] = "2025-03-31.basil" })
	if status := w.deliver(body, webhookSecret, w.clock.Now()); status != 200 {
		t.Fatalf("answered %d", status)
	}
	w.instalments(p.GetPlanId(), 3)
	got := w.page(p, token).GetInstalments()[0]
	if got.GetInvoiceId() != id || got.GetGift().GetMinor() != newest.GetGift().GetMinor() || got.GetCover().GetMinor() != newest.GetCover().GetMinor() {
		t.Errorf("the instalment is %v", got)
	}
}

// A form of a newer page may ask for something that this version does not know.
func TestAFrequencyThatNobodyKnowsIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	yearly := form()
	yearly.Frequency = 7
	_, err := w.web.StartCheckout(t.Context(), yearly)
	var told *apperr.Error
	if !errors.As(err, &told) || len(told.Fields) != 1 || told.Fields[0].Name != "frequency" || told.Fields[0].Reason != "FREQUENCY_UNKNOWN" {
		t.Errorf("told %v", err)
	}
	if gifts := w.rows(`SELECT COUNT(*) FROM donation`); gifts != 0 {
		t.Errorf("%d gifts were begun", gifts)
	}
}
