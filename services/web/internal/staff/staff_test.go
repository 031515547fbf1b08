package staff_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// paths of all pages that can be opened without knowing an id.
var paths = []string{
	"/staff/", "/staff/organization", "/staff/appeals", "/staff/appeals/new", "/staff/funds", "/staff/funds/new",
	"/staff/moderation", "/staff/parked", "/staff/changes",
}

// first is the address of the first thing in a list.
func (w world) first(t *testing.T, list, prefix string) string {
	t.Helper()
	_, rest, found := strings.Cut(w.get(t, "admin", list).text, `<th scope="row"><a href="`+prefix)
	if !found {
		t.Fatalf("%s lists nothing", list)
	}
	path, _, _ := strings.Cut(rest, `"`)
	return prefix + path
}

func TestWhoMayOpenAndSendWhat(t *testing.T) {
	t.Parallel()
	w := start(t)
	appeal, fund := w.first(t, "/staff/appeals", "/staff/appeals/"), w.first(t, "/staff/funds", "/staff/funds/")
	var table strings.Builder
	roles := []string{"", "supporter", "viewer", "accountant", "admin"}
	row := func(request string, answer func(role string) answer) {
		fmt.Fprintf(&table, "%-26s", request)
		for _, role := range roles {
			fmt.Fprintf(&table, " %d", answer(role).code)
		}
		table.WriteString("\n")
	}
	for _, path := range append(append([]string{}, paths...), appeal, fund) {
		name := strings.NewReplacer(appeal, "/staff/appeals/ID", fund, "/staff/funds/ID").Replace(path)
		row("GET "+strings.TrimPrefix(name, "/staff"), func(role string) answer { return w.get(t, role, path) })
	}
	for _, path := range []string{
		"/staff/organization", "/staff/organization/logo", "/staff/appeals/new", appeal, appeal + "/state", "/staff/funds/new", fund,
		"/staff/moderation/none", "/staff/parked/donation:7/retry",
	} {
		name := strings.NewReplacer(appeal, "/staff/appeals/ID", fund, "/staff/funds/ID").Replace(path)
		row("POST "+strings.TrimPrefix(name, "/staff"), func(role string) answer {
			return w.post(t, role, path, url.Values{"service": {"ledger"}})
		})
	}
	const want = `GET /                      303 404 200 200 200
GET /organization          303 404 200 200 200
GET /appeals               303 404 200 200 200
GET /appeals/new           303 404 404 404 200
GET /funds                 303 404 200 200 200
GET /funds/new             303 404 404 404 200
GET /moderation            303 404 200 200 200
GET /parked                303 404 200 200 200
GET /changes               303 404 200 200 200
GET /appeals/ID            303 404 200 200 200
GET /funds/ID              303 404 200 200 200
POST /organization         403 404 403 403 409
POST /organization/logo    403 404 403 403 422
POST /appeals/new          403 404 403 403 422
POST /appeals/ID           403 404 403 403 422
POST /appeals/ID/state     403 404 403 403 404
POST /funds/new            403 404 403 403 422
POST /funds/ID             403 404 403 403 409
POST /moderation/none      403 404 403 403 422
POST /parked/donation:7/retry 403 404 403 303 303
`
	if table.String() != want {
		t.Errorf("got\n%s\nwant\n%s", table.String(), want)
	}
}

func TestWhoMayOnlyLookSeesNoButton(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, path := range []string{"/staff/organization", w.first(t, "/staff/appeals", "/staff/appeals/"), "/staff/funds", "/staff/moderation", "/staff/parked"} {
		page := w.get(t, "viewer", path)
		if strings.Contains(page.text, `method="post"`) || strings.Contains(page.text, "/new") {
			t.Errorf("%s has something to press", path)
		}
		if page.says("(optional)") { // nothing can be left out of what cannot be typed
			t.Errorf("%s reads like a form", path)
		}
	}
	if page := w.get(t, "viewer", "/staff/organization"); !page.says("Wayhaven Relief Foundation") || !page.says("Europe/Amsterdam") {
		t.Error("the organization's facts are not shown")
	}
}

func TestAllPagesInAllLanguages(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, path := range append(append([]string{}, paths...), w.first(t, "/staff/appeals", "/staff/appeals/"), w.first(t, "/staff/funds", "/staff/funds/")) {
		for _, lang := range []string{"en", "fr", "es", "ar"} {
			page := w.send(t, "admin", lang, httptest.NewRequest(http.MethodGet, path, nil))
			if page.code != http.StatusOK || !strings.Contains(page.text, `<html lang="`+lang+`"`) || strings.Contains(page.text, "staff.") && strings.Contains(strings.ReplaceAll(page.text, "staff.css", ""), ">staff.") {
				t.Errorf("%s in %s answers %d", path, lang, page.code)
			}
			if strings.Contains(page.text, "<no value>") || strings.Contains(page.text, ` style="`) || strings.Contains(page.text, "<script>") {
				t.Errorf("%s in %s has what must not be there", path, lang)
			}
		}
	}
}

// From an empty form to an appeal that is seen, with every mistake on the way.
func TestAnAppealIsWrittenAndPublished(t *testing.T) {
	t.Parallel()
	w := start(t)
	form := w.get(t, "admin", "/staff/appeals/new").form(t)
	if form.Get("currency") != "EUR" || form.Get("kind") != "standing" || form.Get("organization") == "" {
		t.Fatalf("the empty form has %v", form)
	}
	form.Set("title", `Winter "boots" <b>`)
	form.Set("slug", "Winter Boots")
	form.Set("goal", "12 000,00")
	form.Set("goal_count", "many")
	form.Set("suggested", "15\nthirty")
	wrong := w.post(t, "admin", "/staff/appeals/new", form)
	if wrong.code != http.StatusUnprocessableEntity || !wrong.says("There is a problem") || !wrong.says("Enter a whole number above zero.") ||
		!wrong.says("thirty cannot be read as an amount in EUR.") || !strings.Contains(wrong.text, `href="#goal_count"`) {
		t.Errorf("%d %s", wrong.code, wrong.text)
	}
	if kept := wrong.form(t); kept.Get("title") != form.Get("title") || kept.Get("suggested") != form.Get("suggested") || kept.Get("slug") != "Winter Boots" {
		t.Errorf("kept %v", kept)
	}

	form.Set("goal_count", "400")
	form.Set("suggested", "15\r\n30,50\r\n")
	wrong = w.post(t, "admin", "/staff/appeals/new", form)
	if wrong.code != http.StatusUnprocessableEntity || !wrong.says("The address may only have lower-case letters, digits and hyphens.") ||
		!wrong.says("What the number counts is missing.") || !wrong.says("The appeal must name at least one fund") || !wrong.says("The story is missing.") {
		t.Errorf("%d %s", wrong.code, wrong.text)
	}
	inFrench := w.postIn(t, "fr", "admin", "/staff/appeals/new", form)
	if !inFrench.says("Ceci ne convient pas. 2 à 60 minuscules") || inFrench.says("may only have") {
		t.Errorf("in French: %s", inFrench.text)
	}

	form.Set("slug", "winter-boots")
	form.Set("kind", "campaign")
	form.Set("summary", "Dry feet.")
	form.Set("story", "They *walk*.\r\n\r\nIt snows.")
	form.Set("goal_unit", "pairs")
	form.Set("unit_cost", "30")
	form.Set("minimum", "2")
	form.Set("funds", "school, general")
	form.Set("starts_on", "2026-03-01")
	form.Set("ends_on", "2026-03-03")
	form.Set("fee_rate", "1,5 %")
	form.Set("fee_fixed", "0.25")
	saved := w.post(t, "admin", "/staff/appeals/new", form)
	if saved.code != http.StatusSeeOther || !strings.HasPrefix(saved.location, "/staff/appeals/") || !strings.HasSuffix(saved.location, "?done=saved") {
		t.Fatalf("%d %s %s", saved.code, saved.location, saved.text)
	}
	path, _, _ := strings.Cut(saved.location, "?")
	page := w.get(t, "admin", saved.location)
	form = page.form(t)
	for name, want := range map[string]string{
		"title": `Winter "boots" <b>`, "suggested": "15.00\n30.50", "goal": "12000.00", "fee_rate": "1.5", "fee_fixed": "0.25", "funds": "SCHOOL, GENERAL",
		"goal_count": "400", "starts_on": "2026-03-01", "ends_on": "2026-03-03", "version": "1", "story": "They *walk*.\n\nIt snows.",
	} {
		if form.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, form.Get(name), want)
		}
	}
	if !page.says("Saved.") || !page.says("Draft") || !page.says("Publish") {
		t.Error("the page does not say how the draft stands")
	}

	// Its last day was yesterday.
	over := w.post(t, "admin", path+"/state", url.Values{"action": {"publish"}})
	if over.code != http.StatusConflict || !over.says("The last day of this appeal has passed") {
		t.Errorf("%d %s", over.code, over.text)
	}
	form.Set("ends_on", "")
	if again := w.post(t, "admin", path, form); again.code != http.StatusSeeOther {
		t.Fatalf("%d %s", again.code, again.text)
	}
	if stale := w.post(t, "admin", path, form); stale.code != http.StatusConflict || !stale.says("Somebody else changed this meanwhile") || stale.form(t).Get("title") != form.Get("title") {
		t.Errorf("the second window: %d", stale.code)
	}
	live := w.post(t, "admin", path+"/state", url.Values{"action": {"publish"}})
	if live.code != http.StatusSeeOther || live.location != path+"?done=published" {
		t.Fatalf("%d %s", live.code, live.text)
	}
	page = w.get(t, "admin", live.location)
	if !page.says("Published.") || !page.says("Close") || page.says(`id="slug"`) {
		t.Error("what was shared can still be typed")
	}
	if list := w.get(t, "viewer", "/staff/appeals"); !list.says(`Winter "boots" <b>`) || !strings.Contains(list.text, "&lt;b&gt;") {
		t.Errorf("%s", list.text)
	}
	if changes := w.get(t, "viewer", "/staff/changes"); !changes.says("published") || !changes.says("State: draft → live") || !changes.says("staff-7") || changes.says("chair@") {
		t.Errorf("%s", changes.text)
	}
	for _, address := range []string{"/staff/", "/staff/changes"} {
		if changes := w.get(t, "admin", address); !changes.says("chair@harbour.example") || changes.says("staff-7") || !changes.says(`href="/staff/people"`) {
			t.Errorf("who did it, and where people are: %s", changes.text)
		}
	}
	if page := w.get(t, "accountant", "/staff/"); page.says(`href="/staff/people"`) {
		t.Error("an accountant is shown the way to what only admins may open")
	}
}

func TestTheOrganizationIsEdited(t *testing.T) {
	t.Parallel()
	w := start(t)
	form := w.get(t, "admin", "/staff/organization").form(t)
	form.Set("name", "")
	form.Set("time_zone", "Mars/Olympus")
	wrong := w.post(t, "admin", "/staff/organization", form)
	if wrong.code != http.StatusUnprocessableEntity || !wrong.says("The name is missing.") || !wrong.says("Mars/Olympus") {
		t.Errorf("%d %s", wrong.code, wrong.text)
	}
	form.Set("name", "Wayhaven")
	form.Set("time_zone", "Europe/Amsterdam")
	saved := w.post(t, "admin", "/staff/organization", form)
	if saved.code != http.StatusSeeOther || saved.location != "/staff/organization?done=saved&organization=WAYHAVEN" {
		t.Fatalf("%d %s %s", saved.code, saved.location, saved.text)
	}
	if page := w.get(t, "viewer", saved.location); !page.says("Saved.") || !page.says("Wayhaven") {
		t.Error("not saved")
	}
	for _, nowhere := range []string{"/staff/organization?organization=NONE", "/staff/changes?before=x", "/staff/appeals/none", "/staff/funds/none", "/staff/moderation?after=x"} {
		if page := w.get(t, "admin", nowhere); page.code != http.StatusNotFound {
			t.Errorf("%s answers %d", nowhere, page.code)
		}
	}
}

func TestTheLogoIsUploadedAndRemoved(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, content := range [][]byte{nil, []byte("hello"), []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")} {
		wrong := w.upload(t, content)
		if wrong.code != http.StatusUnprocessableEntity || !strings.Contains(wrong.text, `href="#logo"`) {
			t.Errorf("%q: %d", content, wrong.code)
		}
	}
	var picture bytes.Buffer
	err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 64, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if large := w.upload(t, append(picture.Bytes(), make([]byte, 12<<20)...)); large.code != http.StatusUnprocessableEntity {
		t.Errorf("12 MB: %d", large.code)
	}
	set := w.upload(t, picture.Bytes())
	if set.code != http.StatusSeeOther {
		t.Fatalf("%d %s", set.code, set.text)
	}
	if page := w.get(t, "admin", set.location); !strings.Contains(page.text, `<img class="logo" src="/photos/`) || !page.says("Remove the logo") {
		t.Error("the logo is not shown")
	}
	gone := w.post(t, "admin", "/staff/organization/logo", url.Values{"organization": {"WAYHAVEN"}, "remove": {"1"}})
	if gone.code != http.StatusSeeOther || strings.Contains(w.get(t, "admin", gone.location).text, "/photos/") {
		t.Errorf("%d", gone.code)
	}
}

func TestFundsAreMadeAndRenamed(t *testing.T) {
	t.Parallel()
	w := start(t)
	form := w.get(t, "admin", "/staff/funds/new").form(t)
	form.Set("code", "boots")
	wrong := w.post(t, "admin", "/staff/funds/new", form)
	if wrong.code != http.StatusUnprocessableEntity || !wrong.says("The code may only have capital letters and digits.") || !wrong.says("The name is missing.") {
		t.Errorf("%d %s", wrong.code, wrong.text)
	}
	form.Set("code", "BOOTS")
	form.Set("name", "Winter boots")
	if saved := w.post(t, "admin", "/staff/funds/new", form); saved.code != http.StatusSeeOther || saved.location != "/staff/funds?done=saved" {
		t.Fatalf("%d %s", saved.code, saved.text)
	}
	path := w.first(t, "/staff/funds", "/staff/funds/")
	form = w.get(t, "admin", path).form(t)
	form.Set("name", "Boots and coats")
	if saved := w.post(t, "admin", path, form); saved.code != http.StatusSeeOther {
		t.Fatalf("%d %s", saved.code, saved.text)
	}
	if stale := w.post(t, "admin", path, form); stale.code != http.StatusConflict {
		t.Errorf("the second window: %d", stale.code)
	}
	if list := w.get(t, "viewer", "/staff/funds"); !list.says("Boots and coats") || !list.says("Restricted") {
		t.Errorf("%s", list.text)
	}
}

func TestAPageIsTakenDownWithAReason(t *testing.T) {
	t.Parallel()
	w := start(t)
	list := w.get(t, "admin", "/staff/moderation").text
	_, rest, _ := strings.Cut(list, `action="/staff/moderation/`)
	id, _, _ := strings.Cut(rest, `"`)
	path := "/staff/moderation/" + id
	wrong := w.post(t, "admin", path, url.Values{"reason-" + id: {" "}})
	if wrong.code != http.StatusUnprocessableEntity || !strings.Contains(wrong.text, `href="#reason-`+id+`"`) || !wrong.says("Say why, for its owner to read.") {
		t.Errorf("%d %s", wrong.code, wrong.text)
	}
	if down := w.post(t, "admin", path, url.Values{"reason-" + id: {"Asks for gifts to a private account."}}); down.code != http.StatusSeeOther {
		t.Fatalf("%d %s", down.code, down.text)
	}
	if page := w.get(t, "admin", "/staff/moderation?done=taken_down"); !page.says("Taken down") || !page.says("Show again") {
		t.Errorf("%s", page.text)
	}
	if up := w.post(t, "admin", path, url.Values{"restore": {"1"}}); up.code != http.StatusSeeOther || w.get(t, "admin", "/staff/moderation").says("Show again") {
		t.Errorf("%d", up.code)
	}
	if none := w.post(t, "admin", "/staff/moderation/none", url.Values{"reason-none": {"Gone."}}); none.code != http.StatusNotFound {
		t.Errorf("%d", none.code)
	}
}

func TestWhatIsSetAsideIsShownWithTheRest(t *testing.T) {
	t.Parallel()
	w := start(t)
	page := w.get(t, "accountant", "/staff/parked")
	if !page.says("No fund <BOOTS> yet.") || !page.says("1,204") || !page.says("donation.v1.DonationSucceeded") || !page.says("Try again") ||
		!page.says("Nothing is set aside.") || !page.says("This part cannot be asked just now.") || strings.Contains(page.text, "<BOOTS>") {
		t.Errorf("%s", page.text)
	}
	if overview := w.get(t, "viewer", "/staff/"); !overview.says("Books: 1 item is set aside") || !overview.says("Gifts cannot be asked just now") {
		t.Errorf("%s", overview.text)
	}
	tried := w.post(t, "accountant", "/staff/parked/donation:7/retry", url.Values{"service": {"ledger"}})
	if tried.code != http.StatusSeeOther || tried.location != "/staff/parked?done=retried" {
		t.Errorf("%d %s", tried.code, tried.location)
	}
	for _, service := range []string{"", "nobody"} {
		if answer := w.post(t, "accountant", "/staff/parked/x/retry", url.Values{"service": {service}}); answer.code == http.StatusOK {
			t.Errorf("%q: %d", service, answer.code)
		}
	}
}

func TestNobodySendsABook(t *testing.T) {
	t.Parallel()
	w := start(t)
	form := url.Values{"story": {strings.Repeat("story ", 200_000)}}
	if answer := w.post(t, "admin", "/staff/appeals/new", form); answer.code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d", answer.code)
	}
}
