package domain_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// bigSum adds without a limit, so that it can judge sums that have one.
type bigSum struct{ sum big.Int }

func (b *bigSum) add(minor int64) { b.sum.Add(&b.sum, big.NewInt(minor)) }
func (b *bigSum) isZero() bool    { return b.sum.Sign() == 0 }

// lines writes postings as a bookkeeper would: "1100 103.30 EUR".
func lines(d domain.Draft) string {
	var b strings.Builder
	for _, p := range d.Postings() {
		fmt.Fprintf(&b, "%s %s\n", p.Account, p.Amount)
	}
	return b.String()
}

func appealGift(minor, cover int64) domain.Gift {
	return domain.Gift{
		DonationID: "3b1f6f0a-2f54-4b0e-9f7a-6e2a4b8c9d10", AccountID: "acct_relief", ChargeID: "ch_1", PaymentIntentID: "pi_1",
		Gift: euros(minor), Cover: euros(cover), PaidAt: paidAt,
		Attribution: domain.Attribution{
			OrganizationID: "org-relief", AppealID: "appeal-flood", FundCode: "general", FundClass: domain.FundUnrestricted,
		},
	}
}

func TestGifts(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]struct {
		gift func() domain.Gift
		want string
	}{
		"100.00 and 3.30 for the fee": {
			func() domain.Gift { return appealGift(100_00, 3_30) },
			"1100 103.30 EUR\n4000 -100.00 EUR\n4040 -3.30 EUR\n",
		},
		"restricted": {
			func() domain.Gift {
				g := appealGift(50_00, 0)
				g.Attribution.FundCode, g.Attribution.FundClass = "winter", domain.FundRestricted
				return g
			},
			"1100 50.00 EUR\n4100/winter -50.00 EUR\n",
		},
		"through a supporter's page": {
			func() domain.Gift {
				g := appealGift(20_00, 0)
				g.Attribution.FundraiserID = "page-amal"
				return g
			},
			"1100 20.00 EUR\n4020 -20.00 EUR\n",
		},
		"restricted, through a supporter's page, with cover": {
			func() domain.Gift {
				g := appealGift(20_00, 90)
				g.Attribution.FundraiserID = "page-amal"
				g.Attribution.FundCode, g.Attribution.FundClass = "winter", domain.FundRestricted
				return g
			},
			"1100 20.90 EUR\n4100/winter -20.00 EUR\n4040 -0.90 EUR\n",
		},
		"from a bank account": {
			func() domain.Gift {
				g := appealGift(100_00, 3_30)
				g.Delayed = true
				return g
			},
			"2200 103.30 EUR\n4000 -100.00 EUR\n4040 -3.30 EUR\n",
		},
		"yen": {
			func() domain.Gift {
				g := appealGift(0, 0)
				g.Gift, g.Cover = money.Amount{Minor: 5000, Currency: jpy}, money.Amount{Currency: jpy}
				return g
			},
			"1100 5000 JPY\n4000 -5000 JPY\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draft, err := domain.BookGift(given.gift())
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(draft); got != given.want {
				t.Fatalf("booked\n%swant\n%s", got, given.want)
			}
			if got := draft.Header().Key; got != "charge:gross/acct_relief/ch_1" {
				t.Fatalf("its key is %q", got)
			}
		})
	}
}

func TestGiftsThatCannotBeBooked(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*domain.Gift){
		"fund class not said":    func(g *domain.Gift) { g.Attribution.FundClass = 0 },
		"restricted to nothing":  func(g *domain.Gift) { g.Attribution.FundClass = domain.FundRestricted; g.Attribution.FundCode = "" },
		"nothing given":          func(g *domain.Gift) { g.Gift.Minor = 0 },
		"less than nothing":      func(g *domain.Gift) { g.Gift.Minor = -100 },
		"cover taken back":       func(g *domain.Gift) { g.Cover.Minor = -1 },
		"cover in other money":   func(g *domain.Gift) { g.Cover = dollars(330) },
		"no charge":              func(g *domain.Gift) { g.ChargeID = "" },
		"no Stripe account":      func(g *domain.Gift) { g.AccountID = "" },
		"no donation":            func(g *domain.Gift) { g.DonationID = "" },
		"more than can be added": func(g *domain.Gift) { g.Gift.Minor = 1<<63 - 1; g.Cover.Minor = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := appealGift(100_00, 3_30)
			spoil(&g)
			_, err := domain.BookGift(g)
			if err == nil {
				t.Fatal("it was booked")
			}
		})
	}
}

func charge(amount, fee money.Amount, details ...domain.FeeDetail) domain.Transaction {
	net, err := amount.Sub(fee)
	if err != nil {
		panic(err)
	}
	g := appealGift(100_00, 3_30)
	return domain.Transaction{
		ID: "txn_1", AccountID: "acct_relief", Category: "charge", Amount: amount, Fee: fee, FeeDetails: details, Net: net,
		SourceID: "ch_1", Source: amount, PaymentIntentID: "pi_1", OrganizationID: "org-relief",
		DonationID: g.DonationID, Attribution: g.Attribution, CreatedAt: paidAt,
	}
}

func delayed(x domain.Transaction) domain.Transaction {
	x.Delayed, x.ChargeID = true, x.SourceID
	return x
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]struct {
		transaction func() domain.Transaction
		want        []string // "key | lines"
		alerts      int
	}{
		"the fee of a gift": {
			func() domain.Transaction {
				return charge(euros(103_30), euros(3_30), domain.FeeDetail{Type: "stripe_fee", Amount: euros(3_30), Description: "Stripe processing fees"})
			},
			[]string{"txn:fee|6100 3.30 EUR\n1100 -3.30 EUR\n"}, 0,
		},
		"a fee without details": {
			func() domain.Transaction { return charge(euros(103_30), euros(3_30)) },
			[]string{"txn:fee|6100 3.30 EUR\n1100 -3.30 EUR\n"}, 0,
		},
		"a fee with tax, and a part unexplained": {
			func() domain.Transaction {
				return charge(euros(103_30), euros(4_00),
					domain.FeeDetail{Type: "stripe_fee", Amount: euros(3_00)}, domain.FeeDetail{Type: "tax", Amount: euros(63)})
			},
			[]string{"txn:fee|6100 3.00 EUR\n6130 0.63 EUR\n6100 0.37 EUR\n1100 -4.00 EUR\n"}, 1,
		},
		"a gift without a fee": {
			func() domain.Transaction { return charge(euros(103_30), euros(0)) }, nil, 0,
		},
		"100 EUR settled as 108.50 USD": {
			func() domain.Transaction {
				c := charge(dollars(108_50), dollars(5_32),
					domain.FeeDetail{Type: "stripe_fee", Amount: dollars(4_23), Description: "Stripe processing fees"},
					domain.FeeDetail{Type: "stripe_fee", Amount: dollars(1_09), Description: "Stripe currency conversion fee"})
				c.Source = euros(100_00)
				return c
			},
			[]string{
				"txn:convert|3900 100.00 EUR\n1100 -100.00 EUR\n1100 108.50 USD\n3900 -108.50 USD\n",
				"txn:fee|6100 4.23 USD\n6200 1.09 USD\n1100 -5.32 USD\n",
			}, 0,
		},
		"the money of a debit, and its fee": {
			func() domain.Transaction { return delayed(charge(euros(103_30), euros(35))) },
			[]string{"txn|1100 103.30 EUR\n2200 -103.30 EUR\n", "txn:fee|6100 0.35 EUR\n1100 -0.35 EUR\n"}, 0,
		},
		"a debit of 100 EUR settled as 108.50 USD": {
			func() domain.Transaction {
				c := delayed(charge(dollars(108_50), dollars(38)))
				c.Source = euros(100_00)
				return c
			},
			[]string{
				"txn|3900 100.00 EUR\n2200 -100.00 EUR\n1100 108.50 USD\n3900 -108.50 USD\n",
				"txn:fee|6100 0.38 USD\n1100 -0.38 USD\n",
			}, 0,
		},
		"a debit that failed, for which Stripe takes 7.50": {
			func() domain.Transaction {
				c := delayed(charge(euros(-103_30), euros(7_50)))
				c.Category, c.Source = "charge_failure", euros(103_30)
				return c
			},
			[]string{"txn|2200 103.30 EUR\n6100 7.50 EUR\n1100 -110.80 EUR\n"}, 0,
		},
		"a refund of a second debit of a gift": {
			func() domain.Transaction {
				c := delayed(charge(euros(-40_00), euros(0)))
				c.Category, c.SourceID, c.Source, c.Foreign = "refund", "re_1", euros(40_00), true
				return c
			},
			[]string{"txn|2200 40.00 EUR\n1100 -40.00 EUR\n"}, 0,
		},
		"a dispute of a second debit of a gift, and its fee": {
			func() domain.Transaction {
				c := delayed(charge(euros(-103_30), euros(15_00)))
				c.Category, c.SourceID, c.Source, c.Foreign = "dispute", "dp_1", euros(103_30), true
				return c
			},
			[]string{"txn|2200 103.30 EUR\n6110 15.00 EUR\n1100 -118.30 EUR\n"}, 1,
		},
		"a debit of somebody else": {
			func() domain.Transaction {
				c := delayed(charge(euros(15_00), euros(35)))
				c.Foreign, c.DonationID, c.Attribution = true, "", domain.Attribution{}
				return c
			},
			[]string{"txn|1100 15.00 EUR\n2900 -15.00 EUR\n", "txn:fee|2900 0.35 EUR\n1100 -0.35 EUR\n"}, 1,
		},
		"a charge of somebody else": {
			func() domain.Transaction {
				c := charge(euros(15_00), euros(52))
				c.Foreign, c.DonationID, c.Attribution = true, "", domain.Attribution{}
				return c
			},
			[]string{"txn|1100 15.00 EUR\n2900 -15.00 EUR\n", "txn:fee|2900 0.52 EUR\n1100 -0.52 EUR\n"}, 1,
		},
		"a second payment of one gift, converted": {
			func() domain.Transaction {
				c := charge(dollars(108_50), dollars(5_32))
				c.Source, c.Foreign = euros(100_00), true
				return c
			},
			[]string{
				"txn|3900 100.00 EUR\n2900 -100.00 EUR\n1100 108.50 USD\n3900 -108.50 USD\n",
				"txn:fee|2900 5.32 USD\n1100 -5.32 USD\n",
			}, 1,
		},
		"a category from the future": {
			func() domain.Transaction {
				c := charge(euros(-20_00), euros(25))
				c.Category, c.Foreign, c.DonationID = "climate_order_purchase", true, ""
				return c
			},
			[]string{"txn|1100 -20.25 EUR\n2900 20.25 EUR\n"}, 1,
		},
		"an unknown category that moves nothing": {
			func() domain.Transaction {
				c := charge(euros(0), euros(0))
				c.Category = "anticipation_repayment"
				return c
			}, nil, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drafts, err := domain.BookTransaction(given.transaction())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			alerts := 0
			for _, d := range drafts {
				kind, _, _ := strings.Cut(d.Header().Key, "/")
				got = append(got, kind+"|"+lines(d))
				if d.Alert() != "" {
					alerts++
				}
			}
			if strings.Join(got, "\n") != strings.Join(given.want, "\n") {
				t.Fatalf("booked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(given.want, "\n"))
			}
			if alerts != given.alerts {
				t.Fatalf("%d alerts, want %d", alerts, given.alerts)
			}
		})
	}
}

func TestTransactionsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*domain.Transaction){
		"net is not amount less fee":   func(x *domain.Transaction) { x.Net.Minor++ },
		"fee in other money":           func(x *domain.Transaction) { x.Fee.Currency = usd },
		"fee detail in other money":    func(x *domain.Transaction) { x.FeeDetails = []domain.FeeDetail{{Type: "tax", Amount: dollars(1)}} },
		"no id":                        func(x *domain.Transaction) { x.ID = "" },
		"no account":                   func(x *domain.Transaction) { x.AccountID = "" },
		"gift in other books":          func(x *domain.Transaction) { x.OrganizationID = "org-other" },
		"nobody's books":               func(x *domain.Transaction) { x.OrganizationID, x.Attribution.OrganizationID = "", "" },
		"a fee that cannot be negated": func(x *domain.Transaction) { x.Fee.Minor, x.Amount.Minor, x.Net.Minor = -1<<63, -1<<63, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := charge(euros(103_30), euros(3_30))
			spoil(&x)
			_, err := domain.BookTransaction(x)
			if err == nil {
				t.Fatal("it was booked")
			}
		})
	}
}

// balances folds drafts as the books do: one entry per business key.
func balances(facts []func() ([]domain.Draft, error)) (map[string]int64, error) {
	sums := map[string]int64{}
	seen := map[string]bool{}
	for _, fact := range facts {
		drafts, err := fact()
		if err != nil {
			return nil, err
		}
		for _, d := range drafts {
			if seen[d.Header().Key] {
				continue
			}
			seen[d.Header().Key] = true
			for _, p := range d.Postings() {
				sums[d.Header().OrganizationID+" "+string(p.Account)+" "+p.Amount.Currency.Code()+" "+p.Item] += p.Amount.Minor
			}
		}
	}
	return sums, nil
}

// world draws gifts with their transactions, foreign charges and categories
// that no rule knows, and returns how each is booked with what Stripe's balance
// must be in the end.
func world(t *rapid.T) (facts []func() ([]domain.Draft, error), stripe map[money.Currency]int64) {
	stripe = map[money.Currency]int64{}
	currencies := []money.Currency{eur, usd, jpy}
	for i := range rapid.IntRange(1, 8).Draw(t, "payments") {
		given := rapid.SampledFrom(currencies).Draw(t, "given in")
		settled := rapid.SampledFrom(currencies).Draw(t, "settled in")
		g := appealGift(0, 0)
		g.DonationID, g.ChargeID = fmt.Sprintf("donation-%d", i), fmt.Sprintf("ch_%d", i)
		g.Gift = money.Amount{Minor: rapid.Int64Range(1, 1_000_000_00).Draw(t, "gift"), Currency: given}
		g.Cover = money.Amount{Minor: rapid.Int64Range(0, 5_000_00).Draw(t, "cover"), Currency: given}
		g.Attribution.FundClass = rapid.SampledFrom([]domain.FundClass{domain.FundUnrestricted, domain.FundRestricted}).Draw(t, "class")
		g.Attribution.FundraiserID = rapid.SampledFrom([]string{"", "page-amal"}).Draw(t, "page")
		gross := money.Amount{Minor: g.Gift.Minor + g.Cover.Minor, Currency: given}
		amount := gross
		if settled != given {
			amount = money.Amount{Minor: rapid.Int64Range(1, 1_000_000_00).Draw(t, "settled"), Currency: settled}
		}
		fee := money.Amount{Minor: rapid.Int64Range(0, amount.Minor).Draw(t, "fee"), Currency: settled}
		tax := money.Amount{Minor: rapid.Int64Range(0, fee.Minor).Draw(t, "tax"), Currency: settled}
		x := charge(amount, fee, domain.FeeDetail{Type: "tax", Amount: tax})
		x.ID, x.SourceID, x.Source, x.DonationID = fmt.Sprintf("txn_%d", i), g.ChargeID, gross, g.DonationID
		x.Attribution = g.Attribution
		kind := rapid.SampledFrom([]string{"gift", "foreign", "unknown", "debit", "debit that fails", "second debit", "debit taken back"}).Draw(t, "kind")
		switch kind {
		case "second debit":
			// Its gift is another charge's. What arrives goes back in parts, is disputed, or
			// one after the other.
			x = delayed(x)
			for n, part := range rapid.Permutation(parts(t, x)).Draw(t, "goes back") {
				back := x
				back.ID, back.Foreign = fmt.Sprintf("%s_back_%d", x.ID, n), true
				back.Category, back.SourceID = part.category, fmt.Sprintf("re_%d_%d", i, n)
				back.Amount.Minor, back.Source.Minor = part.moved, part.source
				back.Fee, back.FeeDetails = money.Amount{Minor: rapid.Int64Range(0, 15_00).Draw(t, "its fee"), Currency: settled}, nil
				back.Net.Minor = back.Amount.Minor - back.Fee.Minor
				facts = append(facts, func() ([]domain.Draft, error) { return domain.BookTransaction(back) })
				stripe[settled] += back.Net.Minor
			}
		case "debit taken back", "debit that fails":
			// Stripe may keep the fee, give it back, or take more.
			x = delayed(x)
			back := x
			back.ID, back.Category, back.FeeDetails = x.ID+"_back", "charge_failure", nil
			back.Amount.Minor, back.Fee.Minor = -x.Amount.Minor, rapid.SampledFrom([]int64{0, -x.Fee.Minor, 7_50}).Draw(t, "fee of the failure")
			back.Net.Minor = back.Amount.Minor - back.Fee.Minor
			facts = append(facts, func() ([]domain.Draft, error) { return domain.BookTransaction(back) })
			stripe[settled] += back.Net.Minor
			if kind == "debit that fails" {
				break
			}
			// It had succeeded, so it is a gift, and one that was lost.
			lost := domain.LostDispute{
				DonationID: g.DonationID, AccountID: x.AccountID, DisputeID: back.ID, ChargeID: g.ChargeID, Amount: gross,
				Attribution: g.Attribution, ClosedAt: paidAt,
				Returned: domain.Returned{Gift: g.Gift, Cover: g.Cover, Excess: money.Amount{Currency: given}},
			}
			facts = append(facts, func() ([]domain.Draft, error) {
				d, err := domain.BookLostDispute(lost)
				return []domain.Draft{d}, err
			})
			g.Delayed = true
			fallthrough
		case "debit", "gift":
			if kind == "debit" {
				x, g.Delayed = delayed(x), true
			}
			facts = append(facts, func() ([]domain.Draft, error) {
				d, err := domain.BookGift(g)
				return []domain.Draft{d}, err
			})
		case "foreign":
			x.Foreign, x.DonationID, x.Attribution = true, "", domain.Attribution{}
		case "unknown":
			x.Category, x.Foreign = "transfer", true
		}
		facts = append(facts, func() ([]domain.Draft, error) { return domain.BookTransaction(x) })
		stripe[settled] += x.Net.Minor
	}
	return facts, stripe
}

// part is what goes back of a second payment, or comes back of that.
type part struct {
	category      string
	moved, source int64 // in the currency that it is settled in, and in its own
}

// parts add up to all of a payment that went back.
func parts(t *rapid.T, x domain.Transaction) []part {
	piece := rapid.Int64Range(0, x.Source.Minor).Draw(t, "refunded first")
	rest := x.Source.Minor - piece
	all := []part{{"refund", -piece, piece}, {"dispute", -rest, rest}}
	if rapid.Bool().Draw(t, "the refund fails") {
		all = append(all, part{"refund_failure", piece, piece}, part{"refund", -piece, piece})
	}
	if rapid.Bool().Draw(t, "the dispute is won") {
		all = append(all, part{"dispute_reversal", rest, rest}, part{"refund", -rest, rest})
	}
	return slices.DeleteFunc(all, func(p part) bool { return p.source == 0 })
}

func TestAnyOrderAndAnyDuplicationGivesTheSameBooks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts, _ := world(t)
		want, err := balances(facts)
		if err != nil {
			t.Fatal(err)
		}
		again := rapid.SliceOf(rapid.SampledFrom(facts)).Draw(t, "delivered again")
		delivered := rapid.Permutation(append(append([]func() ([]domain.Draft, error){}, facts...), again...)).Draw(t, "order")
		got, err := balances(delivered)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(got, want) {
			t.Fatalf("balances\n%v\nwant\n%v", got, want)
		}
	})
}

func TestTheStripeBalanceMovesByTheNetOfEveryTransaction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts, stripe := world(t)
		books, err := balances(facts)
		if err != nil {
			t.Fatal(err)
		}
		for account, minor := range books {
			if strings.HasPrefix(account, "org-relief 2200 ") && minor != 0 {
				t.Fatalf("of payments that are over, %d is under way on %s", minor, account)
			}
		}
		for _, currency := range []money.Currency{eur, usd, jpy} {
			got := books["org-relief 1100 "+currency.Code()+" "]
			if got != stripe[currency] {
				t.Fatalf("the books say %d %s is at Stripe, Stripe says %d", got, currency, stripe[currency])
			}
		}
	})
}
