package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

const (
	// summedAtOnce is how many entries of an organization one look adds up: a
	// fraction of a second. What stands further back follows at the next.
	summedAtOnce = 20_000
	// ageEvery is how often the open items are looked through. They age in days.
	ageEvery = 5 * time.Minute
)

// OpenAge is what is open on an account that should come back to zero.
type OpenAge struct {
	Account domain.Account
	Items   int64
	Oldest  time.Time // when the oldest of them was first posted
}

// Watch tells operators whether the books balance, and what stays open too long.
// Entries are added up once since the start and never again: the journal is only
// added to. (Whether somebody changed it is what walking the chain is for.)
func (b *Books) Watch() []prometheus.Collector {
	sum := prometheus.NewDesc("almoner_ledger_sum", "All postings of a currency in minor units, as far as they were added up; anything but 0 is a fault.", []string{"currency"}, nil)
	entries := prometheus.NewDesc("almoner_ledger_entries", "Entries that were added up since the start.", nil, nil)
	running := &runningSum{upTo: map[string]int64{}, minor: map[string]int64{}}
	age := prometheus.NewDesc("almoner_clearing_account_age_seconds", "How long the oldest open item has been on an account that should come back to zero.", []string{"account"}, nil)
	// The service that imports tells of the other kinds by the same names.
	suspense := prometheus.Labels{"kind": "suspense"}
	unmatched := prometheus.NewDesc("almoner_recon_unmatched", "Movements that lack their other half.", nil, suspense)
	oldest := prometheus.NewDesc("almoner_recon_oldest_unmatched_age_seconds", "How long the oldest of them has lacked it; 0 without one.", nil, suspense)
	return []prometheus.Collector{
		telemetry.NewLook("ledger's sums", telemetry.LookEvery, b.Now, func(ctx context.Context, tell telemetry.Tell) error {
			err := b.Store.InReadTx(ctx, running.advance)
			if err != nil {
				return fmt.Errorf("add up new entries: %w", err)
			}
			for currency, minor := range running.minor {
				tell(sum, float64(minor), currency)
			}
			tell(entries, float64(running.entries()))
			return nil
		}, sum, entries),
		telemetry.NewLook("ledger's open items", ageEvery, b.Now, func(ctx context.Context, tell telemetry.Tell) error {
			var open []OpenAge
			err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
				var err error
				open, err = r.OpenAges(ctx, domain.PassedThrough())
				return err
			})
			if err != nil {
				return fmt.Errorf("look for open items: %w", err)
			}
			for _, account := range domain.PassedThrough() {
				found := OpenAge{Account: account}
				for _, one := range open {
					if one.Account == account {
						found = one
					}
				}
				seconds := 0.0
				if found.Items > 0 {
					seconds = max(0, b.Now().Sub(found.Oldest).Seconds())
				}
				tell(age, seconds, string(account))
				if account == domain.Suspense {
					// Money that nobody has explained: the movement's other half is staff's word.
					tell(unmatched, float64(found.Items))
					tell(oldest, seconds)
				}
			}
			return nil
		}, age, unmatched, oldest),
	}
}

// runningSum is what all entries up to some number add up to.
type runningSum struct {
	upTo  map[string]int64 // by organization
	minor map[string]int64 // by currency
}

func (s *runningSum) entries() (count int64) {
	for _, number := range s.upTo {
		count += number
	}
	return count
}

// advance adds the entries that are new. It changes nothing when it fails.
func (s *runningSum) advance(ctx context.Context, r Reader) error {
	organizations, err := r.Organizations(ctx)
	if err != nil {
		return err
	}
	next, minor := map[string]int64{}, map[string]int64{}
	for _, organization := range organizations {
		head, err := r.Head(ctx, organization.ID)
		if err != nil {
			return err
		}
		from := s.upTo[organization.ID]
		next[organization.ID] = min(head.Number, from+summedAtOnce)
		sums, err := r.SumPostings(ctx, organization.ID, from, next[organization.ID])
		if err != nil {
			return err
		}
		for _, sum := range sums {
			minor[sum.Currency.Code()] += sum.Minor
		}
	}
	for id, number := range next {
		s.upTo[id] = number
	}
	for currency, sum := range minor {
		s.minor[currency] += sum
	}
	return nil
}
