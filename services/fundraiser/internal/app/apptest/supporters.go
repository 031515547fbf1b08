package apptest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

func supporter(email string) domain.Supporter {
	return domain.Supporter{ID: uuid.NewString(), Email: email, DisplayName: "Amira Haddad", Language: "ar", MailGifts: true, CreatedAt: noon}
}

// site is a store with one appeal, and a supporter with an account.
func site(t *testing.T, store app.Store) (domain.Appeal, domain.Supporter) {
	t.Helper()
	o := organization("WAYHAVEN", true)
	a, amira := appeal(o, "shelter-tonight", eur, "GENERAL"), supporter("amira@example.org")
	put(t, store, o, []domain.Appeal{a}, nil)
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.EnsureSupporter(ctx, amira)
		return err
	})
	return a, amira
}

func draft(a domain.Appeal, slug string, begun time.Time) domain.Page {
	p := page(a, slug)
	p.State, p.Unclaimed, p.CreatedAt = domain.Draft, true, begun
	return p
}

func ownedBy(s domain.Supporter, p domain.Page) domain.Page {
	p.SupporterID, p.Unclaimed = s.ID, false
	return p
}

func add(t *testing.T, store app.Store, pages ...domain.Page) {
	t.Helper()
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		var err error
		for _, p := range pages {
			err = errors.Join(err, tx.AddPage(ctx, p))
		}
		return err
	})
}

func oneAccount(t *testing.T, store app.Store) {
	ids := make([]string, 8)
	var links sync.WaitGroup
	for i := range ids {
		links.Go(func() {
			err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
				var err error
				ids[i], err = tx.EnsureSupporter(ctx, supporter("amira@example.org"))
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	links.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("one address has the accounts %v", ids)
		}
	}
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		account, found, err := tx.Supporter(ctx, ids[0])
		want := supporter("amira@example.org")
		want.ID = ids[0]
		if err != nil || !found || account != want {
			t.Errorf("%+v, %v, %v", account, found, err)
		}
		account.DisplayName, account.Language, account.MailGifts = "", "fr", false
		err = tx.UpdateSupporter(ctx, account)
		if err != nil {
			return err
		}
		changed, _, err := tx.Supporter(ctx, ids[0])
		if changed != account {
			t.Errorf("%+v, want %+v", changed, account)
		}
		known, lockErr := tx.LockSupporter(ctx, ids[0])
		unknown, noneErr := tx.LockSupporter(ctx, "none")
		if !known || unknown {
			t.Errorf("locked: %v, %v", known, unknown)
		}
		_, found, findErr := tx.Supporter(ctx, "none")
		if found {
			t.Error("there is an account that nobody made")
		}
		return errors.Join(err, lockErr, noneErr, findErr)
	})
}

// Whose a page is, is part of every question.
func ownPages(t *testing.T, store app.Store) {
	a, amira := site(t, store)
	noor := supporter("noor@example.org")
	inTx(t, store, func(ctx context.Context, tx app.Tx) error { _, err := tx.EnsureSupporter(ctx, noor); return err })
	first, second := ownedBy(amira, draft(a, "first", noon)), ownedBy(amira, page(a, "second"))
	second.CreatedAt, second.PublishedAt, second.Version = noon.Add(time.Hour), noon.Add(2*time.Hour), 4
	second.State, second.StateBefore, second.Reason = domain.TakenDown, domain.Paused, "The picture is somebody else's."
	hers, unclaimed, loaded := ownedBy(noor, page(a, "hers")), draft(a, "unclaimed", noon), page(a, "loaded")
	add(t, store, first, second, hers, unclaimed, loaded)

	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		pages, err := tx.OwnPages(ctx, amira.ID)
		if err != nil || len(pages) != 2 || !reflect.DeepEqual(pages[0].Page, second) || !reflect.DeepEqual(pages[1].Page, first) {
			t.Errorf("the newest first: %+v, %v", pages, err)
		}
		ofNobody, err := tx.OwnPages(ctx, "")
		if err != nil || len(ofNobody) != 0 {
			t.Errorf("nobody owns %+v, %v", ofNobody, err)
		}
		type look func(context.Context, string, string) (app.Page, bool, error)
		for name, ask := range map[string]look{"read": tx.OwnPage, "lock": tx.LockOwnPage} {
			own, found, err := ask(ctx, amira.ID, second.ID)
			if err != nil || !found || !reflect.DeepEqual(own.Page, second) {
				t.Errorf("%s: %+v, %v, %v", name, own, found, err)
			}
			for _, c := range [][2]string{{amira.ID, hers.ID}, {noor.ID, first.ID}, {amira.ID, unclaimed.ID}, {"", unclaimed.ID}, {"", loaded.ID}, {amira.ID, "none"}} {
				_, found, err := ask(ctx, c[0], c[1])
				if err != nil || found {
					t.Errorf("%s: %v is found, %v", name, c, err)
				}
			}
		}
		for name, ask := range map[string]func(context.Context, string) (app.Page, bool, error){"read": tx.Draft, "lock": tx.LockDraft} {
			got, found, err := ask(ctx, unclaimed.ID)
			if err != nil || !found || !reflect.DeepEqual(got.Page, unclaimed) {
				t.Errorf("%s: %+v, %v, %v", name, got, found, err)
			}
			for _, id := range []string{first.ID, loaded.ID, "none", ""} {
				_, found, err := ask(ctx, id)
				if err != nil || found {
					t.Errorf("%s: %s is an unclaimed draft, %v", name, id, err)
				}
			}
		}
		exists, err := tx.PageExists(ctx, hers.ID)
		none, noneErr := tx.PageExists(ctx, "none")
		if !exists || none {
			t.Errorf("exist: %v, %v", exists, none)
		}
		owners, slugErr := tx.SlugOwners(ctx, []string{"first", "hers", "free"})
		if !reflect.DeepEqual(owners, map[string]string{"first": first.ID, "hers": hers.ID}) {
			t.Errorf("%v", owners)
		}
		nothing, emptyErr := tx.SlugOwners(ctx, nil)
		if len(nothing) != 0 {
			t.Errorf("%v", nothing)
		}
		return errors.Join(err, noneErr, slugErr, emptyErr)
	})
}

func addressTaken(t *testing.T, store app.Store) {
	a, amira := site(t, store)
	mine, other := ownedBy(amira, page(a, "mine")), page(a, "other")
	add(t, store, mine, other)
	same := mine
	same.Title = "Written over"
	clash := page(a, "elsewhere")
	clash.Slug = "mine"
	moved := other
	moved.Slug = "mine"
	for name, write := range map[string]func(context.Context, app.Tx) error{
		"added under an id that is there":  func(ctx context.Context, tx app.Tx) error { return tx.AddPage(ctx, same) },
		"added at an address that is used": func(ctx context.Context, tx app.Tx) error { return tx.AddPage(ctx, clash) },
		"put at an address that is used":   func(ctx context.Context, tx app.Tx) error { return tx.PutPage(ctx, moved) },
	} {
		err := store.InTx(t.Context(), write)
		if !errors.Is(err, app.ErrPageTaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		kept, _, err := tx.PageBySlug(ctx, "mine")
		if !reflect.DeepEqual(kept.Page, mine) {
			t.Errorf("%+v", kept)
		}
		return err
	})
}

func oldDrafts(t *testing.T, store app.Store) {
	a, amira := site(t, store)
	week := noon.AddDate(0, 0, -7)
	old, older, edge, fresh := draft(a, "old", week.Add(-time.Second)), draft(a, "older", week.Add(-time.Hour)), draft(a, "edge", week), draft(a, "fresh", noon)
	mine, loaded := ownedBy(amira, draft(a, "mine", week.Add(-time.Hour))), page(a, "loaded")
	add(t, store, old, older, edge, fresh, mine, loaded)
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		ids, err := tx.OldDrafts(ctx, week, 10)
		if err != nil || !reflect.DeepEqual(ids, []string{older.ID, old.ID}) {
			t.Errorf("%v, %v", ids, err)
		}
		ids, err = tx.OldDrafts(ctx, week, 1)
		if err != nil || len(ids) != 1 {
			t.Errorf("%v, %v", ids, err)
		}
		all, recent, err := tx.CountDrafts(ctx, week)
		if err != nil || all != 4 || recent != 2 {
			t.Errorf("%d drafts, %d recent, %v", all, recent, err)
		}
		return tx.RemovePage(ctx, old.ID)
	})
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		exists, err := tx.PageExists(ctx, old.ID)
		if exists {
			t.Error("what was removed is there")
		}
		return err
	})
	for _, id := range []string{loaded.ID, old.ID, "none"} {
		err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error { return tx.RemovePage(ctx, id) })
		if err == nil {
			t.Errorf("%s was removed", id)
		}
	}
}

func pictures(t *testing.T, store app.Store) {
	a, amira := site(t, store)
	image := domain.Image{ID: "Q3ZK", Alt: "Amira running, زائد", Width: 1600, Height: 900, Widths: []int{1600, 800}}
	made := app.Picture{ContentType: "image/jpeg", Width: 1600, Height: 900, Sizes: []app.PictureSize{
		{Width: 1600, Content: []byte{0xFF, 0xD8, 0x00, 0xFF}}, {Width: 800, Content: []byte{0xFF, 0xD8}},
	}}
	p := ownedBy(amira, page(a, "with-a-picture"))
	p.Photo = image
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.AddImage(ctx, image, made), tx.AddPage(ctx, p))
	})
	look := func(width int, want []byte) {
		t.Helper()
		inRead(t, store, func(ctx context.Context, tx app.Reader) error {
			file, found, err := tx.ImageFile(ctx, image.ID, width)
			if found != (want != nil) || (found && file.ContentType != "image/jpeg") || string(file.Content) != string(want) {
				t.Errorf("width %d: %+v, %v", width, file, found)
			}
			return err
		})
	}
	look(1600, made.Sizes[0].Content)
	look(800, made.Sizes[1].Content)
	look(400, nil)
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		own, _, err := tx.OwnPage(ctx, amira.ID, p.ID)
		shown, _, slugErr := tx.PageBySlug(ctx, p.Slug)
		if !reflect.DeepEqual(own.Page, p) || !reflect.DeepEqual(shown.Page, p) {
			t.Errorf("%+v, %+v", own, shown)
		}
		return errors.Join(err, slugErr)
	})
	// Taken down, nobody sees it; restored, everybody does.
	put := func(p domain.Page) {
		inTx(t, store, func(ctx context.Context, tx app.Tx) error { return tx.PutPage(ctx, p) })
	}
	put(p.TakenDown("It shows somebody who did not agree."))
	look(1600, nil)
	put(p)
	look(1600, made.Sizes[0].Content)

	p.Photo = domain.Image{}
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.PutPage(ctx, p), tx.RemoveImage(ctx, image.ID), tx.RemoveImage(ctx, ""))
	})
	look(1600, nil)
}

// dueMails are what is due at a moment, by donation.
func dueMails(t *testing.T, store app.Store, at time.Time) map[string]app.DueGiftMail {
	t.Helper()
	due := map[string]app.DueGiftMail{}
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		mails, err := tx.DueGiftMails(ctx, at, 100)
		for _, m := range mails {
			due[m.DonationID] = m
		}
		return err
	})
	return due
}

func giftMails(t *testing.T, store app.Store) {
	a, amira := site(t, store)
	quiet := supporter("quiet@example.org")
	quiet.MailGifts = false
	inTx(t, store, func(ctx context.Context, tx app.Tx) error { _, err := tx.EnsureSupporter(ctx, quiet); return err })
	hers, silent, loaded := ownedBy(amira, page(a, "hers")), ownedBy(quiet, page(a, "silent")), page(a, "loaded")
	add(t, store, hers, silent, loaded)

	old := give(5, a, hers.ID, 9_00)
	old.PaidAt = noon.Add(-7*24*time.Hour).UnixMicro() - 1
	first, second := give(1, a, hers.ID, 25_00), give(2, a, hers.ID, 10_00)
	gifts := []domain.Gift{first, second, give(3, a, silent.ID, 5_00), give(4, a, loaded.ID, 5_00), old, give(6, a, "", 5_00)}
	count(t, store, gifts...)
	count(t, store, gifts...) // the events come again

	due := dueMails(t, store, noon)
	want := app.DueGiftMail{
		DonationID: second.DonationID, Gift: money.Amount{Minor: 10_00, Currency: eur}, Total: money.Amount{Minor: 35_00, Currency: eur},
		Page:             domain.Page{ID: hers.ID, Slug: hers.Slug, Title: hers.Title, Owner: hers.Owner, Goal: hers.Goal},
		OrganizationName: "Wayhaven Relief",
		Supporter:        domain.Supporter{ID: amira.ID, Email: amira.Email, DisplayName: amira.DisplayName, Language: "ar", MailGifts: true},
	}
	if len(due) != 2 || !reflect.DeepEqual(due[second.DonationID], want) || due[first.DonationID].Total.Minor != 25_00 {
		t.Fatalf("%+v", due)
	}

	later := noon.Add(time.Minute)
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(
			tx.DelayGiftMails(ctx, []app.MailDelay{{DonationID: first.DonationID, Attempts: 3, Until: later}}), tx.DelayGiftMails(ctx, nil),
			tx.ParkGiftMails(ctx, []app.MailStop{{DonationID: second.DonationID, Attempts: 1, Reason: "the mail is refused"}}, noon), tx.ParkGiftMails(ctx, nil, noon))
	})
	if due = dueMails(t, store, later.Add(-1)); len(due) != 0 {
		t.Errorf("%+v", due)
	}
	if due = dueMails(t, store, later); len(due) != 1 || due[first.DonationID].Attempts != 3 {
		t.Errorf("%+v", due)
	}
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		parked, err := tx.ParkedGiftMails(ctx)
		if !reflect.DeepEqual(parked, []app.ParkedGiftMail{{DonationID: second.DonationID, Attempts: 1, Reason: "the mail is refused", Since: noon}}) {
			t.Errorf("%+v", parked)
		}
		counted, countErr := tx.CountParkedGiftMails(ctx)
		if counted != 1 {
			t.Errorf("%d parked mails are counted", counted)
		}
		return errors.Join(err, countErr)
	})
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.SettleGiftMail(ctx, first.DonationID, noon), tx.ReleaseGiftMails(ctx, "none"))
	})
	if due = dueMails(t, store, later); len(due) != 0 {
		t.Errorf("%+v", due)
	}
	inTx(t, store, func(ctx context.Context, tx app.Tx) error { return tx.ReleaseGiftMails(ctx, "") })
	if due = dueMails(t, store, noon); len(due) != 1 || due[second.DonationID].Attempts != 0 {
		t.Errorf("%+v", due)
	}
}

// Of many who claim one draft, and of many who add one page, one does.
func racers(t *testing.T, store app.Store) {
	a, _ := site(t, store)
	unclaimed := draft(a, "unclaimed", noon)
	add(t, store, unclaimed)
	var people []domain.Supporter
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		people = nil
		var err error
		for i := range 6 {
			people = append(people, supporter(fmt.Sprintf("runner%d@example.org", i)))
			_, ensureErr := tx.EnsureSupporter(ctx, people[i])
			err = errors.Join(err, ensureErr)
		}
		return err
	})
	claimed, added := make([]bool, len(people)), make([]bool, len(people))
	var race sync.WaitGroup
	for i, p := range people {
		race.Go(func() {
			err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
				claimed[i] = false
				got, found, err := tx.LockDraft(ctx, unclaimed.ID)
				if err != nil || !found {
					return err
				}
				claimed[i] = true
				return tx.PutPage(ctx, ownedBy(p, got.Page))
			})
			if err != nil {
				t.Error(err)
			}
			same := page(a, fmt.Sprintf("page-of-%d", i))
			same.Slug = "the-same-address"
			err = store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error { return tx.AddPage(ctx, ownedBy(p, same)) })
			added[i] = err == nil
			if err != nil && !errors.Is(err, app.ErrPageTaken) {
				t.Error(err)
			}
		})
	}
	race.Wait()
	for what, won := range map[string][]bool{"claimed": claimed, "added": added} {
		winners := 0
		for _, did := range won {
			if did {
				winners++
			}
		}
		if winners != 1 {
			t.Errorf("%d have %s it", winners, what)
		}
	}
}
