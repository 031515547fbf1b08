package typeset

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/tdewolff/canvas/text"
	sfnt "github.com/tdewolff/font"
)

// group is glyphs that stand for one piece of text.
type group struct {
	text   string
	glyphs []text.Glyph
}

// groups parts a run's glyphs by the characters that they stand for.
func (r *run) groups() []group {
	var starts []int
	for _, g := range r.glyphs {
		starts = append(starts, int(g.Cluster))
	}
	slices.Sort(starts)
	starts = append(slices.Compact(starts), len(r.text))
	var groups []group
	for _, g := range r.glyphs {
		at, _ := slices.BinarySearch(starts, int(g.Cluster))
		piece := r.text[starts[at]:starts[at+1]]
		last := len(groups) - 1
		if last >= 0 && int(groups[last].glyphs[0].Cluster) == int(g.Cluster) {
			groups[last].glyphs = append(groups[last].glyphs, g)
			continue
		}
		groups = append(groups, group{text: joined(piece), glyphs: []text.Glyph{g}})
	}
	return groups
}

// joined writes the one ligature that every Arabic text has as the character
// that Unicode keeps for it. Readers turn right-to-left text around sign by
// sign, and would turn the two letters of one sign around too.
func joined(piece string) string {
	switch piece {
	case "\u0644\u0622":
		return "\uFEF5"
	case "\u0644\u0623":
		return "\uFEF7"
	case "\u0644\u0625":
		return "\uFEF9"
	case "\u0644\u0627":
		return "\uFEFB"
	}
	return piece
}

// subset is the part of a font that a document embeds.
type subset struct {
	font    *font
	glyphs  []uint16          // the font's own ids by ours; 0 is the box
	ids     map[uint16]uint16 // and back
	meaning map[uint16]string // text by our ids
}

func (d *Document) subsetOf(f *font) (int, *subset) {
	for i, s := range d.used {
		if s.font == f {
			return i, s
		}
	}
	s := &subset{font: f, glyphs: []uint16{0}, ids: map[uint16]uint16{0: 0}, meaning: map[uint16]string{}}
	d.used = append(d.used, s)
	return len(d.used) - 1, s
}

func (s *subset) id(glyph uint16) uint16 {
	id, known := s.ids[glyph]
	if !known {
		id = uint16(len(s.glyphs))
		s.glyphs = append(s.glyphs, glyph)
		s.ids[glyph] = id
	}
	return id
}

// means notes what a glyph stands for, and reports whether it stands for that
// everywhere in the document.
func (s *subset) means(glyph uint16, content string) bool {
	id := s.id(glyph)
	known, seen := s.meaning[id]
	if !seen && id != 0 {
		s.meaning[id] = content
		return true
	}
	return known == content
}

// writer lays objects into a file.
type writer struct {
	bytes.Buffer
	offsets []int
	deflate *zlib.Writer
}

// object reserves a number; put fills it.
func (w *writer) object() int {
	w.offsets = append(w.offsets, 0)
	return len(w.offsets)
}

func (w *writer) put(id int, content string) {
	w.offsets[id-1] = w.Len()
	fmt.Fprintf(w, "%d 0 obj\n%s\nendobj\n", id, content)
}

func (w *writer) stream(entries string, content []byte) (int, error) {
	var packed bytes.Buffer
	w.deflate.Reset(&packed)
	_, err := w.deflate.Write(content)
	if err != nil {
		return 0, err
	}
	err = w.deflate.Close()
	if err != nil {
		return 0, err
	}
	id := w.object()
	w.put(id, fmt.Sprintf("<</Length %d /Filter /FlateDecode %s>>\nstream\n%s\nendstream", packed.Len(), entries, packed.Bytes()))
	return id, nil
}

// Encode writes the document.
func (d *Document) Encode() ([]byte, error) {
	d.fonts.mu.Lock()
	defer d.fonts.mu.Unlock()
	w := &writer{deflate: d.fonts.deflate}
	// The second line tells programs that look for it that this is no text.
	w.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	catalog, info, tree := w.object(), w.object(), w.object()
	fonts := make([]string, 0, len(d.used))
	for i, s := range d.used {
		ref, err := s.write(w)
		if err != nil {
			return nil, fmt.Errorf("embed %s: %w", s.font.name, err)
		}
		fonts = append(fonts, fmt.Sprintf("/F%d %d 0 R", i, ref))
	}
	var kids []string
	for _, page := range d.pages {
		content, err := w.stream("", page.content.Bytes())
		if err != nil {
			return nil, fmt.Errorf("write page: %w", err)
		}
		id := w.object()
		w.put(id, fmt.Sprintf("<</Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Resources <</Font <<%s>>>> /Contents %d 0 R /Annots [%s]>>",
			tree, number(page.width), number(page.height), strings.Join(fonts, " "), content, page.annotations()))
		kids = append(kids, fmt.Sprintf("%d 0 R", id))
	}
	w.put(tree, fmt.Sprintf("<</Type /Pages /Count %d /Kids [%s]>>", len(kids), strings.Join(kids, " ")))
	w.put(catalog, fmt.Sprintf("<</Type /Catalog /Pages %d 0 R /Lang %s /ViewerPreferences <</DisplayDocTitle true>>>>", tree, hexText(d.info.Language)))
	w.put(info, fmt.Sprintf("<</Title %s /Author %s /Subject %s /CreationDate (D:%sZ)>>",
		hexText(d.info.Title), hexText(d.info.Author), hexText(d.info.Subject), d.info.Created.UTC().Format("20060102150405")))

	digest := sha256.Sum256(w.Bytes())
	table := w.Len()
	fmt.Fprintf(w, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets)+1)
	for _, at := range w.offsets {
		fmt.Fprintf(w, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(w, "trailer\n<</Size %d /Root %d 0 R /Info %d 0 R /ID [<%x> <%x>]>>\nstartxref\n%d\n%%%%EOF\n",
		len(w.offsets)+1, catalog, info, digest[:16], digest[:16], table)
	return w.Bytes(), nil
}

func (p *Page) annotations() string {
	var out strings.Builder
	for _, l := range p.links {
		fmt.Fprintf(&out, "<</Type /Annot /Subtype /Link /Border [0 0 0] /Rect [%s %s %s %s] /A <</S /URI /URI <%x>>>>>",
			number(l.left), number(l.bottom), number(l.right), number(l.top), l.url)
	}
	return out.String()
}

// write embeds the font with the glyphs that were drawn.
func (s *subset) write(w *writer) (ref int, err error) {
	defer func() {
		fault := recover()
		if fault != nil {
			err = fmt.Errorf("reduce font: %v", fault)
		}
	}()
	whole := s.font.loaded.SFNT
	part, err := whole.Subset(s.glyphs, sfnt.SubsetOptions{Tables: sfnt.KeepPDFTables})
	if err != nil {
		return 0, fmt.Errorf("reduce font: %w", err)
	}
	key, kind, entries := "FontFile2", "CIDFontType2", ""
	if whole.IsCFF {
		key, kind, entries = "FontFile3", "CIDFontType0", "/Subtype /OpenType"
	}
	program := undated(part.Write())
	file, err := w.stream(entries, program)
	if err != nil {
		return 0, err
	}
	meanings, err := w.stream("", s.toUnicode())
	if err != nil {
		return 0, err
	}
	unit := func(v float64) int { return int(v * 1000 / s.font.em()) }
	var widths strings.Builder
	for _, glyph := range s.glyphs {
		fmt.Fprintf(&widths, "%s ", number(float64(whole.GlyphAdvance(glyph))*1000/s.font.em()))
	}
	name := s.name(program)
	descriptor := w.object()
	w.put(descriptor, fmt.Sprintf("<</Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle %d /Ascent %d /Descent %d /CapHeight %d /StemV 80 /%s %d 0 R>>",
		name, unit(float64(whole.Head.XMin)), unit(float64(whole.Head.YMin)), unit(float64(whole.Head.XMax)), unit(float64(whole.Head.YMax)),
		int(whole.Post.ItalicAngle), unit(float64(whole.Hhea.Ascender)), unit(float64(whole.Hhea.Descender)), unit(float64(whole.OS2.SCapHeight)), key, file))
	mapping := ""
	if !whole.IsCFF {
		mapping = "/CIDToGIDMap /Identity"
	}
	descendant := w.object()
	w.put(descendant, fmt.Sprintf("<</Type /Font /Subtype /%s /BaseFont /%s /CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> /FontDescriptor %d 0 R /W [0 [%s]] %s>>",
		kind, name, descriptor, widths.String(), mapping))
	ref = w.object()
	w.put(ref, fmt.Sprintf("<</Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R>>", name, descendant, meanings))
	return ref, nil
}

// name is the font's with the six letters that mark a part of it, which must
// differ from part to part.
func (s *subset) name(program []byte) string {
	digest := sha256.Sum256(program)
	var tag []byte
	for _, b := range digest[:6] {
		tag = append(tag, 'A'+b%26)
	}
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, s.font.loaded.Name())
	return string(tag) + "+" + cmp.Or(plain, "Font")
}

// toUnicode lists what each glyph stands for.
func (s *subset) toUnicode() []byte {
	var out bytes.Buffer
	out.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	var ids []uint16
	for id := range s.meaning {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	// The format allows a hundred at once.
	for chunk := range slices.Chunk(ids, 100) {
		fmt.Fprintf(&out, "%d beginbfchar\n", len(chunk))
		for _, id := range chunk {
			fmt.Fprintf(&out, "<%04X> <%s>\n", id, strings.Trim(hexText(s.meaning[id]), "<>")[4:])
		}
		out.WriteString("endbfchar\n")
	}
	out.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return out.Bytes()
}

// hexText writes a text string: UTF-16 with its mark, in hexadecimal, where no
// character can end the string.
func hexText(content string) string {
	var out strings.Builder
	out.WriteString("<FEFF")
	for _, unit := range utf16.Encode([]rune(content)) {
		fmt.Fprintf(&out, "%04X", unit)
	}
	out.WriteString(">")
	return out.String()
}
