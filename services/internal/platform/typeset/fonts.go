package typeset

import (
	"compress/zlib"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansbold"
	"github.com/tdewolff/canvas/text"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/goregular"
)

// Config says where fonts are besides those in the program.
type Config struct {
	// Dir is the operator's directory, read with its subdirectories; may be
	// empty.
	Dir string
	// System also takes what the operating system has installed.
	System bool
	// Logger gets what is skipped; may be nil.
	Logger *slog.Logger
}

// Fonts are all fonts there are. It is safe for concurrent use.
type Fonts struct {
	cfg    Config
	inside []*font // in the program

	mu      sync.Mutex // also guards the fonts, whose shapers keep caches
	scanned bool
	outside []*font
	shaped  map[wording][]text.Glyph
	// deflate packs a document's parts one after the other: making one takes more
	// memory, and longer, than most of what it packs.
	deflate *zlib.Writer
}

// New returns the fonts. Directories are read when a character first needs
// them. It fails only when a font in the program is broken.
func New(cfg Config) (*Fonts, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Fonts{cfg: cfg, shaped: map[wording][]text.Glyph{}, deflate: zlib.NewWriter(io.Discard)}
	for _, builtin := range []struct {
		name         string
		content      []byte
		bold, italic bool
		rank         int
	}{
		{"Go", goregular.TTF, false, false, 0},
		{"Go Italic", goitalic.TTF, false, true, 0},
		{"Go Bold", gobold.TTF, true, false, 0},
		{"Go Bold Italic", gobolditalic.TTF, true, true, 0},
		{"DejaVu Sans", dejavusans.TTF, false, false, 1},
		{"DejaVu Sans Bold", dejavusansbold.TTF, true, false, 1},
	} {
		face, err := newFont(builtin.name, func() ([]byte, error) { return builtin.content, nil })
		if err != nil {
			return nil, fmt.Errorf("open font %s: %w", builtin.name, err)
		}
		face.bold, face.italic, face.rank = builtin.bold, builtin.italic, builtin.rank
		f.inside = append(f.inside, face)
	}
	return f, nil
}

// Refresh forgets which fonts the directories held, so that one installed since
// is found. Blocks set before stay as they are.
func (f *Fonts) Refresh() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scanned, f.outside = false, nil
	clear(f.shaped)
}

// find returns the font that suits the style best of those that cover all of
// the text, nil when none does. The directories are not read for what the
// program's own fonts cover.
func (f *Fonts) find(content []rune, style Style) *font {
	best := choose(f.inside, content, style)
	if best != nil {
		return best
	}
	if !f.scanned {
		f.outside, f.scanned = f.scan(), true
	}
	return choose(f.outside, content, style)
}

// choose takes the first best: where the look does not match, the right letters
// in the wrong weight are still the name.
func choose(fonts []*font, content []rune, style Style) *font {
	distance := func(x *font) int {
		d := 10 * x.rank
		if x.bold != style.Bold {
			d += 2
		}
		if x.italic != style.Italic {
			d++
		}
		return d
	}
	var best *font
	for _, candidate := range fonts {
		// Looking at each character takes longer than looking at the style.
		if !candidate.broken && (best == nil || distance(candidate) < distance(best)) && candidate.covers(content) {
			best = candidate
		}
	}
	return best
}
