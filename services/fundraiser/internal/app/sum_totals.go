package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// TotalSum is one line of the conservation table, as far as it is known here.
type TotalSum struct {
	OrganizationID   string
	OrganizationSlug string
	Currency         string
	Appeals          int64 // Σ totals of appeals
	Pages            int64 // Σ totals of pages
	Direct           int64 // Σ gifts through no page
}

// Totals is one consistent reading of all sums.
type Totals struct {
	Sums      []TotalSum // by organization and currency
	Positions Positions
}

// SumTotals adds up what the pages show, and beside it the same from the other
// side, in one snapshot. It compares nothing: that is the audit's work.
func (a *App) SumTotals(ctx context.Context) (Totals, error) {
	var totals Totals
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		sums := map[[2]string]*TotalSum{}
		for _, side := range []struct {
			read func(context.Context) ([]Sum, error)
			into func(*TotalSum) *int64
		}{
			{tx.AppealSums, func(s *TotalSum) *int64 { return &s.Appeals }},
			{tx.PageSums, func(s *TotalSum) *int64 { return &s.Pages }},
			{tx.DirectSums, func(s *TotalSum) *int64 { return &s.Direct }},
		} {
			read, err := side.read(ctx)
			if err != nil {
				return err
			}
			for _, sum := range read {
				key := [2]string{sum.OrganizationID, sum.Currency}
				if sums[key] == nil {
					sums[key] = &TotalSum{OrganizationID: sum.OrganizationID, Currency: sum.Currency}
				}
				*side.into(sums[key]) += sum.Minor
			}
		}
		organizations, err := tx.Organizations(ctx)
		if err != nil {
			return err
		}
		totals = Totals{}
		for _, sum := range sums {
			for _, o := range organizations {
				if o.ID == sum.OrganizationID {
					sum.OrganizationSlug = o.Slug
				}
			}
			totals.Sums = append(totals.Sums, *sum)
		}
		totals.Positions, err = tx.Positions(ctx)
		return err
	})
	if err != nil {
		return Totals{}, fmt.Errorf("sum totals: %w", err)
	}
	slices.SortFunc(totals.Sums, func(x, y TotalSum) int {
		return cmp.Or(cmp.Compare(x.OrganizationID, y.OrganizationID), cmp.Compare(x.Currency, y.Currency))
	})
	return totals, nil
}
