package domain

import (
	"strings"
	"unicode"
)

// mostMarks is how many accents a letter may carry, more than any script
// stacks: hundreds of them paint over what stands above and below.
const mostMarks = 8

// Text takes what a person typed over several lines and leaves what can be
// shown: line ends are \n, control characters and those that turn the direction
// of what follows are gone, for a story could rearrange the page around it.
// Joiners stay: Persian words and many emoji need them.
func Text(typed string) string {
	typed = strings.ToValidUTF8(typed, "\uFFFD")
	typed = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(typed)
	var b strings.Builder
	marks := 0
	for _, r := range typed {
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case marks > mostMarks:
		case r == '\n':
			b.WriteRune(r)
		case r == '\t' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case steers(r) || r == '\u061c' || r == '\u200e' || r == '\u200f' || r == '\ufeff' || (r >= '\ufff9' && r <= '\ufffb'):
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// OneLine is Text for what has no lines, such as a name: runs of blanks become
// one.
func OneLine(typed string) string { return strings.Join(strings.Fields(Text(typed)), " ") }

// Visible tells whether a text has anything to see: a title of invisible
// characters would be a link that nobody can follow.
func Visible(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) || unicode.IsPunct(r)
	})
}

// Characters counts what a reader would call characters, roughly: accents,
// joiners and the marks that colour an emoji belong to what they follow.
func Characters(text string) int {
	count := 0
	joined := false
	for _, r := range text {
		switch {
		case r == '\u200d': // zero-width joiner
			joined = true
			continue
		case unicode.Is(unicode.M, r), r == '\u200c', r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F:
		case joined:
		default:
			count++
		}
		joined = false
	}
	return count
}
