package front

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// mended is a text with the mark for an unreadable character in the place of what is
// no text. Neither a message between services nor a database takes anything else, so
// it must end here, or it ends as a fault of ours.
func mended(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// mend does so with all values, and reports whether it had to.
func mend(values url.Values) (changed bool) {
	for _, list := range values {
		for i, value := range list {
			if !utf8.ValidString(value) {
				list[i] = mended(value)
				changed = true
			}
		}
	}
	return changed
}

var wildcard = regexp.MustCompile(`\{([a-z]+)(?:\.\.\.)?\}`)

// wildcards are the names of the parts that a pattern leaves open.
func wildcards(pattern string) []string {
	var names []string
	for _, found := range wildcard.FindAllStringSubmatch(pattern, -1) {
		names = append(names, found[1])
	}
	return names
}

// legible makes text of a request's parameters and of the open parts of its address.
// They are mended and not refused: a newsletter that adds its own in Latin-1 must not
// keep anybody from the page, and what a mended address names does not exist.
func legible(r *http.Request, parts []string) *http.Request {
	for _, part := range parts {
		if value := r.PathValue(part); !utf8.ValidString(value) {
			r.SetPathValue(part, mended(value))
		}
	}
	if !strings.Contains(r.URL.RawQuery, "%") && utf8.ValidString(r.URL.RawQuery) {
		return r
	}
	query := r.URL.Query()
	if !mend(query) {
		return r
	}
	address := *r.URL
	address.RawQuery = query.Encode()
	read := *r
	read.URL = &address
	return &read
}
