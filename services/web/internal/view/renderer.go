package view

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/assets"
)

//go:embed templates words
var embedded embed.FS

// Words are the texts of the public pages and of what all pages share.
func Words() fs.FS { return part(embedded, "words") }

// part is a folder of an embedded file system.
func part(all embed.FS, folder string) fs.FS {
	sub, err := fs.Sub(all, folder)
	if err != nil {
		// Only a malformed path can fail, and folders are constants.
		panic(err)
	}
	return sub
}

// Page is what can be drawn: a struct with a Frame in it.
type Page interface {
	// Template names the file that draws the page.
	Template() string
	// Around is the page's Frame.
	Around() *Frame
}

// Renderer draws pages, in each language.
type Renderer struct {
	pages map[string]map[string]parsed  // by language and name
	parts map[string]*template.Template // what pages share, by language
}

// parsed gives a page's template, and parses it when it is first asked for: most
// readers need a few pages in one language, and a program that starts anew needs
// to be there at once.
type parsed func() (*template.Template, error)

// New finds the templates: those here, and those of each area, which are the
// *.html files at the root of its file system, and in its folder shared what all of
// the area's pages use. All draw inside the same base, with the same parts. It fails
// only on a mistake in what all pages share, or on two pages of one name.
func New(files *assets.Files, catalogue *texts.Catalogue, areas ...fs.FS) (*Renderer, error) {
	r := &Renderer{pages: map[string]map[string]parsed{}, parts: map[string]*template.Template{}}
	for _, l := range texts.Languages() {
		shared, err := template.New("").Funcs(functions(files, catalogue.In(l.Tag))).
			ParseFS(embedded, "templates/shared/*.html")
		if err != nil {
			return nil, fmt.Errorf("parse shared templates: %w", err)
		}
		r.parts[l.Tag], err = shared.Clone() // what has been executed cannot be cloned any more
		if err != nil {
			return nil, fmt.Errorf("clone shared templates: %w", err)
		}
		r.pages[l.Tag] = map[string]parsed{}
		for _, area := range append([]fs.FS{part(embedded, "templates")}, areas...) {
			err = r.add(l.Tag, shared, area)
			if err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// Parse parses every page in every language. A site need not: it is how a test
// finds a mistake in a page that nobody has opened.
func (r *Renderer) Parse() error {
	for _, pages := range r.pages {
		for _, page := range pages {
			_, err := page()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Renderer) add(lang string, shared *template.Template, area fs.FS) error {
	found, err := fs.Glob(area, "*.html")
	if err != nil {
		return fmt.Errorf("list templates: %w", err)
	}
	own, err := fs.Glob(area, "shared/*.html")
	if err != nil {
		return fmt.Errorf("list shared templates: %w", err)
	}
	base := sync.OnceValues(func() (*template.Template, error) {
		base, err := shared.Clone()
		if err == nil && len(own) > 0 {
			base, err = base.ParseFS(area, own...)
		}
		if err != nil {
			return nil, fmt.Errorf("parse an area's shared templates: %w", err)
		}
		return base, nil
	})
	for _, file := range found {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if r.pages[lang][name] != nil {
			return fmt.Errorf("two templates are called %s", name)
		}
		r.pages[lang][name] = sync.OnceValues(func() (*template.Template, error) {
			base, err := base()
			if err != nil {
				return nil, err
			}
			page, err := base.Clone()
			if err == nil {
				page, err = page.ParseFS(area, file)
			}
			if err != nil {
				return nil, fmt.Errorf("parse template %s: %w", name, err)
			}
			return page, nil
		})
	}
	return nil
}

// functions are what templates can call.
func functions(files *assets.Files, spoken *texts.Texts) template.FuncMap {
	return template.FuncMap{
		"asset": files.URL,
		"lang":  func() string { return spoken.Tag },
		"dir":   spoken.Dir,
		// t "key" "Name" value … is a text; its values are encoded like all else.
		"t": spoken.Text,
		// tn "key" n is the plural form for n, with {{.Count}} in it.
		"tn": spoken.Count,
		// rich is t where names and links stand in the sentence: bdi, strong
		// and link make them, all else is encoded.
		"rich":   rich(spoken),
		"bdi":    bdi,
		"strong": strong,
		"link":   link,
		"mailto": mailto,
		"money":  func(a money.Amount) string { return Money(spoken, a) },
		// short is money without decimals that are all zero, for round figures.
		"short": func(a money.Amount) string {
			return isolated(spoken, spoken.Short(a))
		},
		"number":  spoken.Number,
		"percent": spoken.Percent,
		"rate":    spoken.Rate,
		"moment":  spoken.Moment,
		"day":     spoken.Day,
		"stamp":   func(t time.Time) string { return t.Format(time.RFC3339) },
	}
}

// Render writes the page to w, all of it or nothing.
func (r *Renderer) Render(w io.Writer, lang string, page Page) error {
	parse, known := r.pages[lang][page.Template()]
	if !known {
		return fmt.Errorf("render %s in %q: no such template", page.Template(), lang)
	}
	drawn, err := parse()
	if err != nil {
		return fmt.Errorf("render %s: %w", page.Template(), err)
	}
	var whole bytes.Buffer
	base := "base"
	if drawn.Lookup(page.Template()) != nil {
		// A page that brings a frame of its own, named as itself.
		base = page.Template()
	}
	err = drawn.ExecuteTemplate(&whole, base, page)
	if err != nil {
		return fmt.Errorf("render %s: %w", page.Template(), err)
	}
	_, err = whole.WriteTo(w)
	return err
}

// RenderPart writes one of the parts that pages share, such as "progress", to be put
// into a page that is open already.
func (r *Renderer) RenderPart(w io.Writer, lang, name string, values any) error {
	shared, known := r.parts[lang]
	if !known {
		return fmt.Errorf("render %s in %q: no such language", name, lang)
	}
	err := shared.ExecuteTemplate(w, name, values)
	if err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	return nil
}
