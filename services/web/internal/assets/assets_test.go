package assets

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func load(t *testing.T) *Files {
	t.Helper()
	files, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func get(t *testing.T, files *Files, url, acceptEncoding string) *http.Response {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, url, nil)
	request.Header.Set("Accept-Encoding", acceptEncoding)
	files.ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestAnAssetIsKeptForEverUnderItsHash(t *testing.T) {
	t.Parallel()
	files := load(t)
	for name, contentType := range map[string]string{
		"site.css":  "text/css; charset=utf-8",
		"donate.js": "text/javascript; charset=utf-8",
		"share.js":  "text/javascript; charset=utf-8",
		"icon.svg":  "image/svg+xml",
	} {
		url, err := files.URL(name)
		if err != nil {
			t.Fatal(err)
		}
		if !files.Has(url) || !strings.HasPrefix(url, Prefix) {
			t.Errorf("%s is at %q, which is not served", name, url)
		}
		answer := get(t, files, url, "")
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != contentType {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.Header.Get("Content-Type"))
		}
		if answer.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s may be kept: %q", name, answer.Header.Get("Cache-Control"))
		}
	}
}

func TestCompressedAndPlainAreTheSameFile(t *testing.T) {
	t.Parallel()
	files := load(t)
	url, err := files.URL("site.css")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(get(t, files, url, "gzip;q=0, br").Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := get(t, files, url, "br, GZIP;q=0.8")
	if answer.Header.Get("Content-Encoding") != "gzip" || answer.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("headers of the compressed file: %v", answer.Header)
	}
	reader, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if len(plain) == 0 || string(plain) != string(unzipped) {
		t.Errorf("plain has %d bytes, unzipped %d", len(plain), len(unzipped))
	}
}

func TestUnknownAddressesAreNotFound(t *testing.T) {
	t.Parallel()
	files := load(t)
	for _, url := range []string{
		"/assets/site.css", // without its hash it could never be changed
		"/assets/site.0000000000000000.css",
		"/assets/../assets.go",
		"/assets/",
	} {
		if files.Has(url) || get(t, files, url, "").StatusCode != http.StatusNotFound {
			t.Errorf("%s is served", url)
		}
	}
	_, err := files.URL("sight.css")
	if err == nil {
		t.Error("a misspelt asset has an address")
	}
}

// Phones on slow networks are who gives; the budgets are promises. That of
// scripts is for all of them together.
func TestBudgets(t *testing.T) {
	t.Parallel()
	files := load(t)
	style, scripts := 0, 0
	for url, f := range files.files {
		switch {
		case strings.HasPrefix(url, Prefix+"site."):
			style += len(f.zipped)
		case strings.HasSuffix(url, ".js"):
			scripts += len(f.zipped)
		}
	}
	if style == 0 || style > 14_000 {
		t.Errorf("the style has %d bytes compressed, the budget is 14,000", style)
	}
	if scripts == 0 || scripts > 10_000 {
		t.Errorf("the scripts have %d bytes compressed, the budget is 10,000", scripts)
	}
}
