package front

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func here(t testing.TB) *Front {
	t.Helper()
	f, err := New(Config{BaseURL: "https://give.example.org", CheckoutOrigin: "https://checkout.example.org"},
		Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	page := func(http.ResponseWriter, *http.Request) {}
	f.Register(http.NewServeMux(), []Route{
		{Pattern: "/{$}", Get: page}, {Pattern: "/account/", Get: page}, {Pattern: "/account/fundraisers/{id}", Get: page},
		{Pattern: "/only/sent", Post: page}, {Pattern: "/", Get: page},
	})
	return f
}

func TestWaysAreOurOwn(t *testing.T) {
	t.Parallel()
	f := here(t)
	for text, want := range map[string]string{
		"/": "/", "/account/": "/account/", "/account/fundraisers/x?tab=gifts&n=2": "/account/fundraisers/x?tab=gifts&n=2",
		"/account/fundraisers/x#top": "/account/fundraisers/x", "/only/sent": "", "/elsewhere": "", "": "", "account/": "",
		"//give.example.org/account/": "", "https://give.example.org/account/": "", "/account/../elsewhere": "", "/account//": "",
		`/\evil.example`: "", "/account/\r\nX: y": "", "/account/%2e%2e/x": "",
	} {
		if got := f.Way(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Whatever it is made from, a way stays on this site, as browsers read it.
func FuzzWay(f *testing.F) {
	for _, seed := range []string{"/", "//evil.example", `/\evil`, "/account/?x=//y", "/account/..//evil", "https://evil", "/account/%5cevil", "javascript:x"} {
		f.Add(seed)
	}
	site := here(f)
	base, err := url.Parse("https://give.example.org/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		way := site.Way(text)
		if way == "" {
			return
		}
		// Browsers take a backslash for a slash and leave out what is not printed.
		read := strings.ReplaceAll(way, `\`, "/")
		to, err := base.Parse(read)
		if err != nil || to.Scheme != "https" || to.Host != "give.example.org" || strings.HasPrefix(read, "//") || strings.ContainsAny(way, "\r\n\t\x00") {
			t.Errorf("%q leads to %q", text, way)
		}
		if site.Way(way) != way {
			t.Errorf("%q: %q is no way itself", text, way)
		}
	})
}
