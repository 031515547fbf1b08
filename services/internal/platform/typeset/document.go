package typeset

import (
	"bytes"
	"fmt"
	"image/color"
	"strings"
	"time"
)

// Info is what a document says about itself.
type Info struct {
	Title    string
	Author   string
	Subject  string
	Language string // BCP 47
	Created  time.Time
}

// Document is a PDF that is being drawn. The same calls give the same bytes. It
// is not safe for concurrent use.
//
// Fonts are embedded, reduced to the letters that were drawn. Text can be
// searched, copied and read aloud as it was written, also where a letter's shape
// is another than the character's own.
type Document struct {
	info  Info
	fonts *Fonts
	pages []*Page
	// used are the fonts drawn with, in order of first use.
	used []*subset
}

// NewDocument returns a document without pages.
func (f *Fonts) NewDocument(info Info) *Document { return &Document{info: info, fonts: f} }

// Page is one page.
type Page struct {
	document      *Document
	width, height float64
	content       bytes.Buffer
	links         []link
}

type link struct {
	left, bottom, right, top float64
	url                      string
}

// A4 in points.
const (
	A4Width  = 595.28
	A4Height = 841.89
)

// AddPage adds an empty page after the others.
func (d *Document) AddPage(width, height float64) *Page {
	page := &Page{document: d, width: width, height: height}
	d.pages = append(d.pages, page)
	return page
}

// Fill colours a rectangle.
func (p *Page) Fill(x, y, width, height float64, fill color.RGBA) {
	p.FillAll([]Box{{x, y, width, height}}, fill)
}

// Box is a rectangle; X and Y are its top left corner.
type Box struct{ X, Y, Width, Height float64 }

// FillAll colours rectangles as one shape, so that no seam shows between
// neighbours.
func (p *Page) FillAll(boxes []Box, fill color.RGBA) {
	p.colour(fill)
	for _, b := range boxes {
		fmt.Fprintf(&p.content, "%s %s %s %s re\n", number(b.X), number(p.height-b.Y-b.Height), number(b.Width), number(b.Height))
	}
	p.content.WriteString("f\n")
}

// Link makes a rectangle lead to an address.
func (p *Page) Link(b Box, url string) {
	p.links = append(p.links, link{b.X, p.height - b.Y - b.Height, b.X + b.Width, p.height - b.Y, url})
}

// Text draws the block with its top left corner at x and y.
func (p *Page) Text(b *Block, x, y float64) {
	p.document.fonts.mu.Lock()
	defer p.document.fonts.mu.Unlock()
	for _, line := range b.lines {
		for i := range line.runs {
			p.run(&line.runs[i], x+line.x, p.height-y-line.baseline)
		}
	}
}

// run draws the glyphs, each where shaping put it. Glyphs that together stand
// for several characters, or for others than the font says, carry the text.
func (p *Page) run(r *run, x, baseline float64) {
	if len(r.glyphs) == 0 {
		return
	}
	index, embedded := p.document.subsetOf(r.font)
	p.colour(r.style.Color)
	fmt.Fprintf(&p.content, "BT /F%d %s Tf\n", index, number(r.style.Size))
	scale := r.scale()
	at := x + r.x
	for _, group := range r.groups() {
		first := group.glyphs[0]
		own := len(group.glyphs) == 1 && embedded.means(first.ID, group.text)
		if !own {
			fmt.Fprintf(&p.content, "/Span <</ActualText %s>> BDC\n", hexText(group.text))
		}
		for _, g := range group.glyphs {
			fmt.Fprintf(&p.content, "1 0 0 1 %s %s Tm <%04X> Tj\n",
				number(at+float64(g.XOffset)*scale), number(baseline+float64(g.YOffset)*scale), embedded.id(g.ID))
			at += float64(g.XAdvance) * scale
		}
		if !own {
			p.content.WriteString("EMC\n")
		}
	}
	p.content.WriteString("ET\n")
}

func (p *Page) colour(c color.RGBA) {
	part := func(v uint8) string { return number(float64(v) / 255) }
	fmt.Fprintf(&p.content, "%s %s %s rg\n", part(c.R), part(c.G), part(c.B))
}

// number writes at most three decimals: a thousandth of a point shows nowhere.
func number(v float64) string {
	text := strings.TrimRight(fmt.Sprintf("%.3f", v), "0")
	text = strings.TrimSuffix(text, ".")
	if text == "-0" || text == "" {
		return "0"
	}
	return text
}
