package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// SaveOrganizations keeps copies of organizations. A copy of a lower version
// than the one kept changes nothing, so the order of arrival does not matter.
// An organization that could never be booked to is a permanent error.
func SaveOrganizations(ctx context.Context, tx Tx, organizations []domain.Organization) error {
	newest := map[string]domain.Organization{}
	for _, o := range organizations {
		err := o.Check()
		if err != nil {
			return unbookable(err)
		}
		if o.Version > newest[o.ID].Version {
			newest[o.ID] = o
		}
	}
	err := tx.SaveOrganizations(ctx, inOrder(newest))
	if err != nil {
		return fmt.Errorf("save organizations: %w", err)
	}
	return nil
}

// SaveFunds keeps copies of funds in the same way.
func SaveFunds(ctx context.Context, tx Tx, funds []domain.Fund) error {
	newest := map[string]domain.Fund{}
	for _, f := range funds {
		err := f.Check()
		if err != nil {
			return unbookable(err)
		}
		if f.Version > newest[f.ID].Version {
			newest[f.ID] = f
		}
	}
	err := tx.SaveFunds(ctx, inOrder(newest))
	if err != nil {
		return fmt.Errorf("save funds: %w", err)
	}
	return nil
}
