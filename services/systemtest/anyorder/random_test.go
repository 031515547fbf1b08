package anyorder

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
)

// rounds is how often something happens to a gift after it was paid.
const rounds = 4

// Whatever people do at Stripe and here, and whichever webhooks come meanwhile: no
// more is given back than was paid, postings sum to zero, and the ledger has what
// Stripe has.
func TestRandomScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10_000)
	count := *random
	told, lost := 0, 0
	for from := 0; from < count; from += share {
		stories := make([]*story, min(share, count-from))
		chances := map[*story]*rand.Rand{}
		for i := range stories {
			chance := rand.New(rand.NewPCG(10_000, uint64(from+i)))
			card := []string{visa, visa, visa, slow, failing, noFunds}[chance.IntN(6)]
			s := script{name: fmt.Sprintf("random script %d", from+i), cover: chance.IntN(2) == 0, monthly: chance.IntN(8) == 0, steps: []step{pay(card)}}
			if chance.IntN(3) == 0 {
				s.fund = "EMERGENCY"
			}
			if s.monthly {
				s.steps = []step{pay(visa)}
			}
			stories[i] = &story{script: s}
			chances[stories[i]] = chance
		}
		err := w.play(stories)
		if err != nil {
			t.Fatal(err)
		}
		for range rounds {
			err = each(stories, func(s *story) error {
				err := w.some(s, chances[s])
				if err != nil {
					return err
				}
				_ = something(s.script.monthly, chances[s])(w, s) // Stripe refuses what cannot be
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			err = w.settle()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range stories {
			told += len(s.letters)
			lost += len(s.letters) / 2
			s.letters = s.letters[:len(s.letters)-len(s.letters)/2]
		}
		err = each(stories, func(s *story) error { return w.some(s, chances[s]) })
		if err != nil {
			t.Fatal(err)
		}
		w.sweep()
		truths := w.truths()
		err = w.inTurn(func() error {
			return each(stories, func(s *story) error {
				_, err := w.read(s, truths)
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d of %d random scripts", from+len(stories), count)
	}
	t.Logf("%d random scripts, %d webhooks left at the end, of which %d were lost: refunds within what was paid, books in balance and equal to Stripe's", count, told, lost)
}

// some hands in a part of what has come for a story, in any order, now and then
// twice.
func (w *world) some(s *story, chance *rand.Rand) error {
	chance.Shuffle(len(s.letters), func(i, j int) { s.letters[i], s.letters[j] = s.letters[j], s.letters[i] })
	for range chance.IntN(len(s.letters) + 1) {
		err := w.hand(s.letters[0])
		if err != nil {
			return err
		}
		if chance.IntN(4) > 0 {
			s.letters = s.letters[1:]
		}
	}
	return nil
}

// something is what a donor, a bank or staff may do next.
func something(monthly bool, chance *rand.Rand) step {
	minor := []int64{0, 1, 20_00, 40_00, 60_00, giftMinor, 101_00}[chance.IntN(7)]
	steps := []step{
		refund(minor), refund(minor), staff(minor), staff(minor), dispute(false, minor), dispute(true, minor),
		verdict("won"), verdict("lost"), verdict("closed"), verdict("escalate"), nothing,
	}
	if monthly {
		steps = append(steps, renew, renew, lacking, again, end)
	}
	return steps[chance.IntN(len(steps))]
}

func nothing(*world, *story) error { return nil }

// staff gives back here what they know of.
func staff(minor int64) step {
	return func(w *world, s *story) error {
		_, err := w.web.RequestRefund(w.t.Context(), &donationv1.RequestRefundRequest{
			RequestId: uuid.NewString(), DonationId: s.donation, Amount: &moneyv1.Money{Minor: max(minor, 5_00), Currency: "EUR"}, Reason: "requested_by_customer",
		})
		return err
	}
}
