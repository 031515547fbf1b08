package apptest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

func changes(t *testing.T, store app.Store) {
	first := app.Change{
		At: noon, PersonID: "staff-1", Subject: app.FundSubject, SubjectID: "f", SubjectName: "GENERAL", Action: "created",
		Fields: []app.FieldChange{{Field: "name", After: "Là où c'est nécessaire"}},
	}
	second := app.Change{
		At: noon.Add(time.Second), PersonID: "operator", Subject: app.AppealSubject, SubjectID: "a", SubjectName: "shelter-tonight",
		Action: "closed", Fields: []app.FieldChange{{Field: "state", Before: "live", After: "closed"}},
	}
	bare := app.Change{At: noon, PersonID: "staff-1", Subject: app.OrganizationSubject, SubjectID: "o", SubjectName: "WAYHAVEN", Action: "logo"}
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.AddChanges(ctx, []app.Change{first, second}), tx.AddChanges(ctx, nil), tx.AddChanges(ctx, []app.Change{bare}))
	})
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		all, err := tx.Changes(ctx, 0, 10)
		if err != nil || len(all) != 3 {
			t.Fatalf("%+v, %v", all, err)
		}
		ids := []int64{all[0].ID, all[1].ID, all[2].ID}
		if ids[0] <= ids[1] || ids[1] <= ids[2] || ids[2] < 1 {
			t.Errorf("ids are %v", ids)
		}
		bare.ID, second.ID, first.ID = ids[0], ids[1], ids[2]
		if !reflect.DeepEqual(all, []app.Change{bare, second, first}) {
			t.Errorf("%+v", all)
		}
		next, err := tx.Changes(ctx, ids[0], 1)
		if err != nil || !reflect.DeepEqual(next, []app.Change{second}) {
			t.Errorf("before %d: %+v, %v", ids[0], next, err)
		}
		return nil
	})
}

func publishedPages(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	at := func(slug string, state domain.State, published time.Time) domain.Page {
		p := page(a, slug)
		p.State, p.PublishedAt = state, published
		return p
	}
	old, unknown := at("old", domain.Closed, noon.Add(-time.Hour)), at("unknown", domain.Live, time.Time{})
	newest, hidden := at("newest", domain.TakenDown, noon), at("hidden", domain.Draft, noon)
	twin := at("twin", domain.Paused, noon)
	newest.StateBefore, newest.Reason = domain.Live, "Asks for gifts to a private account."
	put(t, store, o, []domain.Appeal{a}, []domain.Page{old, unknown, newest, hidden, twin})
	count(t, store, give(1, a, old.ID, 25_00))

	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		want := []string{"newest", "twin"}
		if twin.ID < newest.ID {
			want = []string{"twin", "newest"}
		}
		want = append(want, "old", "unknown")
		var got []string
		var cursor app.PageCursor
		for {
			pages, err := tx.PublishedPages(ctx, cursor, 1)
			if err != nil {
				return err
			}
			if len(pages) == 0 {
				break
			}
			got = append(got, pages[0].Slug)
			cursor = app.PageCursor{PublishedAt: pages[0].PublishedAt, ID: pages[0].ID}
		}
		if !slices.Equal(got, want) {
			t.Errorf("one by one: %v, want %v", got, want)
		}
		found, ok, err := tx.PageByID(ctx, newest.ID)
		if err != nil || !ok || !reflect.DeepEqual(found.Page, newest) {
			t.Errorf("by id: %+v, %v, %v", found, ok, err)
		}
		_, ok, err = tx.PageByID(ctx, "none")
		if ok || err != nil {
			t.Errorf("what is not there: %v, %v", ok, err)
		}
		return nil
	})
}

func movedAppeal(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	a.State, a.WasPublished = domain.Draft, false
	put(t, store, o, []domain.Appeal{a}, nil)
	a.Slug, a.Currency, a.Version = "shelter-this-week", usd, 2
	put(t, store, o, []domain.Appeal{a}, nil)
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		got, found, err := tx.AppealBySlug(ctx, "shelter-this-week")
		if err != nil || !found || !reflect.DeepEqual(got.Appeal, a) {
			t.Errorf("%+v, %v, %v", got, found, err)
		}
		_, found, err = tx.AppealBySlug(ctx, "shelter-tonight")
		if found || err != nil {
			t.Errorf("still at its old address: %v, %v", found, err)
		}
		return nil
	})
}
