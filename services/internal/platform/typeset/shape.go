package typeset

import (
	"cmp"
	"image/color"
	"iter"
	"slices"
	"unicode"

	"github.com/tdewolff/canvas"
	"github.com/tdewolff/canvas/text"
)

// Style is how text looks. The zero Color is transparent.
type Style struct {
	Size     float64
	Bold     bool
	Italic   bool
	Color    color.RGBA
	Language string // BCP 47; some languages draw the same letters differently
	// Leading is the distance of lines in parts of Size; 0 means 1.35.
	Leading float64

	hands map[text.Script]*font
}

// run is text of one font, script and direction, shaped.
type run struct {
	font   *font
	style  Style
	text   string
	level  int // of embedding; odd is right to left
	glyphs []text.Glyph
	x      float64 // from the line's left end
	width  float64
}

// scale turns the font's units into the block's.
func (r *run) scale() float64 { return r.style.Size / r.font.em() }

// usable returns the font for a text, loaded. A font that turns out broken is
// not used again, and the next one is taken.
func (f *Fonts) usable(runes []rune, style Style) *font {
	for {
		chosen := f.find(runes, style)
		if chosen == nil {
			return nil
		}
		err := chosen.load()
		if err == nil {
			return chosen
		}
		f.cfg.Logger.Warn("font skipped", "path", chosen.name, "error", err)
		chosen.broken = true
	}
}

// handsFor chooses one font for all words of a script, where there is one: a
// Vietnamese name of which every second word has another look is ugly.
func (f *Fonts) handsFor(runes []rune, style Style) map[text.Script]*font {
	byScript := map[text.Script][]rune{}
	for word := range words(runes) {
		script := scripts(word)[0]
		byScript[script] = append(byScript[script], word...)
	}
	hands := map[text.Script]*font{}
	for script, all := range byScript {
		hands[script] = f.usable(all, style)
	}
	return hands
}

// fontsFor chooses a font for each character: the script's, or one for the
// word, or for the letter. What nothing covers gets the first font, which draws
// a box.
func (f *Fonts) fontsFor(runes []rune, style Style) []*font {
	chosen := make([]*font, 0, len(runes))
	fallback := f.usable([]rune{'a'}, style)
	for word := range words(runes) {
		whole := cmp.Or(style.hands[scripts(word)[0]], f.usable(word, style))
		for len(word) > 0 {
			n, face := len(word), whole
			if whole == nil {
				n = cluster(word)
				face = cmp.Or(f.usable(word[:n], style), fallback)
			}
			for range n {
				chosen = append(chosen, face)
			}
			word = word[n:]
		}
	}
	return chosen
}

// words parts text after its spaces.
func words(runes []rune) iter.Seq[[]rune] {
	return func(yield func([]rune) bool) {
		for len(runes) > 0 {
			end := slices.IndexFunc(runes, func(r rune) bool { return r == ' ' || r == '\n' }) + 1
			if end == 0 {
				end = len(runes)
			}
			if !yield(runes[:end]) {
				return
			}
			runes = runes[end:]
		}
	}
}

// cluster returns how many of the characters belong to the first one: marks and
// joiners are not parted from their letter.
func cluster(runes []rune) int {
	n := 1
	for n < len(runes) && (unicode.Is(unicode.M, runes[n]) || invisible(runes[n]) || runes[n-1] == '\u200D') {
		n++
	}
	return n
}

// levels says how deep each character is embedded, odd for right to left.
func levels(runes []rune, rightToLeft bool) []int {
	// The algorithm takes the paragraph's direction from its first strong
	// character, so it is given one.
	mark := '\u200E'
	if rightToLeft {
		mark = '\u200F'
	}
	return text.EmbeddingLevels(append([]rune{mark}, runes...))[1:]
}

// scripts says what script each character is set in; digits and punctuation
// belong to their neighbours.
func scripts(runes []rune) []text.Script {
	found := make([]text.Script, len(runes))
	last := text.ScriptCommon
	for i, r := range runes {
		s := text.LookupScript(r)
		if s == text.ScriptCommon || s == text.ScriptInherited || s == text.ScriptUnknown {
			s = last
		}
		found[i], last = s, s
	}
	for i := len(found) - 2; i >= 0; i-- {
		if found[i] == text.ScriptCommon {
			found[i] = found[i+1]
		}
	}
	return found
}

// wording is what decides how text is shaped.
type wording struct {
	font        *font
	text        string
	size        float64
	language    string
	script      text.Script
	rightToLeft bool
}

// mostShaped bounds the shaped texts that are kept: some megabytes at most.
const mostShaped = 2048

// glyphs shapes text, or returns it as it was shaped before. Nearly all that
// stands on a document stood on the one before, and each word on it is shaped
// again to see where its line ends. Nobody may change what is returned.
func (f *Fonts) glyphs(w wording) []text.Glyph {
	known, shaped := f.shaped[w]
	if shaped {
		return known
	}
	face := w.font.loaded.Face(w.size, canvas.Black)
	face.Language, face.Script, face.Direction = w.language, w.script, text.LeftToRight
	if w.rightToLeft {
		face.Direction = text.RightToLeft
	}
	glyphs := face.Glyphs(w.text)
	if len(f.shaped) >= mostShaped {
		clear(f.shaped) // what comes often is soon there again
	}
	f.shaped[w] = glyphs
	return glyphs
}

// shape turns one line's characters, in the order in which they are read, into
// runs in the order in which they are drawn, and returns its width.
func (f *Fonts) shape(runes []rune, style Style, rightToLeft bool) ([]run, float64) {
	if len(runes) == 0 {
		return nil, 0
	}
	fonts, depth, script := f.fontsFor(runes, style), levels(runes, rightToLeft), scripts(runes)
	var runs []run
	for start := 0; start < len(runes); {
		end := start + 1
		for end < len(runes) && fonts[end] == fonts[start] && depth[end] == depth[start] && script[end] == script[start] {
			end++
		}
		r := run{font: fonts[start], style: style, text: string(runes[start:end]), level: depth[start]}
		r.glyphs = f.glyphs(wording{r.font, r.text, style.Size, style.Language, script[start], r.level%2 == 1})
		advance := int32(0)
		for _, g := range r.glyphs {
			advance += g.XAdvance
		}
		r.width = float64(advance) * r.scale()
		runs = append(runs, r)
		start = end
	}
	reorder(runs)
	width := 0.0
	for i := range runs {
		runs[i].x = width
		width += runs[i].width
	}
	return runs, width
}

// reorder puts runs into the order of drawing: from the deepest level up, what
// is embedded at least as deep is turned around.
func reorder(runs []run) {
	deepest := 0
	for _, r := range runs {
		deepest = max(deepest, r.level)
	}
	for level := deepest; level >= 1; level-- {
		for start := 0; start < len(runs); start++ {
			end := start
			for end < len(runs) && runs[end].level >= level {
				end++
			}
			slices.Reverse(runs[start:end])
			start = max(start, end)
		}
	}
}
