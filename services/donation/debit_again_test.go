package donation_test

import (
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// refused is a gift whose first debit the bank refused.
func (w *world) refused(r *donationv1.StartCheckoutRequest) (started *donationv1.StartCheckoutResponse) {
	w.t.Helper()
	started = w.checkout(r)
	w.debit(started.GetSessionId(), debitFails)
	w.reaches(started.GetDonationId(), donationv1.State_STATE_PROCESSING)
	w.days(5)
	w.reaches(started.GetDonationId(), donationv1.State_STATE_FAILED)
	w.quiet()
	return started
}

func (w *world) reaches(donation string, state donationv1.State) {
	w.t.Helper()
	w.eventually("the gift is "+state.String(), func() bool { return w.donation(donation).GetState() == state })
}

// Given a debit that was refused and a second one by the same form, when the donor
// looks at the page of the first again, then the second is as it was: nobody is asked to
// pay once more, and what becomes of it is told like anything else.
func TestAnOldPageSaysNothingAboutTheNewestDebit(t *testing.T) {
	t.Parallel()
	for name, looked := range map[string]donationv1.State{
		"before the second is entered": donationv1.State_STATE_CHECKOUT_OPEN,
		"while it is under way":        donationv1.State_STATE_PROCESSING,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := banks(t)
			r := form()
			first := w.refused(r)
			second := w.checkout(r)
			look := func() {
				w.clock.Advance(10 * time.Second)
				_, err := w.web.ConfirmDonation(t.Context(), &donationv1.ConfirmDonationRequest{DonationId: first.GetDonationId(), SessionId: first.GetSessionId()})
				if err != nil {
					t.Fatal(err)
				}
				if got := w.donation(first.GetDonationId()).GetState(); got != looked {
					t.Errorf("after a look at the old page the gift is %s", got)
				}
			}
			if looked == donationv1.State_STATE_CHECKOUT_OPEN {
				look()
			}
			w.debit(second.GetSessionId(), debitFails)
			w.reaches(first.GetDonationId(), donationv1.State_STATE_PROCESSING)
			if looked == donationv1.State_STATE_PROCESSING {
				look()
			}
			w.days(6)
			w.reaches(first.GetDonationId(), donationv1.State_STATE_FAILED)
			w.eventually("the donor is told of each debit", func() bool {
				w.clock.Advance(5 * time.Second)
				return w.rows(`SELECT COUNT(*) FROM plan_mail WHERE settled_at > 0`) == 2
			})
			w.quiet()
			if items := w.parked(); len(items) > 0 {
				t.Errorf("parked are %v", items)
			}
		})
	}
}

// A payment that may have been a debit and names no charge is asked for: its charge says
// how it is booked, and its money will say the same.
func TestAPaymentWithoutItsChargeIsAskedFor(t *testing.T) {
	t.Parallel()
	w := banks(t)
	w.knobs(`{"drop": 1.0}`)
	started := w.checkout(form())
	payment := w.chargeMarked(started.GetDonationId())
	w.deliver(paidEvent("evt_bare", payment, started.GetDonationId(), func(body map[string]any) {
		object := body["data"].(map[string]any)["object"].(map[string]any)
		object["latest_charge"] = nil
		object["payment_method_types"] = []string{"card", "sepa_debit"}
	}), webhookSecret, w.clock.Now())
	d := w.settled(started.GetDonationId())
	if !strings.HasPrefix(d.GetChargeId(), "ch_") || len(w.delayed()) != 0 {
		t.Errorf("its charge is %q, told as delayed are %q", d.GetChargeId(), w.delayed())
	}
}
