package view

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/texts"
)

// forms are the plural forms that each language needs, by CLDR.
var forms = map[string][]string{
	"en": {"one", "other"},
	"fr": {"one", "many", "other"},
	"es": {"one", "many", "other"},
	"ar": {"zero", "one", "two", "few", "many", "other"},
}

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	t.Parallel()
	catalogue, err := texts.Load(texts.Dates(), Words())
	if err != nil {
		t.Fatal(err)
	}
	if missing := catalogue.Missing(); len(missing) > 0 {
		t.Errorf("missing: %v", missing)
	}
	english := words(t, "en")
	for _, l := range texts.Languages() {
		for key, text := range words(t, l.Tag) {
			plural := len(english[key]) > 1
			for form, said := range text {
				if plural && !slices.Contains(forms[l.Tag], form) || plural && len(text) != len(forms[l.Tag]) {
					t.Errorf("%s %s has the forms %v, its language needs %v", l.Tag, key, text, forms[l.Tag])
				}
				// Sentences are filled with links and names and not encoded again.
				if strings.TrimSpace(said) != said || said == "" || strings.ContainsAny(said, "<>&\"") {
					t.Errorf("%s %s is %q", l.Tag, key, said)
				}
				if !plural && !slices.Equal(blanks(said), blanks(english[key]["other"])) {
					t.Errorf("%s %s is filled with %v, English with %v", l.Tag, key, blanks(said), blanks(english[key]["other"]))
				}
			}
		}
	}
}

// words reads a file of texts as it is written.
func words(t *testing.T, lang string) map[string]map[string]string {
	t.Helper()
	content, err := fs.ReadFile(Words(), lang+".json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	err = json.Unmarshal(content, &raw)
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]map[string]string{}
	for key, value := range raw {
		read[key] = map[string]string{}
		switch said := value.(type) {
		case string:
			read[key]["other"] = said
		case map[string]any:
			for form, text := range said {
				read[key][form] = text.(string)
			}
		}
	}
	return read
}

// blanks are the names that a text is filled in at, each once.
func blanks(text string) []string {
	var names []string
	for part := range strings.SplitSeq(text, "{{.") {
		name, _, found := strings.Cut(part, "}}")
		if found && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestNamesInSentencesAreEncoded(t *testing.T) {
	t.Parallel()
	catalogue, err := texts.Load(texts.Dates(), Words())
	if err != nil {
		t.Fatal(err)
	}
	said, err := rich(catalogue.In("es"))("page.by",
		"Owner", bdi(`<b>"Amina"</b>`), "Appeal", link(`/appeals/a"b`, "Eau & pain {{.Owner}}"))
	want := `Una página de <bdi>&lt;b&gt;&#34;Amina&#34;&lt;/b&gt;</bdi>, que recauda para <a href="/appeals/a&#34;b">Eau &amp; pain {{.Owner}}</a>`
	if err != nil || string(said) != want {
		t.Errorf("%s, %v", said, err)
	}
	said, err = rich(catalogue.In("en"))("appeal.by", "Owner", "<script>")
	if err != nil || string(said) != "by &lt;script&gt;" {
		t.Errorf("%s, %v", said, err)
	}
}
