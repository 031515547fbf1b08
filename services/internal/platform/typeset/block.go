package typeset

import (
	"slices"
	"unicode"

	"github.com/tdewolff/canvas/text"
)

// Direction is how a paragraph runs.
type Direction int

// The directions. Auto follows the first letter that has one.
const (
	Auto Direction = iota
	LeftToRight
	RightToLeft
)

// Align says where lines stand in their width.
type Align int

// The alignments.
const (
	Left Align = iota
	Center
	Right
)

// Paragraph says how text is laid out.
type Paragraph struct {
	Style     Style
	Direction Direction
	Align     Align
	// Width is where lines are broken; 0 means that they are not.
	Width float64
	// MaxLines cuts the text, with an ellipsis; 0 means that it is not cut.
	MaxLines int
}

// Block is text that has been set and can be drawn on a Document's page or a
// Picture, any number of times.
type Block struct {
	lines         []line
	width, height float64
}

type line struct {
	runs     []run
	x        float64
	baseline float64 // from the block's top
}

// Width is that of the widest line.
func (b *Block) Width() float64 { return b.width }

// Height is that of all lines together.
func (b *Block) Height() float64 { return b.height }

// Lines is how many there are.
func (b *Block) Lines() int { return len(b.lines) }

const defaultLeading = 1.35

// Set lays text out. It always can; ask Missing first whether it would be
// legible.
func (f *Fonts) Set(content string, p Paragraph) *Block {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines [][]rune
	rest := clean(content)
	p.Style.hands = f.handsFor(rest, p.Style)
	for more := true; more; {
		var paragraph []rune
		end := slices.Index(rest, '\n')
		more = end >= 0
		if more {
			paragraph, rest = rest[:end], rest[end+1:]
		} else {
			paragraph = rest
		}
		lines = append(lines, f.breakLines(paragraph, p)...)
	}
	if p.MaxLines > 0 && len(lines) > p.MaxLines {
		lines = lines[:p.MaxLines]
		lines[p.MaxLines-1] = f.shorten(lines[p.MaxLines-1], p)
	}
	block := &Block{}
	for _, runes := range lines {
		f.addLine(block, runes, p)
	}
	return block
}

func (f *Fonts) addLine(block *Block, runes []rune, p Paragraph) {
	runs, width := f.shape(runes, p.Style, p.rightToLeft(runes))
	leading := p.Style.Leading
	if leading == 0 {
		leading = defaultLeading
	}
	// Latin's own ascent and descent leave the gap; a script that needs more
	// room than that gets it.
	height := leading * p.Style.Size
	ascent := height/2 + 0.35*p.Style.Size
	for i := range runs {
		up, down, _ := runs[i].font.loaded.VerticalMetrics()
		if runs[i].font.rank > 1 {
			ascent = max(ascent, float64(up)*runs[i].scale())
			height = max(height, ascent+float64(down)*runs[i].scale())
		}
	}
	x := 0.0
	switch p.Align {
	case Left:
	case Center:
		x = (p.Width - width) / 2
	case Right:
		x = p.Width - width
	}
	block.lines = append(block.lines, line{runs: runs, x: x, baseline: block.height + ascent})
	block.height += height
	block.width = max(block.width, width)
}

// rightToLeft resolves the direction for a line's characters.
func (p Paragraph) rightToLeft(runes []rune) bool {
	switch p.Direction {
	case LeftToRight:
		return false
	case RightToLeft:
		return true
	case Auto:
	}
	for _, r := range runes {
		if unicode.IsLetter(r) {
			return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
		}
	}
	return false
}

// breakLines fills lines greedily, at spaces and hyphens and between the letters
// of scripts that write none; a word that is too long for a line is broken where
// the line ends, for cut off it would be another word.
func (f *Fonts) breakLines(runes []rune, p Paragraph) [][]rune {
	if p.Width <= 0 {
		return [][]rune{runes}
	}
	measure := func(part []rune) float64 {
		_, width := f.shape(trim(part), p.Style, p.rightToLeft(part))
		return width
	}
	var lines [][]rune
	var current []rune
	used := 0.0
	for len(runes) > 0 {
		n := word(runes)
		part := runes[:n]
		_, width := f.shape(part, p.Style, false)
		switch {
		case len(current) > 0 && used+measure(part) > p.Width:
			lines = append(lines, trim(current))
			current, used = nil, 0
			continue
		case len(current) == 0 && measure(part) > p.Width:
			n = cluster(part)
			for end := n; end < len(part); {
				end += cluster(part[end:])
				if measure(part[:end]) > p.Width {
					break
				}
				n = end
			}
			if n < len(part) {
				lines = append(lines, part[:n])
				runes = runes[n:]
				continue
			}
		}
		current = append(slices.Clip(current), part...)
		used += width
		runes = runes[n:]
	}
	if len(current) > 0 || len(lines) == 0 {
		lines = append(lines, trim(current))
	}
	return lines
}

// word returns how many characters stand before the next place where a line may
// end.
func word(runes []rune) int {
	n := 0
	for n < len(runes) {
		at := n
		n += cluster(runes[n:])
		if n == len(runes) {
			break
		}
		if runes[at] == ' ' && runes[n] != ' ' || runes[at] == '-' && unicode.IsLetter(runes[n]) {
			break
		}
		script := text.LookupScript(runes[at])
		if (text.IsSpacelessScript(script) || script == text.Hiragana) && unicode.IsLetter(runes[n]) {
			break
		}
	}
	return n
}

func trim(runes []rune) []rune {
	for len(runes) > 0 && runes[len(runes)-1] == ' ' {
		runes = runes[:len(runes)-1]
	}
	return runes
}

// shorten makes room for an ellipsis at a line's end.
func (f *Fonts) shorten(runes []rune, p Paragraph) []rune {
	for {
		cut := append(slices.Clone(trim(runes)), '…')
		_, width := f.shape(cut, p.Style, p.rightToLeft(cut))
		if width <= p.Width || len(runes) == 0 {
			return cut
		}
		runes = runes[:len(runes)-1]
	}
}
