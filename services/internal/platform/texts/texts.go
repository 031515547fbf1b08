// Package texts has the words that people read, in every language of the
// product. A catalogue is a set of JSON files, one per language, and each part of
// the product brings its own:
//
//	{"donate.heading": "Your gift",
//	 "gifts": {"one": "{{.Count}} gift", "other": "{{.Count}} gifts"}}
//
// English is the source: a key that another language lacks is said in English,
// and Missing lists it, so that a test can insist. Plural forms are CLDR's, by way
// of go-i18n. Numbers, amounts and dates come out as readers of the language write
// them. A Catalogue does not change after Load, and everything here may be used
// from several goroutines.
package texts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Language is one that the product speaks.
type Language struct {
	Tag  string // BCP 47
	Name string // in the language itself
	RTL  bool   // written from right to left
}

// Languages are all of them, the source first.
func Languages() []Language {
	return []Language{
		{Tag: "en", Name: "English"},
		{Tag: "fr", Name: "Français"},
		{Tag: "es", Name: "Español"},
		{Tag: "ar", Name: "العربية", RTL: true},
	}
}

// source is the language that texts are written in first.
const source = "en"

// Catalogue is all texts.
type Catalogue struct {
	languages map[string]*Texts
	missing   []string
}

// Load reads the files en.json, fr.json, … of each part. It fails on a file that
// cannot be read, a key that two parts have, and a key that English lacks.
func Load(parts ...fs.FS) (*Catalogue, error) {
	bundle := i18n.NewBundle(language.MustParse(source))
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	keys := map[string]map[string]bool{}
	for _, l := range Languages() {
		keys[l.Tag] = map[string]bool{}
		for i, part := range parts {
			file, err := bundle.LoadMessageFileFS(part, l.Tag+".json")
			if errors.Is(err, fs.ErrNotExist) && l.Tag != source {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read texts of part %d: %w", i+1, err)
			}
			for _, message := range file.Messages {
				if keys[l.Tag][message.ID] {
					return nil, fmt.Errorf("text %q is there twice in %s", message.ID, l.Tag)
				}
				if !keys[source][message.ID] && l.Tag != source {
					return nil, fmt.Errorf("text %q is in %s and not in English", message.ID, l.Tag)
				}
				keys[l.Tag][message.ID] = true
			}
		}
	}

	c := &Catalogue{languages: map[string]*Texts{}}
	for _, l := range Languages() {
		spoken, err := newTexts(bundle, l)
		if err != nil {
			return nil, err
		}
		c.languages[l.Tag] = spoken
		for _, key := range slices.Sorted(maps.Keys(keys[source])) {
			if !keys[l.Tag][key] {
				c.missing = append(c.missing, l.Tag+": "+key)
			}
		}
	}
	return c, nil
}

// Missing lists what languages lack and say in English, as "fr: donate.heading".
func (c *Catalogue) Missing() []string { return c.missing }

// In returns the texts of a language, English's for one that is not spoken here.
func (c *Catalogue) In(tag string) *Texts {
	spoken, known := c.languages[tag]
	if !known {
		return c.languages[source]
	}
	return spoken
}

// Speaks reports whether there are texts in the language.
func Speaks(tag string) bool {
	return slices.ContainsFunc(Languages(), func(l Language) bool { return l.Tag == tag })
}

// Match chooses the language that a reader likes best of those that are spoken
// here, from the header Accept-Language. What cannot be read means English.
func Match(acceptLanguage string) string {
	if acceptLanguage == "" {
		return source
	}
	// The header is somebody else's text; nobody speaks more languages than fit.
	const longest = 500
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage[:min(len(acceptLanguage), longest)])
	if err != nil {
		return source
	}
	for _, tag := range wanted {
		base, certain := tag.Base()
		if certain != language.No && Speaks(base.String()) {
			return base.String()
		}
	}
	return source
}

// key errors are mistakes of a template or a file, so they say which.
func lost(key string, err error) error { return fmt.Errorf("text %q: %w", key, err) }

// pairs makes "name", value, … into what a text is filled with.
func pairs(values []any) (map[string]any, error) {
	if len(values)%2 != 0 {
		return nil, errors.New("values come in pairs of name and value")
	}
	filled := make(map[string]any, len(values)/2+1)
	for i := 0; i < len(values); i += 2 {
		name, ok := values[i].(string)
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("%v is no name of a value", values[i])
		}
		filled[name] = values[i+1]
	}
	return filled, nil
}
