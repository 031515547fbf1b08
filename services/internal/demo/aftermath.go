package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"

	"github.com/almoner/almoner/services/internal/money"
)

// Stripe's published test numbers for what comes after a payment.
const slowFailure = "4000000000005126" // its refunds succeed, and fail some seconds later

// aftermath is one thing that happens to a gift after it was paid.
type aftermath struct {
	story string
	card  string
	// happen plays it at Stripe and answers what Stripe calls it.
	happen func(ctx context.Context, d *Demo, g paidGift) (stripeID string, err error)
	// rules are those of the entries that it leads to, besides gift and fee, sorted.
	rules []string
	// left is how much of the total stays given, in quarters.
	left int64
}

// paidGift is what an aftermath is about.
type paidGift struct {
	id, payment string
	total       int64
}

func (g paidGift) quarters(n int64) int64 { return g.total / 4 * n }

// Case is where money went after it was given. Its JSON form is an interface that
// scripts rely on.
type Case struct {
	Story string `json:"story"`
	// Donations that it is about, for a payout the last one that was given before.
	Donations []string `json:"donations,omitempty"`
	// StripeID is the refund, dispute, subscription or payout.
	StripeID string `json:"stripe_id"`
	// Receipt is in_force or void.
	Receipt string  `json:"receipt,omitempty"`
	Entries []Entry `json:"entries"`
	// Fault says what is wrong; empty when nothing is.
	Fault string `json:"fault,omitempty"`
}

// Entry is a journal entry.
type Entry struct {
	Number   int64     `json:"number"`
	Rule     string    `json:"rule"`
	Postings []Posting `json:"postings"`
}

// Posting is one line of it: debit positive, credit negative, in major units.
type Posting struct {
	Account  string `json:"account"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

func aftermaths() []aftermath {
	refund := func(quarters ...int64) func(context.Context, *Demo, paidGift) (string, error) {
		return func(ctx context.Context, d *Demo, g paidGift) (id string, err error) {
			for _, n := range quarters {
				asked := map[string]any{"payment_intent": g.payment, "reason": "requested_by_customer"}
				if n < 4 {
					asked["amount"] = g.quarters(n)
				}
				id, err = d.control(ctx, "/_sim/refund", asked)
				if err != nil {
					return "", err
				}
			}
			return id, nil
		}
	}
	dispute := func(inquiry bool, outcome string) func(context.Context, *Demo, paidGift) (string, error) {
		return func(ctx context.Context, d *Demo, g paidGift) (string, error) {
			id, err := d.control(ctx, "/_sim/dispute", map[string]any{"payment_intent": g.payment, "inquiry": inquiry})
			if err != nil {
				return "", err
			}
			return d.control(ctx, "/_sim/dispute/"+id, map[string]any{"outcome": outcome})
		}
	}
	return []aftermath{
		{story: "given back in full, in the Dashboard", card: visa, happen: refund(4), rules: []string{"refund", "refund_paid"}},
		{story: "given back in two parts", card: mastercard, happen: refund(1, 1), rules: []string{"refund", "refund", "refund_paid", "refund_paid"}, left: 2},
		{
			story: "given back, and the refund fails", card: slowFailure, happen: refund(4), left: 4,
			rules: []string{"refund", "refund_failed", "refund_paid", "refund_returned"},
		},
		{story: "disputed and won", card: visa, happen: dispute(false, "won"), rules: []string{"dispute", "dispute_reversal"}, left: 4},
		{story: "disputed and lost", card: visa, happen: dispute(false, "lost"), rules: []string{"dispute", "dispute_lost"}},
		{story: "the bank asks, and no more", card: mastercard, happen: dispute(true, "closed"), left: 4},
	}
}

// afterwards gives more, and has happen to it what happens to gifts.
func (d *Demo) afterwards(ctx context.Context) ([]Case, error) {
	base, err := d.ordinary(ctx)
	if err != nil {
		return nil, err
	}
	list := aftermaths()
	cases := make([]Case, len(list)+1)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for n, a := range list {
		group.Go(func() error {
			var err error
			cases[n], err = d.play(groupCtx, base, a)
			if err != nil {
				return fmt.Errorf("%s: %w", a.story, err)
			}
			return nil
		})
	}
	group.Go(func() error {
		var err error
		cases[len(list)], err = d.months(groupCtx, base)
		if err != nil {
			return fmt.Errorf("every month: %w", err)
		}
		return nil
	})
	var debited []Case
	group.Go(func() error {
		var err error
		debited, err = d.debits(groupCtx, base)
		return err
	})
	err = group.Wait()
	if err != nil {
		return nil, err
	}
	cases = append(cases, debited...)
	paid, err := d.payouts(ctx, base)
	if err != nil {
		return nil, fmt.Errorf("payouts: %w", err)
	}
	return append(cases, paid...), nil
}

// ordinary is a gift to the first live appeal, with the fee.
func (d *Demo) ordinary(ctx context.Context) (gift, error) {
	list, err := d.fundraiser.ListAppeals(ctx, &fundraiserv1.ListAppealsRequest{})
	if err != nil {
		return gift{}, fmt.Errorf("list appeals: %w", err)
	}
	at := slices.IndexFunc(list.GetAppeals(), func(a *fundraiserv1.Appeal) bool { return !a.GetClosed() })
	if at < 0 {
		return gift{}, errors.New("nothing to give to: no live appeal")
	}
	appeal := list.GetAppeals()[at]
	currency, err := money.ParseCurrency(appeal.GetCurrency())
	if err != nil {
		return gift{}, fmt.Errorf("appeal %s: %w", appeal.GetSlug(), err)
	}
	minor := appeal.GetMinimumMinor() * 8
	if suggested := appeal.GetSuggestedMinor(); len(suggested) > 0 {
		minor = suggested[0]
	}
	return gift{
		path: "/appeals/" + appeal.GetSlug(), amount: money.Amount{Minor: minor, Currency: currency}, cover: true,
		visibility: "anonymous", cards: []string{visa}, paid: true,
	}, nil
}

// paid gives, and waits until the payment has come.
func (d *Demo) paid(ctx context.Context, n int, g gift) (paidGift, error) {
	id, err := d.give(ctx, n, g)
	if err != nil {
		return paidGift{}, err
	}
	given := paidGift{id: id}
	err = d.until(ctx, func() error {
		found, err := d.donation.GetDonation(ctx, &donationv1.GetDonationRequest{DonationId: id})
		if err != nil {
			return err
		}
		gift := found.GetDonation()
		if gift.GetState() != donationv1.State_STATE_SUCCEEDED {
			return fmt.Errorf("the gift is %s: %w", gift.GetState(), errNotThere)
		}
		given.payment, given.total = gift.GetPaymentIntentId(), gift.GetGift().GetMinor()+gift.GetCover().GetMinor()
		return nil
	})
	return given, err
}

// until asks again until there is nothing to complain about, or patience is over.
func (d *Demo) until(ctx context.Context, look func() error) error {
	deadline := time.NewTimer(d.patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := look()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return err
		case <-tick.C:
		}
	}
}

func (d *Demo) play(ctx context.Context, base gift, a aftermath) (Case, error) {
	base.cards = []string{a.card}
	given, err := d.paid(ctx, firstAfter, base)
	if err != nil {
		return Case{}, err
	}
	told := Case{Story: a.story, Donations: []string{given.id}}
	told.StripeID, err = a.happen(ctx, d, given)
	if err != nil {
		return Case{}, err
	}
	want := append([]string{"fee", "gift"}, a.rules...)
	err = d.until(ctx, func() error {
		err := d.booked(ctx, &told, want, &ledgerv1.ListEntriesRequest{DonationId: given.id})
		if err != nil {
			return err
		}
		return d.agreed(ctx, &told, given, given.total-leftOf(given, a.left))
	})
	if err != nil {
		told.Fault = err.Error()
	}
	return told, nil
}

// leftOf is what remains after quarters of it went back; what does not divide stays.
func leftOf(g paidGift, quarters int64) int64 {
	if quarters == 0 {
		return 0
	}
	return g.total - g.quarters(4-quarters)
}

// firstAfter numbers the donors of what follows the gifts.
const firstAfter = 1000

// agreed compares what donation and receipt say of a gift with what is left of it.
func (d *Demo) agreed(ctx context.Context, told *Case, g paidGift, back int64) error {
	found, err := d.donation.GetDonation(ctx, &donationv1.GetDonationRequest{DonationId: g.id})
	if err != nil {
		return fmt.Errorf("donation: %w", err)
	}
	if got := found.GetDonation().GetReturned().GetMinor(); got != back {
		return fmt.Errorf("donation says that %d went back, not %d: %w", got, back, errNotThere)
	}
	paper, err := d.receipt.GetReceiptLink(ctx, &receiptv1.GetReceiptLinkRequest{DonationId: g.id})
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	told.Receipt = strings.ToLower(strings.TrimPrefix(paper.GetState().String(), "RECEIPT_STATE_"))
	want := "in_force"
	if back == g.total {
		want = "void"
	}
	if told.Receipt != want || paper.GetHeld() {
		return fmt.Errorf("the receipt is %s (held: %t), not %s: %w", told.Receipt, paper.GetHeld(), want, errNotThere)
	}
	return nil
}

// booked reads entries into a case, and complains until they are those of the rules.
func (d *Demo) booked(ctx context.Context, told *Case, rules []string, asked *ledgerv1.ListEntriesRequest) error {
	list, err := d.ledger.ListEntries(ctx, asked)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	told.Entries = []Entry{}
	var found []string
	for _, e := range list.GetEntries() {
		found = append(found, e.GetRule())
		if id := e.GetDonationId(); id != "" && !slices.Contains(told.Donations, id) {
			told.Donations = append(told.Donations, id)
		}
		entry := Entry{Number: e.GetNumber(), Rule: e.GetRule()}
		sums := map[string]int64{}
		for _, p := range e.GetPostings() {
			currency, err := money.ParseCurrency(p.GetAmount().GetCurrency())
			if err != nil {
				return fmt.Errorf("entry %d: %w", e.GetNumber(), err)
			}
			sums[currency.Code()] += p.GetAmount().GetMinor()
			entry.Postings = append(entry.Postings, Posting{
				Account: p.GetAccountName(), Currency: currency.Code(),
				Amount: money.Decimal(money.Amount{Minor: p.GetAmount().GetMinor(), Currency: currency}),
			})
		}
		for _, currency := range slices.Sorted(maps.Keys(sums)) {
			if sums[currency] != 0 {
				return fmt.Errorf("entry %d sums to %d %s", e.GetNumber(), sums[currency], currency)
			}
		}
		told.Entries = append(told.Entries, entry)
	}
	slices.Sort(found)
	want := slices.Sorted(slices.Values(rules))
	if !slices.Equal(found, want) {
		return fmt.Errorf("the ledger has the entries %s, not %s: %w", strings.Join(found, ", "), strings.Join(want, ", "), errNotThere)
	}
	return nil
}
