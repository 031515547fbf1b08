package typeset

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Missing names the scripts of the characters that no font covers, sorted, in
// words: "Khmer", "emoji". It is empty when the whole text can be drawn.
func (f *Fonts) Missing(text string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	missing := map[string]bool{}
	for _, r := range clean(text) {
		if f.usable([]rune{r}, Style{}) == nil {
			missing[scriptOf(r)] = true
		}
	}
	return slices.Sorted(maps.Keys(missing))
}

// scriptOf names the script of a character as people call it.
func scriptOf(r rune) string {
	switch {
	case r >= 0x1F000 && r <= 0x1FAFF, r >= 0x2600 && r <= 0x27BF, r >= 0xE0020 && r <= 0xE007F:
		return "emoji"
	case unicode.Is(unicode.Co, r):
		return "private characters"
	}
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
			return strings.ReplaceAll(name, "_", " ")
		}
	}
	if unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S) {
		return "symbols"
	}
	return "unassigned characters"
}

// clean returns the text as it is set: what cannot be read becomes U+FFFD,
// controls become spaces, and line ends are all the same.
func clean(text string) []rune {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(text)
	var runes []rune
	for _, r := range text {
		switch {
		case r == '\n':
		case unicode.IsControl(r), unicode.Is(unicode.Zs, r) && r != '\u00A0' && r != '\u202F':
			r = ' '
		case r == '\u202F':
			r = '\u00A0' // few fonts have the narrow one
		}
		runes = append(runes, r)
	}
	return runes
}
