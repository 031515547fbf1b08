package account

import (
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

func TestEveryLanguageHasEveryWord(t *testing.T) {
	t.Parallel()
	catalogue, err := texts.Load(texts.Dates(), view.Words(), Words())
	if err != nil {
		t.Fatal(err)
	}
	if missing := catalogue.Missing(); len(missing) > 0 {
		t.Errorf("missing: %v", missing)
	}
}

// The mail is ours from the first word to the last, in the reader's language.
func TestTheMailSaysWhatItIs(t *testing.T) {
	t.Parallel()
	catalogue, err := texts.Load(texts.Dates(), view.Words(), Words())
	if err != nil {
		t.Fatal(err)
	}
	written, err := newLetters()
	if err != nil {
		t.Fatal(err)
	}
	const link = "https://give.example.org/sign-in/abc"
	for _, l := range texts.Languages() {
		m, err := written.write(catalogue.In(l.Tag), "Harbour\r\nBcc: all@example.org <b>", link)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(m.Subject, "\r\n") || !strings.Contains(m.Subject, "Harbour") {
			t.Errorf("%s: subject %q", l.Tag, m.Subject)
		}
		if !strings.Contains(m.Text, "\n"+link+"\n") || strings.Contains(m.Text, "{{") || strings.Contains(m.HTML, "<b>") || !strings.Contains(m.HTML, `href="`+link+`"`) {
			t.Errorf("%s:\n%s\n%s", l.Tag, m.Text, m.HTML)
		}
		if l.RTL != strings.Contains(m.HTML, `dir="rtl"`) {
			t.Errorf("%s: direction", l.Tag)
		}
	}
}
