package apptest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

func revision(t *testing.T, store app.Store) app.Revision {
	t.Helper()
	var now app.Revision
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		var err error
		now, err = tx.Revision(ctx)
		return err
	})
	return now
}

// told reports whether a signal is there, and takes it.
func told(store app.Store) bool {
	select {
	case <-store.Changed():
		return true
	default:
		return false
	}
}

func revisions(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	p := page(a, "salma-walks-the-coast")
	first := revision(t, store)
	if first.Catalogue < 1 || first.Totals < 1 || told(store) {
		t.Fatalf("an empty store is at %+v", first)
	}

	put(t, store, o, []domain.Appeal{a}, []domain.Page{p})
	loaded := revision(t, store)
	if want := (app.Revision{Catalogue: first.Catalogue + 1, Totals: first.Totals}); loaded != want || !told(store) {
		t.Errorf("one transaction that wrote a lot: %+v, want %+v", loaded, want)
	}
	count(t, store, give(1, a, p.ID, 25_00))
	counted := revision(t, store)
	if want := (app.Revision{Catalogue: loaded.Catalogue, Totals: loaded.Totals + 1}); counted != want || !told(store) {
		t.Errorf("a gift: %+v, want %+v", counted, want)
	}
	for name, write := range map[string]func(ctx context.Context, tx app.Tx) error{
		"organization": func(ctx context.Context, tx app.Tx) error { return tx.PutOrganization(ctx, o) },
		"fund": func(ctx context.Context, tx app.Tx) error {
			return tx.PutFund(ctx, fund(o, "GENERAL", domain.Unrestricted))
		},
		"appeal": func(ctx context.Context, tx app.Tx) error { return tx.PutAppeal(ctx, a) },
		"page":   func(ctx context.Context, tx app.Tx) error { return tx.PutPage(ctx, p) },
	} {
		before := revision(t, store)
		inTx(t, store, write)
		if after := revision(t, store); after.Catalogue != before.Catalogue+1 || after.Totals != before.Totals || !told(store) {
			t.Errorf("%s: %+v → %+v", name, before, after)
		}
	}

	draft := page(a, "a-draft")
	draft.State = domain.Draft
	before := revision(t, store)
	for range 2 {
		inTx(t, store, func(ctx context.Context, tx app.Tx) error { return tx.PutPage(ctx, draft) })
	}
	if revision(t, store) != before || told(store) {
		t.Error("what nobody sees was told")
	}
	// Only a file can make a page a draft again; then it has to go.
	p.State = domain.Draft
	inTx(t, store, func(ctx context.Context, tx app.Tx) error { return tx.PutPage(ctx, p) })
	if revision(t, store).Catalogue != before.Catalogue+1 || !told(store) {
		t.Error("a page that is a draft again was not told")
	}

	before = revision(t, store)
	p.State = domain.Live
	changedMind := errors.New("changed my mind")
	err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.PutPage(ctx, p), changedMind)
	})
	if !errors.Is(err, changedMind) || revision(t, store) != before || told(store) {
		t.Errorf("what was undone was told: %v", err)
	}
}

func readOn(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a, other := appeal(o, "shelter-tonight", eur, "GENERAL"), appeal(o, "beside-every-family", eur, "GENERAL")
	early, late, draft := page(a, "early"), page(a, "late"), page(a, "draft")
	draft.State = domain.Draft
	put(t, store, o, []domain.Appeal{a, other}, []domain.Page{early, draft})
	count(t, store, give(7, a, early.ID, 25_00))
	mark := revision(t, store)
	put(t, store, o, nil, []domain.Page{late})
	// A gift that waited comes before the position of the newest one.
	count(t, store, give(3, other, "", 5_00))

	slugs := func(pages []app.Page) []string {
		var found []string
		for _, p := range pages {
			found = append(found, p.Slug)
		}
		slices.Sort(found)
		return found
	}
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		pages, err := tx.PagesSince(ctx, 0)
		if err != nil || !slices.Equal(slugs(pages), []string{"early", "late"}) {
			t.Errorf("all pages: %+v, %v", pages, err)
		}
		pages, err = tx.PagesSince(ctx, mark.Catalogue)
		want := app.Page{Page: domain.Page{ID: late.ID, AppealID: a.ID, Slug: "late", State: domain.Live}}
		if err != nil || !reflect.DeepEqual(pages, []app.Page{want}) {
			t.Errorf("later pages: %+v, %v", pages, err)
		}
		totals, err := tx.TotalsSince(ctx, mark.Totals)
		if err != nil || !reflect.DeepEqual(totals, map[string]domain.Total{other.ID: {Settled: 5_00, Gifts: 1, AsOf: 3}}) {
			t.Errorf("later totals: %+v, %v", totals, err)
		}
		totals, err = tx.TotalsSince(ctx, mark.Totals-1)
		if err != nil || len(totals) != 3 || totals[early.ID] != (domain.Total{Settled: 25_00, Gifts: 1, AsOf: 7}) {
			t.Errorf("all totals: %+v, %v", totals, err)
		}
		return nil
	})
}
