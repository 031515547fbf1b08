package pages

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/almoner/almoner/services/web/internal/live"
)

const (
	// drawnMost bounds the memory of drawn pages: some 30 kB each, and 4 kB more for
	// each way they were shared.
	drawnMost = 2000
	// drawnFor is how long a drawn page is shown though nothing is known to have
	// changed: what no stream tells of (a donor's name that can be shown again) is
	// then seen as well.
	drawnFor = 30 * time.Second
)

// sheet is what a drawn page is found by.
type sheet struct {
	language, path string
	coded          bool // for who comes with a code
}

// gallery keeps drawn pages, so that a page is drawn once for each change and not
// for each reader. It is safe for concurrent use.
type gallery struct {
	mu    sync.Mutex
	pages map[sheet]*drawn
	// drawing keeps a thousand readers whom one gift calls back from drawing the
	// same page a thousand times.
	drawing singleflight.Group
	zippers sync.Pool // of *gzip.Writer: each has a megabyte of tables
}

func newGallery() *gallery {
	return &gallery{
		pages:   map[sheet]*drawn{},
		zippers: sync.Pool{New: func() any { return gzip.NewWriter(nil) }},
	}
}

func (g *gallery) find(at sheet, stamp live.Stamp, now time.Time) *drawn {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.pages[at]
	if found == nil || found.stamp != stamp || now.Sub(found.at) > drawnFor {
		return nil
	}
	return found
}

func (g *gallery) keep(at sheet, d *drawn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.pages) >= drawnMost {
		// Which one goes does not matter: what is read is soon here again.
		for other := range g.pages {
			delete(g.pages, other)
			break
		}
	}
	g.pages[at] = d
}

func (g *gallery) zip(body []byte) []byte {
	writer, _ := g.zippers.Get().(*gzip.Writer)
	defer g.zippers.Put(writer)
	var zipped bytes.Buffer
	writer.Reset(&zipped)
	// Writing to memory does not fail.
	_, _ = writer.Write(body)
	_ = writer.Close()
	return zipped.Bytes()
}

// shared answers with a page that is the same for everybody but for the code of the
// link that led there, which is handed back: from the gallery while nothing has
// changed, else drawn now.
func (s *Site) shared(key func(r *http.Request) live.Key, paint painter) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		code := shareCode(r)
		stamp, standing := s.live.Stamp(key(r))
		var d *drawn
		var err error
		if standing {
			at := sheet{language: s.front.Texts(r.Context()).Tag, path: r.URL.Path, coded: code != ""}
			d, err = s.exhibit(r, at, stamp, paint)
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

// exhibit finds a page that was drawn under the stamp, or draws it.
func (s *Site) exhibit(r *http.Request, at sheet, stamp live.Stamp, paint painter) (*drawn, error) {
	found := s.gallery.find(at, stamp, s.now())
	if found != nil {
		return found, nil
	}
	// Only who was given the same stamp waits for the same drawing: one that was begun
	// before the last change may be older than it.
	name := fmt.Sprintf("%+v %+v", at, stamp)
	result, err, _ := s.gallery.drawing.Do(name, func() (any, error) {
		mark := ""
		if at.coded {
			mark = newMark()
		}
		// The reader who draws for others must not take the page along on leaving.
		d, whole, err := s.draw(forCode(context.WithoutCancel(r.Context()), r, mark), paint, mark)
		if err != nil {
			return nil, err
		}
		d.stamp, d.at = stamp, s.now()
		if whole {
			s.gallery.keep(at, d)
		}
		return d, nil
	})
	if err != nil {
		return nil, err
	}
	d, _ := result.(*drawn)
	return d, nil
}
