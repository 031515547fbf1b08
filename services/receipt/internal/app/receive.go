package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// ReceiveOrganizations keeps copies of organizations as they are now. The
// highest version wins, in whatever order they come.
func (a *App) ReceiveOrganizations(ctx context.Context, tx Tx, organizations []domain.Organization) error {
	newest := latest(organizations,
		func(o domain.Organization) string { return o.ID },
		func(o domain.Organization) int64 { return o.Version })
	err := tx.SaveOrganizations(ctx, newest)
	if err != nil {
		return fmt.Errorf("save organizations: %w", err)
	}
	return nil
}

// ReceiveFunds keeps copies of funds as they are now, likewise.
func (a *App) ReceiveFunds(ctx context.Context, tx Tx, funds []domain.Fund) error {
	newest := latest(funds,
		func(f domain.Fund) domain.FundKey { return f.FundKey },
		func(f domain.Fund) int64 { return f.Version })
	err := tx.SaveFunds(ctx, newest)
	if err != nil {
		return fmt.Errorf("save funds: %w", err)
	}
	return nil
}

// ReceiveGifts makes a receipt due for each gift. It fails with
// envelope.ErrNotYet when a gift's organization or fund has not been seen: the
// two feeds know no common order, and the receipt needs both.
func (a *App) ReceiveGifts(ctx context.Context, tx Tx, gifts []domain.Gift) error {
	var keys []domain.FundKey
	for _, g := range gifts {
		keys = append(keys, g.Fund)
	}
	organizations, funds, err := letterheads(ctx, tx, keys)
	if err != nil {
		return err
	}
	for _, g := range gifts {
		_, seen := organizations[g.Fund.OrganizationID]
		if !seen {
			return fmt.Errorf("organization %s of donation %s: %w", g.Fund.OrganizationID, g.DonationID, envelope.ErrNotYet)
		}
		_, seen = funds[g.Fund]
		if !seen {
			return fmt.Errorf("fund %s of donation %s: %w", g.Fund.Code, g.DonationID, envelope.ErrNotYet)
		}
	}
	err = tx.AddGifts(ctx, gifts)
	if err != nil {
		return fmt.Errorf("make receipts due: %w", err)
	}
	tx.AfterCommit(func() { signal(a.giftsDue) })
	return nil
}

// letterheads looks up the organizations and funds that gifts name.
func letterheads(ctx context.Context, r Reader, keys []domain.FundKey) (map[string]domain.Organization, map[domain.FundKey]domain.Fund, error) {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(x, y domain.FundKey) int {
		return cmp.Or(cmp.Compare(x.OrganizationID, y.OrganizationID), cmp.Compare(x.Code, y.Code))
	})
	keys = slices.Compact(keys)
	var ids []string
	for _, key := range keys {
		ids = append(ids, key.OrganizationID)
	}
	ids = slices.Compact(ids)

	organizations, err := r.Organizations(ctx, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("look up organizations: %w", err)
	}
	funds, err := r.Funds(ctx, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("look up funds: %w", err)
	}
	return organizations, funds, nil
}

// latest keeps the highest version of each key, since one statement may write a
// row only once.
func latest[T any, K comparable](items []T, key func(T) K, version func(T) int64) []T {
	place := map[K]int{}
	var kept []T
	for _, item := range items {
		at, seen := place[key(item)]
		switch {
		case !seen:
			place[key(item)] = len(kept)
			kept = append(kept, item)
		case version(item) > version(kept[at]):
			kept[at] = item
		}
	}
	return kept
}
