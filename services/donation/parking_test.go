package donation_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
)

// retry tries everything that is parked again.
func (w *world) retry() *feedv1.RetryParkedResponse {
	w.t.Helper()
	answer, err := w.parking.RetryParked(w.t.Context(), &feedv1.RetryParkedRequest{Service: "donation"})
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
	const lost = 600
	for i := range lost {
		w.deliver(paidEvent(fmt.Sprintf("evt_%d", i), fmt.Sprintf("pi_%d", i), uuid.NewString(), nil), webhookSecret, w.clock.Now())
	}
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
