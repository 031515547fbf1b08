package donation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/mail"
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
	asked map[string]bool // exact paths of objects that were asked for
	// hung, while it is set and open, keeps every question about an object waiting.
	hung chan struct{}
	// refuse answers such a path with a mistake of ours; nil refuses none.
	refuse func(path string) bool
	// unmark takes our mark out of balance transactions, as somebody in Stripe's
	// dashboard can.
	unmark bool
	// forge changes what sessions' payments say that their gift was.
	forge bool
	// deaf lets what is asked for happen, and nobody hears that it did.
	deaf bool
	// late lets invoices look open that are paid, as they are for a moment.
	late bool
	// lose is a balance transaction that Stripe leaves out when it lists what is in a
	// payout.
	lose string
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	away := g.away
	var hung chan struct{}
	path := r.URL.Path
	for prefix, name := range map[string]string{"/v1/checkout/sessions/": "/v1/checkout/sessions/*", "/v1/payment_intents/": "/v1/payment_intents/*"} {
		if strings.HasPrefix(path, prefix) {
			path = name
			g.asked[r.URL.Path] = true
			hung = g.hung
		}
	}
	g.calls[r.Method+" "+path]++
	refused := g.refuse != nil && g.refuse(r.URL.Path)
	unmark := g.unmark && path == "/v1/balance_transactions"
	forge := g.forge && path == "/v1/checkout/sessions" && r.Method == http.MethodGet
	deaf := g.deaf
	late := g.late && strings.HasPrefix(path, "/v1/invoices/")
	lose := ""
	if path == "/v1/balance_transactions" && r.URL.Query().Get("payout") != "" {
		lose = g.lose
	}
	g.mu.Unlock()
	if hung != nil {
		select {
		case <-hung:
		case <-r.Context().Done():
		}
		away = true
	}
	switch {
	case deaf:
		g.next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case away:
		panic(http.ErrAbortHandler) // the line is cut in the middle of the answer
	case refused:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error": {"type": "invalid_request_error", "code": "parameter_invalid"}}`)
	case unmark:
		answer := httptest.NewRecorder()
		g.next.ServeHTTP(answer, r)
		_, _ = w.Write(bytes.ReplaceAll(answer.Body.Bytes(), []byte(`"almoner":`), []byte(`"renamed":`)))
	case forge:
		answer := httptest.NewRecorder()
		g.next.ServeHTTP(answer, r)
		_, _ = w.Write(bytes.ReplaceAll(answer.Body.Bytes(), []byte(`GENERAL`), []byte(`SPECIAL`)))
	case late:
		answer := httptest.NewRecorder()
		g.next.ServeHTTP(answer, r)
		_, _ = w.Write(regexp.MustCompile(`"status": ?"paid"`).ReplaceAll(answer.Body.Bytes(), []byte(`"status": "open"`)))
	case lose != "":
		without(g, w, r, lose)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// change sets how the line behaves from the next call on.
func (g *gate) change(set func(g *gate)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	set(g)
}

// objects counts the different objects that were asked for.
func (g *gate) objects(prefix string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	count := 0
	for path := range g.asked {
		if strings.HasPrefix(path, prefix) {
			count++
		}
	}
	return count
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

// home is the organization that books what belongs to no gift. asked, if set, is
// run before the answer.
type home struct {
	mu    sync.Mutex
	id    string
	asked func()
}

func (h *home) set(id string, asked func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id, h.asked = id, asked
}

func (h *home) get() string {
	h.mu.Lock()
	id, asked := h.id, h.asked
	h.mu.Unlock()
	if asked != nil {
		asked()
	}
	return id
}

// change writes to the service's own database, behind its back.
func (w *world) change(statement string, args ...any) {
	w.t.Helper()
	err := w.service.db.InTx(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, statement, args...)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// mailbox takes mails, each id once, as a mail server does.
type mailbox struct {
	mu     sync.Mutex
	taken  []mail.Message
	seenID map[string]bool
	refuse bool // as a server does that knows no such address
}

func (m *mailbox) Send(_ context.Context, message mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse {
		return apperr.New(apperr.InvalidArgument, "NO_SUCH_MAILBOX", "There is no such mailbox.")
	}
	if m.seenID == nil {
		m.seenID = map[string]bool{}
	}
	if !m.seenID[message.ID] {
		m.seenID[message.ID] = true
		m.taken = append(m.taken, message)
	}
	return nil
}

func (m *mailbox) set(refuse bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
}

// about answers the mails with such a subject.
func (m *mailbox) about(subject string) []mail.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []mail.Message
	for _, message := range m.taken {
		if strings.Contains(message.Subject, subject) {
			list = append(list, message)
		}
	}
	return list
}

// text reads one value from the service's own database.
func (w *world) text(query string, args ...any) (value string) {
	w.t.Helper()
	err := w.service.db.InReadTx(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, query, args...).Scan(&value)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return value
}

// card gives a customer another card, as Stripe's portal does.
func (w *world) card(customer, subscription, card string) {
	w.t.Helper()
	var method struct{ ID string }
	err := json.Unmarshal([]byte(w.atStripe("/v1/payment_methods/"+card+"/attach", url.Values{"customer": {customer}})), &method)
	if err != nil {
		w.t.Fatal(err)
	}
	w.atStripe("/v1/subscriptions/"+subscription, url.Values{"default_payment_method": {method.ID}})
}
