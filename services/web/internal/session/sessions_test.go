package session_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web/internal/session"
	"github.com/almoner/almoner/services/web/migrations"
)

func read(h *house, do func(*database.Tx) error) error {
	return h.db.InReadTx(h.t.Context(), func(_ context.Context, tx *database.Tx) error { return do(tx) })
}

func TestASessionIsItsOwnersUntilItEnds(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		b := h.browser()
		if b.who().SignedIn() || b.cookie != "" {
			t.Error("a visitor who did nothing has a session")
		}
		answer := b.signIn(amina, "s-1")
		cookie := answer.Cookies()[0]
		if cookie.Name != "__Host-session" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("cookie: %s", cookie)
		}
		if who := b.who(); who.SupporterID != "s-1" || who.StaffID != "" {
			t.Errorf("%+v", who)
		}
		if n := h.count(`SELECT COUNT(*) FROM session WHERE token_hash = $1`, b.cookie); n != 0 {
			t.Error("the token itself is stored")
		}

		// Visits keep it, a fortnight without any ends it.
		for range 2 {
			h.clock.Advance(13 * 24 * time.Hour)
			if !b.who().SignedIn() {
				t.Fatalf("%v: gone in spite of visits", h.clock.Now())
			}
		}
		h.clock.Advance(5 * 24 * time.Hour)
		if b.who().SignedIn() {
			t.Error("a session is older than thirty days")
		}
		b.signIn(amina, "s-1")
		h.clock.Advance(14*24*time.Hour + time.Second)
		if b.who().SignedIn() {
			t.Error("a session outlived a fortnight without a visit")
		}
	})
}

// A token that somebody planted, or that was copied, is worth nothing after
// sign-in, sign-out, and whatever was under way then.
func TestOldTokensStayDead(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		b := h.browser()
		b.visit(func(_ http.ResponseWriter, r *http.Request) {
			err := h.KeepDraft(r.Context(), "d-1")
			if err != nil {
				t.Error(err)
			}
		})
		planted := &browser{h: h, cookie: b.cookie}
		b.signIn(amina, "s-1")
		if b.cookie == planted.cookie {
			t.Error("the token was not renewed")
		}
		if planted.who().SignedIn() {
			t.Error("who planted the token is signed in")
		}
		b.visit(func(_ http.ResponseWriter, r *http.Request) {
			if h.Draft(r.Context()) != "d-1" {
				t.Error("the draft was lost at sign-in")
			}
		})

		stolen := &browser{h: h, cookie: b.cookie}
		h.clock.Advance(2 * time.Minute) // the next visit is noted, so it writes
		stolen.visit(func(_ http.ResponseWriter, r *http.Request) {
			// While this answer is under way, the owner signs out.
			ended := b.visit(func(_ http.ResponseWriter, r *http.Request) {
				err := h.SignOut(r.Context())
				if err != nil {
					t.Error(err)
				}
			})
			if cookie := ended.Cookies()[0]; cookie.MaxAge >= 0 || cookie.Value != "" {
				t.Errorf("the browser keeps its cookie: %s", cookie)
			}
		})
		if stolen.who().SignedIn() {
			t.Error("an answer under way brought the session back")
		}
		if left := h.count(`SELECT COUNT(*) FROM session WHERE ended_at > 0 AND LENGTH(data) > 0`); left != 0 {
			t.Error("an ended session remembers")
		}
	})
}

func TestSignOutEverywhere(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		phone, laptop, other := h.browser(), h.browser(), h.browser()
		phone.signIn(amina, "s-1")
		laptop.signIn(amina, "s-1")
		other.signIn("zoe@example.org", "s-2")
		h.clock.Advance(time.Second)
		laptop.visit(func(_ http.ResponseWriter, r *http.Request) {
			err := h.SignOutEverywhere(r.Context())
			if err != nil {
				t.Error(err)
			}
		})
		if phone.who().SignedIn() || laptop.who().SignedIn() || !other.who().SignedIn() {
			t.Error("phone, laptop or somebody else")
		}
		h.clock.Advance(time.Second)
		phone.signIn(amina, "s-1")
		if !phone.who().SignedIn() {
			t.Error("cannot sign in any more")
		}
		h.browser().visit(func(_ http.ResponseWriter, r *http.Request) {
			if err := h.SignOutEverywhere(r.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestStaffsDesksWantAFreshSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t, "web", migrations.Set()))
	b := h.browser()
	b.signIn(office, "s-9")
	for range 12 {
		h.clock.Advance(55 * time.Minute)
		who := b.who()
		if who.Stale || who.StaffID != session.PersonID(office) || !slices.Equal(who.Roles, []string{"accountant"}) {
			t.Fatalf("%v: %+v", h.clock.Now(), who)
		}
	}
	h.clock.Advance(65 * time.Minute)
	for range 2 {
		// Coming back does not open them again, however often.
		if who := b.who(); !who.Stale || who.SupporterID != "s-9" {
			t.Fatalf("after an hour away: %+v", who)
		}
		h.clock.Advance(2 * time.Minute)
	}
	b.signIn(office, "s-9")
	for range 13 {
		h.clock.Advance(56 * time.Minute)
		b.who()
	}
	if !b.who().Stale {
		t.Error("twelve hours later")
	}
}

// A session that cannot be read is said to be away, not taken for nobody's.
func TestADatabaseThatIsAwayIsAnError(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t, "web")) // no tables
	b := &browser{h: h, cookie: "something"}
	b.visit(func(_ http.ResponseWriter, r *http.Request) {
		_, err := h.Visitor(r.Context())
		if err == nil {
			t.Error("nobody noticed")
		}
	})
}

func TestTheAnswerGoesThroughWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t, "web", migrations.Set()))
	answer := h.browser().visit(func(w http.ResponseWriter, r *http.Request) {
		if err := h.KeepDraft(r.Context(), "d-1"); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "half ")
		_, _ = io.WriteString(w, "whole")
	})
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != "half whole" {
		t.Errorf("%q, %v", body, err)
	}
	for name, secure := range map[string]bool{"session": false, "__Host-session": true} {
		s, err := session.New(session.Config{Secure: secure}, session.Deps{DB: h.db, Logger: slog.New(slog.DiscardHandler), Now: h.clock.Now})
		if err != nil || s.CookieName() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatHasExpiredIsSwept(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		old, ended, young := h.browser(), h.browser(), h.browser()
		old.signIn(amina, "s-1")
		ended.signIn(amina, "s-1")
		ended.visit(func(_ http.ResponseWriter, r *http.Request) { _ = h.SignOutEverywhere(r.Context()) })
		_, err := h.NewLink(t.Context(), session.Ask{Address: amina, Client: "203.0.113.9", Binding: "b"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.BeginDraft(t.Context(), "i-1", "203.0.113.9")
		if err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(20 * 24 * time.Hour)
		young.signIn(amina, "s-1")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		testkit.Eventually(t, func() bool { return h.count(`SELECT COUNT(*) FROM session`) == 1 })
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, table := range []string{"sign_in_link", "sign_in_turn", "draft_begun"} {
			if n := h.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				t.Errorf("%s has %d rows", table, n)
			}
		}
		if !young.who().SignedIn() {
			t.Error("a young session was swept")
		}
		h.clock.Advance(30 * 24 * time.Hour)
		if err := h.Sweep(t.Context()); err != nil || h.count(`SELECT COUNT(*) FROM sign_out_floor`) != 0 {
			t.Errorf("floors stay: %v", err)
		}
	})
}

func TestLinksWorkOnceAndNotForLong(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		ask := session.Ask{Address: amina, Client: "203.0.113.9", Binding: "this browser", Next: "/account/", Draft: "d-1"}
		first, err := h.NewLink(ctx, ask)
		if err != nil || len(first) != 43 {
			t.Fatalf("%q, %v", first, err)
		}
		if h.count(`SELECT COUNT(*) FROM sign_in_link WHERE token_hash = $1`, first) != 0 {
			t.Error("the token itself is stored")
		}
		second, err := h.NewLink(ctx, ask)
		if err != nil {
			t.Fatal(err)
		}

		for range 3 { // looking uses nothing up
			link, err := h.FindLink(ctx, first, "this browser")
			if err != nil || !link.Bound || link.Address != amina || link.Next != "/account/" || link.Draft != "d-1" || !link.Expires.Equal(noon.Add(15*time.Minute)) {
				t.Fatalf("%+v, %v", link, err)
			}
		}
		for _, binding := range []string{"", "another browser"} {
			link, err := h.FindLink(ctx, first, binding)
			if err != nil || link.Bound {
				t.Errorf("binding %q: %+v, %v", binding, link, err)
			}
		}

		// Of ten at once, one is in.
		link, err := h.FindLink(ctx, first, "this browser")
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		outcomes := make(chan error, 10)
		for range cap(outcomes) {
			wait.Go(func() { outcomes <- h.Redeem(ctx, link) })
		}
		wait.Wait()
		close(outcomes)
		in := 0
		for err := range outcomes {
			if err == nil {
				in++
			} else if !errors.Is(err, session.ErrLink) {
				t.Error(err)
			}
		}
		if in != 1 {
			t.Errorf("%d are in", in)
		}
		for name, token := range map[string]string{"used": first, "other one of the address": second, "unknown": "x", "none": ""} {
			if _, err := h.FindLink(ctx, token, ""); !errors.Is(err, session.ErrLink) {
				t.Errorf("%s: %v", name, err)
			}
		}

		late, err := h.NewLink(ctx, ask)
		if err != nil {
			t.Fatal(err)
		}
		link, err = h.FindLink(ctx, late, "")
		if err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(session.LinkLifetime)
		if _, err := h.FindLink(ctx, late, ""); !errors.Is(err, session.ErrLink) {
			t.Errorf("after a quarter of an hour: %v", err)
		}
		if err := h.Redeem(ctx, link); !errors.Is(err, session.ErrLink) {
			t.Errorf("redeemed after a quarter of an hour: %v", err)
		}
	})
}

func TestAnotherBrowserHasThreeGuesses(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		token, err := h.NewLink(ctx, session.Ask{Address: amina, Binding: "this browser"})
		if err != nil {
			t.Fatal(err)
		}
		link, err := h.FindLink(ctx, token, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, guess := range []string{"mallory@example.org", "", " AMINA@Example.org "} {
			err := h.Prove(ctx, link, guess)
			if right := strings.Contains(guess, "AMINA"); right != (err == nil) || !right && !errors.Is(err, session.ErrOtherAddress) {
				t.Errorf("%q: %v", guess, err)
			}
		}
		if err := h.Prove(ctx, link, "third@example.org"); !errors.Is(err, session.ErrLink) {
			t.Errorf("the third wrong one: %v", err)
		}
		if err := h.Redeem(ctx, link); !errors.Is(err, session.ErrLink) {
			t.Errorf("after three wrong ones: %v", err)
		}
	})
}

// However often somebody asks, the owner of an address is not flooded.
func TestMailsAreCounted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mails := func(times int, ask session.Ask) int {
			var wait sync.WaitGroup
			sent := make(chan bool, times)
			queue := make(chan struct{}, 8)
			for range times {
				queue <- struct{}{}
				wait.Go(func() {
					token, err := h.NewLink(ctx, ask)
					if err != nil {
						t.Error(err)
					}
					sent <- token != ""
					<-queue
				})
			}
			wait.Wait()
			close(sent)
			n := 0
			for mailed := range sent {
				if mailed {
					n++
				}
			}
			return n
		}
		if n := mails(100, session.Ask{Address: amina}); n != 3 {
			t.Errorf("%d mails in an hour", n)
		}
		for _, want := range []int{3, 3, 1, 0} {
			h.clock.Advance(time.Hour + time.Second)
			if n := mails(5, session.Ask{Address: amina}); n != want {
				t.Errorf("%v: %d mails, want %d", h.clock.Now(), n, want)
			}
		}
		h.clock.Advance(24 * time.Hour)
		n := 0
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			n += mails(4, session.Ask{Address: name + "@example.org", Client: "203.0.113.9"})
		}
		if n != 10 {
			t.Errorf("one network address caused %d mails", n)
		}
		if n := mails(1, session.Ask{Address: "f@example.org", Client: "203.0.113.10"}); n != 1 {
			t.Error("another network address may not ask")
		}

		token, err := h.NewLink(ctx, session.Ask{Address: "g@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.DropLink(ctx, token); err != nil {
			t.Error(err)
		}
		if n := mails(4, session.Ask{Address: "g@example.org"}); n != 3 {
			t.Errorf("a mail that was not sent counts: %d", n)
		}
	})
}

func TestDraftsAreCounted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		begin := func(intent, client string) bool {
			allowed, err := h.BeginDraft(t.Context(), intent, client)
			if err != nil {
				t.Fatal(err)
			}
			return allowed
		}
		for i := range 20 {
			intent := string(rune('a' + i))
			for range 2 { // sent twice, it is the same one
				if !begin(intent, "203.0.113.9") {
					t.Fatalf("draft %d was refused", i+1)
				}
			}
		}
		if begin("one more", "203.0.113.9") {
			t.Error("the twenty-first in an hour")
		}
		if !begin("a", "203.0.113.9") || !begin("one more", "203.0.113.10") || !begin("one more", "") {
			t.Error("one begun before, another address, or the same machine was refused")
		}
		h.clock.Advance(time.Hour)
		if !begin("one more", "203.0.113.9") {
			t.Error("an hour later")
		}
	})
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		" Amina@Example.ORG ": amina, "a.b+c@mail.example.org": "a.b+c@mail.example.org",
		"": "", "amina": "", "amina@": "", "amina@localhost": "", "Amina <amina@example.org>": "", "a@b.c, d@e.f": "",
		"amina@example.org\r\nBcc: all@example.org": "", `"a b"@example.org`: "", strings.Repeat("a", 250) + "@example.org": "",
	} {
		got, ok := session.Address(typed)
		if got != want || ok != (want != "") {
			t.Errorf("%.60q: %q, %v", typed, got, ok)
		}
	}
}

// Whatever else a request does, a new cookie is one header.
func TestOneCookieAnAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.SQLite(t, "web", migrations.Set()))
	w := httptest.NewRecorder()
	h.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = h.KeepDraft(r.Context(), "d-1")
		_ = h.SignIn(r.Context(), amina, "s-1")
		_ = h.KeepDraft(r.Context(), "")
		w.WriteHeader(http.StatusSeeOther)
	})).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if cookies := w.Result().Cookies(); len(cookies) != 1 {
		t.Errorf("%v", cookies)
	}
}
