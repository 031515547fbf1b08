package apptest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
)

func madePayout(id string, at int64) domain.Payout {
	return domain.Payout{
		ID: id, AccountID: "acct_1", Minor: 199_90, Currency: "EUR", Status: domain.PayoutPending, ArrivalAt: at + 2*day, CreatedAt: at,
		Automatic: true, HeardAt: at, CheckAt: at + 5,
	}
}

func savePayouts(t *testing.T, s app.Store, list ...domain.Payout) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx app.Tx) error { return tx.SavePayouts(ctx, list) })
}

func payouts(t *testing.T, s app.Store) {
	first, debt := madePayout("po_1", start), madePayout("po_2", start+1)
	debt.Minor, debt.Automatic, debt.CheckAt = -12_00, false, 0
	savePayouts(t, s, first, debt)
	savePayouts(t, s)
	first.Status, first.Failure, first.Complete, first.ListedAt, first.Difference = domain.PayoutFailed, "account_closed", true, start+9, -7
	first.ArrivalAt, first.HeardAt, first.CheckAt = start+3*day, start+8, start+10
	changed := first
	changed.Minor, changed.Currency, changed.CreatedAt, changed.AccountID, changed.Automatic = 1, "USD", 7, "acct_2", false
	savePayouts(t, s, changed)
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		got, err := tx.Payout(ctx, "po_1")
		if err != nil || got != first {
			t.Errorf("got %+v, %v\nwant %+v", got, err, first)
		}
		for _, id := range []string{"po_none", ""} {
			_, err = tx.Payout(ctx, id)
			if !errors.Is(err, app.ErrNone) {
				t.Errorf("%q answers %v", id, err)
			}
		}
		found, err := tx.PayoutsByID(ctx, []string{"po_2", "po_none", "po_1"})
		if err != nil || !maps.Equal(found, map[string]domain.Payout{"po_1": first, "po_2": debt}) {
			t.Errorf("found %+v, %v", found, err)
		}
		found, err = tx.PayoutsByID(ctx, nil)
		if err != nil || len(found) != 0 {
			t.Errorf("of none %+v, %v", found, err)
		}
		for now, want := range map[int64]int{start + 9: 0, start + 10: 1} {
			due, err := tx.DuePayouts(ctx, now, 10)
			if err != nil || len(due) != want {
				t.Errorf("due at %d: %v, %v", now, due, err)
			}
		}
		return nil
	})
	write(t, s, func(ctx context.Context, tx app.Tx) error { return tx.PutOffPayout(ctx, "po_1", start+99) })
	first.CheckAt = start + 99
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		got, err := tx.Payout(ctx, "po_1")
		if err != nil || got != first {
			t.Errorf("put off it is %+v, %v", got, err)
		}
		return nil
	})
}

func payoutPages(t *testing.T, s app.Store) {
	var all []domain.Payout
	for i := range 5 {
		all = append(all, madePayout(fmt.Sprintf("po_%d", i), start+int64(i/2))) // two of each age
	}
	savePayouts(t, s, all...)
	var got []string
	page := app.PayoutPage{Limit: 2}
	for range 4 {
		read(t, s, func(ctx context.Context, tx app.Tx) error {
			list, err := tx.ListPayouts(ctx, page)
			for _, p := range list {
				got = append(got, p.ID)
				page.AfterAt, page.AfterID = p.CreatedAt, p.ID
			}
			return err
		})
	}
	if want := []string{"po_4", "po_3", "po_2", "po_1", "po_0"}; !slices.Equal(got, want) {
		t.Errorf("paged through %v, want %v", got, want)
	}
}

func inPayout(t *testing.T, s app.Store) {
	list := []app.Transaction{transaction("txn_a", start), transaction("txn_b", start+10), transaction("txn_c", start+10), transaction("txn_d", start)}
	list[1].DonationID, list[1].Category, list[1].Net.Minor, list[1].Fee.Minor, list[1].Amount.Minor = "gift", "refund", -41_00, 1_00, -40_00
	walk := func(payout string) (got []string, last app.PayoutLine) {
		page := app.PayoutPage{Limit: 2}
		for range 3 {
			read(t, s, func(ctx context.Context, tx app.Tx) error {
				lines, err := tx.InPayout(ctx, payout, page)
				for _, l := range lines {
					got, last = append(got, l.TransactionID), l
					page.AfterAt, page.AfterID = l.CreatedAt, l.TransactionID
				}
				return err
			})
		}
		return got, last
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.InsertTransactions(ctx, list)
		return errors.Join(err, tx.PutInPayout(ctx, "po_1", []string{"txn_c", "txn_a", "txn_none"}), tx.PutInPayout(ctx, "po_1", nil),
			tx.PutInPayout(ctx, "po_2", []string{"txn_b"}))
	})
	if got, _ := walk("po_1"); !slices.Equal(got, []string{"txn_a", "txn_c"}) {
		t.Errorf("in the first are %v", got)
	}
	want := app.PayoutLine{
		TransactionID: "txn_b", Category: "refund", Amount: list[1].Amount, Fee: list[1].Fee, Net: list[1].Net, SourceID: list[1].SourceID,
		DonationID: "gift", CreatedAt: start + 10,
	}
	if got, last := walk("po_2"); len(got) != 1 || last != want {
		t.Errorf("in the second is %+v, want %+v", last, want)
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error { return tx.EmptyPayout(ctx, "po_1") })
	if got, _ := walk("po_1"); len(got) != 0 {
		t.Errorf("emptied, in the first are %v", got)
	}
	if got, _ := walk("po_2"); len(got) != 1 {
		t.Errorf("in the second are %v", got)
	}
	if got, _ := walk(""); len(got) != 0 {
		t.Errorf("what is in no payout is listed as one: %v", got)
	}
}

func payoutStanding(t *testing.T, s app.Store) {
	now := start + 60*day
	failed := func(id, currency string, at, heard int64) domain.Payout {
		p := madePayout(id, at)
		p.Status, p.Currency, p.HeardAt = domain.PayoutFailed, currency, heard
		return p
	}
	arrived := madePayout("po_arrived", start+50*day)
	arrived.Status, arrived.Currency = domain.PayoutPaid, "USD"
	differs := madePayout("po_differs", start)
	differs.Difference = -1
	savePayouts(t, s, arrived, differs,
		failed("po_mended", "USD", start+40*day, now), failed("po_again", "USD", start+55*day, now), failed("po_euro", "EUR", start+40*day, now-day),
		failed("po_old", "GBP", start, now-31*day))
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		got, err := tx.PayoutStanding(ctx, now)
		if want := (app.PayoutStanding{Failed: 2, Different: 1}); err != nil || got != want {
			t.Errorf("it tells %+v, %v; want %+v", got, err, want)
		}
		return nil
	})
}
