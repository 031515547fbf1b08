package app_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

func TestGiftGetsReceiptInTheDonorsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.clock.Advance(2 * time.Second)
	w.issue()

	link, err := w.GetReceiptLink(t.Context(), id(1))
	if err != nil {
		t.Fatalf("get link: %v", err)
	}
	if link.Number.String() != "REFUGE-2026-000001" || !link.IssuedAt.Equal(w.clock.Now()) || !link.MailedAt.IsZero() {
		t.Errorf("link = %+v, want number 1, issued now, not mailed", link)
	}
	if link.TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("trace = %q, want the donor's", link.TraceID)
	}
	shown, err := w.GetReceipt(t.Context(), link.Number.String(), link.Token)
	if err != nil {
		t.Fatalf("get receipt: %v", err)
	}
	d := shown.Document
	if d.DonorName != "Amina Diallo" || d.DonorEmail != "amina@example.org" || d.Total.String() != "103.30 EUR" || d.FundName != "Water in the camps" {
		t.Errorf("document = %+v", d)
	}
}

func TestThousandGiftsAreNumberedInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 1000
	for n := range count {
		if n%250 == 0 {
			w.clock.Advance(time.Second)
			w.give(ids(count)[n : n+250]...)
		}
	}
	w.issue()
	for _, n := range []int{1, 64, 65, 999, 1000} {
		want := domain.Number{Code: "REFUGE", Year: 2026, Sequence: int64(n)}.String()
		if got := w.numbered(id(n)); got != want {
			t.Errorf("gift %d has number %s, want %s", n, got, want)
		}
	}
	sums := w.summary()
	want := []app.Sum{{OrganizationID: refuge, Total: money.Amount{Minor: count * 10330, Currency: money.MustCurrency("EUR")}, Receipts: count}}
	if len(sums.Sums) != 1 || sums.Sums[0] != want[0] || sums.Backlog != (app.Backlog{Mails: count}) {
		t.Errorf("summary = %+v, want %+v and %d mails due", sums, want, count)
	}
}

func TestGiftWaitsForItsOrganizationAndFund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unknownFund := w.gift(id(1))
	unknownFund.Fund.Code = "BOATS"
	unknownOrganization := w.gift(id(2))
	unknownOrganization.Fund.OrganizationID = "7d1c6b0e-6c43-5f0e-9a53-0c5d9f3b1aff"
	for _, g := range []domain.Gift{unknownFund, unknownOrganization} {
		err := w.store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
			return w.ReceiveGifts(ctx, tx, []domain.Gift{w.gift(id(3)), g})
		})
		if !errors.Is(err, envelope.ErrNotYet) {
			t.Errorf("receive gift to %v = %v, want not yet", g.Fund, err)
		}
	}
	if backlog := w.summary().Backlog; backlog != (app.Backlog{}) {
		t.Errorf("backlog = %+v, want none: the batch is the consumer's to split", backlog)
	}
}

func TestNewestLetterheadIsUsedWhateverOrderItCameIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newest := domain.Organization{
		ID: refuge, Code: "REFUGE", LegalName: "Refuge Aid Foundation", Address: []string{"1 New Street"},
		TimeZone: time.UTC, Profile: "generic", Version: 3,
	}
	older := newest
	older.LegalName, older.Version = "Refuge Aid in between", 2
	w.write(func(ctx context.Context, tx app.Tx) error {
		return w.ReceiveOrganizations(ctx, tx, []domain.Organization{newest, older})
	})
	w.change(older)
	w.give(id(1))
	w.issue()
	link, err := w.GetReceiptLink(t.Context(), id(1))
	if err != nil {
		t.Fatalf("get link: %v", err)
	}
	shown, err := w.GetReceipt(t.Context(), link.Number.String(), link.Token)
	if err != nil || shown.Document.OrganizationLegalName != "Refuge Aid Foundation" {
		t.Errorf("issued by %q, %v, want version 3's name", shown.Document.OrganizationLegalName, err)
	}
}

func TestDonorWhoIsGoneParksOneGiftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receive(w.gift(id(1))) // donation does not know this one
	w.give(id(2), id(3))
	w.issue()

	if got := w.numbered(id(2)) + " " + w.numbered(id(3)); got != "REFUGE-2026-000001 REFUGE-2026-000002" {
		t.Errorf("the others have %s, want numbers 1 and 2", got)
	}
	parked, err := w.ListParked(t.Context())
	if err != nil {
		t.Fatalf("list parked: %v", err)
	}
	if len(parked) != 1 || parked[0].DonationID != id(1) || !strings.Contains(parked[0].Reason, "no such donation") || parked[0].Attempts != 1 {
		t.Fatalf("parked = %+v, want the gift without a donor and why", parked)
	}
	if backlog := w.summary().Backlog; backlog.Receipts != 0 {
		t.Errorf("%d receipts due, want none: what is parked does not move by itself", backlog.Receipts)
	}

	// Donation was restored; staff try again.
	w.donor.set(id(1), donorAnswer{name: "Piotr Nowak", email: "piotr@example.org"})
	err = w.RetryParked(t.Context(), app.GiftQueue, id(1))
	if err != nil {
		t.Fatalf("retry: %v", err)
	}
	if got := w.numbered(id(1)); got != "REFUGE-2026-000003" {
		t.Errorf("after the retry it has %q, want number 3", got)
	}
	w.summary()
}

func TestIncompleteLetterheadParksAndRecovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := domain.Organization{ID: refuge, Code: "REFUGE", TimeZone: time.UTC, Profile: "generic", Version: 2}
	w.change(o)
	w.give(id(1))
	w.issue()
	parked, err := w.ListParked(t.Context())
	if err != nil || len(parked) != 1 || !strings.Contains(parked[0].Reason, "legal name") {
		t.Fatalf("parked = %+v, %v, want one that lacks the legal name", parked, err)
	}
	if strings.Contains(parked[0].Reason, "Amina") || strings.Contains(parked[0].Reason, "@") {
		t.Errorf("reason %q names the donor", parked[0].Reason)
	}

	o.LegalName, o.Address, o.Version = "Refuge Aid Association", []string{"12 Harbour Street"}, 3
	w.change(o)
	err = w.RetryParked(t.Context(), app.GiftQueue, "")
	if err != nil || w.numbered(id(1)) != "REFUGE-2026-000001" {
		t.Errorf("retry: %v, number %q", err, w.numbered(id(1)))
	}
}

// One question names the donors of a batch; who is missing from its answer, and
// everybody when one of them makes it fail, is asked for alone.
func TestDonorsAreAskedForTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(ids(10)...)
	w.issue()
	if w.donor.asked != 1 {
		t.Errorf("asked %d times for ten donors, want once", w.donor.asked)
	}

	w = newWorld(t)
	w.give(ids(10)...)
	w.donor.set(id(4), donorAnswer{err: apperr.New(apperr.Internal, "INTERNAL", "Something went wrong on our side.")})
	w.issue()
	if w.donor.asked != 11 || w.numbered(id(4)) != "" || w.numbered(id(10)) != "REFUGE-2026-000009" {
		t.Errorf("asked %d times; gift 4 has %q, gift 10 %q; want the nine others receipted", w.donor.asked, w.numbered(id(4)), w.numbered(id(10)))
	}
}

func TestUnreachableDonationDelaysAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1), id(2))
	w.donor.setAway(true)
	// Pauses grow to 16 seconds and no further.
	for _, pause := range []time.Duration{1, 2, 4, 8, 16, 16} {
		asked := w.donor.asked
		w.issue()
		if w.donor.asked != asked+1 {
			t.Fatalf("asked %d times, want once for both", w.donor.asked-asked)
		}
		w.clock.Advance(pause*time.Second - time.Microsecond)
		w.issue()
		if w.donor.asked != asked+1 {
			t.Fatalf("asked again before %d s were over", pause)
		}
		w.clock.Advance(time.Microsecond)
	}
	parked, err := w.ListParked(t.Context())
	if err != nil || len(parked) != 0 {
		t.Errorf("parked = %+v, %v, want nothing: it is nobody's fault", parked, err)
	}
	if backlog := w.summary().Backlog; backlog.Receipts != 2 {
		t.Errorf("%d due, want 2", backlog.Receipts)
	}

	w.donor.setAway(false)
	w.issue()
	if w.numbered(id(1)) != "REFUGE-2026-000001" || w.numbered(id(2)) != "REFUGE-2026-000002" {
		t.Errorf("numbers %q and %q, want 1 and 2", w.numbered(id(1)), w.numbered(id(2)))
	}
}

func TestStoppingCostsNoAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.donor.setAway(true)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := w.IssueDue(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("issue = %v, want canceled", err)
	}
	w.donor.setAway(false)
	w.issue()
	if w.numbered(id(1)) == "" {
		t.Error("the gift was delayed for a stop")
	}
}

func TestYearTurnsInTheOrganizationsZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const auckland = "7d1c6b0e-6c43-5f0e-9a53-0c5d9f3b1a02"
	w.letterhead(auckland, "KAIMAHI", "Pacific/Auckland")
	w.clock.Advance(time.Date(2026, 12, 31, 20, 0, 0, 0, time.UTC).Sub(w.clock.Now()))
	abroad := w.gift(id(2))
	abroad.Fund.OrganizationID = auckland
	w.give(id(1))
	w.donor.set(id(2), donorAnswer{name: "Aroha Ngata", email: "aroha@example.org"})
	w.receive(abroad)
	w.issue()
	w.clock.Advance(4 * time.Hour) // midnight in Zurich was an hour ago
	w.give(id(3))
	w.issue()
	got := []string{w.numbered(id(1)), w.numbered(id(2)), w.numbered(id(3))}
	want := []string{"REFUGE-2026-000001", "KAIMAHI-2027-000001", "REFUGE-2027-000001"}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("numbers %v, want %v", got, want)
	}
	w.summary()
}
