package view

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/assets"
)

//go:embed templates
var templates embed.FS

// Page is one of the page types of this package.
type Page interface {
	// template names the file that draws the page.
	template() string
}

// Renderer draws pages in one language.
type Renderer struct {
	pages map[string]*template.Template
}

// New parses the templates for readers of lang, a BCP 47 tag. It fails only on
// a mistake in the templates.
func New(files *assets.Files, lang string) (*Renderer, error) {
	tag, err := language.Parse(lang)
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", lang, err)
	}
	printer := message.NewPrinter(tag)
	shared, err := template.New("").Funcs(template.FuncMap{
		"asset":  files.URL,
		"lang":   func() string { return lang },
		"dir":    func() string { return direction(tag) },
		"money":  func(a money.Amount) string { return money.Format(a, lang) },
		"number": func(n int64) string { return printer.Sprint(number.Decimal(n)) },
		"count":  func(n int64, one, many string) string { return count(printer, n, one, many) },
		"moment": func(t time.Time) string { return t.Format("2 January 2006, 15:04") },
		"day":    func(t time.Time) string { return t.Format("2 January 2006") },
		"stamp":  func(t time.Time) string { return t.Format(time.RFC3339) },
	}).ParseFS(templates, "templates/shared/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse shared templates: %w", err)
	}

	found, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, path := range found {
		page, err := shared.Clone()
		if err != nil {
			return nil, fmt.Errorf("clone shared templates: %w", err)
		}
		_, err = page.ParseFS(templates, path)
		if err != nil {
			return nil, fmt.Errorf("parse template: %w", err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "templates/"), ".html")
		pages[name] = page
	}
	return &Renderer{pages: pages}, nil
}

// Render writes the page to w, all of it or nothing.
func (r *Renderer) Render(w io.Writer, page Page) error {
	drawn, known := r.pages[page.template()]
	if !known {
		return fmt.Errorf("render %s: no such template", page.template())
	}
	var whole bytes.Buffer
	err := drawn.ExecuteTemplate(&whole, "base", page)
	if err != nil {
		return fmt.Errorf("render %s: %w", page.template(), err)
	}
	_, err = whole.WriteTo(w)
	return err
}

// count writes a number with its noun: "1 gift", "1,204 gifts".
func count(printer *message.Printer, n int64, one, many string) string {
	noun := many
	if n == 1 {
		noun = one
	}
	return printer.Sprint(number.Decimal(n)) + " " + noun
}

// direction is how the language's script is written; the scripts listed are
// those of living languages written from right to left.
func direction(tag language.Tag) string {
	script, _ := tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg":
		return "rtl"
	}
	return "ltr"
}
