package apptest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func entriesComeBack(t *testing.T, b bench) {
	b.ready(t)
	g := gift(relief, 1, euros(100_00))
	g.Cover = euros(3_30)
	g.Attribution.FundraiserID, g.Attribution.TeamID = "page-amal", "team-lake"
	draft, err := domain.BookGift(g)
	if err != nil {
		t.Fatal(err)
	}
	sealed, head := domain.Head{OrganizationID: relief}.Seal(draft, domain.Provenance{
		EventID: "event-1", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", PostedAt: noon, BookedOn: "2026-03-20",
	})
	b.inTx(t, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.LockHeads(ctx, []string{relief})
		if err != nil {
			return err
		}
		return tx.AddEntries(ctx, []domain.Entry{sealed}, []domain.Head{head})
	})
	got := b.entries(t, relief)
	if len(got) != 1 || !reflect.DeepEqual(got[0], sealed) {
		t.Fatalf("read\n%+v\nwant\n%+v", got, sealed)
	}
	b.sound(t)
}

func numbersHaveNoGaps(t *testing.T, b bench) {
	b.ready(t)
	var gifts []domain.Gift
	for i := range 400 {
		organization := relief
		if i%4 == 0 {
			organization = pacific
		}
		gifts = append(gifts, gift(organization, i, euros(int64(5_00+i))))
	}
	b.post(t, gifts[:300]...)
	b.post(t, gifts[300:]...)
	lengths := b.sound(t)
	if lengths[relief] != 300 || lengths[pacific] != 100 {
		t.Fatalf("chains are %v long, want 300 and 100", lengths)
	}
}

func writersWait(t *testing.T, b bench) {
	b.ready(t)
	// Nobody has begun the chains yet, so the writers also meet there.
	var writers sync.WaitGroup
	failures := make(chan error, 8)
	for w := range 8 {
		writers.Go(func() {
			failures <- b.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
				var gifts []domain.Gift
				for i := range 10 {
					// Opposite orders of organizations: a deadlock if locked as they come.
					organization := []string{relief, pacific}[(w+i)%2]
					gifts = append(gifts, gift(organization, 10*w+i, euros(7_00)))
				}
				return b.poster.PostGifts(ctx, tx, received(gifts...))
			})
		})
	}
	writers.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			t.Fatal(err)
		}
	}
	lengths := b.sound(t)
	if lengths[relief] != 40 || lengths[pacific] != 40 {
		t.Fatalf("chains are %v long, want 40 each", lengths)
	}
}

func onceOnly(t *testing.T, b bench) {
	b.ready(t)
	first, second := gift(relief, 1, euros(20_00)), gift(relief, 2, euros(30_00))
	b.post(t, first, second, first)
	b.post(t, second)
	b.settle(t, settled(first, euros(85)), settled(first, euros(85)))
	b.settle(t, settled(second, euros(1_12)), settled(first, euros(85)))
	// Told again with another amount, the charge is still the same charge.
	first.Gift = euros(21_00)
	b.post(t, first)
	if lengths := b.sound(t); lengths[relief] != 4 {
		t.Fatalf("%d entries, want two gifts and two fees", lengths[relief])
	}
}

func nothingHalfDone(t *testing.T, b bench) {
	b.ready(t)
	b.post(t, gift(relief, 1, euros(20_00)))
	broken := errors.New("the process was killed")
	err := b.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		err := b.poster.PostGifts(ctx, tx, received(gift(relief, 2, euros(5_00)), gift(pacific, 3, euros(5_00))))
		if err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	b.post(t, gift(relief, 4, euros(9_00)))
	if lengths := b.sound(t); lengths[relief] != 2 || lengths[pacific] != 0 {
		t.Fatalf("chains are %v long, want 2 and 0: the number must not be lost", lengths)
	}
}

func giftsWait(t *testing.T, b bench) {
	restricted := gift(relief, 1, euros(50_00))
	restricted.Attribution.FundCode, restricted.Attribution.FundClass = "winter", domain.FundRestricted
	try := func() error {
		return b.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
			return b.poster.PostGifts(ctx, tx, received(restricted))
		})
	}
	err := try()
	if !errors.Is(err, envelope.ErrNotYet) {
		t.Fatalf("before anything is known: %v", err)
	}
	b.inTx(t, func(ctx context.Context, tx app.Tx) error {
		// A fund of that code in other books is not the fund.
		err := app.SaveFunds(ctx, tx, []domain.Fund{{ID: "fund-9", OrganizationID: pacific, Code: "winter", Version: 1}})
		if err != nil {
			return err
		}
		return app.SaveOrganizations(ctx, tx, organizations())
	})
	err = try()
	if !errors.Is(err, envelope.ErrNotYet) {
		t.Fatalf("before the fund is known: %v", err)
	}
	err = b.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		return b.poster.PostTransactions(ctx, tx, received(settled(gift("org-nobody", 2, euros(5_00)), euros(40))))
	})
	if !errors.Is(err, envelope.ErrNotYet) {
		t.Fatalf("transaction of an unknown organization: %v", err)
	}
	b.ready(t)
	err = try()
	if err != nil {
		t.Fatal(err)
	}
}

func copiesOnlyMoveForward(t *testing.T, b bench) {
	save := func(versions ...int64) {
		b.inTx(t, func(ctx context.Context, tx app.Tx) error {
			var organizations []domain.Organization
			var funds []domain.Fund
			for _, v := range versions {
				organizations = append(organizations, domain.Organization{
					ID: relief, Slug: fmt.Sprintf("relief-%d", v), Code: "REL", Name: fmt.Sprintf("Name %d", v), TimeZone: "UTC", Version: v,
				})
				funds = append(funds, domain.Fund{ID: "fund-1", OrganizationID: relief, Code: fmt.Sprintf("winter-%d", v), Version: v})
			}
			err := app.SaveOrganizations(ctx, tx, organizations)
			if err != nil {
				return err
			}
			return app.SaveFunds(ctx, tx, funds)
		})
	}
	save(3, 2)
	save(1)
	b.inTx(t, func(ctx context.Context, tx app.Tx) error {
		found, err := tx.OrganizationsByID(ctx, []string{relief, pacific})
		if err != nil {
			return err
		}
		want := domain.Organization{ID: relief, Slug: "relief-3", Code: "REL", Name: "Name 3", TimeZone: "UTC", Version: 3}
		if len(found) != 1 || found[relief] != want {
			t.Errorf("kept %+v, want only %+v", found, want)
		}
		known, err := tx.KnownFunds(ctx, []domain.FundKey{{OrganizationID: relief, Code: "winter-3"}, {OrganizationID: relief, Code: "winter-2"}})
		if err != nil {
			return err
		}
		if len(known) != 1 || !known[domain.FundKey{OrganizationID: relief, Code: "winter-3"}] {
			t.Errorf("funds known: %v, want winter-3 alone", known)
		}
		return nil
	})
}

func keysAreUniqueEverywhere(t *testing.T, b bench) {
	b.ready(t)
	g := gift(relief, 1, euros(20_00))
	b.post(t, g)
	g.Attribution.OrganizationID = pacific
	b.post(t, g)
	if lengths := b.sound(t); lengths[relief] != 1 || lengths[pacific] != 0 {
		t.Fatalf("chains are %v long: one charge is in two books", lengths)
	}
	// The engine holds it too, should two writers both think they are first.
	draft, err := domain.BookGift(g)
	if err != nil {
		t.Fatal(err)
	}
	entry, head := domain.Head{OrganizationID: pacific}.Seal(draft, domain.Provenance{PostedAt: noon.Add(time.Hour), BookedOn: "2026-03-21"})
	err = b.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		return tx.AddEntries(ctx, []domain.Entry{entry}, []domain.Head{head})
	})
	if err == nil {
		t.Fatal("the store took a business key twice")
	}
}
