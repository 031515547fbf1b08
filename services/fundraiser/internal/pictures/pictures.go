// Package pictures turns what people upload into pictures that can be shown to
// everybody.
//
// It promises that nothing of the file is passed on but its pixels: not where
// the camera was, not its owner's name, no second file hidden behind the first.
// An upload is measured before it is decoded, so that a small file cannot claim
// all memory, and few are decoded at a time. What comes out is upright, no wider
// than the site needs and never larger than what came in.
package pictures

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/internal/apperr"
)

const (
	// mostMemory is what uploads may need together while pictures are made of
	// them, in bytes. One that needs more by itself is refused.
	mostMemory = 256 << 20
	// atOnce is how many uploads are decoded at a time, however small they are.
	atOnce = 2
	// inLine is how many may wait for that; each is held in memory meanwhile.
	inLine = 16
	// quality of JPEG: below it skies begin to show bands.
	quality = 82
	// narrowest is how many times longer one side may be than the other. What is
	// more extreme is a line on every screen.
	narrowest = 10
)

// sizes are the widths that a picture is made in, as far as it is that wide.
var sizes = []int{1600, 800, 400}

// Encoder makes pictures. It is safe for use by several goroutines.
type Encoder struct {
	memory *semaphore.Weighted // bytes
	line   *semaphore.Weighted // uploads
}

// New returns an encoder with its own bound on what is decoded at a time.
func New() *Encoder {
	return &Encoder{memory: semaphore.NewWeighted(mostMemory), line: semaphore.NewWeighted(inLine)}
}

var errBusy = apperr.New(apperr.ResourceExhausted, "PICTURES_BUSY", "Very many pictures are being uploaded right now. Please try again in a minute.")

func fault(reason, message string) error {
	return &app.PictureFault{Reason: reason, Message: message}
}

// Make is app.Pictures'.
func (e *Encoder) Make(ctx context.Context, upload []byte, keepAlpha bool) (app.Picture, error) {
	if len(upload) > app.LargestUpload {
		return app.Picture{}, fault("PICTURE_TOO_LARGE", "The picture is larger than 10 MB.")
	}
	format := sniff(upload)
	if format == nil {
		return app.Picture{}, fault("PICTURE_KIND", "The file is not a JPEG, PNG or WebP picture.")
	}
	bounds, err := format.measure(bytes.NewReader(upload))
	if err != nil || bounds.Width < 1 || bounds.Height < 1 {
		return app.Picture{}, unreadable()
	}
	// Each side by itself first: the product of two that a header claims may
	// not fit.
	pixels := int64(bounds.Width) * int64(bounds.Height)
	if bounds.Width > app.MostPixels || bounds.Height > app.MostPixels || pixels > app.MostPixels {
		return app.Picture{}, fault("PICTURE_TOO_MANY_PIXELS", "The picture has more than 40 million pixels.")
	}
	if bounds.Width > narrowest*bounds.Height || bounds.Height > narrowest*bounds.Width {
		return app.Picture{}, fault("PICTURE_TOO_NARROW", "The picture is more than ten times as long as it is wide.")
	}

	needed := format.memory(upload, bounds) + 2*rgba*largest(bounds)
	if needed > mostMemory {
		return app.Picture{}, fault("PICTURE_TOO_DETAILED", "The picture is too large to be read here. Save it with fewer pixels, or as an ordinary JPEG.")
	}
	if !e.line.TryAcquire(1) {
		return app.Picture{}, errBusy
	}
	defer e.line.Release(1)
	share := max(needed, mostMemory/atOnce)
	err = e.memory.Acquire(ctx, share)
	if err != nil {
		return app.Picture{}, fmt.Errorf("wait to decode: %w", err)
	}
	defer e.memory.Release(share)
	decoded, err := format.decode(bytes.NewReader(upload))
	if err != nil {
		return app.Picture{}, unreadable()
	}
	transparent := keepAlpha && (format.name == "png" || !opaque(decoded))
	return encode(decoded, orientation(format.name, upload), transparent)
}

func unreadable() error {
	return fault("PICTURE_UNREADABLE", "The picture cannot be read; the file may be damaged.")
}

// format is one kind of file that is taken.
type format struct {
	name    string
	magic   func([]byte) bool
	measure func(*bytes.Reader) (image.Config, error)
	decode  func(*bytes.Reader) (image.Image, error)
	// memory is what decode needs at most, in bytes.
	memory func([]byte, image.Config) int64
}

// formats are asked for by what a file begins with, not by the registry of
// package image, which any import can lengthen.
func formats() []format {
	return []format{
		{
			"jpeg", func(b []byte) bool { return bytes.HasPrefix(b, []byte{0xFF, 0xD8, 0xFF}) },
			func(r *bytes.Reader) (image.Config, error) { return jpeg.DecodeConfig(r) },
			func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) },
			memoryOfJPEG,
		},
		{
			"png", func(b []byte) bool { return bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")) },
			func(r *bytes.Reader) (image.Config, error) { return png.DecodeConfig(r) },
			func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) },
			memoryOfPNG,
		},
		{
			"webp", func(b []byte) bool {
				return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP"
			},
			func(r *bytes.Reader) (image.Config, error) { return webp.DecodeConfig(r) },
			func(r *bytes.Reader) (image.Image, error) { return webp.Decode(r) },
			memoryOfWebP,
		},
	}
}

func sniff(upload []byte) *format {
	for _, f := range formats() {
		if f.magic(upload) {
			return &f
		}
	}
	return nil
}

func opaque(decoded image.Image) bool {
	tells, can := decoded.(interface{ Opaque() bool })
	return can && tells.Opaque()
}

// encode makes the sizes. The picture is turned after it was made small: the
// result is the same and the work a tenth.
func encode(decoded image.Image, turn turn, transparent bool) (app.Picture, error) {
	width, height := decoded.Bounds().Dx(), decoded.Bounds().Dy()
	if turn.swaps() {
		width, height = height, width
	}
	picture := app.Picture{ContentType: "image/jpeg"}
	if transparent {
		picture.ContentType = "image/png"
	}
	from := decoded
	for i, w := range widths(width) {
		h := max(1, (height*w+width/2)/width)
		if i == 0 {
			picture.Width, picture.Height = w, h
			small := image.Rect(0, 0, w, h)
			if turn.swaps() {
				small = image.Rect(0, 0, h, w)
			}
			// All sizes are made from the largest one.
			from = turn.apply(scale(decoded, small, transparent))
		} else {
			from = scale(from, image.Rect(0, 0, w, h), transparent)
		}
		var content bytes.Buffer
		var err error
		if transparent {
			err = png.Encode(&content, from)
		} else {
			err = jpeg.Encode(&content, from, &jpeg.Options{Quality: quality})
		}
		if err != nil {
			return app.Picture{}, fmt.Errorf("encode picture: %w", err)
		}
		picture.Sizes = append(picture.Sizes, app.PictureSize{Width: w, Content: content.Bytes()})
	}
	return picture, nil
}

// widths are those that a picture is made in: none is wider than it is.
func widths(width int) []int {
	made := []int{min(width, sizes[0])}
	for _, w := range sizes[1:] {
		if w < made[0] {
			made = append(made, w)
		}
	}
	return made
}
