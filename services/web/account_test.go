package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/web/internal/session"
)

// upload sends a form with a file.
func (b *reader) upload(path string, form url.Values, file []byte) *httptest.ResponseRecorder {
	b.town.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range form {
		for _, value := range values {
			_ = w.WriteField(name, value)
		}
	}
	if file != nil {
		part, err := w.CreateFormFile("photo", "river.jpg")
		if err != nil {
			b.town.t.Fatal(err)
		}
		_, _ = part.Write(file)
	}
	_ = w.Close()
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(r)
}

func runs(change ...string) url.Values {
	form := url.Values{
		"intent": {intentID}, "title": {"Amina runs"}, "owner_name": {"Amina Yusuf"}, "goal": {"1,500.50"},
		"story": {"# Why\n\n<script>alert(1)</script>\n\nMy **aunt** lives there."}, "alt": {"A river"}, "slug": {"amina-2026"},
	}
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return form
}

func TestAPageInThreeSteps(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser()
	p := parse(t, b.get("/start").Body.String())
	if !slices.Contains(p.links(), "/start/river-floods") || slices.Contains(p.links(), "/start/last-year") {
		t.Error(p.links())
	}
	if answer := b.get("/start?appeal=river-floods"); answer.Header().Get("Location") != "/start/river-floods" {
		t.Error(answer.Header().Get("Location"))
	}
	if answer := b.get("/start/last-year"); answer.Code != http.StatusGone {
		t.Errorf("a closed appeal: %d", answer.Code)
	}
	parse(t, b.get("/start/river-floods").Body.String())

	answer := b.upload("/start/river-floods", runs(), []byte("a picture"))
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/start/river-floods/preview" {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	p = parse(t, b.get("/start/river-floods/preview").Body.String())
	if !p.says("Preview") || !p.says("$1,500.50") || !p.says("My aunt lives there.") || strings.Contains(text(p.first("main")), "alert") || !slices.Contains(p.links(), "/sign-in") {
		t.Error(text(p.first("main")))
	}
	// The form still has it all, and goes on with the same page.
	p = parse(t, b.get("/start/river-floods").Body.String())
	p.expectKept(t, "again", url.Values{"intent": {intentID}, "title": {"Amina runs"}, "goal": {"1500.50"}}, "")
	if other := w.browser().get("/start/river-floods/preview"); other.Code != http.StatusSeeOther {
		t.Error("another browser sees the draft")
	}

	answer = b.signIn(amina)
	desk := "/account/fundraisers/" + pageID(intentID)
	if answer.Header().Get("Location") != desk {
		t.Fatalf("sent to %s", answer.Header().Get("Location"))
	}
	p = parse(t, b.get(desk).Body.String())
	if !p.says("Draft") || !p.says("Donor gift-1") || p.says("Donor gift-3") {
		t.Error(text(p.first("main")))
	}
	if p := parse(t, b.get("/account/").Body.String()); !slices.Contains(p.links(), desk) {
		t.Error(p.links())
	}
	if p := parse(t, b.get(desk+"/discard").Body.String()); !p.says("cannot be undone") {
		t.Error(text(p.first("main")))
	}
	if answer := b.post(desk+"/publish", nil); answer.Header().Get("Location") != desk {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if p := parse(t, b.get(desk).Body.String()); !p.says("Published") || !p.says("WhatsApp") {
		t.Error(text(p.first("main")))
	}
	parse(t, b.get(desk+"/preview").Body.String())
	parse(t, b.get("/account/settings").Body.String())
	if answer := b.post("/account/settings", url.Values{"display_name": {"Amina"}, "language": {"fr"}}); answer.Header().Get("Location") != "/account/settings?saved" {
		t.Errorf("%d", answer.Code)
	}
}

func TestWhatIsWrongWithAPageIsSaidAndNothingIsLost(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for name, c := range map[string]struct {
		form    url.Values
		file    []byte
		message string
	}{
		"no title":         {runs("title", ""), nil, "Enter a title."},
		"no goal":          {runs("goal", ""), nil, "Enter a goal."},
		"zero":             {runs("goal", "0"), nil, "Enter a goal above zero, like 1000.00."},
		"below zero":       {runs("goal", "-5"), nil, "Enter a goal above zero, like 1000.00."},
		"letters":          {runs("goal", "lots"), nil, "Enter the goal in digits, like 1000.00."},
		"other currency":   {runs("goal", "€ 500"), nil, "Gifts here are taken in USD. Enter the goal without another currency’s sign."},
		"twelve megabytes": {runs(), make([]byte, 12<<20), "The photo is larger than 10 MB. Choose a smaller one; everything else is kept."},
	} {
		answer := w.browser().upload("/start/river-floods", c.form, c.file)
		p := parse(t, answer.Body.String())
		if answer.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, answer.Code)
		}
		p.expectError(t, name, c.message)
		p.expectKept(t, name, c.form, "")
	}
	// No browser sends a file again by itself.
	answer := w.browser().upload("/start/river-floods", runs("goal", "lots"), []byte("a picture"))
	p := parse(t, answer.Body.String())
	p.expectError(t, "photo", "Choose the photo again: browsers do not keep it while something else is put right.")
	w.supporters.failing["SaveDraft"] = away
	answer = w.browser().upload("/start/river-floods", runs(), nil)
	if p := parse(t, answer.Body.String()); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("away: %d", answer.Code)
	} else {
		p.expectKept(t, "away", runs(), "")
	}
}

func TestTwoWindowsDoNotUndoEachOther(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser()
	b.signIn(amina)
	b.upload("/start/river-floods", runs(), nil)
	edit := "/account/fundraisers/" + pageID(intentID) + "/edit"
	if answer := b.upload(edit, runs("version", "1", "title", "One window"), nil); answer.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	answer := b.upload(edit, runs("version", "1", "title", "The other"), nil)
	p := parse(t, answer.Body.String())
	if answer.Code != http.StatusConflict || !p.says("changed in another window") || p.values()["version"][0] != "2" || p.values()["title"][0] != "The other" {
		t.Errorf("%d %v", answer.Code, p.values())
	}
	if answer := b.upload(edit, runs("version", "2", "title", "The other"), nil); answer.Code != http.StatusSeeOther {
		t.Errorf("sent once more: %d", answer.Code)
	}
}

// Every address of a page is its owner's alone: to everybody else it does not exist.
func TestNobodyReachesAnothersPage(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	owner, other, books, nobody := w.browser(), w.browser(), w.browser(), w.browser()
	owner.signIn(amina)
	other.signIn("zoe@example.org")
	books.signIn("books@harbour.example")
	owner.upload("/start/river-floods", runs(), nil)
	desk := "/account/fundraisers/" + pageID(intentID)
	for _, path := range []string{desk, desk + "/edit", desk + "/preview", desk + "/publish", desk + "/close", desk + "/discard"} {
		if answer := owner.get(path); answer.Code >= 400 {
			t.Errorf("%s: its owner gets %d", path, answer.Code)
		}
		unknown := strings.Replace(path, pageID(intentID), donationID, 1)
		for name, b := range map[string]*reader{"another supporter": other, "staff": books} {
			theirs, none := b.get(path), b.get(unknown)
			if theirs.Code != http.StatusNotFound || none.Code != http.StatusNotFound || text(parse(t, theirs.Body.String()).first("main")) != text(parse(t, none.Body.String()).first("main")) {
				t.Errorf("%s, %s: %d, and %d for one that there is not", path, name, theirs.Code, none.Code)
			}
		}
		if answer := nobody.get(path); answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/sign-in?next="+url.QueryEscape(path) {
			t.Errorf("%s: nobody gets %d", path, answer.Code)
		}
		if path == desk || path == desk+"/preview" {
			continue
		}
		for name, c := range map[string]struct {
			b    *reader
			want int
		}{"another supporter": {other, http.StatusNotFound}, "staff": {books, http.StatusNotFound}, "nobody": {nobody, http.StatusForbidden}} {
			if answer := c.b.post(path, runs("version", "1")); answer.Code != c.want {
				t.Errorf("POST %s, %s: %d", path, name, answer.Code)
			}
		}
	}
	if len(w.supporters.actions) != 0 {
		t.Errorf("somebody did %v", w.supporters.actions)
	}
	for _, id := range []string{"x", "..%2f..", "%ff", strings.ToUpper(donationID) + "0"} {
		if answer := owner.get("/account/fundraisers/" + id); answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", id, answer.Code)
		}
	}
	if answer := owner.post(desk+"/explode", nil); answer.Code != http.StatusNotFound {
		t.Errorf("an action that there is not: %d", answer.Code)
	}
}

func TestAdminsLetPeopleInAndOut(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	chair, books, zoe := w.browser(), w.browser(), w.browser()
	chair.signIn("chair@harbour.example")
	books.signIn("books@harbour.example")
	zoe.signIn("zoe@example.org")
	for name, c := range map[string]struct {
		b    *reader
		want int
	}{"accountant": {books, http.StatusForbidden}, "supporter": {zoe, http.StatusNotFound}, "nobody": {w.browser(), http.StatusSeeOther}} {
		if answer := c.b.get("/staff/people"); answer.Code != c.want {
			t.Errorf("%s: %d", name, answer.Code)
		}
	}
	parse(t, chair.get("/staff/people").Body.String())
	p := parse(t, chair.post("/staff/people", url.Values{"email": {"zoe"}}).Body.String())
	p.expectError(t, "no address", "Enter an e-mail address like name@example.org.")
	chair.post("/staff/people", url.Values{"email": {"zoe@example.org"}, "role": {"admin"}})
	if answer := zoe.get("/staff/people"); answer.Code != http.StatusOK {
		t.Errorf("a new admin: %d", answer.Code)
	}
	person := "/staff/people/" + session.PersonID("zoe@example.org")
	parse(t, chair.get(person).Body.String())
	chair.post(person, url.Values{"role": {"remove"}})
	if answer := zoe.get("/staff/people"); answer.Code != http.StatusNotFound {
		t.Errorf("an admin who was removed: %d", answer.Code)
	}
	if p := parse(t, chair.get("/staff/people").Body.String()); !p.says("by chair@harbour.example") {
		t.Error(text(p.first("main")))
	}
	for _, id := range []string{session.PersonID("chair@harbour.example"), donationID} {
		if answer := chair.post("/staff/people/"+id, url.Values{"role": {"remove"}}); answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", id, answer.Code)
		}
	}
}
