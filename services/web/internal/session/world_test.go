package session_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/session"
	"github.com/almoner/almoner/services/web/migrations"
)

// noon is when the stories begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const (
	amina  = "amina@example.org"
	office = "finance@harbour.example" // accountant by the configuration
	chair  = "chair@harbour.example"   // admin by the configuration
)

// house is a site's sessions on a database, with a clock.
type house struct {
	*session.Sessions
	t     *testing.T
	db    *database.DB
	clock *testkit.FakeClock
}

// eachEngine tells a story on SQLite and on PostgreSQL.
func eachEngine(t *testing.T, story func(t *testing.T, h *house)) {
	t.Helper()
	testkit.EachEngine(t, "web", []database.MigrationSet{migrations.Set()}, func(t *testing.T, db *database.DB) {
		story(t, newHouse(t, db))
	})
}

func newHouse(t *testing.T, db *database.DB) *house {
	t.Helper()
	clock := testkit.Clock(t, noon)
	sessions, err := session.New(
		session.Config{Secure: true, Staff: map[string][]string{office: {"accountant"}, chair: {"admin"}}},
		session.Deps{DB: db, Logger: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &house{Sessions: sessions, t: t, db: db, clock: clock}
}

// browser keeps the one cookie that it was given.
type browser struct {
	h      *house
	cookie string
}

// visit opens a page whose handler does something with the session.
func (b *browser) visit(do func(w http.ResponseWriter, r *http.Request)) *http.Response {
	b.h.t.Helper()
	r := httptest.NewRequestWithContext(b.h.t.Context(), http.MethodGet, "/", nil)
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: b.h.CookieName(), Value: b.cookie})
	}
	w := httptest.NewRecorder()
	b.h.Load(http.HandlerFunc(do)).ServeHTTP(w, r)
	answer := w.Result()
	for _, cookie := range answer.Cookies() {
		if cookie.Name == b.h.CookieName() {
			b.cookie = cookie.Value
		}
	}
	return answer
}

func (b *browser) signIn(address, supporter string) *http.Response {
	b.h.t.Helper()
	return b.visit(func(_ http.ResponseWriter, r *http.Request) {
		err := b.h.SignIn(r.Context(), address, supporter)
		if err != nil {
			b.h.t.Error(err)
		}
	})
}

// who the site takes the browser for.
func (b *browser) who() front.Visitor {
	b.h.t.Helper()
	var visitor front.Visitor
	b.visit(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		visitor, err = b.h.Visitor(r.Context())
		if err != nil {
			b.h.t.Error(err)
		}
	})
	return visitor
}

func (h *house) browser() *browser { return &browser{h: h} }

// count asks the database behind the sessions' back.
func (h *house) count(query string, args ...any) int {
	h.t.Helper()
	var n int
	tx := func(tx *database.Tx) error { return tx.QueryRowContext(h.t.Context(), query, args...).Scan(&n) }
	err := read(h, tx)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}
