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
	back    int64 // what was given back or lost so far
	lost    int64 // what of it was lost
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
	disputed := rapid.IntRange(0, 6).Draw(t, "disputed after so many refunds")
	for i := range rapid.IntRange(0, 3).Draw(t, "refunds") {
		if i == disputed {
			s.dispute()
		}
		s.refund()
	}
	if disputed == 3 {
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

// between is f(after) − f(before): the gift first, then the cover.
func between(g domain.Gift, before, after int64) domain.Returned {
	part := func(total int64) (gift, cover, excess int64) {
		gift = min(total, g.Gift.Minor)
		cover = min(total-gift, g.Cover.Minor)
		return gift, cover, total - gift - cover
	}
	g0, c0, e0 := part(before)
	g1, c1, e1 := part(after)
	in := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: g.Gift.Currency} }
	return domain.Returned{Gift: in(g1 - g0), Cover: in(c1 - c0), Excess: in(e1 - e0)}
}

// refunded is what refunds take more, and what losses take otherwise for it: refunds
// take first, whenever they are heard.
func refunded(g domain.Gift, lost, before, after int64) (takes, shift domain.Returned) {
	takes = between(g, before, after)
	whole := between(g, before+lost, after+lost)
	less := func(a, b money.Amount) money.Amount {
		return money.Amount{Minor: a.Minor - b.Minor, Currency: a.Currency}
	}
	return takes, domain.Returned{
		Gift: less(whole.Gift, takes.Gift), Cover: less(whole.Cover, takes.Cover), Excess: less(whole.Excess, takes.Excess),
	}
}

// returned is what a refund, or its failure, takes.
func (s *teller) returned(more int64) (takes, shift domain.Returned) {
	before := s.back - s.lost
	s.back += more
	return refunded(s.gift, s.lost, before, before+more)
}

// refund gives a part back, and sometimes it does not arrive.
func (s *teller) refund() {
	given := s.back - s.lost
	if given >= s.gross {
		return
	}
	amount := rapid.Int64Range(1, s.gross-given).Draw(s.T, "refund")
	s.refunds++
	id := fmt.Sprintf("re_%d_%d", s.number, s.refunds)
	r := domain.Refund{
		DonationID: s.gift.DonationID, AccountID: "acct_relief", RefundID: id, ChargeID: s.gift.ChargeID,
		Amount: money.Amount{Minor: amount, Currency: s.given}, Attribution: s.gift.Attribution, OccurredAt: paidAt,
	}
	r.Returned, r.LossShift = s.returned(amount)
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
	failed.Returned, failed.LossShift = s.returned(-amount)
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
	l.Returned = between(s.gift, s.back, s.back+s.gross)
	s.back, s.lost = s.back+s.gross, s.lost+s.gross
	if !s.foreign {
		s.fact(func() (domain.Draft, error) { return domain.BookLostDispute(l) })
	}
}

// TestNoBalanceDependsOnWhatWasHeardFirst tells the refunds, failures and losses of one
// gift in two orders. Each order is told with other differences, as the service that
// hears them does, and every account must end alike.
func TestNoBalanceDependsOnWhatWasHeardFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := appealGift(rapid.Int64Range(1, 100_00).Draw(t, "gift"), rapid.Int64Range(0, 10_00).Draw(t, "cover"))
		gross := g.Gift.Minor + g.Cover.Minor
		type heard struct {
			id      string
			amount  int64
			loss    bool
			failure bool
		}
		var list []heard
		left := gross
		for i := range rapid.IntRange(1, 4).Draw(t, "refunds") {
			if left == 0 {
				break
			}
			r := heard{id: fmt.Sprintf("re_%d", i), amount: rapid.Int64Range(1, left).Draw(t, "refund")}
			list, left = append(list, r), left-r.amount
			if rapid.Bool().Draw(t, "fails") {
				r.failure = true
				list = append(list, r)
			}
		}
		for i := range rapid.IntRange(1, 2).Draw(t, "losses") {
			list = append(list, heard{id: fmt.Sprintf("dp_%d", i), amount: rapid.Int64Range(1, gross).Draw(t, "loss"), loss: true})
		}
		book := func(order []heard) map[string]int64 {
			var facts []fact
			add := func(draft domain.Draft, err error) {
				facts = append(facts, func() ([]domain.Draft, error) { return []domain.Draft{draft}, err })
			}
			refunds, losses := int64(0), int64(0)
			accepted := map[string]bool{}
			for _, h := range order {
				r := refundOf(g, h.amount, 0, 0, 0)
				r.RefundID = h.id
				switch {
				case h.loss:
					l := lost(g, h.amount, 0, 0, 0)
					l.DisputeID, l.Returned = h.id, between(g, refunds+losses, refunds+losses+h.amount)
					losses += h.amount
					add(domain.BookLostDispute(l))
					continue
				case !accepted[h.id]: // a failure heard first tells of both
					accepted[h.id] = true
					r.Returned, r.LossShift = refunded(g, losses, refunds, refunds+h.amount)
					refunds += h.amount
					add(domain.BookRefund(r))
				case !h.failure:
					continue
				}
				if h.failure {
					r.Returned, r.LossShift = refunded(g, losses, refunds, refunds-h.amount)
					refunds -= h.amount
					add(domain.BookRefundFailed(r))
				}
			}
			books, err := balances(facts)
			if err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(books, func(_ string, minor int64) bool { return minor == 0 })
			return books
		}
		want, got := book(list), book(rapid.Permutation(list).Draw(t, "order"))
		if !maps.Equal(got, want) {
			t.Fatalf("balances\n%v\nwant\n%v", got, want)
		}
	})
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
