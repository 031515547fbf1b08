package donation_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
)

// retry tries everything that is parked again.
func (w *world) retry() *feedv1.RetryParkedResponse {
	w.t.Helper()
	return w.retryOne("")
}

func (w *world) retryOne(id string) *feedv1.RetryParkedResponse {
	w.t.Helper()
	answer, err := w.parking.RetryParked(w.t.Context(), &feedv1.RetryParkedRequest{Service: "donation", Id: id})
	if err != nil {
		w.t.Fatalf("retry: %v", err)
	}
	return answer
}

// Five hundred and more are parked: all of them are listed, and the newest is
// tried again like the oldest.
func TestMoreIsParkedThanOnePageHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lost = 500
	var deliveries sync.WaitGroup
	for worker := range 10 {
		deliveries.Go(func() {
			for i := worker; i < lost; i += 10 {
				w.deliver(paidEvent(fmt.Sprintf("evt_%d", i), fmt.Sprintf("pi_%d", i), uuid.NewString(), nil), webhookSecret, w.clock.Now())
			}
		})
	}
	deliveries.Wait()
	started := w.checkout(form())
	w.change(`UPDATE donation SET account_id = 'acct_of_another_key' WHERE id = $1`, started.GetDonationId())
	w.deliver(paidEvent("evt_newest", "pi_newest", started.GetDonationId(), nil), webhookSecret, w.clock.Now())
	w.quiet()
	if items := w.parked(); len(items) != lost+1 || items[lost].GetAggregateId() != "pi_newest" {
		t.Errorf("%d are listed", len(items))
	}
	w.change(`UPDATE donation SET account_id = '' WHERE id = $1`, started.GetDonationId())
	if answer := w.retry(); answer.GetApplied() != 1 || answer.GetParked() != lost {
		t.Errorf("retry: %v", answer)
	}
	if state := w.donation(started.GetDonationId()).GetState(); state != donationv1.State_STATE_SUCCEEDED {
		t.Errorf("the gift is %s", state)
	}
}

// paidEvent is a signed webhook that says that a gift of 100 euros is paid.
func paidEvent(id, payment, donation string, change func(map[string]any)) []byte {
	return event(id, "payment_intent.succeeded", map[string]any{
		"id": payment, "object": "payment_intent", "status": "succeeded", "amount_received": 100_00, "currency": "eur",
		"latest_charge": "ch_of_" + payment, "metadata": map[string]any{"almoner": "1", "donation_id": donation},
	}, change)
}

// chargeMarked takes 100 euros outside any checkout, with the metadata of a gift.
func (w *world) chargeMarked(donation string) (payment string) {
	w.t.Helper()
	var intent struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(w.control("/_sim/foreign_charge",
		`{"amount": 10000, "currency": "eur", "metadata": {"almoner": "1", "donation_id": "`+donation+`"}}`), &intent)
	if err != nil || intent.ID == "" {
		w.t.Fatalf("the charge answered %+v, %v", intent, err)
	}
	return intent.ID
}

// one checks that a payment is listed once, for a reason.
func (w *world) one(payment, reason string) {
	w.t.Helper()
	items := w.parked()
	if len(items) != 1 || items[0].GetAggregateId() != payment || items[0].GetReason() != reason {
		w.t.Errorf("parked are %v; want only %s, as %q", items, payment, reason)
	}
}

const (
	paidByAnother  = "the gift has been paid by another payment"
	amountDiffers  = "the amount paid is not the amount of the gift"
	bookedAsOthers = "its money was booked before as belonging to no gift"
	unknownGift    = "our metadata, but no such donation"
)

// A payment that cannot be a gift is told of by webhooks and by the account's
// balance. Staff see one item, whichever came first.
func TestOneUnfitPaymentIsOneItem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reason string
		pay    func(w *world) (payment, donation string)
	}{
		"a second payment": {paidByAnother, func(w *world) (string, string) {
			started := w.checkout(form())
			w.deliver(paidEvent("evt_first", "pi_first", started.GetDonationId(), nil), webhookSecret, w.clock.Now())
			w.eventually("the gift is paid", func() bool {
				return w.donation(started.GetDonationId()).GetState() == donationv1.State_STATE_SUCCEEDED
			})
			return w.chargeMarked(started.GetDonationId()), started.GetDonationId()
		}},
		"a wrong amount": {amountDiffers, func(w *world) (string, string) {
			started := w.checkout(form())
			w.change(`UPDATE donation SET gift_minor = 9000 WHERE id = $1`, started.GetDonationId())
			w.pay(started.GetSessionId(), visa)
			truth := w.sim.Truth().Sessions
			return truth[len(truth)-1].PaymentIntent, started.GetDonationId()
		}},
		"an unknown donation": {unknownGift, func(w *world) (string, string) {
			id := uuid.NewString()
			return w.chargeMarked(id), id
		}},
	} {
		t.Run(name+", webhooks first", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			payment, _ := c.pay(w)
			w.quiet()
			w.imported(1)
			w.one(payment, c.reason)
			if left := w.retry().GetParked(); left != 1 {
				t.Errorf("after a retry %d are parked", left)
			}
			w.one(payment, c.reason)
		})
		t.Run(name+", import first", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.knobs(`{"drop": 1.0}`)
			payment, donation := c.pay(w)
			w.imported(1)
			w.deliver(paidEvent("evt_late", payment, donation, nil), webhookSecret, w.clock.Now())
			w.quiet()
			w.one(payment, c.reason)
		})
	}
}

// A decline of an unknown gift is parked, then its success. What stays listed
// has to be the one that can still become a gift when it is tried again.
func TestTheFullerEventStaysListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	id := started.GetDonationId()
	w.change(`UPDATE donation SET account_id = 'acct_of_another_key' WHERE id = $1`, id)
	w.deliver(event("evt_declined", "payment_intent.payment_failed", map[string]any{
		"id": "pi_hers", "object": "payment_intent", "status": "requires_payment_method",
		"last_payment_error": map[string]any{"code": "card_declined", "decline_code": "lost_card"},
		"metadata":           map[string]any{"almoner": "1", "donation_id": id},
	}, nil), webhookSecret, w.clock.Now())
	w.eventually("the decline is parked", func() bool { return len(w.parked()) == 1 })
	w.deliver(paidEvent("evt_paid", "pi_hers", id, nil), webhookSecret, w.clock.Now())
	w.quiet()
	w.one("pi_hers", "it belongs to another Stripe account")
	w.change(`UPDATE donation SET account_id = '' WHERE id = $1`, id)
	if answer := w.retry(); answer.GetApplied() != 1 || answer.GetParked() != 0 {
		t.Errorf("retry: %v", answer)
	}
	if state := w.donation(id).GetState(); state != donationv1.State_STATE_SUCCEEDED {
		t.Errorf("the gift is %s", state)
	}
}

// A signed event says that it is about a session and carries a payment. It is
// parked like any payment of an unknown gift, and trying it again does no harm.
func TestAnEventOfOneKindWithAnObjectOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(paidEvent("evt_mixed", "pi_mixed", uuid.NewString(), func(body map[string]any) {
		body["type"] = "checkout.session.completed"
	}), webhookSecret, w.clock.Now())
	w.quiet()
	w.one("pi_mixed", unknownGift)
	if answer := w.retry(); answer.GetApplied() != 0 || answer.GetParked() != 1 {
		t.Errorf("retry: %v", answer)
	}
	w.one("pi_mixed", unknownGift)
}

// Somebody in Stripe's dashboard wrote another gift into a payment's metadata. One
// payment is one gift: the second is listed, and does not wait for ever.
func TestAPaymentIsMovedToAnotherGift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hers, his := w.checkout(form()), w.checkout(form())
	w.deliver(paidEvent("evt_hers", "pi_hers", hers.GetDonationId(), nil), webhookSecret, w.clock.Now())
	w.eventually("her gift is paid", func() bool {
		return w.donation(hers.GetDonationId()).GetState() == donationv1.State_STATE_SUCCEEDED
	})
	w.deliver(paidEvent("evt_his", "pi_hers", his.GetDonationId(), nil), webhookSecret, w.clock.Now())
	sums := w.quiet()
	w.one("pi_hers", "the payment has paid another gift")
	if len(sums.GetSums()) != 1 || sums.GetSums()[0].GetGifts() != 1 || w.kinds()["DonationSucceeded"] != 1 {
		t.Errorf("sums %v, events %v", sums, w.kinds())
	}
}

// unpaid checks that a gift whose money is booked elsewhere is not booked again.
func (w *world) unpaid(donation string) {
	w.t.Helper()
	sums := w.quiet()
	if len(sums.GetSums()) != 0 || sums.GetGiftsWithoutFee() != 0 || w.kinds()["DonationSucceeded"] != 0 {
		w.t.Errorf("the money is booked twice: %v, %v", sums, w.kinds())
	}
	if state := w.donation(donation).GetState(); state == donationv1.State_STATE_SUCCEEDED {
		w.t.Errorf("the gift is %s", state)
	}
}

// The key was that of another account when the gift was paid: the payment was
// parked and its money booked as foreign. When the key is right again, trying
// again must not book the money a second time.
func TestForeignMoneyIsNoGiftWhenTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	w.change(`UPDATE donation SET account_id = 'acct_of_another_key' WHERE id = $1`, started.GetDonationId())
	w.pay(started.GetSessionId(), visa)
	w.quiet()
	w.imported(1)
	payment := w.parked()[0].GetAggregateId()
	w.one(payment, "it belongs to another Stripe account")
	w.change(`UPDATE donation SET account_id = '' WHERE id = $1`, started.GetDonationId())
	if answer := w.retry(); answer.GetApplied() != 0 || answer.GetParked() != 1 {
		t.Errorf("retry: %v", answer)
	}
	w.one(payment, bookedAsOthers)
	w.unpaid(started.GetDonationId())
}

// Somebody edited the charge's metadata, and the import saw it before any
// webhook came.
func TestForeignMoneyIsNoGiftWhenTheDonorReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	w.stripe.change(func(g *gate) { g.unmark = true })
	started := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	w.imported(1)
	confirmed, err := w.web.ConfirmDonation(t.Context(), &donationv1.ConfirmDonationRequest{
		DonationId: started.GetDonationId(), SessionId: started.GetSessionId(),
	})
	if err != nil || confirmed.GetDonation().GetState() == donationv1.State_STATE_SUCCEEDED {
		t.Errorf("confirmed %v, %v", confirmed, err)
	}
	w.one(w.sim.Truth().Sessions[0].PaymentIntent, bookedAsOthers)
	w.unpaid(started.GetDonationId())
}

// The same, but the donor returns between the import's look at the gifts and its
// writing: the money is the gift's, and not foreign as well.
func TestGiftThatSucceedsDuringTheImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	w.stripe.change(func(g *gate) { g.unmark = true })
	started := w.checkout(form())
	w.home.set(organization, func() {
		_, err := w.web.ConfirmDonation(t.Context(), &donationv1.ConfirmDonationRequest{
			DonationId: started.GetDonationId(), SessionId: started.GetSessionId(),
		})
		if err != nil {
			t.Errorf("confirm: %v", err)
		}
	})
	w.pay(started.GetSessionId(), visa)
	w.imported(1)
	w.settled(started.GetDonationId())
	if sums := w.quiet(); sums.GetGiftsWithoutFee() != 0 || len(w.parked()) != 0 || w.kinds()["DonationSucceeded"] != 1 {
		t.Errorf("sums %v, parked %v, events %v", sums, w.parked(), w.kinds())
	}
}
