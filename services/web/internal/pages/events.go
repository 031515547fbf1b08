package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/web/internal/live"
)

const (
	// heartbeat keeps proxies from closing a stream on which nobody gives.
	heartbeat = 15 * time.Second
	// listenerTimeout is how long one message may take to be sent: who takes
	// longer is gone, or comes back with Last-Event-ID.
	listenerTimeout = 10 * time.Second
	// reconnectAfter is what browsers wait before they ask again, milliseconds.
	reconnectAfter = 3000
)

// news is one message: the facts, and the progress as it stands on the page, drawn
// by the same template and in the reader's language.
type news struct {
	AsOf         int64  `json:"as_of"`
	SettledMinor int64  `json:"settled_minor"`
	Gifts        int64  `json:"gifts"`
	Processing   int64  `json:"processing_minor"`
	HTML         string `json:"html"`
}

// events tells what a page has raised: as a stream of server-sent events for a
// browser that asks for one, else once as JSON, for one that cannot keep a stream.
func (s *Site) events(find finder) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found, err := find(r.Context(), r.PathValue("slug"))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			s.newsOnce(w, r, found)
			return
		}
		after, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
		if err != nil {
			// What the page showed when it was drawn; nonsense means nothing.
			after, _ = strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
		}
		listener, err := s.live.Listen(found.key(), after)
		if err != nil {
			// The browser does not come back by itself after this, and polls.
			w.WriteHeader(http.StatusNoContent)
			return
		}
		defer listener.Close()
		s.stream(w, r, found, listener)
	}
}

func (s *Site) newsOnce(w http.ResponseWriter, r *http.Request, found target) {
	now, known := s.live.Totals(found.key())
	if !known {
		now = found.totals()
	}
	message, err := s.news(r.Context(), found, now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(message)
}

func (s *Site) stream(w http.ResponseWriter, r *http.Request, found target, listener *live.Listener) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would collect messages
	control := http.NewResponseController(w)
	// A stream outlives what a page may take, so each message has its own time.
	send := func(text string) bool {
		err := control.SetWriteDeadline(s.now().Add(listenerTimeout))
		if err == nil {
			_, err = fmt.Fprint(w, text)
		}
		if err == nil {
			err = control.Flush()
		}
		return err == nil
	}
	if !send(fmt.Sprintf("retry: %d\n\n", reconnectAfter)) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-httpserver.Stopping(r.Context()):
			return
		case <-beat.C:
			if !send(": still here\n\n") {
				return
			}
		case now := <-listener.News():
			message, err := s.news(r.Context(), found, now)
			if err != nil {
				s.logger.ErrorContext(r.Context(), "draw live totals", "error", err)
				return
			}
			if !send(fmt.Sprintf("id: %d\nevent: totals\ndata: %s\n\n", now.AsOf, message)) {
				return
			}
		}
	}
}

func (s *Site) news(ctx context.Context, found target, now live.Totals) ([]byte, error) {
	progress, err := found.progress(now)
	if err != nil {
		return nil, err
	}
	html, err := s.front.DrawPart(ctx, "progress", progress)
	if err != nil {
		return nil, err
	}
	return json.Marshal(news{AsOf: now.AsOf, SettledMinor: now.SettledMinor, Gifts: now.Gifts, Processing: now.Processing, HTML: html})
}
