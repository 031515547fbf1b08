package apptest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
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
		return nil
	})
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		found, ok, err := tx.LockPage(ctx, newest.ID)
		if err != nil || !ok || !reflect.DeepEqual(found.Page, newest) {
			t.Errorf("by id: %+v, %v, %v", found, ok, err)
		}
		_, ok, err = tx.LockPage(ctx, "none")
		if ok || err != nil {
			t.Errorf("what is not there: %v, %v", ok, err)
		}
		return nil
	})
}

// Staff hide a page while its owner writes: what the owner wrote stays.
func takeDownAndEdit(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	p := page(a, "salma-walks-the-coast")
	put(t, store, o, []domain.Appeal{a}, []domain.Page{p})
	write := func(change func(*domain.Page)) error {
		return store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
			page, _, err := tx.LockPage(ctx, p.ID)
			if err != nil {
				return err
			}
			change(&page.Page)
			page.Version++
			return tx.PutPage(ctx, page.Page)
		})
	}
	const each = 5
	var both sync.WaitGroup
	for _, change := range []func(*domain.Page){
		func(p *domain.Page) { p.Goal++ },
		func(p *domain.Page) { *p = p.TakenDown(p.Reason + "x") },
	} {
		both.Go(func() {
			for range each {
				err := write(change)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		got, _, err := tx.PageBySlug(ctx, p.Slug)
		if err != nil || got.Goal != p.Goal+each || got.Reason != "xxxxx" || got.Version != p.Version+2*each {
			t.Errorf("%+v, %v", got, err)
		}
		return nil
	})
}

func logo(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	o.Logo = domain.Image{ID: "a-logo", Alt: "Wayhaven", Width: 320, Height: 80, Widths: []int{320, 160}}
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(
			tx.AddImage(ctx, o.Logo, app.Picture{ContentType: "image/png", Sizes: []app.PictureSize{{Width: 320, Content: []byte("png")}}}),
			tx.PutOrganization(ctx, o))
	})
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		got, _, err := tx.Organization(ctx, o.ID)
		all, listErr := tx.Organizations(ctx)
		if errors.Join(err, listErr) != nil || !reflect.DeepEqual(got, o) || !reflect.DeepEqual(all, []domain.Organization{o}) {
			t.Errorf("%+v, %+v, %v, %v", got, all, err, listErr)
		}
		return nil
	})
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		gone := o
		gone.Logo = domain.Image{}
		return errors.Join(tx.PutOrganization(ctx, gone), tx.RemoveImage(ctx, o.Logo.ID))
	})
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		got, _, err := tx.Organization(ctx, o.ID)
		if err != nil || !reflect.DeepEqual(got.Logo, domain.Image{}) {
			t.Errorf("%+v, %v", got, err)
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
