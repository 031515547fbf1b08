package typeset

import (
	"bytes"
	"encoding/binary"
	"testing"

	sfnt "github.com/tdewolff/font"
	"golang.org/x/image/font/gofont/goregular"
)

// The library writes the moment into each font, which made two drawings of one
// receipt differ when a second passed between them.
func TestAFontDoesNotTellWhenItWasWritten(t *testing.T) {
	t.Parallel()
	whole, err := sfnt.ParseSFNT(goregular.TTF, 0)
	if err != nil {
		t.Fatal(err)
	}
	written := whole.Write()
	file := undated(bytes.Clone(written))
	part, err := sfnt.ParseSFNT(file, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !part.Head.Modified.Equal(part.Head.Created) || !part.Head.Created.Equal(whole.Head.Created) {
		t.Errorf("made %v, changed %v", part.Head.Created, part.Head.Modified)
	}
	// A sound file adds up to this number, its own correction counted in.
	if sum := checksum(file); sum != wholeChecksum {
		t.Errorf("the file adds up to %#x", sum)
	}
	// Another moment, the same bytes.
	later := bytes.Clone(written)
	at := bytes.Index(later, []byte("head")) + 8
	start := binary.BigEndian.Uint32(later[at:])
	binary.BigEndian.PutUint64(later[start+headModified:], 4_000_000_000)
	if !bytes.Equal(undated(later), file) {
		t.Error("the moment is still in the file")
	}
	for _, none := range [][]byte{nil, []byte("no font"), written[:40], bytes.Repeat([]byte{0xff}, 200)} {
		if got := undated(bytes.Clone(none)); !bytes.Equal(got, none) {
			t.Errorf("%d bytes that are no font were changed", len(none))
		}
	}
}
