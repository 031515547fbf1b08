package domain

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// slugOwn is how long an address made from a title may be; the rest is left
// for what tells it from another of the same title.
const slugOwn = 48

// slugLeast is how many letters of a title an address needs to say anything.
const slugLeast = 3

// folded are Latin letters that are no letter with an accent.
var folded = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th",
	"ħ", "h", "ı", "i", "ŋ", "n", "ŧ", "t", "ĸ", "k", "&", " and ", "’", "", "'", "")

// SlugFrom makes an address from a title: "Für Zoë & Łukasz" becomes
// "fur-zoe-and-lukasz". It answers "" when less than half of the title's
// letters are Latin, because what would be left says nothing.
func SlugFrom(title string) string {
	plain := folded.Replace(strings.ToLower(title))
	var b strings.Builder
	kept, lost := 0, 0
	for _, r := range norm.NFKD.String(plain) {
		switch {
		case (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9'):
			b.WriteRune(r)
			kept++
		case unicode.Is(unicode.M, r):
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			lost++
			b.WriteByte(' ')
		default:
			b.WriteByte(' ')
		}
	}
	if kept < slugLeast || kept < lost {
		return ""
	}
	return joinWords(strings.Fields(b.String()), slugOwn)
}

// joinWords joins as many words as fit by hyphens, and cuts the first if it
// alone does not.
func joinWords(words []string, longest int) string {
	slug := words[0][:min(len(words[0]), longest)]
	for _, word := range words[1:] {
		if len(slug)+1+len(word) > longest {
			break
		}
		slug += "-" + word
	}
	return slug
}

// SlugsFor are addresses to offer for a page, the nicest first: from what its
// owner wanted, which may be empty, or from its title, or from its appeal's
// address. random is a few letters and digits that nobody used before; the last
// one ends with it and so is surely free.
func SlugsFor(wanted, title, appealSlug, random string) []string {
	base := SlugFrom(strings.ReplaceAll(wanted, "-", " "))
	if base == "" {
		base = SlugFrom(title)
	}
	var offers []string
	offer := func(slug string) {
		if CheckSlug(slug) == "" {
			offers = append(offers, slug)
		}
	}
	if base == "" {
		base = appealSlug[:min(len(appealSlug), slugOwn)]
	} else {
		offer(base)
		for n := 2; n <= 9; n++ {
			offer(fmt.Sprintf("%s-%d", base, n))
		}
	}
	offer(strings.Trim(base, "-") + "-" + random)
	return offers
}
