package app

import (
	"context"
	"fmt"
)

// Summary is one consistent reading of what has been receipted and what has not.
type Summary struct {
	Sums         []Sum
	Backlog      Backlog
	SeriesFaults []SeriesFault
	Checkpoints  []Checkpoint
}

// SumReceipts adds up the receipts in force and checks the series, on one
// snapshot.
func (a *App) SumReceipts(ctx context.Context) (Summary, error) {
	var summary Summary
	err := a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		summary.Sums, err = r.Sums(ctx)
		if err != nil {
			return fmt.Errorf("add up: %w", err)
		}
		summary.Backlog, err = r.Backlog(ctx)
		if err != nil {
			return fmt.Errorf("count what is due: %w", err)
		}
		summary.SeriesFaults, err = r.SeriesFaults(ctx)
		if err != nil {
			return fmt.Errorf("check series: %w", err)
		}
		summary.Checkpoints, err = r.Checkpoints(ctx)
		if err != nil {
			return fmt.Errorf("read checkpoints: %w", err)
		}
		return nil
	})
	if err != nil {
		return Summary{}, fmt.Errorf("sum receipts: %w", err)
	}
	return summary, nil
}

// String says what is wrong with the series.
func (f SeriesFault) String() string {
	return fmt.Sprintf("series %d of %s: counter at %d, but %d receipts with %d different numbers up to %d",
		f.Series.Year, f.Series.OrganizationID, f.Counter, f.Receipts, f.Distinct, f.Highest)
}
