package document

import (
	"fmt"
	"image/color"

	"rsc.io/qr"

	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

const (
	margin = 62.0
	width  = typeset.A4Width - 2*margin
	bottom = typeset.A4Height - margin
)

// flow fills pages from the top. Distances from the side are counted from where
// a line of the page's language starts.
type flow struct {
	fonts       *typeset.Fonts
	document    *typeset.Document
	language    string
	rightToLeft bool
	pages       []*typeset.Page
	y           float64
}

// side is one of a line's ends.
type side int

const (
	atStart side = iota
	atEnd
)

// look is how a piece of text looks.
type look struct {
	size   float64
	bold   bool
	colour color.RGBA
	// auto is for what people typed: its own script says how it runs.
	auto bool
	// leftToRight is for addresses and codes.
	leftToRight bool
}

func (f *flow) page() *typeset.Page { return f.pages[len(f.pages)-1] }

// turn begins a page.
func (f *flow) turn() {
	f.pages = append(f.pages, f.document.AddPage(typeset.A4Width, typeset.A4Height))
	f.y = margin
}

// room turns the page where what comes does not fit any more.
func (f *flow) room(height float64) {
	if f.y+height > bottom && f.y > margin {
		f.turn()
	}
}

// left is where something begins on the paper.
func (f *flow) left(start, wide float64) float64 {
	if f.rightToLeft {
		return margin + width - start - wide
	}
	return margin + start
}

// set lays text out in the page's direction, or in its own.
func (f *flow) set(text string, l look, wide float64, at side) *typeset.Block {
	p := typeset.Paragraph{
		Style: typeset.Style{Size: l.size, Bold: l.bold, Color: l.colour, Language: f.language},
		Width: wide, Direction: typeset.LeftToRight, Align: typeset.Left,
	}
	if f.rightToLeft {
		p.Direction = typeset.RightToLeft
	}
	if f.rightToLeft != (at == atEnd) {
		p.Align = typeset.Right
	}
	switch {
	case l.auto:
		p.Direction = typeset.Auto
	case l.leftToRight:
		p.Direction = typeset.LeftToRight
	}
	return f.fonts.Set(text, p)
}

// put draws a block and moves on below it.
func (f *flow) put(b *typeset.Block, start, wide float64) {
	f.room(b.Height())
	f.page().Text(b, f.left(start, wide), f.y)
	f.y += b.Height()
}

// pair is a label with a value at the other side.
func (f *flow) pair(row app.Row, l look) {
	const value = 150.0
	label := f.set(row.Label, l, width-value-12, atStart)
	// An amount runs as its currency's name does: 5.00 US$ keeps its dollar.
	l.auto = true
	amount := f.set(row.Value, l, value, atEnd)
	height := max(label.Height(), amount.Height())
	f.room(height)
	top := f.y
	f.put(label, 0, width-value-12)
	f.y = top
	f.put(amount, width-value, value)
	f.y = top + height
}

func (f *flow) rule(thick float64, colour color.RGBA) {
	f.room(thick)
	f.page().Fill(margin, f.y, width, thick, colour)
	f.y += thick
}

// square draws a QR code with the quiet zone that readers need: the paper's
// margin is one at the side, so the code itself is aligned with the text.
func (f *flow) square(code *qr.Code, start, size float64) {
	module := size / float64(code.Size)
	x := f.left(start, size)
	var boxes []typeset.Box
	for row := range code.Size {
		for column := 0; column < code.Size; column++ {
			length := 0
			for column+length < code.Size && code.Black(column+length, row) {
				length++
			}
			if length > 0 {
				boxes = append(boxes, typeset.Box{
					X: x + float64(column)*module, Y: f.y + float64(row)*module, Width: float64(length) * module, Height: module,
				})
				column += length
			}
		}
	}
	f.page().FillAll(boxes, color.RGBA{A: 0xff})
}

// numberPages says on each page of several which it is, and of what.
func (f *flow) numberPages(s app.Sheet) {
	if len(f.pages) == 1 {
		return
	}
	for i, page := range f.pages {
		text := s.Number.Value + " · " + fmt.Sprintf(s.Page, i+1, len(f.pages))
		block := f.set(text, look{size: 8.5, colour: soft()}, width, atStart)
		page.Text(block, margin, typeset.A4Height-margin/2-block.Height()/2)
	}
}
