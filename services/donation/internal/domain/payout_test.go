package domain_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	aDay = int64(24 * time.Hour / time.Microsecond)
	noon = int64(1_793_000_000_000_000)
)

// onItsWay is an automatic payout of 199.90 euros that arrives in two days.
func onItsWay(status domain.PayoutStatus) domain.Payout {
	return domain.Payout{
		ID: "po_1", AccountID: "acct_1", Minor: 199_90, Currency: "EUR", Status: status, ArrivalAt: noon + 2*aDay, CreatedAt: noon, Automatic: true,
	}
}

// In whatever order Stripe's words are heard, and however often, the one that has
// come furthest stays, and a finished list stays finished.
func TestPayoutsAreHeardInAnyOrder(t *testing.T) {
	t.Parallel()
	words := []domain.PayoutStatus{domain.PayoutPending, domain.PayoutInTransit, domain.PayoutPaid, domain.PayoutFailed, "new_word"}
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) domain.Payout {
			p := onItsWay(rapid.SampledFrom(words).Draw(t, "status"))
			p.Complete = rapid.Bool().Draw(t, "complete")
			if p.Status == domain.PayoutFailed {
				p.Failure = "account_closed"
			}
			return p
		}), 1, 6).Draw(t, "facts")
		hear := func(list []domain.Payout) (p domain.Payout) {
			for _, fact := range list {
				p = p.Hear(fact, nil, noon)
			}
			return p
		}
		first, second := hear(facts), hear(append(rapid.Permutation(facts).Draw(t, "again"), facts[0]))
		if first != second {
			t.Fatalf("one order leads to %+v, another to %+v", first, second)
		}
		furthest := slices.MaxFunc(facts, func(a, b domain.Payout) int { return slices.Index(words, a.Status)%4 - slices.Index(words, b.Status)%4 })
		if furthest.Status != "new_word" && slices.Index(words, furthest.Status) > 0 && first.Status != furthest.Status {
			t.Fatalf("%s was heard, it is %s", furthest.Status, first.Status)
		}
	})
}

func TestWhatIsInAPayoutAddsUpOrNot(t *testing.T) {
	t.Parallel()
	complete := onItsWay(domain.PayoutPaid)
	complete.Complete = true
	for sum, difference := range map[int64]int64{199_90: 0, 99_95: 99_95, 200_00: -10} {
		p := domain.Payout{}.Hear(complete, nil, noon)
		if !p.Unlisted() || p.CheckAt != noon {
			t.Errorf("a list that is finished is not taken in at once: %+v", p)
		}
		p = p.Hear(complete, &domain.Listing{Sum: sum}, noon+1)
		if p.Difference != difference || p.ListedAt != noon+1 || p.Unlisted() != (difference != 0) {
			t.Errorf("of %d it lacks %+v", sum, p)
		}
		if heard := p.Hear(complete, nil, noon+2); heard != p {
			t.Errorf("the same again made it %+v, it was %+v", heard, p)
		}
	}
}

// Stripe is asked about a payout for as long as it can still change.
func TestWhenAPayoutIsAskedAbout(t *testing.T) {
	t.Parallel()
	reconciled := func(status domain.PayoutStatus, sum int64) domain.Payout {
		p := onItsWay(status)
		p.Complete = true
		return domain.Payout{}.Hear(p, &domain.Listing{Sum: sum}, noon)
	}
	byHand := onItsWay(domain.PayoutCanceled)
	byHand.Automatic = false
	for name, c := range map[string]struct {
		payout domain.Payout
		now    int64
		want   int64
	}{
		"pending":                        {onItsWay(domain.PayoutPending), noon, noon + aDay/4},
		"on its way":                     {onItsWay(domain.PayoutInTransit), noon, noon + aDay/4},
		"paid, may come back":            {reconciled(domain.PayoutPaid, 199_90), noon + 8*aDay, noon + 9*aDay},
		"paid long ago":                  {reconciled(domain.PayoutPaid, 199_90), noon + 16*aDay, 0},
		"failed and listed":              {reconciled(domain.PayoutFailed, 199_90), noon + aDay, 0},
		"failed, its list is not done":   {onItsWay(domain.PayoutFailed), noon + aDay, noon + 2*aDay},
		"made by hand and canceled":      {byHand, noon, 0},
		"with a word nobody knows":       {onItsWay("posted_by_pigeon"), noon, noon + aDay/4},
		"what is in it does not add up":  {reconciled(domain.PayoutPaid, 1), noon + aDay, noon + aDay},
		"and is listed and still is not": {reconciled(domain.PayoutPaid, 1), noon + aDay/2, noon + aDay},
	} {
		if got := c.payout.Hear(c.payout, nil, c.now).CheckAt; got != c.want {
			t.Errorf("%s: asked again at noon %+d h, want %+d h", name, (got-noon)/(aDay/24), (c.want-noon)/(aDay/24))
		}
	}
}
