package pages

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/live"
	"github.com/almoner/almoner/services/web/internal/view"
)

// painter makes a page. Of the request's query it may read the code of a shared link
// alone, and show it as it is. whole says that nothing had to be left out for the
// moment, so that the page may be shown to the next reader too.
type painter func(r *http.Request) (page view.Page, whole bool, err error)

// drawn is a page as it is sent to all readers who come by a shared link, whatever
// its code, or to all others. It does not change once it can be found.
type drawn struct {
	// pieces are the page, cut wherever the reader's code stands: letters, digits and
	// two signs look the same in text, attributes and addresses. One piece is a page
	// for readers without a code.
	pieces   [][]byte
	tag      string // of the pieces
	language string

	// zipping takes longer than drawing, so it is left until somebody wants it.
	zipping sync.Mutex
	small   map[string][]byte // by code, of those that we hand out
}

// sheet is what a drawn page is found by.
type sheet struct {
	language, path string
	coded          bool // for who comes with a code
}

// shared answers with a page that is the same for everybody but for the code of the
// link that led there, which is handed back: as it was drawn while nothing has changed,
// else drawn now.
func (s *Site) shared(key func(r *http.Request) live.Key, paint painter) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		code := shareCode(r)
		stamp, standing := s.live.Stamp(key(r))
		var d *drawn
		var err error
		if standing {
			at := sheet{language: s.front.Texts(r.Context()).Tag, path: r.URL.Path, coded: code != ""}
			d, err = s.gallery.get(at, stamp, s.now(), func() (*drawn, bool, error) {
				mark := ""
				if at.coded {
					mark = newMark()
				}
				// The reader who draws for others must not take the page along on leaving.
				return s.draw(forCode(context.WithoutCancel(r.Context()), r, mark), paint, mark)
			})
		} else {
			// Nobody else is shown it, so the code stands where it belongs.
			d, _, err = s.draw(forCode(r.Context(), r, code), paint, "")
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.sendDrawn(w, r, d, code)
	}
}

// draw draws a page, and cuts it where the mark stands, if one is given.
func (s *Site) draw(r *http.Request, paint painter, mark string) (d *drawn, whole bool, err error) {
	page, whole, err := paint(r)
	if err != nil {
		return nil, false, err
	}
	body, err := s.front.Draw(r, page)
	if err != nil {
		return nil, false, err
	}
	d = &drawn{pieces: [][]byte{body}, language: s.front.Texts(r.Context()).Tag, small: map[string][]byte{}}
	if mark != "" {
		d.pieces = bytes.Split(body, []byte(mark))
	}
	// The mark is another one each time, and no part of what the page says.
	sum := sha256.Sum256(bytes.Join(d.pieces, []byte{0}))
	d.tag = base64.RawURLEncoding.EncodeToString(sum[:12])
	return d, whole, nil
}

// newMark stands for the code of any reader while a page is drawn: a code like theirs,
// which nobody can have written before because it is drawn by lot each time.
func newMark() string { return rand.Text() }

// forCode is the request as far as a page that is shown to others may depend on it:
// the address and, of its query, the code.
func forCode(ctx context.Context, r *http.Request, code string) *http.Request {
	address := *r.URL
	address.RawQuery = ""
	if code != "" {
		address.RawQuery = url.Values{view.FieldShare: {code}}.Encode()
	}
	r = r.WithContext(ctx)
	r.URL = &address
	return r
}

// body is the page for a reader with this code.
func (d *drawn) body(code string) []byte {
	if len(d.pieces) == 1 {
		return d.pieces[0]
	}
	return bytes.Join(d.pieces, []byte(code))
}

// etag names what body returns. It is weak, because the same page is sent with and
// without compression.
func (d *drawn) etag(code string) string {
	if len(d.pieces) == 1 {
		code = ""
	}
	return `W/"` + d.tag + code + `"`
}

// zipped is the body as gzip, made once for each code that we hand out. Codes that
// are not ours are anything that anybody writes: kept, they would crowd out the others.
func (s *Site) zipped(d *drawn, code string) []byte {
	if code != "" && !view.OurShareCode(code) {
		return s.zippers.zip(d.body(code))
	}
	d.zipping.Lock()
	defer d.zipping.Unlock()
	small, done := d.small[code]
	if !done {
		small = s.zippers.zip(d.body(code))
		d.small[code] = small
	}
	return small
}

// zippers compress. Each has a megabyte of tables, which are used again. They are safe
// for concurrent use.
type zippers struct{ idle sync.Pool }

func newZippers() *zippers {
	return &zippers{idle: sync.Pool{New: func() any {
		// A twelfth larger than the smallest, in half the time. The level is a known
		// one, so nothing fails.
		writer, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return writer
	}}}
}

func (z *zippers) zip(body []byte) []byte {
	writer, _ := z.idle.Get().(*gzip.Writer)
	defer z.idle.Put(writer)
	var zipped bytes.Buffer
	writer.Reset(&zipped)
	// Writing to memory does not fail.
	_, _ = writer.Write(body)
	_ = writer.Close()
	return zipped.Bytes()
}

func (s *Site) sendDrawn(w http.ResponseWriter, r *http.Request, d *drawn, code string) {
	header := w.Header()
	etag := d.etag(code)
	header["Etag"] = []string{etag}
	header["Vary"] = []string{"Accept-Language, Cookie, Accept-Encoding"}
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	var body []byte
	if assets.AcceptsGzip(r.Header.Get("Accept-Encoding")) {
		header["Content-Encoding"] = []string{"gzip"}
		body = s.zipped(d, code)
	} else {
		body = d.body(code)
	}
	header["Content-Type"] = []string{"text/html; charset=utf-8"}
	header["Content-Language"] = []string{d.language}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	_, err := w.Write(body) //nolint:gosec // html/template has encoded what was typed, and a code has nothing to encode
	if err != nil {
		s.logger.DebugContext(r.Context(), "reader went away", "route", r.Pattern, "error", err)
	}
}

// matches reads If-None-Match.
func matches(header, etag string) bool {
	if header == "" {
		return false
	}
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
