package domain

import (
	"fmt"
	"slices"
	"strings"
)

// Slugs are the last part of addresses that people copy, print and read out.
const (
	slugShortest = 2
	slugLongest  = 60
)

// reserved are first parts of the site's own addresses and words that would
// make an address say something else than it is. A slug that is harmless today
// would block a page that the site gets tomorrow, so the list is generous.
var reserved = []string{
	"about", "account", "admin", "all", "api", "appeals", "assets", "cancelled",
	"contact", "dev", "donate", "donations", "edit", "embed", "events", "f",
	"faq", "favicon", "finance", "fundraisers", "healthz", "help", "home",
	"imprint", "index", "legal", "livez", "login", "logout", "mail", "me",
	"metrics", "new", "none", "null", "organizations", "privacy", "readyz",
	"receipts", "robots", "search", "sign-in", "sign-out", "sign-up", "sitemap",
	"staff", "start", "static", "support", "teams", "terms", "thanks",
	"undefined", "verify", "webhooks", "well-known",
}

// CheckSlug says why a word cannot be an address, "" if it can: lower-case
// letters and digits in groups joined by single hyphens, 2 to 60 characters,
// not one of the site's own words.
func CheckSlug(slug string) string {
	switch {
	case slug == "":
		return isMissing
	case len(slug) < slugShortest || len(slug) > slugLongest:
		return fmt.Sprintf("must have %d to %d characters", slugShortest, slugLongest)
	case !only(slug, "abcdefghijklmnopqrstuvwxyz0123456789-"):
		return "may only have lower-case letters, digits and hyphens"
	case strings.HasPrefix(slug, "-") || strings.HasSuffix(slug, "-") || strings.Contains(slug, "--"):
		return "must join its words by single hyphens"
	case slices.Contains(reserved, slug):
		return fmt.Sprintf("%q is a word of the site itself", slug)
	}
	return ""
}

// CheckCode says why a word cannot be the code of an organization or a fund,
// "" if it can: 2 to 12 capital letters and digits. Codes become parts of
// receipt numbers, account names and file names, so they hold nothing that any
// of those would have to escape.
func CheckCode(code string) string {
	switch {
	case code == "":
		return isMissing
	case len(code) < 2 || len(code) > 12:
		return "must have 2 to 12 characters"
	case !only(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"):
		return "may only have capital letters and digits"
	}
	return ""
}

// shareCodeLongest bounds what a link can make us keep with a gift.
const shareCodeLongest = 32

// ShareCode returns the code of a shared link if it can be one, else "". A
// mangled link loses its credit; it must not cost the gift.
func ShareCode(code string) string {
	if len(code) > shareCodeLongest || !only(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		return ""
	}
	return code
}

func only(word, alphabet string) bool {
	for i := range len(word) {
		if strings.IndexByte(alphabet, word[i]) < 0 {
			return false
		}
	}
	return true
}
