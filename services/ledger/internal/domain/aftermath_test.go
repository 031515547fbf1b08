package domain_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// fact books one fact.
type fact = func() ([]domain.Draft, error)

// story is a payment with all that happened to it, every fact told: what the
// books must say in the end is known.
type story struct {
	facts  []fact
	stripe map[money.Currency]int64 // Σ net of the transactions
	waits  map[string]int64         // what stays in suspense, by balance
	income int64                    // what is left of gift and cover
	given  money.Currency
}

// teller draws a story. Each payment has its own number, so that stories of one
// world do not meet.
type teller struct {
	*rapid.T
	number  int
	settled money.Currency
	gift    domain.Gift
	gross   int64
	back    int64 // what was given back so far
	foreign bool
	txns    int
	refunds int
	story
}

func tell(t *rapid.T, number int, given, settled money.Currency) story {
	s := &teller{T: t, number: number, settled: settled, foreign: rapid.IntRange(0, 3).Draw(t, "whose") == 0}
	s.given, s.stripe, s.waits = given, map[money.Currency]int64{}, map[string]int64{}
	s.gift = appealGift(0, 0)
	s.gift.DonationID, s.gift.ChargeID = fmt.Sprintf("donation-%d", number), fmt.Sprintf("ch_%d", number)
	s.gift.Gift = money.Amount{Minor: rapid.Int64Range(1, 1_000_000).Draw(t, "gift"), Currency: given}
	s.gift.Cover = money.Amount{Minor: rapid.Int64Range(0, 50_000).Draw(t, "cover"), Currency: given}
	s.gift.Attribution.FundClass = rapid.SampledFrom([]domain.FundClass{domain.FundUnrestricted, domain.FundRestricted}).Draw(t, "class")
	s.gift.RecurringPlanID = rapid.SampledFrom([]string{"", "plan-1"}).Draw(t, "plan")
	s.gross = s.gift.Gift.Minor + s.gift.Cover.Minor
	if !s.foreign {
		s.fact(func() (domain.Draft, error) { return domain.BookGift(s.gift) })
	}
	s.transaction("charge", s.gift.ChargeID, s.gross, 1)
	for range rapid.IntRange(0, 3).Draw(t, "refunds") {
		s.refund()
	}
	if rapid.Bool().Draw(t, "disputed") {
		s.dispute()
	}
	if !s.foreign {
		s.income = s.gross - min(s.back, s.gross)
	}
	return s.story
}

func (s *teller) fact(book func() (domain.Draft, error)) {
	s.facts = append(s.facts, func() ([]domain.Draft, error) {
		d, err := book()
		return []domain.Draft{d}, err
	})
}

// transaction moves the balance by about what the object is worth, in the
// currency that the account settles in, and keeps a fee.
func (s *teller) transaction(category, source string, object, sign int64) {
	moved := object
	if s.settled != s.given {
		// Any rate, and for what is small one at which nothing is left; a charge is
		// never so small.
		least := int64(0)
		if category == "charge" {
			least = 1
		}
		moved = rapid.Int64Range(least, 1_000_000).Draw(s.T, "settled")
	}
	fee := rapid.Int64Range(-2_000, 2_000).Draw(s.T, "fee")
	amount := money.Amount{Minor: sign * moved, Currency: s.settled}
	x := charge(amount, money.Amount{Minor: fee, Currency: s.settled},
		domain.FeeDetail{Type: "tax", Amount: money.Amount{Minor: fee / 5, Currency: s.settled}})
	s.txns++
	x.ID = fmt.Sprintf("txn_%d_%d", s.number, s.txns)
	x.Category, x.SourceID, x.ChargeID = category, source, s.gift.ChargeID
	x.Source = money.Amount{Minor: object, Currency: s.given}
	x.DonationID, x.Attribution = s.gift.DonationID, s.gift.Attribution
	if s.foreign {
		x = abroad(x)
		// The fees of somebody else's charge wait until staff say whose they are.
		s.waits["2900 "+s.settled.Code()+" "+s.gift.ChargeID] += fee
		s.waits["2900 "+s.given.Code()+" "+s.gift.ChargeID] -= sign * object
	}
	s.stripe[s.settled] += x.Net.Minor
	s.facts = append(s.facts, func() ([]domain.Draft, error) { return domain.BookTransaction(x) })
}

// returned is f(after) − f(before): the gift first, then the cover.
func (s *teller) returned(more int64) domain.Returned {
	part := func(total int64) (gift, cover, excess int64) {
		gift = min(total, s.gift.Gift.Minor)
		cover = min(total-gift, s.gift.Cover.Minor)
		return gift, cover, total - gift - cover
	}
	g0, c0, e0 := part(s.back)
	s.back += more
	g1, c1, e1 := part(s.back)
	in := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: s.given} }
	return domain.Returned{Gift: in(g1 - g0), Cover: in(c1 - c0), Excess: in(e1 - e0)}
}

// refund gives a part back, and sometimes it does not arrive.
func (s *teller) refund() {
	if s.back >= s.gross {
		return
	}
	amount := rapid.Int64Range(1, s.gross-s.back).Draw(s.T, "refund")
	s.refunds++
	id := fmt.Sprintf("re_%d_%d", s.number, s.refunds)
	r := domain.Refund{
		DonationID: s.gift.DonationID, AccountID: "acct_relief", RefundID: id, ChargeID: s.gift.ChargeID,
		Amount: money.Amount{Minor: amount, Currency: s.given}, Attribution: s.gift.Attribution, OccurredAt: paidAt,
	}
	r.Returned = s.returned(amount)
	if !s.foreign {
		s.fact(func() (domain.Draft, error) { return domain.BookRefund(r) })
	}
	paid := rapid.Bool().Draw(s.T, "its money left")
	fails := !paid || rapid.Bool().Draw(s.T, "it fails")
	if paid {
		s.transaction("refund", id, amount, -1)
	}
	if !fails {
		return
	}
	if paid {
		s.transaction("refund_failure", id, amount, 1)
	}
	failed := r
	failed.Returned = s.returned(-amount)
	if !s.foreign {
		s.fact(func() (domain.Draft, error) { return domain.BookRefundFailed(failed) })
	}
}

// dispute takes all of the payment back, whatever was refunded before.
func (s *teller) dispute() {
	id := fmt.Sprintf("dp_%d", s.number)
	s.transaction("dispute", id, s.gross, -1)
	if rapid.Bool().Draw(s.T, "won") {
		s.transaction("dispute_reversal", id, s.gross, 1)
		return
	}
	l := domain.LostDispute{
		DonationID: s.gift.DonationID, AccountID: "acct_relief", DisputeID: id, ChargeID: s.gift.ChargeID,
		Amount: money.Amount{Minor: s.gross, Currency: s.given}, Attribution: s.gift.Attribution, ClosedAt: paidAt,
	}
	l.Returned = s.returned(s.gross)
	if !s.foreign {
		s.fact(func() (domain.Draft, error) { return domain.BookLostDispute(l) })
	}
}

// TestWhateverHappensToGifts takes stories apart, shuffles their facts, repeats
// some, and looks whether the books say what happened. With -rapid.checks=10000
// it does so ten thousand times for each way of settling.
func TestWhateverHappensToGifts(t *testing.T) {
	t.Parallel()
	for name, currencies := range map[string]struct{ given, settled []money.Currency }{
		"settled as it was given":   {[]money.Currency{eur}, []money.Currency{eur}},
		"settled in another":        {[]money.Currency{eur, jpy}, []money.Currency{usd}},
		"of several currencies":     {[]money.Currency{eur, usd, jpy}, []money.Currency{eur, usd, jpy}},
		"of money without decimals": {[]money.Currency{jpy}, []money.Currency{jpy, eur}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				var facts []fact
				var stories []story
				for i := range rapid.IntRange(1, 4).Draw(t, "payments") {
					s := tell(t, i, rapid.SampledFrom(currencies.given).Draw(t, "given"), rapid.SampledFrom(currencies.settled).Draw(t, "settled in"))
					stories, facts = append(stories, s), append(facts, s.facts...)
				}
				want, err := balances(facts)
				if err != nil {
					t.Fatal(err)
				}
				again := rapid.SliceOf(rapid.SampledFrom(facts)).Draw(t, "delivered again")
				got, err := balances(rapid.Permutation(append(append([]fact{}, facts...), again...)).Draw(t, "order"))
				if err != nil {
					t.Fatal(err)
				}
				if !maps.Equal(got, want) {
					t.Fatalf("balances\n%v\nwant\n%v", got, want)
				}
				toldByTheBooks(t, got, stories)
			})
		})
	}
}

// toldByTheBooks compares balances with complete stories.
func toldByTheBooks(t *rapid.T, books map[string]int64, stories []story) {
	stripe, income, waits := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, s := range stories {
		for currency, net := range s.stripe {
			stripe[currency.Code()] += net
		}
		income[s.given.Code()] += s.income
		for balance, minor := range s.waits {
			waits[balance] += minor
		}
	}
	zero := map[string]int64{}
	atStripe, earned := map[string]int64{}, map[string]int64{}
	for balance, minor := range books {
		parts := strings.SplitN(balance, " ", 4) // organization, account, currency, item
		account, currency, item := parts[1], parts[2], parts[3]
		zero[currency] += minor
		switch {
		case account == "1100":
			atStripe[currency] += minor
		case account >= "4000" && account < "5000":
			earned[currency] -= minor
		case account == "2100" || account == "1170":
			if minor != 0 {
				t.Fatalf("%s is open with %d after the story has ended", balance, minor)
			}
		case account == "2900":
			if want := waits[account+" "+currency+" "+item]; minor != want {
				t.Fatalf("%s is %d, want %d", balance, minor, want)
			}
		}
	}
	for _, currency := range []string{"EUR", "USD", "JPY"} {
		if zero[currency] != 0 {
			t.Fatalf("all postings in %s add up to %d", currency, zero[currency])
		}
		if atStripe[currency] != stripe[currency] {
			t.Fatalf("the books say %d %s is at Stripe, Stripe says %d", atStripe[currency], currency, stripe[currency])
		}
		if earned[currency] != income[currency] {
			t.Fatalf("income is %d %s, want what is left of the gifts, %d", earned[currency], currency, income[currency])
		}
	}
}
