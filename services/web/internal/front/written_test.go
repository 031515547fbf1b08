package front

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Whatever stands in an address, what pages read of it is text, and text stays as it
// was written.
func TestParametersAreText(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"": "", "q=Zo%C3%AB": "Zoë", "q=Zo%EB": "Zo\uFFFD", "q=%": "", "utm=%E9t%E9&q=caf%C3%A9": "café", "q=Zo\xeb": "Zo\uFFFD",
	} {
		r := legible(&http.Request{URL: &url.URL{Path: "/", RawQuery: written}}, nil)
		if got := r.URL.Query().Get("q"); got != want {
			t.Errorf("%s: %q, want %q", written, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		value := string(rapid.SliceOf(rapid.Byte()).Draw(t, "value"))
		address := url.URL{Path: "/", RawQuery: url.Values{"q": {value}}.Encode()}
		before := address.RawQuery
		got := legible(&http.Request{URL: &address}, nil).URL.Query().Get("q")
		if !utf8.ValidString(got) || utf8.ValidString(value) && got != value || address.RawQuery != before {
			t.Errorf("%q became %q", value, got)
		}
	})
}

func TestAnOrdinaryAddressIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/journal?from=2026-11-01&q=pi_3QxYz%20caf%C3%A9", nil)
	if legible(r, nil) != r {
		t.Error("the request was copied")
	}
}

func TestOpenPartsOfAnAddressAreText(t *testing.T) {
	t.Parallel()
	names := wildcards("/f/{slug}/photos/{rest...}")
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetPathValue("slug", "lap\xff")
	r.SetPathValue("rest", "a/b")
	read := legible(r, names)
	if len(names) != 2 || read.PathValue("slug") != "lap\uFFFD" || read.PathValue("rest") != "a/b" || len(wildcards("/{$}")) != 0 {
		t.Errorf("%v: %q, %q", names, read.PathValue("slug"), read.PathValue("rest"))
	}
}
