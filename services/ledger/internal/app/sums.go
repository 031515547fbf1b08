package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Sums is one consistent reading of what the books say about gifts and about
// money at Stripe, with the feed positions it was taken at.
type Sums struct {
	Gifts       []GiftSum   // ordered by organization and currency
	AtStripe    []StripeSum // ordered by Stripe account and currency
	Imbalance   []money.Amount
	OpenItems   []OpenItem
	Checkpoints []Checkpoint
}

// GiftSum adds up the gifts of one organization in one currency, in minor
// units, as income: credits positive.
type GiftSum struct {
	OrganizationID string
	Currency       money.Currency
	Gift           int64
	Cover          int64
}

// StripeSum adds up, over all organizations, what Stripe should hold.
type StripeSum struct {
	AccountID string
	Currency  money.Currency
	Balance   int64
	Reserved  int64
}

// SumBooks adds up what is compared with the donations, the receipts and
// Stripe.
func (b *Books) SumBooks(ctx context.Context) (Sums, error) {
	var sums Sums
	err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		sums = Sums{}
		income, err := r.Income(ctx, domain.GiftRules())
		if err != nil {
			return fmt.Errorf("income: %w", err)
		}
		sums.Gifts = giftSums(income)
		clearing, err := r.Clearing(ctx, []domain.Account{domain.StripeBalance, domain.StripeReserve})
		if err != nil {
			return fmt.Errorf("clearing: %w", err)
		}
		sums.AtStripe = stripeSums(clearing)
		sums.Imbalance, err = r.Imbalance(ctx)
		if err != nil {
			return fmt.Errorf("imbalance: %w", err)
		}
		sums.OpenItems, err = r.OpenItems(ctx, domain.PassedThrough())
		if err != nil {
			return fmt.Errorf("open items: %w", err)
		}
		sums.Checkpoints, err = r.Checkpoints(ctx)
		if err != nil {
			return fmt.Errorf("checkpoints: %w", err)
		}
		return nil
	})
	if err != nil {
		return Sums{}, fmt.Errorf("sum books: %w", err)
	}
	return sums, nil
}

func giftSums(income []AccountSum) []GiftSum {
	type book struct {
		organization string
		currency     money.Currency
	}
	byBook := map[book]*GiftSum{}
	var sums []*GiftSum
	for _, account := range income {
		key := book{account.OrganizationID, account.Currency}
		sum := byBook[key]
		if sum == nil {
			sum = &GiftSum{OrganizationID: account.OrganizationID, Currency: account.Currency}
			byBook[key] = sum
			sums = append(sums, sum)
		}
		switch {
		case account.Account.IsGiftIncome():
			sum.Gift -= account.Minor
		case account.Account == domain.FeeCover:
			sum.Cover -= account.Minor
		}
	}
	slices.SortFunc(sums, func(a, b *GiftSum) int {
		return cmp.Or(cmp.Compare(a.OrganizationID, b.OrganizationID), cmp.Compare(a.Currency.Code(), b.Currency.Code()))
	})
	return values(sums)
}

func stripeSums(clearing []ClearingSum) []StripeSum {
	type purse struct {
		account  string
		currency money.Currency
	}
	byPurse := map[purse]*StripeSum{}
	var sums []*StripeSum
	for _, account := range clearing {
		key := purse{account.AccountID, account.Currency}
		sum := byPurse[key]
		if sum == nil {
			sum = &StripeSum{AccountID: account.AccountID, Currency: account.Currency}
			byPurse[key] = sum
			sums = append(sums, sum)
		}
		if account.Account == domain.StripeReserve {
			sum.Reserved += account.Minor
		} else {
			sum.Balance += account.Minor
		}
	}
	slices.SortFunc(sums, func(a, b *StripeSum) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Currency.Code(), b.Currency.Code()))
	})
	return values(sums)
}

func values[V any](pointers []*V) []V {
	list := make([]V, len(pointers))
	for i, p := range pointers {
		list[i] = *p
	}
	return list
}
