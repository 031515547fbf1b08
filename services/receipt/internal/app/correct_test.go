package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

func (w *world) happen(changes ...domain.Change) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx app.Tx) error { return w.ReceiveChanges(ctx, tx, changes) })
}

// correct works off what is due, and sends what donors are to hear.
func (w *world) correct() {
	w.t.Helper()
	w.drain("correct", w.CorrectDue)
	w.send()
	w.drain("notify", w.NotifyDue)
}

func (w *world) standing(number string) domain.Standing {
	w.t.Helper()
	receipt, _, err := w.FindReceipt(context.Background(), number)
	if err != nil {
		w.t.Fatalf("find %s: %v", number, err)
	}
	return receipt
}

func took(n int, kind domain.ChangeKind, object string, gift, cover int64) domain.Change {
	eur := money.MustCurrency("EUR")
	return domain.Change{
		DonationID: id(n), Kind: kind, Object: object,
		Gift: money.Amount{Minor: gift, Currency: eur}, Cover: money.Amount{Minor: cover, Currency: eur},
	}
}

func refuge2026(n int) string { return fmt.Sprintf("REFUGE-2026-%06d", n) }

func TestAPartThatGoesBackReplacesTheReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.issue()
	w.send()
	w.clock.Advance(24 * time.Hour)
	w.happen(took(1, domain.Refunded, "re_1", 4000, 0), took(1, domain.Refunded, "re_2", 1000, 0))
	w.correct()

	old, replacement := w.standing(refuge2026(1)), w.standing(refuge2026(2))
	if old.State() != domain.Replaced || old.ReplacedBy.String() != refuge2026(2) {
		t.Errorf("the first is %s, replaced by %s", old.State(), old.ReplacedBy)
	}
	if d := replacement.Document; replacement.State() != domain.InForce || d.Total.String() != "53.30 EUR" || d.Cover.String() != "3.30 EUR" ||
		d.DonorName != "Amina Diallo" || d.IssuedOn != "2026-11-05" || d.ReceivedOn != "2026-11-04" || replacement.Replaces.String() != refuge2026(1) {
		t.Errorf("the second is %s: %+v", replacement.State(), d)
	}
	letter, sent := w.mail.letters["receipt-"+refuge2026(2)+"-2"]
	if !sent || !strings.Contains(letter.Text, "replaces receipt "+refuge2026(1)) || len(letter.PDF) == 0 {
		t.Errorf("its letter (sent %v):\n%s", sent, letter.Text)
	}
	link, err := w.GetReceiptLink(t.Context(), id(1))
	if err != nil || link.Number.String() != refuge2026(2) || link.State != domain.InForce {
		t.Errorf("the donation's receipt is %+v, %v", link, err)
	}
	shown, err := w.GetReceipt(t.Context(), refuge2026(1), w.links.Token(refuge2026(1), 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.GetReceipt(t.Context(), shown.ReplacedBy.String(), shown.ReplacedByToken)
	if err != nil {
		t.Errorf("the old page's link to the new: %v", err)
	}
	if sum := w.summary().Sums; len(sum) != 1 || sum[0].Total.Minor != 5330 || sum[0].Receipts != 1 {
		t.Errorf("in force are %+v", sum)
	}
}

func TestAGiftThatGoesBackWholeIsVoidUntilTheRefundFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.donor.set(id(1), donorAnswer{name: "Amina Diallo", email: "amina@example.org", language: "fr"})
	w.receive(w.gift(id(1)))
	w.issue()
	w.send()
	token := w.links.Token(refuge2026(1), 1)
	before, err := w.GetPDF(t.Context(), refuge2026(1), token)
	if err != nil {
		t.Fatal(err)
	}
	w.happen(took(1, domain.Refunded, "re_1", 10000, 330))
	w.correct()
	void := w.standing(refuge2026(1))
	if void.State() != domain.Void || void.ReplacedBy != (domain.Number{}) {
		t.Errorf("it is %s, replaced by %s", void.State(), void.ReplacedBy)
	}
	notice, sent := w.mail.letters["receipt-"+refuge2026(1)+"-1-void"]
	if !sent || !strings.Contains(notice.Subject, "plus valable") || len(notice.PDF) != 0 {
		t.Errorf("the notice (sent %v) is %q", sent, notice.Subject)
	}
	after, err := w.GetPDF(t.Context(), refuge2026(1), token)
	if err != nil || bytes.Equal(before.Content, after.Content) || after.SHA256 == before.SHA256 {
		t.Errorf("the file of a void receipt is what it was (%v)", err)
	}
	code, err := w.GetReceipt(t.Context(), refuge2026(1), token)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := w.VerifyReceipt(t.Context(), refuge2026(1), code.CheckCode)
	if err != nil || verified.State() != domain.Void {
		t.Errorf("verified as %s, %v", verified.State(), err)
	}
	if sums := w.summary().Sums; len(sums) != 0 {
		t.Errorf("in force are %+v", sums)
	}

	w.happen(took(1, domain.RefundFailed, "re_1", -10000, -330))
	w.correct()
	again := w.standing(refuge2026(2))
	if again.State() != domain.InForce || again.Document.Total.String() != "103.30 EUR" || again.Replaces.String() != refuge2026(1) {
		t.Errorf("reinstated by %+v", again)
	}
	if old := w.standing(refuge2026(1)); old.State() != domain.Void || old.ReplacedBy.String() != refuge2026(2) {
		t.Errorf("the void one is %s, after it comes %s", old.State(), old.ReplacedBy)
	}
	w.summary()
}

// voided plays, while the first letter is being handed over, that all of a gift goes
// back and its receipt becomes void.
func (w *world) voided(n int) {
	w.mail.taken = func() {
		w.mail.taken = nil
		w.happen(took(n, domain.Refunded, "re_1", 10000, 330))
		w.drain("correct", w.CorrectDue)
	}
}

// A mail server takes seconds for a letter. Who holds a receipt that became void just
// then has to be told like everybody else.
func TestAReceiptThatBecomesVoidWhileItIsMailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.issue()
	w.voided(1)
	w.send()
	w.drain("notify", w.NotifyDue)
	if state := w.standing(refuge2026(1)).State(); state != domain.Void {
		t.Fatalf("it is %s", state)
	}
	if _, told := w.mail.letters["receipt-"+refuge2026(1)+"-1-void"]; !told {
		t.Error("the donor holds a void receipt and is not told")
	}
}

// Letters are read in batches, and those before may take minutes.
func TestAReceiptThatBecameVoidBeforeItsTurnIsNotMailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.give(id(2))
	w.issue()
	w.voided(2)
	w.send()
	w.drain("notify", w.NotifyDue)
	if state := w.standing(refuge2026(2)).State(); state != domain.Void {
		t.Fatalf("it is %s", state)
	}
	for _, letter := range []string{"-1", "-1-void"} {
		if _, sent := w.mail.letters["receipt-"+refuge2026(2)+letter]; sent {
			t.Errorf("letter %s of a receipt that nobody had was sent", letter)
		}
	}
}

func TestADisputedReceiptIsHeldAndThenStaysOrGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1), id(2))
	w.issue()
	w.send()
	w.happen(took(1, domain.DisputeOpened, "dp_1", 0, 0), took(2, domain.DisputeOpened, "dp_2", 0, 0))
	w.correct()
	for n := 1; n <= 2; n++ {
		if s := w.standing(refuge2026(n)); !s.Held || s.State() != domain.InForce {
			t.Errorf("%s is %s, held %v", s.Number, s.State(), s.Held)
		}
	}
	w.happen(took(1, domain.DisputeDecided, "dp_1", 0, 0), took(2, domain.DisputeDecided, "dp_2", 10000, 330))
	w.correct()
	won, lost := w.standing(w.numbered(id(1))), w.standing(w.numbered(id(2)))
	if won.Held || won.State() != domain.InForce || lost.Held || lost.State() != domain.Void {
		t.Errorf("won: %s, held %v; lost: %s, held %v", won.State(), won.Held, lost.State(), lost.Held)
	}
}

func TestAChangeWaitsForTheReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.happen(took(1, domain.Refunded, "re_1", 4000, 0))
	w.correct()
	w.give(id(1))
	w.issue()
	// It is replaced before its mail was sent: the donor gets the one that counts.
	w.correct()
	if letter := w.mail.only(t); !strings.Contains(letter.Subject, refuge2026(2)) {
		t.Errorf("the only letter is %q", letter.Subject)
	}
	w.happen(took(1, domain.Refunded, "re_2", 99999, 0))
	w.correct()
	parked, err := w.ListParked(t.Context())
	if err != nil || len(parked) != 1 || parked[0].Queue != app.CorrectionQueue {
		t.Errorf("parked are %+v, %v; want the correction that takes more than was given", parked, err)
	}
}

func TestInstalmentsSaySo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.gift(id(1))
	g.Monthly = true
	w.donor.set(id(1), donorAnswer{name: "Amina Diallo", email: "amina@example.org"})
	w.receive(g)
	w.issue()
	w.send()
	if letter := w.mail.only(t); !strings.Contains(letter.Text, "Monthly gift") {
		t.Errorf("the letter does not say that it is a monthly gift:\n%s", letter.Text)
	}
}

// Whatever happens to gifts, and whenever receipts are corrected or the process
// dies, in the end the receipts in force say what is left, and no number is missing.
func TestReceiptsInForceSayWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gifts := 0
	total := int64(0)
	rapid.Check(t, func(t *rapid.T) {
		gifts++
		w.give(id(gifts))
		eur := took(gifts, "", "", 0, 0)
		left := [2]int64{10000, 330}
		var changes []domain.Change
		for i := range rapid.IntRange(0, 4).Draw(t, "refunds") {
			c := eur
			c.Kind, c.Object = domain.Refunded, fmt.Sprintf("re_%d", i)
			c.Gift.Minor = rapid.Int64Range(0, left[0]).Draw(t, "gift")
			if c.Gift.Minor == left[0] {
				c.Cover.Minor = rapid.Int64Range(0, left[1]).Draw(t, "cover")
			}
			changes = append(changes, c)
			if rapid.Bool().Draw(t, "fails") {
				c.Kind, c.Gift.Minor, c.Cover.Minor = domain.RefundFailed, -c.Gift.Minor, -c.Cover.Minor
				changes = append(changes, c)
				continue
			}
			left[0], left[1] = left[0]-c.Gift.Minor, left[1]-c.Cover.Minor
		}
		total += left[0] + left[1]
		pass := func(run func(context.Context) (bool, error)) {
			_, err := run(context.Background())
			if err != nil && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
		}
		for _, c := range changes {
			switch rapid.SampledFrom([]string{"issue", "correct", "wait", "die", "die after"}).Draw(t, "meanwhile") {
			case "issue":
				pass(w.IssueDue)
			case "correct":
				pass(w.CorrectDue)
			case "die":
				w.store.crash = func() (bool, bool) { return true, false }
				pass(w.CorrectDue)
				w.restart()
			case "die after":
				w.store.crash = func() (bool, bool) { return false, true }
				pass(w.CorrectDue)
				w.restart()
			}
			w.happen(c, c)
		}
		w.issue()
		w.drain("correct", w.CorrectDue)
		newest := w.standing(w.numbered(id(gifts)))
		switch inForce := newest.State() == domain.InForce; {
		case inForce != (left[0]+left[1] > 0):
			t.Fatalf("of %v the newest receipt is %s", left, newest.State())
		case inForce && (newest.Document.Gift.Minor != left[0] || newest.Document.Cover.Minor != left[1]):
			t.Fatalf("it says %s and %s of %v", newest.Document.Gift, newest.Document.Cover, left)
		}
	})
	sums := w.summary()
	inForce := int64(0)
	for _, sum := range sums.Sums {
		inForce += sum.Total.Minor
	}
	if inForce != total || sums.Backlog.Receipts != 0 {
		t.Errorf("receipts in force say %d, %d is left of the gifts; due %+v", inForce, total, sums.Backlog)
	}
}
