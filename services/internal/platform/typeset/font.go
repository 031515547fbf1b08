package typeset

import (
	"bytes"
	"fmt"
	"unicode"

	"github.com/tdewolff/canvas"
)

// font is one font: what it covers is known, its outlines are read when it is
// first drawn with.
type font struct {
	name         string // for the log: a file's path
	content      func() ([]byte, error)
	index        int // in a collection
	bold, italic bool
	rank         int // lower is preferred
	covered      []span
	broken       bool
	loaded       *canvas.Font
}

// newFont reads the coverage of a single font.
func newFont(name string, content func() ([]byte, error)) (*font, error) {
	data, err := content()
	if err != nil {
		return nil, err
	}
	faces, err := readFaces(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if len(faces) != 1 {
		return nil, fmt.Errorf("the file holds %d fonts with outlines", len(faces))
	}
	return &font{name: name, content: content, covered: faces[0].covered}, nil
}

// covers reports whether the font has a glyph for each character that shows.
func (f *font) covers(text []rune) bool {
	for _, r := range text {
		if !invisible(r) && r != '\n' && !covers(f.covered, r) {
			return false
		}
	}
	return true
}

// load reads the outlines. A file may say that it covers a script and then be
// damaged further on, in ways for which the parser panics.
func (f *font) load() (err error) {
	if f.loaded != nil {
		return nil
	}
	defer func() {
		fault := recover()
		if fault != nil {
			err = fmt.Errorf("read font: %v", fault)
		}
	}()
	data, err := f.content()
	if err != nil {
		return fmt.Errorf("read font: %w", err)
	}
	loaded, err := canvas.LoadFont(data, f.index, canvas.FontRegular)
	if err != nil {
		return fmt.Errorf("read font: %w", err)
	}
	if loaded.Head.UnitsPerEm == 0 {
		return fmt.Errorf("read font: it has no size")
	}
	f.loaded = loaded
	return nil
}

// em is how many of its units the font's size is.
func (f *font) em() float64 { return float64(f.loaded.Head.UnitsPerEm) }

// invisible reports whether a character shapes its neighbours, or nothing, and
// needs no glyph of its own.
func invisible(r rune) bool {
	switch {
	case unicode.Is(unicode.Bidi_Control, r), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Join_Control, r):
		return true
	case r == '\u00AD', r == '\u200B', r == '\u2060', r == '\uFEFF', r == '\u034F':
		return true
	}
	return false
}
