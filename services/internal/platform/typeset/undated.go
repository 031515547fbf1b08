package typeset

import "encoding/binary"

// Places in a font file (OpenType 1.9, "Font file" and "head").
const (
	directory     = 12 // where the table directory begins
	record        = 16 // length of one of its records
	headAdjust    = 8  // of checkSumAdjustment in the head table
	headCreated   = 20
	headModified  = 28
	headLength    = 54
	wholeChecksum = 0xB1B0AFBA
)

// undated takes the moment of writing out of a font file: its last change becomes
// its making, so that the same part of a font has the same bytes tomorrow. The sums
// over table and file are taken anew. What is no font file comes back as it is.
func undated(file []byte) []byte {
	if len(file) < directory {
		return file
	}
	for i := range int(binary.BigEndian.Uint16(file[4:])) {
		at := directory + i*record
		if at+record > len(file) || string(file[at:at+4]) != "head" {
			continue
		}
		start, length := binary.BigEndian.Uint32(file[at+8:]), binary.BigEndian.Uint32(file[at+12:])
		padded := (uint64(length) + 3) &^ 3
		if length < headLength || uint64(start)+padded > uint64(len(file)) {
			return file
		}
		head := file[start : uint64(start)+padded]
		copy(head[headModified:headModified+8], head[headCreated:headCreated+8])
		binary.BigEndian.PutUint32(head[headAdjust:], 0)
		binary.BigEndian.PutUint32(file[at+4:], checksum(head))
		binary.BigEndian.PutUint32(head[headAdjust:], wholeChecksum-checksum(file))
		return file
	}
	return file
}

// checksum adds up a file as 32-bit numbers; what is missing from the last one
// counts as zero.
func checksum(file []byte) uint32 {
	sum := uint32(0)
	for len(file) >= 4 {
		sum += binary.BigEndian.Uint32(file)
		file = file[4:]
	}
	var rest [4]byte
	copy(rest[:], file)
	return sum + binary.BigEndian.Uint32(rest[:])
}
