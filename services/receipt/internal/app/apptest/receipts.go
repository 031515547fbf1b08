package apptest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

func numbersFollowEachOther(t *testing.T, store app.Store) {
	take := func(organization string, year, count int) int64 {
		var first int64
		write(t, store, func(ctx context.Context, tx app.Tx) error {
			var err error
			first, err = tx.TakeNumbers(ctx, domain.Series{OrganizationID: organization, Year: year}, count)
			return err
		})
		return first
	}
	equal(t, "first of a series", take(refuge, 2026, 1), int64(1))
	equal(t, "first of a block", take(refuge, 2026, 3), int64(2))
	equal(t, "after the block", take(refuge, 2026, 1), int64(5))
	equal(t, "another year", take(refuge, 2027, 1), int64(1))
	equal(t, "another organization", take(harbour, 2026, 2), int64(1))
}

func rollbackGivesNumbersBack(t *testing.T, store app.Store) {
	series := domain.Series{OrganizationID: refuge, Year: 2026}
	write(t, store, func(ctx context.Context, tx app.Tx) error { return issue(ctx, tx, series, 1, 1, euros(500)) })
	err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		err := issue(ctx, tx, series, 2, 5, euros(500))
		if err != nil {
			return err
		}
		return errGivenUp
	})
	if !errors.Is(err, errGivenUp) {
		t.Fatalf("write = %v, want the closure's error", err)
	}
	write(t, store, func(ctx context.Context, tx app.Tx) error { return issue(ctx, tx, series, 2, 1, euros(500)) })
	next := read(t, store, func(ctx context.Context, r app.Reader) (domain.Receipt, error) {
		return r.Receipt(ctx, domain.Number{Code: "REFUGE", Year: 2026, Sequence: 2})
	})
	equal(t, "donation of number 2", next.DonationID, donation(2))
	equal(t, "faults", len(readAll(t, store, app.Reader.SeriesFaults)), 0)
}

func issuersAtTheSameTime(t *testing.T, store app.Store) {
	const issuers, each = 4, 5
	var all sync.WaitGroup
	failures := make([]error, issuers)
	for i := range issuers {
		all.Go(func() {
			for n := range each {
				at := 1 + (i*each+n)*2
				failures[i] = errors.Join(failures[i], store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
					err := issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, at, 1, euros(500))
					if err != nil {
						return err
					}
					return issue(ctx, tx, domain.Series{OrganizationID: harbour, Year: 2026}, at+1, 1, euros(500))
				}))
			}
		})
	}
	all.Wait()
	err := errors.Join(failures...)
	if err != nil {
		t.Fatalf("issue: %v", err)
	}
	equal(t, "faults", len(readAll(t, store, app.Reader.SeriesFaults)), 0)
	for _, sum := range readAll(t, store, app.Reader.Sums) {
		equal(t, "receipts of "+sum.OrganizationID, sum.Receipts, int64(issuers*each))
	}
}

func receiptIsReadAsWritten(t *testing.T, store app.Store) {
	written := receipt(refuge, 2026, 1, 1, euros(10330))
	bare := receipt(refuge, 2026, 2, 2, euros(500))
	bare.Document.OrganizationAddress, bare.TraceID = nil, ""
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return tx.AddReceipts(ctx, []domain.Receipt{written, bare})
	})
	for _, want := range []domain.Receipt{written, bare} {
		equal(t, "by number", read(t, store, func(ctx context.Context, r app.Reader) (domain.Receipt, error) {
			return r.Receipt(ctx, want.Number)
		}), want)
		equal(t, "by donation", read(t, store, func(ctx context.Context, r app.Reader) (domain.Receipt, error) {
			found, mailedAt, err := r.ReceiptOfDonation(ctx, want.DonationID)
			equal(t, "mailed at", mailedAt, time.Time{})
			return found, err
		}), want)
	}

	// A number, a place in the series and a donation can each be used once.
	sameNumber, samePlace, sameGift := receipt(refuge, 2026, 1, 3, euros(500)), receipt(refuge, 2026, 1, 4, euros(500)), receipt(refuge, 2026, 5, 1, euros(500))
	samePlace.Number.Code = "OTHER"
	for name, again := range map[string]domain.Receipt{"number": sameNumber, "place": samePlace, "donation": sameGift} {
		err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
			return tx.AddReceipts(ctx, []domain.Receipt{again})
		})
		if err == nil {
			t.Errorf("a second receipt with the same %s is accepted", name)
		}
	}
}

func noReceipt(t *testing.T, store app.Store) {
	err := store.InReadTx(t.Context(), func(ctx context.Context, r app.Reader) error {
		_, err := r.Receipt(ctx, domain.Number{Code: "REFUGE", Year: 2026, Sequence: 1})
		if !errors.Is(err, app.ErrNoReceipt) {
			t.Errorf("receipt = %v, want none", err)
		}
		_, _, err = r.ReceiptOfDonation(ctx, donation(1))
		if !errors.Is(err, app.ErrNoReceipt) {
			t.Errorf("receipt of donation = %v, want none", err)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
}

func sumsKeepApart(t *testing.T, store app.Store) {
	yen := money.Amount{Minor: 5000, Currency: money.MustCurrency("JPY")}
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(
			issue(ctx, tx, domain.Series{OrganizationID: harbour, Year: 2026}, 1, 1, euros(999)),
			issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, 2, 2, euros(10330)),
			issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2027}, 4, 1, yen),
			issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2027}, 5, 1, euros(500)),
		)
	})
	sums := readAll(t, store, app.Reader.Sums)
	equal(t, "sums", sums, []app.Sum{
		{OrganizationID: refuge, Total: euros(2*10330 + 500), Receipts: 3},
		{OrganizationID: refuge, Total: yen, Receipts: 1},
		{OrganizationID: harbour, Total: euros(999), Receipts: 1},
	})
	equal(t, "checkpoints of a store that consumed nothing", len(readAll(t, store, app.Reader.Checkpoints)), 0)
}

func holeIsFound(t *testing.T, store app.Store) {
	lost := domain.Series{OrganizationID: refuge, Year: 2025}       // a number was taken, its receipt never written
	skipped := domain.Series{OrganizationID: refuge, Year: 2026}    // 1, 3
	uncounted := domain.Series{OrganizationID: harbour, Year: 2026} // a receipt that no counter knows
	dense := domain.Series{OrganizationID: harbour, Year: 2027}
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		_, lostErr := tx.TakeNumbers(ctx, lost, 1)
		_, skippedErr := tx.TakeNumbers(ctx, skipped, 2)
		return errors.Join(lostErr, skippedErr,
			tx.AddReceipts(ctx, []domain.Receipt{
				receipt(refuge, 2026, 1, 1, euros(500)), receipt(refuge, 2026, 3, 2, euros(500)),
				receipt(harbour, 2026, 1, 3, euros(500)),
			}),
			issue(ctx, tx, dense, 4, 3, euros(500)))
	})
	faults := readAll(t, store, app.Reader.SeriesFaults)
	equal(t, "faults", faults, []app.SeriesFault{
		{Series: lost, Counter: 1},
		{Series: skipped, Counter: 2, Receipts: 2, Distinct: 2, Highest: 3},
		{Series: uncounted, Receipts: 1, Distinct: 1, Highest: 1},
	})
	if slices.ContainsFunc(faults, func(f app.SeriesFault) bool { return f.String() == "" }) {
		t.Error("a fault has no words")
	}
}
