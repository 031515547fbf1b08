package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/platform/texts"
)

func TestAPausedPageSaysSoAndLeadsToItsAppeal(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.pages[0].Closed, c.pages[0].State = true, fundraiserv1.FundraiserState_FUNDRAISER_STATE_PAUSED
	site := open(t, c)
	answer := get(t, site, "/f/amina-runs")
	p := parse(t, answer.Body.String())
	if answer.Code != http.StatusOK || !p.says("takes no gifts at the moment") || p.says("closed") {
		t.Errorf("%d: %s", answer.Code, text(p.first("main")))
	}
	answer = get(t, site, "/f/amina-runs/donate")
	p = parse(t, answer.Body.String())
	if answer.Code != http.StatusGone || !p.says("This page is paused") || !slices.Contains(p.links(), "/appeals/river-floods") {
		t.Errorf("%d: %s", answer.Code, text(p.first("main")))
	}
	// When the appeal ends as well, nothing will be resumed.
	c.appeals[0].Closed = true
	if p := parse(t, get(t, site, "/f/amina-runs?fresh=1").Body.String()); !p.says("closed") || p.says("at the moment") {
		t.Error(text(p.first("main")))
	}
}

func TestAPhotoIsThereInItsSizesAndDescribed(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.pages[0].Photo = &fundraiserv1.Image{
		ImageId: "b3JhbmdlLXNhaWw", Alt: `Amina at the "old" bridge <b>`, Width: 1600, Height: 1067, Widths: []int32{1600, 800, 400},
	}
	site := open(t, c)
	image := parse(t, get(t, site, "/f/amina-runs").Body.String()).first("img")
	for key, want := range map[string]string{
		"src":    "/photos/b3JhbmdlLXNhaWw/1600",
		"srcset": "/photos/b3JhbmdlLXNhaWw/1600 1600w, /photos/b3JhbmdlLXNhaWw/800 800w, /photos/b3JhbmdlLXNhaWw/400 400w",
		"alt":    `Amina at the "old" bridge <b>`, "width": "1600", "height": "1067",
	} {
		if attr(image, key) != want {
			t.Errorf("%s is %q, want %q", key, attr(image, key), want)
		}
	}
	for _, id := range []string{"", "../../etc", "a b 2w, https://evil.example/x"} {
		c.pages[0].Photo.ImageId = id
		if p := parse(t, get(t, site, "/f/amina-runs?fresh=1").Body.String()); p.first("img") != nil {
			t.Errorf("the picture %q is shown", id)
		}
	}
}

// What somebody pastes into a message shows the page's title, a sentence and a
// picture, wherever it is shown.
func TestASharedPageBringsItsCard(t *testing.T) {
	t.Parallel()
	p := parse(t, get(t, open(t, newCharity()), "/f/amina-runs?s=whatsapp").Body.String())
	said := map[string]string{}
	for _, meta := range p.all("meta") {
		said[attr(meta, "property")+attr(meta, "name")] = attr(meta, "content")
	}
	for key, want := range map[string]string{
		"og:title":       "Amina runs for the villages",
		"og:description": "A page by Amina Yusuf, raising money for Families fleeing the river floods",
		"og:url":         "https://give.harbour.example/f/amina-runs",
		"og:image":       "https://give.harbour.example/f/amina-runs/og.png",
		"og:site_name":   "Harbour Refugee Relief",
		"twitter:card":   "summary_large_image",
	} {
		if said[key] != want {
			t.Errorf("%s is %q, want %q", key, said[key], want)
		}
	}
}

func TestPublicPagesInviteToDoMoreAndTheFormDoesNot(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	for path, invites := range map[string]string{
		"/": "/start", "/appeals/river-floods": "/start?appeal=river-floods", "/f/amina-runs": "/start?appeal=river-floods",
		thanks: "/start?appeal=river-floods", "/appeals/last-year": "",
	} {
		main := parse(t, get(t, site, path).Body.String()).first("main")
		found := ""
		for n := range main.Descendants() {
			if strings.HasPrefix(attr(n, "href"), "/start") {
				found = attr(n, "href")
			}
		}
		if found != invites {
			t.Errorf("%s invites to %q, want %q", path, found, invites)
		}
	}
	links := parse(t, get(t, site, "/appeals/river-floods/donate").Body.String()).links()
	if slices.Contains(links, "/start") || slices.Contains(links, "/account/") {
		t.Errorf("the form leads away: %v", links)
	}
	if links := parse(t, get(t, site, "/").Body.String()).links(); !slices.Contains(links, "/account/") {
		t.Error("no way to sign in")
	}
}

// Long words, towering letters and both directions at once are shown as text and
// nothing else comes of them.
func TestOddNamesAndTitlesAreShown(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{
		strings.Repeat("Donaudampfschiff", 7), "Z" + strings.Repeat("\u0301", 100), "محمد عبد الرحمن", "\u202Egnp.exe", "a & b < c > d",
	} {
		c := newCharity()
		c.appeals[0].Title, c.pages[0].Title, c.pages[0].OwnerName = odd, odd, odd
		c.appeals[0].GoalMinor = 999_999_999_999
		site := open(t, c)
		for _, path := range []string{"/", "/appeals/river-floods", "/f/amina-runs", "/f/amina-runs/donate"} {
			for _, lang := range []string{"en", "ar"} {
				if p := in(t, site, lang, path); !p.says(odd) {
					t.Errorf("%s in %s does not say %q", path, lang, odd)
				}
			}
		}
	}
}

// The budget holds in every language; Arabic letters are two bytes each.
func TestTheFormIsSmallInEveryLanguage(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	for _, l := range texts.Languages() {
		answer := get(t, site, "/appeals/river-floods/donate?lang="+l.Tag)
		if answer.Code != http.StatusOK || answer.Body.Len() > 15_000 {
			t.Errorf("in %s the form has %d bytes, the budget is 15,000", l.Name, answer.Body.Len())
		}
	}
}
