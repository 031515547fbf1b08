package donation_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

func noTraces() trace.TracerProvider { return noop.NewTracerProvider() }

func mustURL(t *testing.T, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// gate stands before the simulator and can cut the line.
type gate struct {
	mu    sync.Mutex
	next  http.Handler
	calls map[string]int
	away  bool
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	away := g.away
	path := r.URL.Path
	for prefix, name := range map[string]string{"/v1/checkout/sessions/": "/v1/checkout/sessions/*", "/v1/payment_intents/": "/v1/payment_intents/*"} {
		if strings.HasPrefix(path, prefix) {
			path = name
		}
	}
	g.calls[r.Method+" "+path]++
	g.mu.Unlock()
	if away {
		panic(http.ErrAbortHandler) // the line is cut in the middle of the answer
	}
	g.next.ServeHTTP(w, r)
}

func (g *gate) cut(away bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away = away
}

func (g *gate) count(call string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[call]
}

// door is the web server that Stripe delivers to. While the service is down it
// answers 503, as a proxy would.
type door struct {
	mu   sync.Mutex
	next http.Handler
}

func (d *door) set(next http.Handler) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next = next
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	next := d.next
	d.mu.Unlock()
	if next == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	next.ServeHTTP(w, r)
}

// logs keeps what was logged, to look for what must not be in it.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
