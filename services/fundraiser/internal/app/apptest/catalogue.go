// Package apptest is the definition of app.Store: a suite that every store
// passes on every engine. It reads as what the use cases rely on.
package apptest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// Run runs the suite. open returns an empty store; each test gets its own.
func Run(t *testing.T, open func(t *testing.T) app.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, app.Store){
		"what is put is read back":              putAndRead,
		"putting again keeps place and total":   putAgain,
		"there is one home":                     oneHome,
		"a failed transaction leaves nothing":   atomic,
		"funds keep the order of their appeal":  fundOrder,
		"top pages are the live ones by total":  topPages,
		"events are appended with the change":   appendEvents,
		"gifts are added once":                  giftsOnce,
		"what happens to gifts is in totals":    whatHappens,
		"a gift may come after its refund":      earlyFacts,
		"recent gifts are the newest":           recent,
		"only known totals are locked":          lockKnown,
		"sums are by organization and currency": sums,
		"batches and duplicates fold alike":     foldProperty,
		"one address has one account":           oneAccount,
		"a page is found for its owner alone":   ownPages,
		"an address has one page":               addressTaken,
		"old drafts are found and removed":      oldDrafts,
		"pictures are kept in their sizes":      pictures,
		"owners are due a mail once a gift":     giftMails,
		"of many who claim a draft one does":    racers,
		"two consumers count a gift once":       concurrentConsumers,
		"revisions number what there is":        revisions,
		"changes are only added to":             changes,
		"published pages are read on":           publishedPages,
		"a draft of an appeal can move":         movedAppeal,
		"staff and owner lose nothing":          takeDownAndEdit,
		"an organization has a logo or none":    logo,
		"who read up to a revision reads on":    readOn,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var (
	eur = money.MustCurrency("EUR")
	usd = money.MustCurrency("USD")
	// noon is when everything here happens.
	noon      = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	noonClock = func() time.Time { return noon }
)

func organization(code string, home bool) domain.Organization {
	return domain.Organization{
		ID: domain.OrganizationID(code), Code: code, Slug: "slug-of-" + code, Name: "Wayhaven Relief",
		LegalName: "Wayhaven Relief Foundation", Address: []string{"1 Example Quay", "1000 AA Amsterdam"},
		Registration: "Sample registration", Country: "NL", TimeZone: "Europe/Amsterdam", BaseCurrency: "EUR",
		ReceiptProfile: "generic", Mission: "We stand beside people.", ContactEmail: "hello@wayhaven.example",
		Home: home, Version: 1,
	}
}

func fund(o domain.Organization, code string, class domain.FundClass) domain.Fund {
	return domain.Fund{
		ID: domain.FundID(o.ID, code), OrganizationID: o.ID, Code: code, Name: "Fund " + code, Class: class, Version: 1,
	}
}

func appeal(o domain.Organization, slug string, currency money.Currency, funds ...string) domain.Appeal {
	return domain.Appeal{
		ID: domain.AppealID(slug), OrganizationID: o.ID, Slug: slug, Kind: domain.Campaign, State: domain.Live,
		Title: "A home for 60,000", Summary: "Bring them home.", Story: "Ils arrivent à pied.\n\nوصلوا سيرًا.",
		Currency: currency, Suggested: []int64{40_00, 400_00}, Minimum: 2_00, Goal: 24_000_000_00, GoalCount: 60_000,
		GoalUnit: "people resettled", UnitCost: 400_00, FundCodes: funds,
		StartsAt: noon.AddDate(0, -1, 0), EndsAt: noon.AddDate(1, 0, 0), CoverRatePPM: 29_000, CoverFixed: 30,
		WasPublished: true, Version: 1,
	}
}

func page(a domain.Appeal, slug string) domain.Page {
	return domain.Page{
		ID: domain.PageID(slug), AppealID: a.ID, Slug: slug, Title: "Bread for new neighbours",
		Owner: "The Thursday Bakers", Story: "We are *eleven* people.", Goal: 2400_00, State: domain.Live, Version: 1,
	}
}

// put writes a catalogue; the organizations' funds are the general one and, if
// the appeal has it, the school's.
func put(t *testing.T, store app.Store, o domain.Organization, appeals []domain.Appeal, pages []domain.Page) {
	t.Helper()
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		err := errors.Join(tx.LockCatalogue(ctx), tx.PutOrganization(ctx, o),
			tx.PutFund(ctx, fund(o, "GENERAL", domain.Unrestricted)), tx.PutFund(ctx, fund(o, "SCHOOL", domain.Restricted)))
		for _, a := range appeals {
			err = errors.Join(err, tx.PutAppeal(ctx, a))
		}
		for _, p := range pages {
			err = errors.Join(err, tx.PutPage(ctx, p))
		}
		return err
	})
}

func inTx(t testing.TB, store app.Store, fn func(ctx context.Context, tx app.Tx) error) {
	t.Helper()
	err := store.InTx(t.Context(), fn)
	if err != nil {
		t.Fatal(err)
	}
}

func inRead(t testing.TB, store app.Store, fn func(ctx context.Context, tx app.Reader) error) {
	t.Helper()
	err := store.InReadTx(t.Context(), fn)
	if err != nil {
		t.Fatal(err)
	}
}

func putAndRead(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "sixty-thousand-homes", usd, "SCHOOL", "GENERAL")
	bare := appeal(o, "beside-every-family", eur, "GENERAL")
	bare.Suggested, bare.StartsAt, bare.EndsAt, bare.Kind = nil, time.Time{}, time.Time{}, domain.Standing
	p := page(a, "bread-for-new-neighbours")
	put(t, store, o, []domain.Appeal{a, bare}, []domain.Page{p})

	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		gotO, found, err := tx.Organization(ctx, o.ID)
		if err != nil || !found || !reflect.DeepEqual(gotO, o) {
			t.Errorf("organization: %+v, %v, %v", gotO, found, err)
		}
		for _, want := range []domain.Appeal{a, bare} {
			got, found, err := tx.AppealBySlug(ctx, want.Slug)
			if err != nil || !found || !reflect.DeepEqual(got.Appeal, want) || got.Total != (domain.Total{}) {
				t.Errorf("appeal by slug: %+v, %v, %v\nwant %+v", got, found, err, want)
			}
			byID, found, err := tx.AppealByID(ctx, want.ID)
			if err != nil || !found || !reflect.DeepEqual(byID, got) {
				t.Errorf("appeal by id: %+v, %v, %v", byID, found, err)
			}
		}
		gotP, found, err := tx.PageBySlug(ctx, p.Slug)
		if err != nil || !found || !reflect.DeepEqual(gotP.Page, p) {
			t.Errorf("page: %+v, %v, %v", gotP, found, err)
		}
		for _, missing := range []func() (bool, error){
			func() (bool, error) { _, found, err := tx.Organization(ctx, "none"); return found, err },
			func() (bool, error) { _, found, err := tx.AppealBySlug(ctx, "none"); return found, err },
			func() (bool, error) { _, found, err := tx.AppealByID(ctx, "none"); return found, err },
			func() (bool, error) { _, found, err := tx.PageBySlug(ctx, "none"); return found, err },
			func() (bool, error) { _, found, err := tx.Gift(ctx, "none"); return found, err },
		} {
			found, err := missing()
			if found || err != nil {
				t.Errorf("what is not there: %v, %v", found, err)
			}
		}
		return nil
	})
}

func putAgain(t *testing.T, store app.Store) {
	other, o := organization("HARBOUR", false), organization("WAYHAVEN", true)
	first, second := appeal(o, "zz-first", eur, "GENERAL"), appeal(o, "aa-second", eur, "GENERAL")
	p := page(first, "salma-walks-the-coast")
	put(t, store, other, nil, nil)
	put(t, store, o, []domain.Appeal{first, second}, []domain.Page{p})
	count(t, store, give(1, first, p.ID, 25_00))

	o.Name, o.Version, o.Address = "Wayhaven", 2, nil
	first.Title, first.FundCodes, p.Title = "Sixty thousand doors", []string{"SCHOOL"}, "Still walking"
	put(t, store, o, []domain.Appeal{second, first}, []domain.Page{p})

	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		organizations, err := tx.Organizations(ctx)
		if err != nil || len(organizations) != 2 || !reflect.DeepEqual(organizations[0], o) || organizations[1].Code != "HARBOUR" {
			t.Errorf("organizations, home first: %+v, %v", organizations, err)
		}
		appeals, err := tx.Appeals(ctx)
		if err != nil || len(appeals) != 2 || !reflect.DeepEqual(appeals[0].Appeal, first) || appeals[1].Slug != "aa-second" {
			t.Fatalf("appeals in their first order: %+v, %v", appeals, err)
		}
		if want := (domain.Total{Settled: 25_00, Gifts: 1, AsOf: 1}); appeals[0].Total != want {
			t.Errorf("total is %+v, want %+v", appeals[0].Total, want)
		}
		pages, err := tx.Pages(ctx)
		if err != nil || len(pages) != 1 || !reflect.DeepEqual(pages[0], p) {
			t.Errorf("pages: %+v, %v", pages, err)
		}
		funds, err := tx.Funds(ctx)
		if err != nil || len(funds) != 4 {
			t.Errorf("funds: %+v, %v", funds, err)
		}
		return nil
	})
}

func oneHome(t *testing.T, store app.Store) {
	put(t, store, organization("WAYHAVEN", true), nil, nil)
	err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		return tx.PutOrganization(ctx, organization("HARBOUR", true))
	})
	if err == nil {
		t.Error("a second home is taken")
	}
}

func atomic(t *testing.T, store app.Store) {
	changedMind := errors.New("changed my mind")
	err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.PutOrganization(ctx, organization("WAYHAVEN", true)), changedMind)
	})
	if !errors.Is(err, changedMind) {
		t.Fatal(err)
	}
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		organizations, err := tx.Organizations(ctx)
		if len(organizations) != 0 {
			t.Errorf("%+v", organizations)
		}
		return err
	})
}

func fundOrder(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	put(t, store, o, []domain.Appeal{
		appeal(o, "school-first", eur, "SCHOOL", "GENERAL"), appeal(o, "general-first", eur, "GENERAL", "SCHOOL"),
	}, nil)
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		appeals, err := tx.Appeals(ctx)
		if err != nil {
			return err
		}
		school, general := fund(o, "SCHOOL", domain.Restricted), fund(o, "GENERAL", domain.Unrestricted)
		if !reflect.DeepEqual(appeals[0].Funds, []domain.Fund{school, general}) ||
			!reflect.DeepEqual(appeals[1].Funds, []domain.Fund{general, school}) {
			t.Errorf("%+v", appeals)
		}
		return nil
	})
}

func topPages(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a, other := appeal(o, "shelter-tonight", eur, "GENERAL"), appeal(o, "beside-every-family", eur, "GENERAL")
	small, large, none := page(a, "small"), page(a, "large"), page(a, "a-new-one")
	draft, elsewhere := page(a, "draft"), page(other, "elsewhere")
	draft.State = domain.Draft
	put(t, store, o, []domain.Appeal{a, other}, []domain.Page{small, large, none, draft, elsewhere})
	count(t, store, give(1, a, small.ID, 5_00), give(2, a, large.ID, 900_00), give(3, a, draft.ID, 9_000_00))
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		pages, err := tx.TopPages(ctx, a.ID, 2)
		if err != nil || len(pages) != 2 || pages[0].Slug != "large" || pages[1].Slug != "small" {
			t.Errorf("%+v, %v", pages, err)
		}
		if pages[0].Total != (domain.Total{Settled: 900_00, Gifts: 1, AsOf: 2}) {
			t.Errorf("%+v", pages[0].Total)
		}
		return nil
	})
}
