package demo

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// A donor sends what the form was drawn with, as a browser does: hidden fields,
// what is checked, and nothing that was not chosen.
func TestDonorSendsTheFormAsItWasDrawn(t *testing.T) {
	t.Parallel()
	var got url.Values
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			err := r.ParseForm()
			if err != nil {
				t.Error(err)
			}
			got = r.PostForm
			http.Redirect(w, r, "/thanks", http.StatusSeeOther)
			return
		}
		_, _ = w.Write([]byte(`<form action="/search"><input name="q"></form>
			<form method="post" action="give?s=x">
			<input type="hidden" name="intent" value="abc">
			<input type="radio" name="amount" value="10"><input type="radio" name="amount" value="25" checked>
			<input type="checkbox" name="cover_fees" value="1">
			<textarea name="message"></textarea></form>`))
	}))
	t.Cleanup(site.Close)
	d := newDonor(site.Client().Transport)

	drawn, err := d.get(t.Context(), site.URL+"/appeals/x/donate")
	if err != nil {
		t.Fatal(err)
	}
	form, err := drawn.formWith("intent")
	if err != nil {
		t.Fatal(err)
	}
	if want := site.URL + "/appeals/x/give?s=x"; form.action != want {
		t.Errorf("the form is sent to %s, want %s", form.action, want)
	}
	answer, err := d.post(t.Context(), form.action, form.fields)
	if err != nil {
		t.Fatal(err)
	}

	if got.Get("intent") != "abc" || got.Get("amount") != "25" || got.Has("cover_fees") || !got.Has("message") {
		t.Errorf("sent %v", got)
	}
	if answer.location == nil || answer.location.Path != "/thanks" {
		t.Errorf("the redirect is a fact to look at, got %v", answer.location)
	}
}

func TestPageWithoutTheFormIsSaidSo(t *testing.T) {
	t.Parallel()
	address, err := url.Parse("http://charity.example/appeals/closed/donate")
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&page{address: address, status: http.StatusGone, body: "<p>Closed</p>"}).formWith("intent")
	if err == nil {
		t.Fatal("a closed appeal has no form")
	}
}
