package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

func code(err error) (apperr.Code, string) {
	public := apperr.Public(err)
	if public == nil {
		return "", ""
	}
	return public.Code, public.Reason
}

func TestTheCrisisComesFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// In the file the crisis is now the last one.
	text := sample(t)
	from, to := strings.Index(text, "  - slug: shelter-tonight"), strings.Index(text, "  - slug: beside-every-family")
	end := strings.Index(text, "fundraisers:")
	b.load(t, text[:from]+text[to:end]+text[from:to]+text[end:])
	listing, err := b.ListAppeals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var slugs []string
	for _, a := range listing.Appeals {
		slugs = append(slugs, a.Slug)
	}
	if got := strings.Join(slugs, " "); got != "shelter-tonight beside-every-family sixty-thousand-homes" {
		t.Error(got)
	}
}

func TestTheSampleKeepsWhatThePagesRelyOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, sample(t))
	listing, err := b.ListAppeals(t.Context())
	if err != nil || len(listing.Appeals) != 3 {
		t.Fatalf("%+v, %v", listing, err)
	}
	first := listing.Appeals[0]
	if first.Kind != domain.Crisis || first.Currency.Exponent() != 2 || first.Minimum > 2_00 {
		t.Errorf("the first appeal is %s in %s from %d", first.Kind, first.Currency, first.Minimum)
	}
	currencies, classes := map[string]bool{}, map[domain.FundClass]bool{}
	for _, a := range listing.Appeals {
		currencies[a.Currency.Code()] = true
		for _, f := range a.Funds {
			classes[f.Class] = true
		}
		if a.Kind == domain.Campaign && (a.GoalCount != 60_000 || a.Goal != a.GoalCount*a.UnitCost) {
			t.Errorf("the campaign is for %d at %d each, and its goal is %d", a.GoalCount, a.UnitCost, a.Goal)
		}
	}
	if !currencies["EUR"] || !currencies["USD"] || !classes[domain.Restricted] || !classes[domain.Unrestricted] {
		t.Errorf("%v, %v", currencies, classes)
	}
}

func TestTermsOfAGift(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, sample(t))

	terms, err := b.ResolveGift(t.Context(), app.Target{AppealSlug: "shelter-tonight", ShareCode: "wa-1"})
	if err != nil || terms.Fund.Code != "EMERGENCY" || terms.Fund.Class != domain.Restricted || terms.Page != nil ||
		terms.Appeal.CoverRatePPM != 15_000 || terms.Appeal.CoverFixed != 25 || terms.ShareCode != "wa-1" {
		t.Errorf("%+v, %v", terms, err)
	}
	terms, err = b.ResolveGift(t.Context(), app.Target{PageSlug: "bread-for-new-neighbours", FundCode: "GENERAL", ShareCode: "<x>"})
	if err != nil || terms.Fund.Code != "GENERAL" || terms.Page.Slug != "bread-for-new-neighbours" ||
		terms.Appeal.Slug != "sixty-thousand-homes" || terms.Appeal.Currency.Code() != "USD" || terms.ShareCode != "" {
		t.Errorf("%+v, %v", terms, err)
	}
}

func TestWhatTakesNoGifts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := sample(t)
	b.load(t, strings.NewReplacer(
		"kind: crisis\n", "kind: crisis\n    ends: 2026-03-10\n",
		"kind: standing\n", "kind: standing\n    state: closed\n",
		"kind: campaign\n", "kind: campaign\n    starts: 2026-03-08\n",
	).Replace(text))

	open := app.Target{AppealSlug: "shelter-tonight"}
	page := app.Target{PageSlug: "salma-walks-the-coast"}
	for _, c := range []struct {
		name   string
		target app.Target
		code   apperr.Code
		reason string
	}{
		{"nothing named", app.Target{}, apperr.InvalidArgument, "INVALID_INPUT"},
		{"unknown appeal", app.Target{AppealSlug: "nowhere"}, apperr.NotFound, "APPEAL_UNKNOWN"},
		{"unknown page", app.Target{PageSlug: "nobody"}, apperr.NotFound, "FUNDRAISER_UNKNOWN"},
		{"closed appeal", app.Target{AppealSlug: "beside-every-family"}, apperr.Gone, "APPEAL_CLOSED"},
		{"appeal that has not begun", app.Target{AppealSlug: "sixty-thousand-homes"}, apperr.NotFound, "APPEAL_UNKNOWN"},
		{"page of it", app.Target{PageSlug: "bread-for-new-neighbours"}, apperr.NotFound, "FUNDRAISER_UNKNOWN"},
		{"fund of another appeal", app.Target{AppealSlug: "shelter-tonight", FundCode: "SCHOOL"}, apperr.InvalidArgument, "INVALID_INPUT"},
		{"open", open, "", ""},
		{"open page", page, "", ""},
	} {
		_, err := b.ResolveGift(t.Context(), c.target)
		if code, reason := code(err); code != c.code || reason != c.reason {
			t.Errorf("%s: %s %s", c.name, code, reason)
		}
	}
	_, err := b.ResolveGift(t.Context(), app.Target{AppealSlug: "shelter-tonight", FundCode: "SCHOOL"})
	var invalid *apperr.Error
	if !errors.As(err, &invalid) || len(invalid.Fields) != 1 || invalid.Fields[0].Name != "fund" {
		t.Errorf("%+v", invalid)
	}

	// What is closed is still seen; what has not begun is not.
	closed, err := b.GetAppeal(t.Context(), "beside-every-family")
	if err != nil || !closed.Closed {
		t.Errorf("%+v, %v", closed.Closed, err)
	}
	for _, unseen := range []func() error{
		func() error { _, err := b.GetAppeal(t.Context(), "sixty-thousand-homes"); return err },
		func() error { _, err := b.GetFundraiser(t.Context(), "bread-for-new-neighbours"); return err },
		func() error { _, err := b.GetAppeal(t.Context(), "nowhere"); return err },
		func() error { _, err := b.GetFundraiser(t.Context(), "nobody"); return err },
		func() error { _, err := b.GetGift(t.Context(), "never-given"); return err },
	} {
		if code, _ := code(unseen()); code != apperr.NotFound {
			t.Errorf("%s", code)
		}
	}

	// The clock opens one and closes the other, and its page with it.
	b.clock.Advance(7 * 24 * time.Hour)
	listing, err := b.ListAppeals(t.Context())
	if err != nil || len(listing.Appeals) != 1 || listing.Appeals[0].Slug != "sixty-thousand-homes" {
		t.Errorf("%+v, %v", listing.Appeals, err)
	}
	_, err = b.ResolveGift(t.Context(), page)
	if code, reason := code(err); code != apperr.Gone || reason != "FUNDRAISER_CLOSED" {
		t.Errorf("%s %s", code, reason)
	}
	shown, err := b.GetFundraiser(t.Context(), "salma-walks-the-coast")
	if err != nil || !shown.Closed || !shown.AppealClosed {
		t.Errorf("%+v, %v", shown, err)
	}
}
