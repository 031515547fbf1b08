package front

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

const (
	// LargestRefused is how many bytes of a larger body are still read and
	// thrown away: a browser that is cut off while it sends shows a broken
	// connection instead of the page that says why. What stands before the
	// site must let as much through.
	LargestRefused = 32 << 20
	// refusedTimeout bounds how long that reading may take.
	refusedTimeout = 10 * time.Second
	// formMemory is how much of a form with a file is held in memory; the rest is
	// put into a temporary file, which is removed with the answer.
	formMemory = 1 << 20
)

// ReadForm reads a body of at most so many bytes, with or without a file, into
// r.PostForm and r.MultipartForm, as text; or answers itself and reports false.
func (f *Front) ReadForm(w http.ResponseWriter, r *http.Request, largest int64) bool {
	body := r.Body
	r.Body = http.MaxBytesReader(w, body, largest)
	err := error(&http.MaxBytesError{Limit: largest})
	if r.ContentLength <= largest {
		err = parseForm(r)
	}
	if err == nil {
		mend(r.PostForm)
		mend(r.Form)
		if r.MultipartForm != nil {
			mend(r.MultipartForm.Value)
		}
		return true
	}
	var large *http.MaxBytesError
	if !errors.As(err, &large) {
		f.Problem(w, r, http.StatusBadRequest, Damaged)
		return false
	}
	// A sender that waits to be asked for the body is simply not asked.
	if r.Header.Get("Expect") == "" {
		// Not every writer has deadlines (tests' recorders do not); the
		// server's own limit holds then.
		_ = http.NewResponseController(w).SetReadDeadline(f.now().Add(refusedTimeout))
		_, _ = io.CopyN(io.Discard, body, LargestRefused)
	}
	w.Header().Set("Connection", "close")
	f.Problem(w, r, http.StatusRequestEntityTooLarge, TooLarge)
	return false
}

func parseForm(r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" {
		return r.ParseMultipartForm(formMemory)
	}
	return r.ParseForm()
}
