package apptest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

func giftIsDueOnce(t *testing.T, store app.Store) {
	for range 2 {
		write(t, store, func(ctx context.Context, tx app.Tx) error {
			return tx.AddGifts(ctx, []domain.Gift{gift(2), gift(1), gift(2)})
		})
	}
	due := dueGifts(t, store, noon, 10)
	equal(t, "due gifts, the earliest first", due, []app.DueGift{{Gift: gift(1)}, {Gift: gift(2)}})
	equal(t, "limit", len(dueGifts(t, store, noon, 1)), 1)
}

func receiptedGiftIsNotDueAgain(t *testing.T, store app.Store) {
	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.AddGifts(ctx, []domain.Gift{gift(1)}) })
	// The receipt exists, though the due row is still there.
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, 1, 1, euros(10330))
	})
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		locked, err := tx.LockGifts(ctx, []string{donation(1)})
		equal(t, "locked", len(locked), 0)
		return errors.Join(err, tx.RemoveGifts(ctx, []string{donation(1)}))
	})
	// The event comes again, after a rebuild of the stream, say.
	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.AddGifts(ctx, []domain.Gift{gift(1)}) })
	equal(t, "due gifts", len(dueGifts(t, store, noon, 10)), 0)
}

func delayedWorkWaits(t *testing.T, store app.Store) {
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		err := tx.AddGifts(ctx, []domain.Gift{gift(1), gift(2)})
		if err != nil {
			return err
		}
		return issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, 10, 2, euros(500))
	})
	draw(t, store, refuges(1), refuges(2))
	soon := noon.Add(4 * time.Second)
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		err := tx.Delay(ctx, app.GiftQueue, []app.Delay{{ID: donation(1), Attempts: 3, Until: soon}})
		if err != nil {
			return err
		}
		return tx.Delay(ctx, app.MailQueue, []app.Delay{{ID: "REFUGE-2026-000001", Attempts: 2, Until: soon}})
	})

	before := soon.Add(-time.Microsecond)
	equal(t, "due gifts before the time", dueGifts(t, store, before, 10), []app.DueGift{{Gift: gift(2)}})
	equal(t, "due mails before the time", len(dueMails(t, store, before)), 1)
	// What was never tried goes before what is tried again.
	equal(t, "due gifts at the time", dueGifts(t, store, soon, 10), []app.DueGift{{Gift: gift(2)}, {Gift: gift(1), Attempts: 3}})
	mails := dueMails(t, store, soon)
	equal(t, "due mails at the time", len(mails), 2)
	equal(t, "attempts of the delayed mail", mails[1].Attempts, 2)
	backlog := readAll(t, store, app.Reader.Backlog)
	equal(t, "backlog counts what is delayed", backlog, app.Backlog{Receipts: 2, Mails: 2})
}

func parkedWorkWaits(t *testing.T, store app.Store) {
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		err := tx.AddGifts(ctx, []domain.Gift{gift(1), gift(2), gift(3)})
		if err != nil {
			return err
		}
		return issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, 10, 1, euros(500))
	})
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		err := tx.Park(ctx, app.MailQueue, []app.Stop{{ID: "REFUGE-2026-000001", Attempts: 1, Reason: "the mail is refused"}}, noon.Add(time.Second))
		if err != nil {
			return err
		}
		return tx.Park(ctx, app.GiftQueue, []app.Stop{
			{ID: donation(1), Attempts: 2, Reason: "donor unknown"},
			{ID: donation(2), Attempts: 1, Reason: "the receipt lacks the fund's name"},
		}, noon)
	})

	parked := readAll(t, store, app.Reader.Parked)
	equal(t, "parked, the longest first", parked, []app.Parked{
		{Queue: app.GiftQueue, ID: donation(1), DonationID: donation(1), Attempts: 2, Reason: "donor unknown", Since: noon},
		{Queue: app.GiftQueue, ID: donation(2), DonationID: donation(2), Attempts: 1, Reason: "the receipt lacks the fund's name", Since: noon},
		{Queue: app.MailQueue, ID: "REFUGE-2026-000001", DonationID: donation(10), Attempts: 1, Reason: "the mail is refused", Since: noon.Add(time.Second)},
	})
	equal(t, "due gifts", dueGifts(t, store, noon.Add(time.Hour), 10), []app.DueGift{{Gift: gift(3)}})
	equal(t, "due mails", len(dueMails(t, store, noon.Add(time.Hour))), 0)
	equal(t, "backlog", readAll(t, store, app.Reader.Backlog), app.Backlog{Receipts: 1})
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		locked, err := tx.LockGifts(ctx, []string{donation(1), donation(3)})
		equal(t, "a parked gift is not settled", locked, []app.DueGift{{Gift: gift(3)}})
		// Whoever read it as due before it was parked ends all that it had read.
		return errors.Join(err, tx.RemoveGifts(ctx, []string{donation(1), donation(3)}))
	})
	equal(t, "a gift without a receipt is never forgotten", len(readAll(t, store, app.Reader.Parked)), 3)
	equal(t, "nor one that is due", dueGifts(t, store, noon, 10), []app.DueGift{{Gift: gift(3)}})

	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.Release(ctx, app.GiftQueue, donation(2)) })
	equal(t, "due after the release of one", dueGifts(t, store, noon, 10), []app.DueGift{{Gift: gift(2)}, {Gift: gift(3)}})
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		err := tx.Release(ctx, app.GiftQueue, "")
		if err != nil {
			return err
		}
		return tx.Release(ctx, app.MailQueue, "")
	})
	equal(t, "parked after the release of all", len(readAll(t, store, app.Reader.Parked)), 0)
	equal(t, "backlog after it", readAll(t, store, app.Reader.Backlog), app.Backlog{Receipts: 3, Mails: 1})
}

func mailIsDueUntilMarked(t *testing.T, store app.Store) {
	series := domain.Series{OrganizationID: refuge, Year: 2026}
	write(t, store, func(ctx context.Context, tx app.Tx) error { return issue(ctx, tx, series, 1, 2, euros(10330)) })
	draw(t, store, refuges(1), refuges(2))
	mails := dueMails(t, store, noon)
	equal(t, "due mails", len(mails), 2)
	equal(t, "its receipt", mails[0].Receipt, receipt(refuge, 2026, 1, 1, euros(10330)))

	handedOver := noon.Add(3 * time.Second)
	for _, at := range []time.Time{handedOver, handedOver.Add(time.Hour)} {
		write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.MarkMailed(ctx, mails[0].Receipt.Number, at) })
	}
	mailed := read(t, store, func(ctx context.Context, r app.Reader) (time.Time, error) {
		_, at, err := r.ReceiptOfDonation(ctx, donation(1))
		return at, err
	})
	equal(t, "mailed at, the first time", mailed, handedOver)
	equal(t, "due mails after it", len(dueMails(t, store, noon.Add(time.Hour))), 1)
	equal(t, "backlog after it", readAll(t, store, app.Reader.Backlog), app.Backlog{Mails: 1})
}

func signalsComeAfterCommit(t *testing.T, store app.Store) {
	signals := 0
	err := store.InTx(t.Context(), func(_ context.Context, tx app.Tx) error {
		tx.AfterCommit(func() { signals++ })
		return errGivenUp
	})
	if !errors.Is(err, errGivenUp) {
		t.Fatalf("write = %v, want the closure's error", err)
	}
	equal(t, "signals of a transaction that was given up", signals, 0)
	write(t, store, func(_ context.Context, tx app.Tx) error {
		tx.AfterCommit(func() { signals++ })
		return nil
	})
	equal(t, "signals of one that was committed", signals, 1)
}

func standingIsCounted(t *testing.T, store app.Store) {
	equal(t, "nothing", readAll(t, store, app.Reader.Standing), app.Standing{Parked: map[app.Queue]int64{app.GiftQueue: 0, app.MailQueue: 0, app.DrawingQueue: 0, app.CorrectionQueue: 0, app.NoticeQueue: 0}})
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(
			tx.AddGifts(ctx, []domain.Gift{gift(1), gift(2), gift(3)}),
			issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, 10, 3, euros(500)),
			tx.Park(ctx, app.GiftQueue, []app.Stop{{ID: donation(1), Attempts: 1, Reason: "the donor is not known"}}, noon),
			tx.Park(ctx, app.MailQueue, []app.Stop{{ID: "REFUGE-2026-000001", Attempts: 1, Reason: "the mail is refused"}}, noon),
			tx.Park(ctx, app.DrawingQueue, []app.Stop{{ID: "REFUGE-2026-000001", Attempts: 1, Reason: "it cannot be drawn"}, {ID: "REFUGE-2026-000002", Attempts: 1, Reason: "it cannot be drawn"}}, noon))
	})
	equal(t, "what is due and parked", readAll(t, store, app.Reader.Standing), app.Standing{
		Backlog: app.Backlog{Receipts: 2, Mails: 2}, Drawings: 1, Oldest: gift(2).SucceededAt,
		Parked: map[app.Queue]int64{app.GiftQueue: 1, app.MailQueue: 1, app.DrawingQueue: 2, app.CorrectionQueue: 0, app.NoticeQueue: 0},
	})
}
