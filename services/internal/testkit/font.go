package testkit

import (
	"encoding/binary"
	"slices"

	"golang.org/x/image/font/gofont/goregular"
)

// Font returns a font that covers ASCII and the characters from first to last,
// so that a test can install a script which no font in the program has. Its
// letters look like Latin ones.
func Font(first, last rune) []byte {
	source := goregular.TTF
	const head, entry = 12, 16
	count := int(binary.BigEndian.Uint16(source[4:]))

	const space, firstLetter = 3, 36 // glyphs of the font in the program
	cmap := binary.BigEndian.AppendUint16(nil, 0)
	cmap = binary.BigEndian.AppendUint16(cmap, 1)
	for _, field := range []uint32{3<<16 | 10, 12, 12 << 16, 16 + 2*12, 0, 2} {
		cmap = binary.BigEndian.AppendUint32(cmap, field)
	}
	for _, group := range [][3]uint32{{' ', '~', space}, {uint32(first), uint32(last), firstLetter}} {
		for _, field := range group {
			cmap = binary.BigEndian.AppendUint32(cmap, field)
		}
	}

	// The head is a multiple of four long, as every table has to begin at one.
	made := slices.Clone(source[:head+count*entry])
	for i := range count {
		row := made[head+i*entry:]
		at, length := binary.BigEndian.Uint32(row[8:]), binary.BigEndian.Uint32(row[12:])
		content := source[at : at+length]
		if string(row[:4]) == "cmap" {
			content = cmap
		}
		binary.BigEndian.PutUint32(row[4:], checksum(content))
		binary.BigEndian.PutUint32(row[8:], uint32(len(made)))
		binary.BigEndian.PutUint32(row[12:], uint32(len(content)))
		made = append(made, content...)
		for len(made)%4 != 0 {
			made = append(made, 0)
		}
	}
	return made
}

// checksum adds up a table as a font's directory wants it.
func checksum(table []byte) uint32 {
	var sum uint32
	for word := range slices.Chunk(table, 4) {
		var whole [4]byte
		copy(whole[:], word)
		sum += binary.BigEndian.Uint32(whole[:])
	}
	return sum
}
