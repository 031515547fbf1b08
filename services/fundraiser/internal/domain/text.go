package domain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// isMissing is what is wrong with what is not there.
const isMissing = "is missing"

// checkLine says what is wrong with a text that must be there, "" if nothing.
// Control characters are refused, and with them those that change the writing
// direction of what follows: they would let a title rearrange the page around
// it. Arabic and Hebrew need neither.
func checkLine(text string, longest int) string {
	switch {
	case strings.TrimSpace(text) == "":
		return isMissing
	case !utf8.ValidString(text):
		return "is not valid UTF-8"
	case utf8.RuneCountInString(text) > longest:
		return fmt.Sprintf("has more than %d characters", longest)
	case strings.IndexFunc(text, steers) >= 0:
		return "has control characters"
	}
	return ""
}

func steers(r rune) bool {
	bidi := (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
	return unicode.IsControl(r) || bidi
}
