package apptest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

func change(n int, kind domain.ChangeKind, object string, gift int64) domain.Change {
	return domain.Change{DonationID: donation(n), Kind: kind, Object: object, Gift: euros(gift), Cover: euros(0)}
}

func changesCountOnce(t *testing.T, store app.Store) {
	due := func(now time.Time) []app.DueCorrection {
		return read(t, store, func(ctx context.Context, r app.Reader) ([]app.DueCorrection, error) {
			return r.DueCorrections(ctx, now, 10)
		})
	}
	refund, dispute := change(1, domain.Refunded, "re_1", 4000), change(1, domain.DisputeOpened, "dp_1", 0)
	add := func(changes ...domain.Change) {
		t.Helper()
		write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.AddChanges(ctx, changes) })
	}
	add(refund, dispute, refund, change(2, domain.Refunded, "re_1", 1))
	equal(t, "due before there is a receipt", len(due(noon)), 0)
	equal(t, "what is not done", readAll(t, store, app.Reader.Backlog).Receipts, int64(2))
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, 1, 1, euros(10330))
	})
	equal(t, "due", due(noon), []app.DueCorrection{{DonationID: donation(1)}})
	equal(t, "changes", read(t, store, func(ctx context.Context, r app.Reader) ([]domain.Change, error) {
		return r.ChangesOf(ctx, donation(1))
	}), []domain.Change{dispute, refund})

	write(t, store, func(ctx context.Context, tx app.Tx) error {
		locked, err := tx.LockCorrections(ctx, []string{donation(1), donation(3)})
		equal(t, "locked", locked, []app.DueCorrection{{DonationID: donation(1)}})
		return errors.Join(err, tx.RemoveCorrections(ctx, []string{donation(1)}))
	})
	add(refund)
	equal(t, "due when it is told again", len(due(noon)), 0)

	add(change(1, domain.Refunded, "re_2", 1))
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return tx.Park(ctx, app.CorrectionQueue, []app.Stop{{ID: donation(1), Attempts: 1, Reason: "more went back than was given"}}, noon)
	})
	equal(t, "due when parked", len(due(noon)), 0)
	parked := readAll(t, store, app.Reader.Parked)
	equal(t, "parked", parked, []app.Parked{{
		Queue: app.CorrectionQueue, ID: donation(1), DonationID: donation(1), Attempts: 1, Reason: "more went back than was given", Since: noon,
	}})
	add(change(1, domain.RefundFailed, "re_2", -1))
	equal(t, "due when something else happened", due(noon), []app.DueCorrection{{DonationID: donation(1)}})
}

func receiptEnds(t *testing.T, store app.Store) {
	series := domain.Series{OrganizationID: refuge, Year: 2026}
	write(t, store, func(ctx context.Context, tx app.Tx) error { return issue(ctx, tx, series, 1, 3, euros(10330)) })
	draw(t, store, refuges(1), refuges(2), refuges(3))
	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.MarkMailed(ctx, refuges(1), noon) })

	// The first was mailed and is void, the second was not; the third is replaced.
	second := receipt(refuge, 2026, 4, 3, euros(6330))
	second.Version, second.Replaces, second.Document.Monthly = 2, refuges(3), true
	at := noon.Add(time.Hour)
	endings := []domain.Ending{
		{Number: refuges(1), State: domain.Void, EndedAt: at}, {Number: refuges(2), State: domain.Void, EndedAt: at},
		{Number: refuges(3), State: domain.Replaced, ReplacedBy: refuges(4), EndedAt: at},
	}
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.TakeNumbers(ctx, series, 1)
		return errors.Join(err, tx.AddReceipts(ctx, []domain.Receipt{second}), tx.AddEndings(ctx, endings))
	})
	equal(t, "sums", readAll(t, store, app.Reader.Sums), []app.Sum{{OrganizationID: refuge, Total: euros(6330), Receipts: 1}})
	equal(t, "faults", len(readAll(t, store, app.Reader.SeriesFaults)), 0)
	standing := func(n int64) domain.Standing {
		return read(t, store, func(ctx context.Context, r app.Reader) (domain.Standing, error) {
			found, err := r.Receipt(ctx, refuges(n))
			if err != nil {
				return domain.Standing{}, err
			}
			return r.ReceiptStanding(ctx, found)
		})
	}
	for n, want := range map[int64]domain.Ending{1: endings[0], 2: endings[1], 3: endings[2], 4: {}} {
		equal(t, "ending", standing(n).Ending, want)
	}
	equal(t, "in its place", standing(3).ReplacedBy, refuges(4))
	equal(t, "as it was written", standing(4).Receipt, second)
	newest := read(t, store, func(ctx context.Context, r app.Reader) (domain.Receipt, error) {
		found, mailedAt, err := r.ReceiptOfDonation(ctx, donation(3))
		equal(t, "mailed at", mailedAt, time.Time{})
		return found, err
	})
	equal(t, "newest of its donation", newest.Number, refuges(4))
	equal(t, "first of its donation", read(t, store, func(ctx context.Context, r app.Reader) (domain.Receipt, error) {
		return r.FirstReceipt(ctx, donation(3))
	}).Number, refuges(3))

	// Who was never sent a receipt is not told that it is void, and gets it no more.
	notices := func() []app.DueMail {
		return read(t, store, func(ctx context.Context, r app.Reader) ([]app.DueMail, error) { return r.DueNotices(ctx, at, 10) })
	}
	if due := notices(); len(due) != 1 || due[0].Receipt.Number != refuges(1) {
		t.Errorf("due notices %+v, want that of the first", due)
	}
	// Unless its letter was being handed over just then.
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.MarkMailed(ctx, refuges(2), at), tx.MarkMailed(ctx, refuges(2), at), tx.MarkMailed(ctx, refuges(3), at))
	})
	if due := notices(); len(due) != 2 || due[1].Receipt.Number != refuges(2) {
		t.Errorf("due notices %+v, want that of the second too", due)
	}
	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.MarkNoticed(ctx, refuges(2), at) })
	draw(t, store, refuges(4))
	if due := dueMails(t, store, at); len(due) != 1 || due[0].Receipt.Number != refuges(4) {
		t.Errorf("due mails %+v, want that of the replacement", due)
	}
	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.MarkNoticed(ctx, refuges(1), at) })
	equal(t, "due when told", len(notices()), 0)
	err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error { return tx.AddEndings(ctx, endings[:1]) })
	if err == nil {
		t.Error("a receipt ends a second time")
	}

	// A gift is held while one of its disputes is not decided.
	held := func(changes ...domain.Change) bool {
		write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.AddChanges(ctx, changes) })
		return standing(4).Held
	}
	equal(t, "held without a dispute", held(change(1, domain.DisputeOpened, "dp_9", 0)), false)
	equal(t, "held in a dispute", held(change(3, domain.DisputeOpened, "dp_1", 0), change(3, domain.DisputeOpened, "dp_2", 0)), true)
	equal(t, "held in the second", held(change(3, domain.DisputeDecided, "dp_1", 0)), true)
	equal(t, "held when both are decided", held(change(3, domain.DisputeDecided, "dp_2", 0)), false)

	nothing := receipt(refuge, 2026, 5, 9, euros(0))
	nothing.Document.Gift, nothing.Document.Cover = euros(0), euros(0)
	err = store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error { return tx.AddReceipts(ctx, []domain.Receipt{nothing}) })
	if err == nil {
		t.Error("a receipt of nothing is accepted")
	}
	cover := receipt(refuge, 2026, 5, 9, euros(230))
	cover.Document.Gift, cover.Document.Cover = money.Amount{Currency: cover.Document.Total.Currency}, euros(230)
	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.AddReceipts(ctx, []domain.Receipt{cover}) })
}
