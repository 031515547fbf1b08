package pages

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/live"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// drawnMost bounds the memory of drawn pages: some 30 kB each.
	drawnMost = 2000
	// drawnFor is how long a drawn page is shown though nothing is known to have
	// changed: what no stream tells of (a donor's name that can be shown again) is
	// then seen as well.
	drawnFor = 30 * time.Second
)

// drawn is a page as it is sent.
type drawn struct {
	body     []byte
	etag     string
	language string
	stamp    live.Stamp
	at       time.Time

	// zipping takes longer than drawing, so it is left until somebody wants it.
	zipping sync.Once
	small   []byte
}

// zipped is the body as gzip, made once.
func (d *drawn) zipped() []byte {
	d.zipping.Do(func() { d.small = zip(d.body) })
	return d.small
}

// gallery keeps drawn pages, so that a page is drawn once for each change and not
// for each reader. It is safe for concurrent use.
type gallery struct {
	mu    sync.Mutex
	pages map[string]*drawn
	// drawing keeps a thousand readers whom one gift calls back from drawing the
	// same page a thousand times.
	drawing singleflight.Group
}

func newGallery() *gallery { return &gallery{pages: map[string]*drawn{}} }

func (g *gallery) find(key string, stamp live.Stamp, now time.Time) *drawn {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.pages[key]
	if found == nil || found.stamp != stamp || now.Sub(found.at) > drawnFor {
		return nil
	}
	return found
}

func (g *gallery) keep(key string, d *drawn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.pages) >= drawnMost {
		// Which one goes does not matter: what is read is soon here again.
		for other := range g.pages {
			delete(g.pages, other)
			break
		}
	}
	g.pages[key] = d
}

// painter makes a page. whole says that nothing had to be left out for the moment,
// so that the page may be shown to the next reader too.
type painter func(r *http.Request) (page view.Page, whole bool, err error)

// shared answers with a page that is the same for everybody: from the gallery
// while nothing has changed, else drawn now.
func (s *Site) shared(key func(r *http.Request) live.Key, paint painter) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		language := s.front.Texts(r.Context()).Tag
		stamp, standing := s.live.Stamp(key(r))
		code, plain := plain(r)
		if !standing || !plain {
			d, _, err := s.draw(r, paint)
			s.sendDrawn(w, r, d, err)
			return
		}
		name := language + " " + r.URL.Path + " " + code
		found := s.gallery.find(name, stamp, s.now())
		if found != nil {
			s.sendDrawn(w, r, found, nil)
			return
		}
		// The reader who draws for others must not take the page along on leaving.
		detached := r.WithContext(context.WithoutCancel(r.Context()))
		result, err, _ := s.gallery.drawing.Do(name, func() (any, error) {
			// Taken anew: a page that was asked for before the stamp was taken could
			// be older than it.
			stamp, standing := s.live.Stamp(key(r))
			d, whole, err := s.draw(detached, paint)
			if err != nil {
				return nil, err
			}
			d.stamp, d.at = stamp, s.now()
			if standing && whole {
				s.gallery.keep(name, d)
			}
			return d, nil
		})
		d, _ := result.(*drawn)
		s.sendDrawn(w, r, d, err)
	}
}

// plain requests have nothing in their address that is on the page but the code of
// a link that was shared, which is handed back. Most readers come by such a link.
// The choice of a language is in the key already. Codes that are not ours are
// anything that anybody writes: pages with them are drawn and not kept, or they would
// crowd out the others.
func plain(r *http.Request) (code string, plain bool) {
	if r.URL.RawQuery == "" {
		return "", true
	}
	query := r.URL.Query()
	query.Del("lang")
	if codes := query[view.FieldShare]; len(codes) == 1 && view.OurShareCode(codes[0]) {
		code = codes[0]
		query.Del(view.FieldShare)
	}
	return code, len(query) == 0
}

func (s *Site) draw(r *http.Request, paint painter) (d *drawn, whole bool, err error) {
	page, whole, err := paint(r)
	if err != nil {
		return nil, false, err
	}
	body, err := s.front.Draw(r, page)
	if err != nil {
		return nil, false, err
	}
	sum := sha256.Sum256(body)
	return &drawn{
		body: body,
		// Weak, because the same page is sent with and without compression.
		etag:     `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		language: s.front.Texts(r.Context()).Tag,
	}, whole, nil
}

func zip(body []byte) []byte {
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	// Writing to memory does not fail.
	_, _ = writer.Write(body)
	_ = writer.Close()
	return zipped.Bytes()
}

func (s *Site) sendDrawn(w http.ResponseWriter, r *http.Request, d *drawn, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	header := w.Header()
	header["Etag"] = []string{d.etag}
	header["Vary"] = []string{"Accept-Language, Cookie, Accept-Encoding"}
	if matches(r.Header.Get("If-None-Match"), d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := d.body
	if assets.AcceptsGzip(r.Header.Get("Accept-Encoding")) {
		header["Content-Encoding"] = []string{"gzip"}
		body = d.zipped()
	}
	header["Content-Type"] = []string{"text/html; charset=utf-8"}
	header["Content-Language"] = []string{d.language}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	_, err = w.Write(body) //nolint:gosec // html/template has encoded what was typed
	if err != nil {
		s.logger.DebugContext(r.Context(), "reader went away", "route", r.Pattern, "error", err)
	}
}

// matches reads If-None-Match.
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return header != ""
		}
	}
	return false
}
