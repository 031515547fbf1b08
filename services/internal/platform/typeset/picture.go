package typeset

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"

	"golang.org/x/image/vector"
)

// Picture is a picture in memory. It is not safe for concurrent use.
type Picture struct {
	pixels *image.RGBA
	fonts  *Fonts
}

// NewPicture returns a picture of one colour.
func (f *Fonts) NewPicture(width, height int, background color.Color) *Picture {
	pixels := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(pixels, pixels.Bounds(), image.NewUniform(background), image.Point{}, draw.Src)
	return &Picture{pixels: pixels, fonts: f}
}

// Pixels are the picture's own, to be drawn on.
func (p *Picture) Pixels() *image.RGBA { return p.pixels }

// EncodePNG writes the picture.
func (p *Picture) EncodePNG(w io.Writer) error {
	err := png.Encode(w, p.pixels)
	if err != nil {
		return fmt.Errorf("encode picture: %w", err)
	}
	return nil
}

// Fill colours a rectangle.
func (p *Picture) Fill(x, y, width, height float64, fill color.Color) {
	shape := &outline{raster: p.raster()}
	shape.MoveTo(x, y)
	shape.LineTo(x+width, y)
	shape.LineTo(x+width, y+height)
	shape.LineTo(x, y+height)
	shape.Close()
	p.colour(shape.raster, fill)
}

// Text draws the block with its top left corner at x and y.
func (p *Picture) Text(b *Block, x, y float64) error {
	p.fonts.mu.Lock()
	defer p.fonts.mu.Unlock()
	for _, line := range b.lines {
		for i := range line.runs {
			err := p.run(&line.runs[i], x+line.x, y+line.baseline)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Picture) run(r *run, x, baseline float64) error {
	shape := &outline{raster: p.raster(), flip: true}
	scale := r.scale()
	at := x + r.x
	for _, g := range r.glyphs {
		shape.x, shape.y = at+float64(g.XOffset)*scale, baseline-float64(g.YOffset)*scale
		err := r.font.loaded.GlyphPath(shape, g.ID, 0, 0, 0, scale, 0)
		if err != nil {
			return fmt.Errorf("draw with %s: %w", r.font.name, err)
		}
		at += float64(g.XAdvance) * scale
	}
	p.colour(shape.raster, r.style.Color)
	return nil
}

func (p *Picture) raster() *vector.Rasterizer {
	return vector.NewRasterizer(p.pixels.Rect.Dx(), p.pixels.Rect.Dy())
}

func (p *Picture) colour(shape *vector.Rasterizer, fill color.Color) {
	shape.Draw(p.pixels, p.pixels.Rect, image.NewUniform(fill), image.Point{})
}

// outline feeds a rasterizer. A font's y grows upwards.
type outline struct {
	raster *vector.Rasterizer
	x, y   float64
	flip   bool
}

func (o *outline) point(x, y float64) (px, py float32) {
	if o.flip {
		y = -y
	}
	return float32(o.x + x), float32(o.y + y)
}

// MoveTo begins a contour.
func (o *outline) MoveTo(x, y float64) {
	o.raster.MoveTo(o.point(x, y))
}

// LineTo draws a line.
func (o *outline) LineTo(x, y float64) {
	o.raster.LineTo(o.point(x, y))
}

// QuadTo draws a quadratic curve.
func (o *outline) QuadTo(bx, by, cx, cy float64) {
	x1, y1 := o.point(bx, by)
	x2, y2 := o.point(cx, cy)
	o.raster.QuadTo(x1, y1, x2, y2)
}

// CubeTo draws a cubic curve.
func (o *outline) CubeTo(bx, by, cx, cy, dx, dy float64) {
	x1, y1 := o.point(bx, by)
	x2, y2 := o.point(cx, cy)
	x3, y3 := o.point(dx, dy)
	o.raster.CubeTo(x1, y1, x2, y2, x3, y3)
}

// Close ends a contour.
func (o *outline) Close() { o.raster.ClosePath() }
