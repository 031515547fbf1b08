package app_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

// The process dies at each point between the gift and the note that its mail
// is out. After the restart there is one receipt, one letter and no gap.
func TestDyingAnywhereLeavesOneReceiptOneLetterAndNoGap(t *testing.T) {
	t.Parallel()
	const settle, draw, mark = 1, 2, 3 // the transactions that write, counted
	for _, c := range []struct {
		name   string
		in     int  // the transaction it dies in …
		after  bool // … or just behind
		handed int  // hand-overs in the end, the repeated one too
	}{
		{"before the receipt is committed", settle, false, 1},
		{"after the receipt is committed", settle, true, 1},
		{"before the file is committed", draw, false, 1},
		{"after the file is committed", draw, true, 1},
		{"between the hand-over and its note", mark, false, 2},
		{"after the note", mark, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.give(id(1))
			transactions := 0
			w.store.crash = func() (before, after bool) {
				transactions++
				return transactions == c.in && !c.after, transactions == c.in && c.after
			}
			_, err := w.IssueDue(t.Context())
			if err == nil {
				_, err = w.DrawDue(t.Context())
			}
			if err == nil {
				// A mail that cannot be marked is delayed, not reported.
				_, _ = w.SendDue(t.Context())
			} else if !errors.Is(err, errCrash) {
				t.Fatalf("work = %v, want the crash", err)
			}

			w.restart()
			w.clock.Advance(1e9)
			w.issue()
			w.send()
			w.give(id(2))
			w.issue()

			if w.numbered(id(1)) != "REFUGE-2026-000001" || w.numbered(id(2)) != "REFUGE-2026-000002" {
				t.Errorf("numbers %q and %q, want 1 and 2", w.numbered(id(1)), w.numbered(id(2)))
			}
			w.mail.only(t)
			if w.mail.handed != c.handed {
				t.Errorf("handed over %d times, want %d", w.mail.handed, c.handed)
			}
			if backlog := w.summary().Backlog; backlog != (app.Backlog{Mails: 1}) {
				t.Errorf("backlog = %+v, want only the second gift's mail", backlog)
			}
		})
	}
}

// Several processes issue from one database, all of them the same gifts.
func TestIssuersBesideEachOtherShareTheWork(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, "receipt", sets(), func(t *testing.T, db *database.DB) {
		w := newWorldOn(t, db)
		const count = 150
		w.give(ids(count)...)
		var issuers sync.WaitGroup
		failures := make([]error, 3)
		for i := range failures {
			issuers.Go(func() {
				other, err := app.New(w.cfg)
				for more := err == nil; more; {
					more, err = other.IssueDue(t.Context())
				}
				failures[i] = err
			})
		}
		issuers.Wait()
		err := errors.Join(failures...)
		if err != nil {
			t.Fatalf("issue: %v", err)
		}
		w.issue() // what one of them read while another had it
		if sums := w.summary(); sums.Sums[0].Receipts != count || sums.Backlog != (app.Backlog{Mails: count}) {
			t.Errorf("%+v, want %d receipts and mails", sums, count)
		}
	})
}

// The consumer's transaction may come again after a receipt was issued: a feed
// that is read from its start, say.
func TestRedeliveryMakesNoSecondReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.give(id(1), id(2), id(1))
		w.issue()
	}
	if sums := w.summary().Sums; len(sums) != 1 || sums[0].Receipts != 2 {
		t.Errorf("sums = %+v, want two receipts", sums)
	}
}
