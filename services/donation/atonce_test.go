package donation_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// A payment's webhook says all that there is to know: when Stripe gets its 200, the
// gift has succeeded, and nobody has to come back for anything.
func TestAPaymentIsAGiftWhenItsWebhookIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	started := w.checkout(form())
	body := paidEvent("evt_paid", "pi_paid", started.GetDonationId(), nil)
	for _, delivery := range []string{"the first", "the same again"} {
		if status := w.deliver(body, webhookSecret, w.clock.Now()); status != http.StatusOK {
			t.Fatalf("%s was answered %d", delivery, status)
		}
		if state := w.donation(started.GetDonationId()).GetState(); state != donationv1.State_STATE_SUCCEEDED {
			t.Errorf("after %s the gift is %s", delivery, state)
		}
		if rows := w.rows(`SELECT COUNT(*) FROM stripe_due`); rows != 0 {
			t.Errorf("after %s, %d webhooks are due", delivery, rows)
		}
		if rows := w.rows(`SELECT COUNT(*) FROM stripe_event WHERE state = 'done' AND reason = '' AND length(sealed) > 0`); rows != 1 {
			t.Errorf("after %s, %d webhooks are stored and done", delivery, rows)
		}
	}
	if got := w.kinds()["DonationSucceeded"]; got != 1 {
		t.Errorf("%d successes", got)
	}
}

// A complete session names a payment that nothing was heard of, and then one that does
// not fit. It waits to be asked about; what is parked and what means nothing does not.
func TestOnlyWhatIsNotSaidYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	started := w.checkout(form())
	metadata := map[string]any{"almoner": "1", "donation_id": started.GetDonationId()}
	session := completeSession(started, "pi_first")
	deliver := func(id, kind string, object map[string]any) {
		t.Helper()
		if status := w.deliver(event(id, kind, object, nil), webhookSecret, w.clock.Now()); status != http.StatusOK {
			t.Fatalf("%s was answered %d", id, status)
		}
	}
	deliver("evt_session", "checkout.session.completed", session)
	deliver("evt_too_little", "payment_intent.succeeded", map[string]any{
		"id": "pi_first", "object": "payment_intent", "status": "succeeded", "amount_received": 1_00, "currency": "eur",
		"latest_charge": "ch_first", "livemode": false, "metadata": metadata,
	})
	deliver("evt_of_a_shop", "payment_intent.succeeded", map[string]any{
		"id": "pi_shop", "object": "payment_intent", "status": "succeeded", "amount_received": 5_00, "currency": "eur",
	})
	for state, want := range map[string]int{"done": 1, "parked": 1, "ignored": 1} {
		if rows := w.rows(`SELECT COUNT(*) FROM stripe_event WHERE state = $1`, state); rows != want {
			t.Errorf("%d rows say %s", rows, state)
		}
	}
	if rows := w.rows(`SELECT COUNT(*) FROM stripe_due JOIN stripe_event ON stripe_event.seq = stripe_due.seq
		WHERE event_id = 'evt_session' AND stripe_due.attempts = 2 AND stripe_due.next_at > 0`); rows != 1 {
		t.Error("the session does not wait for its payment")
	}
}

// Webhooks come in any order. A session that came before its payment is done with it,
// and so is one that comes behind: nothing is left for later, nor asked for.
func TestASessionIsDoneWithItsPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	for i, sessionFirst := range []bool{true, false, true} {
		started := w.checkout(form())
		payment := fmt.Sprintf("pi_%d", i)
		session := event(fmt.Sprintf("evt_session_%d", i), "checkout.session.completed", completeSession(started, payment), nil)
		bodies := [][]byte{session, paidEvent(fmt.Sprintf("evt_payment_%d", i), payment, started.GetDonationId(), nil)}
		if !sessionFirst {
			slices.Reverse(bodies)
		}
		for _, body := range bodies {
			if status := w.deliver(body, webhookSecret, w.clock.Now()); status != http.StatusOK {
				t.Fatalf("a webhook of gift %d was answered %d", i, status)
			}
		}
		if rows := w.rows(`SELECT COUNT(*) FROM stripe_due`); rows != 0 {
			t.Errorf("of gift %d, %d webhooks are due", i, rows)
		}
		if state := w.donation(started.GetDonationId()).GetState(); state != donationv1.State_STATE_SUCCEEDED {
			t.Errorf("gift %d is %s", i, state)
		}
	}
	if rows := w.rows(`SELECT COUNT(*) FROM stripe_event WHERE state = 'done' AND reason = ''`); rows != 6 {
		t.Errorf("%d webhooks are done", rows)
	}
	if asked := w.stripe.count("GET /v1/payment_intents/*") + w.stripe.count("GET /v1/checkout/sessions/*"); asked != 0 {
		t.Errorf("Stripe was asked %d times", asked)
	}
}

// completeSession is what Stripe says when a donor is through.
func completeSession(started *donationv1.StartCheckoutResponse, payment string) map[string]any {
	return map[string]any{
		"id": started.GetSessionId(), "object": "checkout.session", "status": "complete", "payment_status": "paid",
		"payment_intent": payment, "livemode": false,
		"metadata": map[string]any{"almoner": "1", "donation_id": started.GetDonationId()},
	}
}
