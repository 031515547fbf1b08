package anyorder

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
)

// byCard pays a gift outside its checkout.
func byCard(w *world, s *story) error {
	return w.control("/_sim/foreign_charge", map[string]any{
		"amount": giftMinor, "currency": "eur", "metadata": map[string]string{"almoner": "1", "donation_id": s.donation},
	}, nil)
}

// backOf gives a part of the debit back, which is the first payment; 0 is all that is
// left.
func backOf(minor int64) step {
	return func(w *world, s *story) error {
		return w.control("/_sim/refund", map[string]any{"payment_intent": s.payments[0], "amount": minor}, nil)
	}
}

// takenBack is a bank that takes the debit's money, for good or for a time.
func takenBack(outcome string) step {
	return func(w *world, s *story) error {
		var made struct {
			ID string `json:"id"`
		}
		err := w.control("/_sim/dispute", map[string]any{"payment_intent": s.payments[0], "amount": 0, "inquiry": false}, &made)
		if err != nil {
			return err
		}
		return w.control("/_sim/dispute/"+made.ID, map[string]any{"outcome": outcome}, nil)
	}
}

// reverseFirst is reverse of the debit.
func reverseFirst(w *world, s *story) error {
	return w.control("/_sim/debit", map[string]any{"payment_intent": s.payments[0], "reverse": true}, nil)
}

// Given gifts that are paid by a debit and, before that arrives, by a card, when what the
// debit brought is given back or taken back, then nothing of it is left on any account,
// whether its money was seen while it was under way, when it had arrived, or only with
// what went back of it.
func TestASecondDebitLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 22)
	for _, arrived := range []bool{true, false} {
		var stories []*story
		for _, early := range []bool{true, false} {
			for _, s := range []script{
				{name: "given back", steps: []step{debit(arrives), backOf(0)}},
				{name: "given back in parts", steps: []step{debit(arrives), backOf(30_00), backOf(0)}},
				{name: "taken back", steps: []step{debit(arrives), takenBack("lost")}},
				{name: "taken back, and given back when that was not right", steps: []step{debit(arrives), takenBack("won"), backOf(0)}},
				{name: "taken back without a word", steps: []step{debit(arrives), reverseFirst}},
				{name: "refused", steps: []step{debit(fails)}},
			} {
				s.early = early
				stories = append(stories, &story{script: s})
			}
		}
		w.twice(stories, arrived)
		sums, err := w.books.SumBooks(t.Context(), &ledgerv1.SumBooksRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if open := sums.GetOpenItems(); len(open) != 0 {
			t.Errorf("seen when it arrived %v: there is still %v", arrived, open)
		}
		for _, s := range stories {
			answer, err := w.web.GetDonation(t.Context(), &donationv1.GetDonationRequest{DonationId: s.donation})
			if err != nil {
				t.Fatal(err)
			}
			d := answer.GetDonation()
			if d.GetState() != donationv1.State_STATE_SUCCEEDED || d.GetReturned().GetMinor() != 0 || d.GetPaymentIntentId() == s.payments[0] {
				t.Errorf("%s: the gift by card is %v", s.script.name, d)
			}
			found, err := w.web.FindDonations(t.Context(), &donationv1.FindDonationsRequest{Reference: s.payments[0]})
			if err != nil {
				t.Fatal(err)
			}
			if s.script.name == "refused" && !s.script.early {
				continue // no money ever moved, which is what it would be found by
			}
			if len(found.GetDonations()) != 1 || found.GetDonations()[0].GetDonationId() != s.donation {
				t.Errorf("%s: the debit's payment leads to %v", s.script.name, found.GetDonations())
			}
		}
	}
	parked, err := w.parking.ListParked(t.Context(), &feedv1.ListParkedRequest{Service: "donation"})
	if err != nil || len(parked.GetItems()) != 20 {
		t.Errorf("%d debits that came beside a gift are shown to staff, want 20 (%v)", len(parked.GetItems()), err)
	}
}

// twice plays stories of two payments. Nobody sees the debits arrive, if they are only to
// be seen with what goes back of them.
func (w *world) twice(stories []*story, arrived bool) {
	w.t.Helper()
	all := func(do step) {
		w.t.Helper()
		err := each(stories, func(s *story) error { return do(w, s) })
		if err == nil {
			err = w.settle()
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	look := func() {
		w.t.Helper()
		all(func(w *world, s *story) error {
			for _, letter := range s.letters {
				err := w.hand(letter)
				if err != nil {
					return err
				}
			}
			return nil
		})
		w.quiet()
	}
	all(func(w *world, s *story) (err error) {
		s.donation, s.session, err = w.checkout(s.script)
		return err
	})
	for _, s := range stories {
		w.post.owners[s.session], w.post.owners[s.donation] = s, s
	}
	for _, early := range []bool{true, false} {
		_, taken := w.ask(http.MethodPost, "/_sim/knobs", "application/json", fmt.Sprintf(`{"debit_early_transaction": %v}`, early))
		if !taken {
			w.t.Fatal("the simulator does not take the knob")
		}
		all(func(w *world, s *story) error {
			if s.script.early != early {
				return nil
			}
			return s.script.steps[0](w, s)
		})
	}
	look()
	all(byCard)
	look()
	if !arrived {
		w.stop()
	}
	w.clock.Advance(4 * time.Minute)
	all(nothing)
	if arrived {
		look()
	}
	for n := 1; n < 3; n++ {
		all(func(w *world, s *story) error {
			if n >= len(s.script.steps) {
				return nil
			}
			return s.script.steps[n](w, s)
		})
	}
	if !arrived {
		w.begin()
	}
	look()
}
