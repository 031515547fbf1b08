package texts_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
)

func part(files map[string]string) fstest.MapFS {
	part := fstest.MapFS{}
	for tag, content := range files {
		part[tag+".json"] = &fstest.MapFile{Data: []byte(content)}
	}
	return part
}

// together makes one list of what a test has.
func together(first fs.FS, parts []fstest.MapFS) []fs.FS {
	var all []fs.FS
	if first != nil {
		all = append(all, first)
	}
	for _, p := range parts {
		all = append(all, p)
	}
	return all
}

func load(t *testing.T, parts ...fstest.MapFS) *texts.Catalogue {
	t.Helper()
	catalogue, err := texts.Load(together(texts.Dates(), parts)...)
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

func TestPluralsFollowTheLanguage(t *testing.T) {
	t.Parallel()
	catalogue := load(t, part(map[string]string{
		"en": `{"gifts": {"one": "{{.Count}} gift", "other": "{{.Count}} gifts"}}`,
		"fr": `{"gifts": {"one": "{{.Count}} don", "many": "{{.Count}} de dons", "other": "{{.Count}} dons"}}`,
		"ar": `{"gifts": {"zero": "لا تبرعات", "one": "تبرع واحد", "two": "تبرعان", "few": "{{.Count}} تبرعات", "many": "{{.Count}} تبرعًا", "other": "{{.Count}} تبرع"}}`,
	}))
	for _, c := range []struct {
		tag  string
		n    int64
		want string
	}{
		{"en", 1, "1 gift"}, {"en", 0, "0 gifts"}, {"en", 1204, "1,204 gifts"},
		{"fr", 0, "0 don"}, {"fr", 2, "2 dons"},
		{"ar", 2, "تبرعان"}, {"ar", 0, "لا تبرعات"},
		{"es", 3, "3 gifts"}, // not translated: said in English
	} {
		got, err := catalogue.In(c.tag).Count("gifts", c.n)
		if err != nil || got != c.want {
			t.Errorf("%s %d: %q, %v, want %q", c.tag, c.n, got, err, c.want)
		}
	}
	if missing := catalogue.Missing(); len(missing) != 1 || missing[0] != "es: gifts" {
		t.Errorf("missing: %v", missing)
	}
}

func TestValuesAreFilledIn(t *testing.T) {
	t.Parallel()
	catalogue := load(t, part(map[string]string{"en": `{"page.by": "A page by {{.Owner}}"}`}))
	got, err := catalogue.In("en").Text("page.by", "Owner", `<b>"Amina"</b>`)
	if err != nil || got != `A page by <b>"Amina"</b>` {
		t.Errorf("%q, %v: encoding is for whoever shows it", got, err)
	}
	for _, wrong := range []func() (string, error){
		func() (string, error) { return catalogue.In("en").Text("no.such") },
		func() (string, error) { return catalogue.In("en").Text("page.by", "Owner") },
		func() (string, error) { return catalogue.In("en").Text("page.by", 7, "Amina") },
	} {
		_, err := wrong()
		if err == nil {
			t.Error("a broken text was not noticed")
		}
	}
}

func TestMistakesInFilesAreFound(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string][]fstest.MapFS{
		"twice":              {part(map[string]string{"en": `{"a": "A"}`}), part(map[string]string{"en": `{"a": "B"}`})},
		"unknown to English": {part(map[string]string{"en": `{"a": "A"}`, "fr": `{"b": "B"}`})},
		"no English":         {part(map[string]string{"fr": `{"b": "B"}`})},
		"not JSON":           {part(map[string]string{"en": `{"a": `})},
	} {
		_, err := texts.Load(together(nil, parts)...)
		if err == nil {
			t.Errorf("%s: nobody noticed", name)
		}
	}
}

func TestDatesAndNumbersAreTheLanguagesOwn(t *testing.T) {
	t.Parallel()
	catalogue := load(t)
	if missing := catalogue.Missing(); len(missing) > 0 {
		t.Errorf("missing: %v", missing)
	}
	at := time.Date(2026, 2, 3, 9, 5, 0, 0, time.UTC)
	for tag, want := range map[string]string{
		"en": "3 February 2026, 09:05", "fr": "3 février 2026 à 09:05", "es": "3 de febrero de 2026, 09:05",
	} {
		if got := catalogue.In(tag).Moment(at); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
	// An amount and a date on one line are in the same digits.
	arabic := catalogue.In("ar")
	euro, err := money.ParseCurrency("EUR")
	if err != nil {
		t.Fatal(err)
	}
	western := strings.ContainsAny(arabic.Money(money.Amount{Minor: 12345, Currency: euro}), "0123456789")
	if strings.ContainsAny(arabic.Day(at), "0123456789") != western || strings.ContainsAny(arabic.Number(7), "0123456789") != western {
		t.Errorf("digits differ: %s, %s, %s", arabic.Money(money.Amount{Minor: 12345, Currency: euro}), arabic.Day(at), arabic.Number(7))
	}
	if arabic.Dir() != "rtl" || catalogue.In("fr").Dir() != "ltr" {
		t.Error("direction")
	}
}

func TestRatesAreWrittenExactly(t *testing.T) {
	t.Parallel()
	catalogue := load(t)
	for ppm, want := range map[int64]string{
		29_000: "2.9%", 15_000: "1.5%", 30_000: "3%", 100_000: "10%", 29_050: "2.905%", 1: "0.0001%", 0: "0%",
	} {
		if got := catalogue.In("en").Rate(ppm); got != want {
			t.Errorf("%d ppm is %s, want %s", ppm, got, want)
		}
	}
	if got := catalogue.In("fr").Rate(29_000); got != "2,9\u00a0%" {
		t.Errorf("in French %q", got)
	}
}

func TestTheReaderChooses(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "en", "fr-CA,fr;q=0.9,en;q=0.8": "fr", "de,es;q=0.5": "es", "ar-EG": "ar", "zh": "en",
		"en;q=0.1, ar;q=0.9": "ar", "*": "en", "\x00\xff": "en", strings.Repeat("de,", 10_000) + "fr": "en",
	} {
		if got := texts.Match(header); got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
}
