package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/testkit"
)

// edit changes what the charity says of itself, and tells that something is another.
func (c *charity) edit(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	c.revision++
	close(c.raised)
	c.raised = make(chan struct{})
}

// rewrite replaces Amina's page: the old one may be on its way to somebody.
func (c *charity) rewrite(change func(*fundraiserv1.Fundraiser)) {
	c.edit(func() {
		page, ok := proto.Clone(c.pages[0]).(*fundraiserv1.Fundraiser)
		if !ok {
			panic("a page's copy is no page")
		}
		change(page)
		c.pages = []*fundraiserv1.Fundraiser{page}
	})
}

// Whoever is shown the page that was drawn for others sees, to the byte, what would
// have been drawn for this reader alone.
func TestAKeptPageIsTheOneThatWouldBeDrawn(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.gifts = recent()
	_, kept, _ := openLive(t, c)
	following(t, c, kept)
	drawn := open(t, c) // hears of no change, so it keeps nothing
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SampledFrom([]string{
			"/", "/appeals/river-floods", "/appeals/winter", "/appeals/last-year", "/f/amina-runs", "/embed/f/amina-runs", "/f/nobody", "/f/%ff",
		}).Draw(t, "path")
		query := url.Values{}
		if rapid.Bool().Draw(t, "by a shared link") {
			query["s"] = rapid.SliceOfN(rapid.OneOf(
				rapid.SampledFrom([]string{"whatsapp", "x", "copy", "", "s", "0", "-", "_", "donate", "A–Z", `"><b>`, strings.Repeat("a", 33)}),
				rapid.StringMatching(`[A-Za-z0-9_-]{1,32}`), rapid.String(),
			), 1, 2).Draw(t, "codes")
		}
		if rapid.Bool().Draw(t, "language chosen") {
			query.Set("lang", rapid.SampledFrom([]string{"en", "fr", "es", "ar", "tlh"}).Draw(t, "language"))
		}
		if rapid.Bool().Draw(t, "counted by a social network") {
			query.Set("fbclid", rapid.String().Draw(t, "id"))
		}
		ask := func(site http.Handler) (int, http.Header, string) {
			request := httptest.NewRequest(http.MethodGet, path+"?"+query.Encode(), nil)
			recorder := httptest.NewRecorder()
			site.ServeHTTP(recorder, request)
			header := recorder.Header()
			for _, own := range []string{"X-Request-Id", "Etag"} {
				header.Del(own)
			}
			return recorder.Code, header, recorder.Body.String()
		}
		code, header, body := ask(kept)
		wantCode, wantHeader, want := ask(drawn)
		if code != wantCode || !reflect.DeepEqual(header, wantHeader) || body != want {
			t.Fatalf("kept: %d %v\n%s\ndrawn: %d %v\n%s", code, header, body, wantCode, wantHeader, want)
		}
	})
	if asked := c.asked("GetFundraiser"); asked == 0 {
		t.Error("nothing was compared")
	}
}

// readers come to Amina's page on all the ways there are.
func readers() []*http.Request {
	var all []*http.Request
	for _, address := range []string{
		"/f/amina-runs", "/f/amina-runs?s=whatsapp", "/f/amina-runs?s=made-up-1", "/f/amina-runs?s=made-up-2&fbclid=IwAR0", "/f/amina-runs?s=x&lang=fr",
	} {
		plain, zipped := httptest.NewRequest(http.MethodGet, address, nil), httptest.NewRequest(http.MethodGet, address, nil)
		zipped.Header.Set("Accept-Encoding", "gzip")
		all = append(all, plain, zipped)
	}
	return all
}

// read is what a reader is answered, unpacked.
func read(t *testing.T, site http.Handler, request *http.Request) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	site.ServeHTTP(recorder, request)
	body := io.Reader(recorder.Body)
	if recorder.Header().Get("Content-Encoding") == "gzip" {
		zipped, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		body = zipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return recorder.Code, string(text)
}

// What changes is seen by all readers at the same moment, whatever was kept for them.
func TestAChangeIsOnEveryReadersPage(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.gifts = recent()
	_, site, _ := openLive(t, c)
	following(t, c, site)
	for _, change := range []struct {
		name   string
		happen func()
		status int
		says   string
	}{
		{"a gift", func() { c.raise(1_234_00, 77) }, http.StatusOK, "384"}, // $1,384.00, and 1 384,00 $ in French
		{"its owner writes something else", func() {
			c.rewrite(func(p *fundraiserv1.Fundraiser) { p.StoryMarkdown = "I run for my **grandmother** too." })
		}, http.StatusOK, "<strong>grandmother</strong>"},
		{"the organization moves", func() { c.edit(func() { c.zone = "Asia/Tokyo" }) }, http.StatusOK, "Asia/Tokyo"},
		{"its owner pauses it", func() {
			c.rewrite(func(p *fundraiserv1.Fundraiser) {
				p.Closed, p.State = true, fundraiserv1.FundraiserState_FUNDRAISER_STATE_PAUSED
			})
		}, http.StatusOK, `class="notice calm"`},
		{"it is taken down", func() { c.edit(func() { c.pages = nil }) }, http.StatusNotFound, ""},
	} {
		for _, reader := range readers() {
			code, body := read(t, site, reader)
			if code != http.StatusOK || change.says != "" && strings.Contains(body, change.says) {
				t.Fatalf("before %s, %s is answered %d", change.name, reader.URL, code)
			}
		}
		change.happen()
		testkit.Eventually(t, func() bool {
			code, body := read(t, site, readers()[0])
			return code == change.status && strings.Contains(body, change.says)
		})
		for _, reader := range readers() {
			code, body := read(t, site, reader)
			if code != change.status || !strings.Contains(body, change.says) {
				t.Errorf("after %s, %s is answered %d", change.name, reader.URL, code)
			}
		}
	}
}

// Browsers and proxies may keep a page for each code, and must not take one for
// another.
func TestEachCodesPageHasItsOwnTag(t *testing.T) {
	t.Parallel()
	c := newCharity()
	_, site, _ := openLive(t, c)
	following(t, c, site)
	tags := map[string]string{}
	for _, code := range []string{"", "?s=whatsapp", "?s=made-up-1", "?s=made-up-2"} {
		tag := get(t, site, "/f/amina-runs"+code).Header().Get("Etag")
		if other, known := tags[tag]; known {
			t.Errorf("%q and %q have the tag %s", code, other, tag)
		}
		tags[tag] = code
	}
	for tag, code := range tags {
		for _, asked := range tags {
			request := httptest.NewRequest(http.MethodGet, "/f/amina-runs"+asked, nil)
			request.Header.Set("If-None-Match", tag)
			recorder := httptest.NewRecorder()
			site.ServeHTTP(recorder, request)
			if (recorder.Code == http.StatusNotModified) != (asked == code) {
				t.Errorf("who has the page of %q and asks for that of %q is answered %d", code, asked, recorder.Code)
			}
		}
	}
	// Another process, or this one after a restart, drew the same page.
	_, restarted, _ := openLive(t, c)
	following(t, c, restarted)
	for tag, code := range tags {
		if now := get(t, restarted, "/f/amina-runs"+code).Header().Get("Etag"); now != tag {
			t.Errorf("%q has the tag %s here and %s there", code, tag, now)
		}
	}
}

// Every open page listens, and many come back at once when a line breaks. Only who is
// about to give costs a look into the books.
func TestWhatIsOnlyShownIsAskedForOncePerChange(t *testing.T) {
	t.Parallel()
	c := newCharity()
	_, site, _ := openLive(t, c)
	following(t, c, site)
	shown := []string{
		"/f/amina-runs", "/f/amina-runs?lang=fr", "/f/amina-runs?s=made-up", "/embed/f/amina-runs",
		"/f/amina-runs/events", "/f/amina-runs/qr.svg", "/f/amina-runs/og.png", "/api/v1/fundraisers/amina-runs",
	}
	look := func() {
		for _, path := range shown {
			if code := get(t, site, path).Code; code != http.StatusOK {
				t.Errorf("%s: %d", path, code)
			}
		}
	}
	asked := c.asked("GetFundraiser")
	look()
	if now := c.asked("GetFundraiser"); now != asked {
		t.Errorf("what had not changed was asked for %d times", now-asked)
	}
	c.raise(25_00, 77)
	testkit.Eventually(t, func() bool { return strings.Contains(get(t, site, "/f/amina-runs").Body.String(), "$175.00") })
	look()
	if now := c.asked("GetFundraiser"); now != asked+1 {
		t.Errorf("after one change it was asked for %d times", now-asked)
	}
	if body := get(t, site, "/api/v1/fundraisers/amina-runs").Body.String(); !strings.Contains(body, `"settled_minor":17500`) {
		t.Errorf("programs are told %s", body)
	}
	get(t, site, "/f/amina-runs/donate")
	if now := c.asked("GetFundraiser"); now != asked+2 {
		t.Error("who is about to give was not told what is true now")
	}
}
