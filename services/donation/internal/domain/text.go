package domain

import (
	"strings"
	"unicode"
)

// clean takes what a person typed and leaves what can be shown: line ends are
// \n, other white space is a blank, control characters and characters that turn
// the direction of the text around (a name could rewrite the page around it)
// are gone. Joiners stay: Persian words and many emoji need them.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(text)
	var b strings.Builder
	marks := 0
	for _, r := range text {
		if !unicode.Is(unicode.M, r) {
			marks = 0
		} else if marks++; marks > mostMarks {
			continue
		}
		switch {
		case r == '\n':
			b.WriteRune(r)
		case r == '\t' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case unicode.IsControl(r) || turnsDirection(r) || r == '\uFEFF' || (r >= 0xFFF9 && r <= 0xFFFB):
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// mostMarks is how many accents a letter may carry, more than any script stacks:
// hundreds of them paint over what stands above and below.
const mostMarks = 8

// visible tells whether there is anything to see: a name of invisible characters
// would leave an empty line on the receipt.
func visible(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) || unicode.IsPunct(r)
	})
}

// oneLine is clean for text that has no lines: runs of blanks become one.
func oneLine(text string) string {
	return strings.Join(strings.Fields(clean(text)), " ")
}

func turnsDirection(r rune) bool {
	return r == 0x061C || r == 0x200E || r == 0x200F ||
		(r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069)
}

// characters counts what a reader would call characters: an emoji with its skin
// tone, or a family of them joined into one, is one; so is a letter with its
// accents. It never counts more than there are code points.
func characters(text string) int {
	count := 0
	joined := false // the previous rune was a joiner: this one belongs to it
	flag := false   // the previous rune was the first half of a flag
	for _, r := range text {
		half := r >= 0x1F1E6 && r <= 0x1F1FF
		switch {
		case r == 0x200D: // zero-width joiner
			joined = true
			continue
		case unicode.Is(unicode.M, r), r >= 0x1F3FB && r <= 0x1F3FF, r == 0x200C, r >= 0xE0020 && r <= 0xE007F:
		case half && flag:
			flag = false
			joined = false
			continue
		case joined:
		default:
			count++
		}
		joined = false
		flag = half
	}
	return count
}
