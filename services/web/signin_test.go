package web_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/web/internal/session"
)

const amina = "amina@example.org"

func TestSigningInByMail(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser()
	p := parse(t, b.get("/sign-in?next=/sign-out").Body.String())
	if got := p.values(); !slices.Equal(got["next"], []string{"/sign-out"}) {
		t.Errorf("the form is sent with %v", got)
	}
	answer := b.post("/sign-in", url.Values{"email": {" Amina@Example.org "}, "next": {"/sign-out"}})
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/sign-in/sent" {
		t.Fatalf("%d %s", answer.Code, answer.Header().Get("Location"))
	}
	if p := parse(t, b.get("/sign-in/sent").Body.String()); !p.says("15 minutes") || !p.says("three") {
		t.Error(text(p.first("main")))
	}
	m := w.mailed()[0]
	if m.To.Email != amina || m.From.Email != "sign-in@give.harbour.example" || !strings.HasPrefix(m.Subject, "Your link to sign in") {
		t.Errorf("%+v", m)
	}

	link := w.link(amina)
	opened := b.get(link)
	if p := parse(t, opened.Body.String()); opened.Code != http.StatusOK || !p.says("Press the button") || opened.Header().Get("Referrer-Policy") != "same-origin" || opened.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", opened.Code, opened.Header())
	}
	answer = b.post(link, nil)
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/sign-out" {
		t.Fatalf("%d %s %s", answer.Code, answer.Header().Get("Location"), answer.Body)
	}
	if p := parse(t, b.get("/sign-in").Body.String()); !p.says("signed in already") {
		t.Error(text(p.first("main")))
	}
	if p := parse(t, b.get("/sign-out").Body.String()); !p.says("Sign out everywhere") {
		t.Error(text(p.first("main")))
	}
	b.post("/sign-out", nil)
	if p := parse(t, b.get("/sign-out").Body.String()); !p.says("You are signed out") {
		t.Error(text(p.first("main")))
	}

	// Neither the token, nor the cookie, nor the address is in any log.
	for _, canary := range []string{strings.TrimPrefix(link, "/sign-in/"), "amina", "Amina"} {
		if strings.Contains(w.logs.String(), canary) {
			t.Errorf("the log says %q", canary)
		}
	}
}

func TestLinksThatDoNotWork(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser()
	dead := func(name, link string) {
		t.Helper()
		for _, answer := range []*httptest.ResponseRecorder{b.get(link), b.post(link, url.Values{"email": {amina}})} {
			p := parse(t, answer.Body.String())
			if answer.Code != http.StatusGone || !p.says("does not work any more") || !slices.Contains(p.links(), "/sign-in") {
				t.Errorf("%s: %d %s", name, answer.Code, text(p.first("main")))
			}
		}
	}
	b.signIn(amina)
	dead("used twice", w.link(amina))
	b.post("/sign-in", url.Values{"email": {amina}})
	w.clock.Advance(session.LinkLifetime)
	dead("after 15 minutes", w.link(amina))
	dead("made up", "/sign-in/"+strings.Repeat("A", 43))
	dead("cut off", "/sign-in/x")
	dead("no text", "/sign-in/%ff%00")
}

// Programs that look into mails open what they find there, more than once.
func TestLookingAtALinkUsesNothingUp(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser()
	b.post("/sign-in", url.Values{"email": {amina}})
	link := w.link(amina)
	scanner := w.browser()
	for range 20 {
		scanner.get(link)
		scanner.do(httptest.NewRequest(http.MethodHead, link, nil))
	}
	if answer := b.post(link, nil); answer.Code != http.StatusSeeOther {
		t.Errorf("%d", answer.Code)
	}
	if len(scanner.cookies) != 0 {
		t.Errorf("the scanner has %v", scanner.cookies)
	}
}

func TestAnotherBrowserNamesTheAddress(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.browser().post("/sign-in", url.Values{"email": {amina}})
	link := w.link(amina)
	phone := w.browser()
	if p := parse(t, phone.get(link).Body.String()); !p.says("not the browser that asked") || p.ids["email"] == nil {
		t.Error(text(p.first("main")))
	}
	answer := phone.post(link, url.Values{"email": {"mallory@example.org"}})
	p := parse(t, answer.Body.String())
	if answer.Code != http.StatusUnprocessableEntity || !strings.HasPrefix(p.title(), "Error: ") {
		t.Errorf("%d %s", answer.Code, p.title())
	}
	p.expectError(t, "email", "The link was not sent to this address. After three wrong ones it stops working.")
	if answer := phone.post(link, url.Values{"email": {amina}}); answer.Code != http.StatusSeeOther {
		t.Errorf("%d", answer.Code)
	}

	w.browser().post("/sign-in", url.Values{"email": {amina}})
	link = w.link(amina)
	for range 3 {
		phone.post(link, url.Values{"email": {"mallory@example.org"}})
	}
	if answer := phone.post(link, url.Values{"email": {amina}}); answer.Code != http.StatusGone {
		t.Errorf("after three wrong addresses: %d", answer.Code)
	}
}

// Who asks a thousand times sends three mails, and learns nothing from the answers,
// nor does who asks for an address that nobody has here.
func TestAskingAThousandTimes(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	answers := map[[32]byte]int{}
	for i := range 1000 {
		b := w.browser()
		// From everywhere, so that only the address is counted.
		b.address = "198.51." + string(rune('0'+i/100)) + "." + string(rune('0'+i%10)) + ":99"
		answer := b.post("/sign-in", url.Values{"email": {amina}})
		answers[sha256.Sum256([]byte(answer.Header().Get("Location")+answer.Body.String()+strings.Split(answer.Header().Get("Set-Cookie"), "=")[0]))]++
	}
	if n := len(w.mailed()); n != 3 || len(answers) != 1 {
		t.Errorf("%d mails, %d kinds of answers", n, len(answers))
	}
	w.clock.Advance(time.Hour)
	b := w.browser()
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		b.post("/sign-in", url.Values{"email": {name + "@example.org"}})
	}
	if n := len(w.mailed()); n != 13 {
		t.Errorf("one network address caused %d mails, want 10", n-3)
	}
}

// Who hangs up while the mail is handed over gets no more mails out of it.
func TestLeavingDoesNotUndoAMail(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for range 5 {
		ctx, leave := context.WithCancel(t.Context())
		w.mailing = leave
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/sign-in", strings.NewReader(url.Values{"email": {amina}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w.browser().do(r)
	}
	if n := len(w.mailed()); n != 3 {
		t.Errorf("%d mails", n)
	}
}

func TestWhatIsNoAddressIsSaid(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for typed, message := range map[string]string{
		"": "Enter your e-mail address.", "amina": "Enter an e-mail address like name@example.org.", "<b>@x": "Enter an e-mail address like name@example.org.",
		"a@example.org\r\nBcc: b@example.org": "Enter an e-mail address like name@example.org.",
	} {
		answer := w.browser().post("/sign-in", url.Values{"email": {typed}})
		p := parse(t, answer.Body.String())
		if answer.Code != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", typed, answer.Code)
		}
		p.expectError(t, "email", message)
	}
	w.failing = errors.New("421 try later")
	answer := w.browser().post("/sign-in", url.Values{"email": {amina}})
	if p := parse(t, answer.Body.String()); answer.Code != http.StatusServiceUnavailable || !p.says("could not be sent") || !slices.Contains(p.values()["email"], amina) {
		t.Errorf("%d %s", answer.Code, text(p.first("main")))
	}
	w.failing = nil
	for range 3 {
		w.browser().post("/sign-in", url.Values{"email": {amina}})
	}
	if n := len(w.mailed()); n != 3 {
		t.Errorf("a mail that was not sent counts: %d", n)
	}
}

func TestNobodyIsSentElsewhere(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for _, next := range hostileWays() {
		b := w.browser()
		p := parse(t, b.get("/sign-in?next="+url.QueryEscape(next)).Body.String())
		if got := strings.Join(p.values()["next"], ""); got != "" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	b := w.browser()
	b.post("/sign-in", url.Values{"email": {amina}, "next": {"https://evil.example/"}})
	if answer := b.post(w.link(amina), nil); answer.Header().Get("Location") != "/account/" {
		t.Errorf("sent to %s", answer.Header().Get("Location"))
	}
}

func hostileWays() []string {
	return []string{
		"https://evil.example/", "//evil.example", "///evil.example", `/\evil.example`, `\/evil.example`, "/\t/evil.example", "javascript:alert(1)",
		"data:text/html,x", "/none", "/../etc", "/account/../sign-in", "/sign-in/../..//evil.example", "evil.example", "?x", "#x", " /sign-in", "/sign-in\r\nX: y",
		"http:/sign-in", "/\u2028sign-in", "//@evil.example/sign-in", "/./sign-in", "/sign-in//", "/%2f%2fevil.example", "/..%2f..%2fevil",
	}
}

// A fixed session, the same after sign-in, would be the planter's.
func TestAPlantedCookieIsWorthNothing(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser()
	b.cookies["__Host-session"] = "planted"
	b.signIn(amina)
	if b.cookies["__Host-session"] == "planted" {
		t.Error("the session kept the planted token")
	}
	mallory := w.browser()
	mallory.cookies["__Host-session"] = "planted"
	if p := parse(t, mallory.get("/sign-out").Body.String()); !p.says("You are signed out") {
		t.Error("who planted it is in")
	}
	phone := w.browser()
	phone.signIn(amina)
	w.clock.Advance(time.Second)
	b.post("/account/sign-out-everywhere", nil)
	if p := parse(t, phone.get("/sign-out").Body.String()); !p.says("You are signed out") {
		t.Error("the phone is still in")
	}
}

func TestStaffSignInWithoutTheFundraiserService(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.supporters.failing["EnsureSupporter"] = away
	b := w.browser()
	b.signIn("books@harbour.example")
	if p := parse(t, b.get("/sign-out").Body.String()); !p.says("Sign out everywhere") {
		t.Error("staff cannot sign in")
	}
	// A supporter's link is not spent on it.
	c := w.browser()
	c.post("/sign-in", url.Values{"email": {amina}})
	if answer := c.post(w.link(amina), nil); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", answer.Code)
	}
	w.supporters.failing = map[string]error{}
	if answer := c.post(w.link(amina), nil); answer.Code != http.StatusSeeOther {
		t.Errorf("a minute later: %d", answer.Code)
	}
}
