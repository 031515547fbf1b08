package donation_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// Given a database that is put back to when a debit was under way, when the bank has
// answered since, then the gift becomes what it had become, its money is recorded as it
// was, and the same is told under the same ids.
func TestADatabaseOfWhenADebitWasUnderWay(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		early bool
		iban  string
		state donationv1.State
		then  func(w *world, d *donationv1.Donation)
		money string // how many transactions
	}{
		"it has arrived":                       {false, debitArrives, donationv1.State_STATE_SUCCEEDED, nil, "1"},
		"it has arrived, its money seen early": {true, debitArrives, donationv1.State_STATE_SUCCEEDED, nil, "1"},
		"it was refused":                       {false, debitFails, donationv1.State_STATE_FAILED, nil, "0"},
		"it was refused, its money seen early": {true, debitFails, donationv1.State_STATE_FAILED, nil, "2"},
		"it was given back in part": {true, debitArrives, donationv1.State_STATE_SUCCEEDED, func(w *world, d *donationv1.Donation) {
			w.refundAtStripe(d, 30_00)
		}, "2"},
		"the bank took it back": {true, debitArrives, donationv1.State_STATE_SUCCEEDED, func(w *world, d *donationv1.Donation) {
			w.control("/_sim/debit", `{"payment_intent": "`+d.GetPaymentIntentId()+`", "reverse": true}`)
		}, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := banks(t)
			if story.early {
				w.control("/_sim/knobs", `{"debit_early_transaction": 1}`)
			}
			d := w.debited(story.iban)
			id := d.GetDonationId()
			w.quiet()
			restore := w.backUp()
			w.days(5)
			w.reaches(id, story.state)
			if story.state == donationv1.State_STATE_SUCCEEDED {
				w.settled(id)
			}
			if story.then != nil {
				story.then(w, w.donation(id))
			}
			moved := func() string {
				if story.money == "0" { // there is nothing to wait for
					return w.text(`SELECT COALESCE(MAX(id), 'nothing') FROM balance_transaction`)
				}
				return w.moved(story.money)
			}
			money := moved()
			w.eventually("what happened since is known", func() bool { return story.then == nil || w.donation(id).GetReturned().GetMinor() > 0 })
			w.quiet()
			before, told := w.donation(id), map[string]bool{}
			for _, e := range w.events() {
				told[e.GetId()] = true
			}

			restore()
			w.clock.Advance(2 * time.Hour)
			w.eventually("the gift is as it had become", func() bool {
				w.clock.Advance(5 * time.Second)
				now := w.donation(id)
				return now.GetState() == story.state && now.GetReturned().GetMinor() == before.GetReturned().GetMinor() &&
					proto.Equal(now.GetFee(), before.GetFee())
			})
			if got := moved(); got != money {
				t.Errorf("the money is recorded as %q, and was as %q", got, money)
			}
			w.quiet()
			for _, e := range w.events() {
				if !told[e.GetId()] {
					t.Errorf("%s is told under another id", e.GetType())
				}
				delete(told, e.GetId())
			}
			if len(told) > 0 {
				t.Errorf("%d events are not told again", len(told))
			}
			if items := w.parked(); len(items) > 0 {
				t.Errorf("parked are %v", items)
			}
		})
	}
}
