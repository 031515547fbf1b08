package account

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
)

// photo sends a picture in one of its widths. Another upload has another name.
func (d *Desk) photo(w http.ResponseWriter, r *http.Request) {
	image, width := r.PathValue("image"), r.PathValue("width")
	pixels, err := strconv.ParseInt(width, 10, 32)
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	if err != nil || pixels <= 0 || strconv.FormatInt(pixels, 10) != width || len(image) > 64 || strings.Trim(image, letters) != "" {
		d.front.Unknown(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := d.fundraisers.GetImage(ctx, &fundraiserv1.GetImageRequest{ImageId: image, Width: int32(pixels)})
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", answer.GetContentType())
	// It never changes, and may still be taken down: caches of others must ask again.
	header.Set("Cache-Control", "public, max-age=3600")
	header.Set("ETag", `"`+image+"-"+width+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(answer.GetContent()))
}
