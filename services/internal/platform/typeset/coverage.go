package typeset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// span is a range of characters, ends included.
type span struct{ first, last rune }

// covers reports whether one of the sorted spans holds r.
func covers(spans []span, r rune) bool {
	at, found := slices.BinarySearchFunc(spans, r, func(s span, r rune) int {
		switch {
		case s.last < r:
			return -1
		case s.first > r:
			return 1
		}
		return 0
	})
	return found && at < len(spans)
}

// facts are what is read of a font without reading its outlines.
type facts struct {
	index        int
	bold, italic bool
	covered      []span
}

const (
	mostFaces  = 64
	mostTables = 256
	// longestCmap is far above the largest there is.
	longestCmap = 4 << 20
)

var errNoFont = errors.New("the file is no TrueType or OpenType font")

// readFaces reads what the fonts of a file cover. A font without outlines, such
// as one of coloured bitmaps, is left out: it could not be printed.
func readFaces(file io.ReaderAt) ([]facts, error) {
	head, err := read(file, 0, 12)
	if err != nil {
		return nil, err
	}
	if string(head[:4]) != "ttcf" {
		found, err := readFace(file, 0)
		if err != nil || found == nil {
			return nil, err
		}
		return []facts{*found}, nil
	}
	count := int64(min(binary.BigEndian.Uint32(head[8:]), mostFaces))
	offsets, err := read(file, 12, 4*count)
	if err != nil {
		return nil, err
	}
	var all []facts
	for i := range int(count) {
		found, err := readFace(file, int64(binary.BigEndian.Uint32(offsets[4*i:])))
		if err != nil {
			return nil, err
		}
		if found != nil {
			found.index = i
			all = append(all, *found)
		}
	}
	return all, nil
}

func readFace(file io.ReaderAt, at int64) (*facts, error) {
	head, err := read(file, at, 12)
	if err != nil {
		return nil, err
	}
	switch string(head[:4]) {
	case "\x00\x01\x00\x00", "OTTO", "true":
	default:
		return nil, errNoFont
	}
	count := int64(min(binary.BigEndian.Uint16(head[4:]), mostTables))
	directory, err := read(file, at+12, 16*count)
	if err != nil {
		return nil, err
	}
	type place struct{ at, length int64 }
	tables := map[string]place{}
	for entry := range slices.Chunk(directory, 16) {
		tables[string(entry[:4])] = place{int64(binary.BigEndian.Uint32(entry[8:])), int64(binary.BigEndian.Uint32(entry[12:]))}
	}
	_, quadratic := tables["glyf"]
	_, cubic := tables["CFF "]
	cmap, mapped := tables["cmap"]
	if !mapped || !quadratic && !cubic {
		return nil, nil //nolint:nilnil // no error: a font that is of no use here
	}
	table, err := read(file, cmap.at, min(cmap.length, longestCmap))
	if err != nil {
		return nil, err
	}
	found := &facts{covered: readCmap(table)}
	style, err := read(file, tables["head"].at, 46)
	if err != nil {
		return nil, err
	}
	found.bold, found.italic = style[45]&1 != 0, style[45]&2 != 0
	return found, nil
}

func read(file io.ReaderAt, at, length int64) ([]byte, error) {
	data := make([]byte, length)
	n, err := file.ReadAt(data, at)
	if int64(n) < length {
		return nil, fmt.Errorf("%w: it ends too early (%w)", errNoFont, err)
	}
	return data, nil
}

// readCmap reads the best of the tables that map characters to glyphs; what
// lies outside the table is as if it were not there.
func readCmap(table []byte) []span {
	if len(table) < 4 {
		return nil
	}
	var spans []span
	count := min(int(binary.BigEndian.Uint16(table[2:])), (len(table)-4)/8)
	for entry := range slices.Chunk(table[4:4+8*count], 8) {
		at := int(binary.BigEndian.Uint32(entry[4:]))
		if at+16 > len(table) {
			continue
		}
		switch binary.BigEndian.Uint16(table[at:]) {
		case 4:
			// A symbol font has its signs where letters are not.
			if binary.BigEndian.Uint32(entry) != 3<<16 {
				spans = append(spans, readSegments(table[at:])...)
			}
		case 12:
			spans = append(spans, readGroups(table[at:])...)
		}
	}
	slices.SortFunc(spans, func(x, y span) int { return int(x.first - y.first) })
	var merged []span
	for _, s := range spans {
		last := len(merged) - 1
		if last >= 0 && s.first <= merged[last].last+1 {
			merged[last].last = max(merged[last].last, s.last)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// readSegments reads format 4.
func readSegments(table []byte) []span {
	word := func(at int) int {
		if at < 0 || at+2 > len(table) {
			return 0
		}
		return int(binary.BigEndian.Uint16(table[at:]))
	}
	count := word(6) / 2
	ends, starts := 14, 16+2*count
	deltas, offsets := starts+2*count, starts+4*count
	var spans []span
	for i := range count {
		first, last := word(starts+2*i), word(ends+2*i)
		delta, offset := word(deltas+2*i), word(offsets+2*i)
		if first > last || first == 0xFFFF {
			continue
		}
		for c := first; c <= last; c++ {
			glyph := c + delta
			if offset != 0 {
				glyph = word(offsets + 2*i + offset + 2*(c-first))
				if glyph != 0 {
					glyph += delta
				}
			}
			if glyph&0xFFFF == 0 {
				continue
			}
			at := len(spans) - 1
			if at >= 0 && spans[at].last == rune(c)-1 {
				spans[at].last = rune(c)
				continue
			}
			spans = append(spans, span{rune(c), rune(c)})
		}
	}
	return spans
}

// readGroups reads format 12.
func readGroups(table []byte) []span {
	const head, group = 16, 12
	count := int(min(binary.BigEndian.Uint32(table[12:]), uint32((len(table)-head)/group)))
	var spans []span
	for i := range count {
		entry := table[head+group*i:]
		first, last := binary.BigEndian.Uint32(entry), binary.BigEndian.Uint32(entry[4:])
		if first > last || last > 0x10FFFF {
			continue
		}
		if binary.BigEndian.Uint32(entry[8:]) == 0 {
			first++ // the group begins with the glyph for what is missing
		}
		spans = append(spans, span{rune(first), rune(last)})
	}
	return spans
}
