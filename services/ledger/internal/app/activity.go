package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Activity is what a day, an appeal or a fund brought in one currency, in minor
// units. Income and Cover are the credits of their accounts. Reductions are the
// debits of the same accounts and what is left on refunds and disputes lost:
// so each figure is found again in the trial balance.
type Activity struct {
	Key        string // day, appeal's id or fund's code; empty in totals
	Currency   money.Currency
	Income     int64 // contributions without the cover, credit positive
	Cover      int64 // credit positive
	Reductions int64 // debit positive
	Fees       int64 // debit positive
	Gifts      int64 // number of gifts
}

// Overview is one consistent reading of a period. All four lists add up to the
// same, for they are added up from the same lines.
type Overview struct {
	From, To    string     // the period as it was understood
	Totals      []Activity // by currency
	ByDay       []Activity // by day and currency; days without any are left out
	ByAppeal    []Activity // by appeal and currency; "" is what belongs to none
	ByFund      []Activity // by fund and currency; "" is what belongs to none
	Checkpoints []Checkpoint
}

// Movement is what the lines of one day, appeal, fund, account and currency add
// up to, Debits and Credits both positive.
type Movement struct {
	Day, Appeal, Fund string
	AccountCurrency
	Debits, Credits int64
	Credited        int64 // how many lines of gift rules credit the account
}

// SumActivity adds up income and fees of a period. A period without a first day
// begins with the first entry.
func (b *Books) SumActivity(ctx context.Context, period Period) (Overview, error) {
	var overview Overview
	err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		_, span, err := b.open(ctx, r, period)
		if err != nil {
			return err
		}
		movements, err := r.Movements(ctx, span, domain.GiftRules())
		if err != nil {
			return fmt.Errorf("movements: %w", err)
		}
		overview = addUp(movements)
		overview.From, overview.To = span.From, span.To
		if period.From == "" {
			overview.From, err = r.FirstDay(ctx, span.OrganizationID)
			if err != nil {
				return fmt.Errorf("first day: %w", err)
			}
			// The first entry may be later than the last day asked for, or not be there.
			if overview.From == "" || overview.From > span.To {
				overview.From = span.To
			}
		}
		overview.Checkpoints, err = r.Checkpoints(ctx)
		if err != nil {
			return fmt.Errorf("checkpoints: %w", err)
		}
		return nil
	})
	if err != nil {
		return Overview{}, fmt.Errorf("sum activity: %w", err)
	}
	return overview, nil
}

// tally adds up activities by key and currency.
type tally map[tallyKey]*Activity

type tallyKey struct {
	key      string
	currency money.Currency
}

func (t tally) add(key string, m Movement) {
	sum := t[tallyKey{key, m.Currency}]
	if sum == nil {
		sum = &Activity{Key: key, Currency: m.Currency}
		t[tallyKey{key, m.Currency}] = sum
	}
	switch m.Account.Kind() {
	case domain.Contribution:
		sum.Income += m.Credits
		sum.Reductions += m.Debits
		sum.Gifts += m.Credited
	case domain.Cover:
		sum.Cover += m.Credits
		sum.Reductions += m.Debits
	case domain.Reduction:
		sum.Reductions += m.Debits - m.Credits
	case domain.Fee:
		sum.Fees += m.Debits - m.Credits
	}
}

func (t tally) list() []Activity {
	list := make([]Activity, 0, len(t))
	for _, sum := range t {
		list = append(list, *sum)
	}
	slices.SortFunc(list, func(a, b Activity) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Currency.Code(), b.Currency.Code()))
	})
	return list
}

func addUp(movements []Movement) Overview {
	totals, days, appeals, funds := tally{}, tally{}, tally{}, tally{}
	for _, m := range movements {
		if m.Account.Kind() == 0 {
			continue
		}
		totals.add("", m)
		days.add(m.Day, m)
		appeals.add(m.Appeal, m)
		funds.add(m.Fund, m)
	}
	return Overview{Totals: totals.list(), ByDay: days.list(), ByAppeal: appeals.list(), ByFund: funds.list()}
}
