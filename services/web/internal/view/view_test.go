package view

import (
	"bytes"
	"html/template"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/assets"
)

var usd = money.MustCurrency("USD")

func dollars(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: usd} }

func renderer(t *testing.T) *Renderer {
	t.Helper()
	files, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := texts.Load(texts.Dates(), Words())
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(files, catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProgressTowardsAGoal(t *testing.T) {
	t.Parallel()
	people := &CountGoal{Unit: "people resettled", Wanted: 60_000, Cost: dollars(125_000)}
	tests := []struct {
		name                 string
		progress             Progress
		value, most, percent int64
	}{
		{"nothing yet", Progress{Raised: dollars(0), Goal: dollars(100_000)}, 0, 100_000, 0},
		{"a cent short of all is not all", Progress{Raised: dollars(99_999), Goal: dollars(100_000)}, 99_999, 100_000, 99},
		{"reached", Progress{Raised: dollars(100_000), Goal: dollars(100_000)}, 100_000, 100_000, 100},
		{"passed: the bar is full, the number is true", Progress{Raised: dollars(250_000), Goal: dollars(100_000)}, 100_000, 100_000, 250},
		{"no goal", Progress{Raised: dollars(500)}, 0, 0, 0},
		{"people count at what one costs", Progress{Raised: dollars(3_750_000_000), Count: people}, 3_750_000_000, 7_500_000_000, 50},
		{"people without a price have no bar", Progress{Raised: dollars(500), Count: &CountGoal{Wanted: 5}}, 0, 0, 0},
		{"more refunded than given", Progress{Raised: dollars(-500), Goal: dollars(1_000)}, 0, 1_000, 0},
		{"more than can be counted", Progress{Raised: dollars(math.MaxInt64), Count: &CountGoal{Wanted: math.MaxInt64, Cost: dollars(math.MaxInt64)}}, math.MaxInt64, math.MaxInt64, 100},
		{"a goal of a cent", Progress{Raised: dollars(math.MaxInt64), Goal: dollars(1)}, 1, 1, math.MaxInt64},
	}
	for _, tt := range tests {
		p := tt.progress
		if p.Value() != tt.value || p.Max() != tt.most || p.Percent() != tt.percent || p.HasBar() != (tt.most > 0) {
			t.Errorf("%s: %d of %d, %d %%", tt.name, p.Value(), p.Max(), p.Percent())
		}
	}
}

func TestProgressIsAlwaysWithinItsBar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Progress{Raised: dollars(rapid.Int64().Draw(t, "raised")), Goal: dollars(rapid.Int64().Draw(t, "goal"))}
		if rapid.Bool().Draw(t, "counts") {
			p.Count = &CountGoal{Wanted: rapid.Int64().Draw(t, "wanted"), Cost: dollars(rapid.Int64().Draw(t, "cost"))}
		}
		if p.Value() < 0 || p.Value() > p.Max() || p.Percent() < 0 {
			t.Fatalf("%d of %d, %d %%", p.Value(), p.Max(), p.Percent())
		}
		if p.HasBar() && (p.Percent() >= 100) != (p.Value() == p.Max()) {
			t.Fatalf("%d %% at %d of %d", p.Percent(), p.Value(), p.Max())
		}
	})
}

func TestErrorsWithoutAFieldComeLastAndLeadNowhere(t *testing.T) {
	t.Parallel()
	f := Form{Errors: []FieldError{{Field: "odd", Message: "c"}, {Field: FieldEmail, Message: "b"}, {Field: FieldAmount, Message: "a"}}}
	var order, anchors []string
	for _, e := range f.Summary() {
		order, anchors = append(order, e.Message), append(anchors, e.Anchor())
	}
	if strings.Join(order, "") != "abc" || strings.Join(anchors, " ") != "amount email " {
		t.Errorf("%v lead to %q", order, anchors)
	}
}

func TestNumbersAndMoneyAreTheReaders(t *testing.T) {
	t.Parallel()
	page := Home{Frame: Frame{Title: "t"}, Appeals: []Card{{
		Title: "A", URL: "/appeals/a", DonateURL: "/appeals/a/donate",
		Progress: Progress{Raised: dollars(123_456_789), Gifts: 1_204, Goal: dollars(200_000_000)},
	}}}
	for lang, want := range map[string][]string{
		"en": {`lang="en" dir="ltr"`, "$1,234,567.89", "1,204 gifts"},
		"fr": {`lang="fr" dir="ltr"`, "1\u202f234\u202f567,89\u00a0$"},
		"ar": {`lang="ar" dir="rtl"`},
	} {
		var out bytes.Buffer
		err := renderer(t).Render(&out, lang, &page)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range want {
			if !strings.Contains(out.String(), words) {
				t.Errorf("in %s there is no %q", lang, words)
			}
		}
	}
}

type unknownPage struct{ Frame }

func (*unknownPage) Template() string { return "nothing" }

func TestAPageThatCannotBeDrawnIsNotBegun(t *testing.T) {
	t.Parallel()
	r := renderer(t)
	home, err := r.pages["en"]["home"]()
	if err != nil {
		t.Fatal(err)
	}
	broken := template.Must(template.Must(home.Clone()).Parse(`{{define "main"}}half a page {{.Nothing}}{{end}}`))
	r = &Renderer{pages: map[string]map[string]parsed{"en": {"home": func() (*template.Template, error) { return broken, nil }}}}
	for _, page := range []Page{&Home{}, &unknownPage{}} {
		var out bytes.Buffer
		err := r.Render(&out, "en", page)
		if err == nil || out.Len() > 0 {
			t.Errorf("%T: %v, and %d bytes were sent", page, err, out.Len())
		}
	}
}

func TestSharedTextCannotLeaveItsPlace(t *testing.T) {
	t.Parallel()
	catalogue, err := texts.Load(texts.Dates(), Words())
	if err != nil {
		t.Fatal(err)
	}
	kit := NewShare(catalogue.In("en"), `Rain & "flood" <b> + 100% ناجون`+"\r\nBcc: x", "https://give.example/f/a")
	for _, link := range kit.Links {
		target := string(link.URL)
		if strings.ContainsAny(target, "\"<> \r\n+") || strings.Count(target, "s%3D") != 1 {
			t.Errorf("%s: %s", link.Label, target)
		}
	}
}

// Only the first language's templates are parsed at the start; the others' are the
// same texts, so that nothing can be wrong with them alone.
func TestEveryLanguageParsesEveryPage(t *testing.T) {
	t.Parallel()
	for lang, pages := range renderer(t).pages {
		for name, page := range pages {
			_, err := page()
			if err != nil {
				t.Errorf("%s in %s: %v", name, lang, err)
			}
		}
	}
}
