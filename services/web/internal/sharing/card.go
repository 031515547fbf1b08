// Package sharing draws what stands for a page elsewhere: the picture that other
// sites show beside a link to it, and the code that a phone's camera reads.
//
// Both hold only what the page itself shows to everybody.
package sharing

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // photos come as JPEG
	_ "image/png"  // logos as PNG
	"io"

	"golang.org/x/image/draw"

	"github.com/almoner/almoner/services/internal/platform/typeset"
)

// The size that social networks ask for, pixels.
const (
	cardWidth  = 1200
	cardHeight = 630
	margin     = 72
	barHeight  = 22
	photoWidth = 420
)

// Card is what the picture says. Texts are ready to be read; empty ones are left
// out.
type Card struct {
	Title        string
	By           string // "by Amina, for Shelter tonight"
	Raised       string // "€1,234 of €5,000"
	Organization string
	Percent      int64 // of the goal; below 0 for no bar
	RTL          bool
	Language     string
	Photo        []byte // JPEG or PNG; nil for none. One that cannot be read is left out
}

func paper() color.RGBA  { return color.RGBA{0xfb, 0xf8, 0xf3, 0xff} }
func ink() color.RGBA    { return color.RGBA{0x26, 0x21, 0x1c, 0xff} }
func soft() color.RGBA   { return color.RGBA{0x5d, 0x54, 0x4a, 0xff} }
func accent() color.RGBA { return color.RGBA{0x0a, 0x5c, 0x57, 0xff} }
func line() color.RGBA   { return color.RGBA{0xdd, 0xd4, 0xc6, 0xff} }

// DrawCard writes the picture as PNG.
func DrawCard(w io.Writer, fonts *typeset.Fonts, card Card) error {
	picture := fonts.NewPicture(cardWidth, cardHeight, paper())
	width := float64(cardWidth - 2*margin)
	left := float64(margin)
	if photo := decode(card.Photo); photo != nil {
		width -= photoWidth
		x := cardWidth - photoWidth
		if card.RTL {
			x = 0
			left += photoWidth
		}
		fill(picture.Pixels(), image.Rect(x, 0, x+photoWidth, cardHeight), photo)
	}
	edge := 0.0
	if card.RTL {
		edge = cardWidth - 14
	}
	picture.Fill(edge, 0, 14, cardHeight, accent())

	direction, align := typeset.LeftToRight, typeset.Left
	if card.RTL {
		direction, align = typeset.RightToLeft, typeset.Right
	}
	set := func(text string, style typeset.Style, most int) *typeset.Block {
		style.Language = card.Language
		// A title in another script than the page's runs its own way and still
		// stands on the page's side.
		own := direction
		if text == card.Title {
			own = typeset.Auto
		}
		return fonts.Set(text, typeset.Paragraph{Style: style, Direction: own, Align: align, Width: width, MaxLines: most})
	}
	title := set(card.Title, typeset.Style{Size: 64, Bold: true, Color: ink(), Leading: 1.15}, 3)
	if title.Lines() > 2 {
		title = set(card.Title, typeset.Style{Size: 52, Bold: true, Color: ink(), Leading: 1.15}, 4)
	}
	by := set(card.By, typeset.Style{Size: 32, Color: soft()}, 2)
	raised := set(card.Raised, typeset.Style{Size: 42, Bold: true, Color: accent()}, 1)
	organization := set(card.Organization, typeset.Style{Size: 28, Color: soft()}, 1)

	y := float64(margin)
	for _, block := range []*typeset.Block{title, by} {
		err := picture.Text(block, left, y)
		if err != nil {
			return fmt.Errorf("draw card: %w", err)
		}
		y += block.Height() + 20
	}
	y = cardHeight - margin - organization.Height()
	err := picture.Text(organization, left, y)
	if err != nil {
		return fmt.Errorf("draw card: %w", err)
	}
	if card.Percent >= 0 {
		y -= barHeight + 28
		picture.Fill(left, y, width, barHeight, line())
		part := width * float64(min(card.Percent, 100)) / 100
		from := left
		if card.RTL {
			from = left + width - part
		}
		picture.Fill(from, y, part, barHeight, accent())
	}
	y -= raised.Height() + 14
	err = picture.Text(raised, left, y)
	if err != nil {
		return fmt.Errorf("draw card: %w", err)
	}
	return picture.EncodePNG(w)
}

// decode reads a picture of ours; nil for none.
func decode(content []byte) image.Image {
	if len(content) == 0 {
		return nil
	}
	photo, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil
	}
	return photo
}

// fill covers a rectangle with the middle of a picture.
func fill(onto *image.RGBA, to image.Rectangle, photo image.Image) {
	from := photo.Bounds()
	wide := from.Dy() * to.Dx() / to.Dy() // width of the photo that has the shape of the place
	if wide < from.Dx() {
		from.Min.X += (from.Dx() - wide) / 2
		from.Max.X = from.Min.X + wide
	} else {
		high := from.Dx() * to.Dy() / to.Dx()
		from.Min.Y += (from.Dy() - high) / 2
		from.Max.Y = from.Min.Y + high
	}
	draw.ApproxBiLinear.Scale(onto, to, photo, from, draw.Over, nil)
}
