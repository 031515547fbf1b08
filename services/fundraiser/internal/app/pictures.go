package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

// Bounds of an upload. What is larger is refused before any of it is decoded.
const (
	LargestUpload = 10 << 20
	MostPixels    = 40_000_000
)

// altLongest bounds what a picture is said to show, in characters.
const altLongest = 300

// Pictures makes pictures of uploads.
type Pictures interface {
	// Make decodes an upload, applies its orientation and encodes it again in
	// sizes for the site, so that nothing else that was in the file is left.
	// keepAlpha keeps transparency, as logos need it; otherwise it becomes white.
	// What cannot be a picture is answered with a *PictureFault.
	Make(ctx context.Context, upload []byte, keepAlpha bool) (Picture, error)
}

// Picture is a picture in sizes for the site.
type Picture struct {
	ContentType string // image/jpeg or image/png
	Width       int    // of the largest size, pixels
	Height      int
	Sizes       []PictureSize // the largest first
}

// PictureSize is one file of a picture.
type PictureSize struct {
	Width   int
	Content []byte
}

// PictureFault says why an upload was refused.
type PictureFault struct {
	Reason  string // stable, for programs: "PICTURE_UNREADABLE"
	Message string // in words, safe to show
}

// Error is for logs.
func (f *PictureFault) Error() string { return f.Reason + ": " + f.Message }

// newPicture makes a picture under a new name that nobody can guess. What is wrong
// with the upload is answered beside field.
func newPicture(ctx context.Context, pictures Pictures, field string, upload []byte, alt string, keepAlpha bool) (domain.Image, Picture, error) {
	alt = domain.OneLine(alt)
	if domain.Characters(alt) > altLongest {
		return domain.Image{}, Picture{}, apperr.Invalid(apperr.Field{Name: "alt", Reason: "ALT_TOO_LONG",
			Message: fmt.Sprintf("Describe the picture in at most %d characters.", altLongest)})
	}
	made, err := pictures.Make(ctx, upload, keepAlpha)
	var fault *PictureFault
	if errors.As(err, &fault) {
		return domain.Image{}, Picture{}, apperr.Invalid(apperr.Field{Name: field, Reason: fault.Reason, Message: fault.Message})
	}
	if err != nil {
		return domain.Image{}, Picture{}, fmt.Errorf("make picture: %w", err)
	}
	image := domain.Image{ID: rand.Text(), Alt: alt, Width: made.Width, Height: made.Height}
	for _, size := range made.Sizes {
		image.Widths = append(image.Widths, size.Width)
	}
	return image, made, nil
}

// ImageFile is one size of a picture.
type ImageFile struct {
	ContentType string
	Content     []byte
}

// Image returns one size of a picture; NotFound for a width that it is not
// there in. Who knows its name may see it, unless its page was taken down: links
// to a picture outlive the page that they were copied from.
func (a *App) Image(ctx context.Context, id string, width int) (ImageFile, error) {
	var file ImageFile
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var found bool
		var err error
		file, found, err = tx.ImageFile(ctx, id, width)
		if err == nil && !found {
			return errNoImage
		}
		return err
	})
	if err != nil {
		return ImageFile{}, fmt.Errorf("get image: %w", err)
	}
	return file, nil
}
