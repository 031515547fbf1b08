package pictures

import (
	"image"

	"golang.org/x/image/draw"
)

// scale makes a picture smaller, or keeps its size. Each pixel becomes the average
// of the area under it, read row by row: besides the two pictures this needs a few
// rows, where filters that look further keep all that they read as floating
// point, which is eight times the picture. What is transparent lies on white,
// unless it shall stay so.
func scale(from image.Image, to image.Rectangle, transparent bool) *image.RGBA {
	bounds := from.Bounds()
	width, height, h := bounds.Dx(), bounds.Dy(), to.Dy()
	scaled := image.NewRGBA(to)
	row := image.NewRGBA(image.Rect(0, 0, width, 1))
	squeezed, sums := make([]uint64, 4*to.Dx()), make([]uint64, 4*to.Dx())
	y := 0
	for i := range height {
		draw.Draw(row, row.Bounds(), from, image.Pt(bounds.Min.X, bounds.Min.Y+i), draw.Src)
		squeeze(row.Pix, width, squeezed)
		// Measured so that a row here is h long and one of the result height.
		for at, end := i*h, (i+1)*h; at < end; {
			next := min(end, (y+1)*height)
			for c, v := range squeezed {
				sums[c] += v * uint64(next-at)
			}
			at = next
			if at == (y+1)*height {
				settle(scaled.Pix[y*scaled.Stride:], sums, uint64(width)*uint64(height), transparent)
				clear(sums)
				y++
			}
		}
	}
	return scaled
}

// squeeze sums a row of width pixels up for the fewer ones of the result, each
// pixel by how much of it lies under them.
func squeeze(row []uint8, width int, into []uint64) {
	w := len(into) / 4
	clear(into)
	x := 0
	for i := range width {
		pixel := row[4*i : 4*i+4]
		for at, end := i*w, (i+1)*w; at < end; {
			next := min(end, (x+1)*width)
			part, sum := uint64(next-at), into[4*x:4*x+4]
			for c := range sum {
				sum[c] += uint64(pixel[c]) * part
			}
			at = next
			if at == (x+1)*width {
				x++
			}
		}
	}
}

// settle writes a row of averages. Sums are of area, and colours are multiplied by
// how opaque they are, so that what is not seen does not shine through.
func settle(row []uint8, sums []uint64, area uint64, transparent bool) {
	for x := 0; x < len(sums); x += 4 {
		white := uint64(0)
		if !transparent {
			white = 255*area - sums[x+3]
		}
		for c := range 4 {
			row[x+c] = uint8((sums[x+c] + white + area/2) / area)
		}
	}
}
