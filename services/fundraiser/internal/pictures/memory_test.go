package pictures

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/internal/apperr"
)

// resized is a JPEG that claims another size, and to be progressive.
func resized(t testing.TB, w, h uint16, progressive bool) []byte {
	t.Helper()
	file := asJPEG(t, flag(80, 60))
	at := bytes.Index(file, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(file[at+5:], h)
	binary.BigEndian.PutUint16(file[at+7:], w)
	if progressive {
		file[at+1] = 0xC2
	}
	return file
}

// deep is a PNG header of 16 bits and four channels, without pixels.
func deep(w, h uint32) []byte {
	file := header(w, h)
	file[24], file[25] = 16, 6
	return checked(file)
}

func interlaced(w, h uint32) []byte {
	file := header(w, h)
	file[25], file[28] = 6, 1
	return checked(file)
}

// checked puts the first chunk's checksum right.
func checked(file []byte) []byte {
	return append(file[:29:29], binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(file[12:29]))...)
}

func TestWhatWouldTakeAllMemoryIsRefusedBeforeItIsDecoded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		upload []byte
		reason string
	}{
		"40 million deep pixels":                 {deep(8000, 5000), "PICTURE_TOO_DETAILED"},
		"40 million interlaced pixels":           {interlaced(8000, 5000), "PICTURE_TOO_DETAILED"},
		"a progressive JPEG of 40 million":       {resized(t, 8000, 5000, true), "PICTURE_TOO_DETAILED"},
		"20 million deep pixels":                 {deep(5000, 4000), "PICTURE_UNREADABLE"},
		"a progressive JPEG of a camera, cut":    {resized(t, 6000, 4000, true), "PICTURE_UNREADABLE"},
		"an ordinary JPEG of 40 million, cut":    {resized(t, 8000, 5000, false), "PICTURE_UNREADABLE"},
		"an ordinary PNG of 40 million, no data": {header(8000, 5000), "PICTURE_UNREADABLE"},
	} {
		_, err := New().Make(t.Context(), c.upload, false)
		var fault *app.PictureFault
		if !errors.As(err, &fault) || fault.Reason != c.reason || fault.Message == "" {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
	}
}

// A frame that is hidden where only the decoder finds it counts as the largest.
func TestHiddenFramesCountAsTheLargest(t *testing.T) {
	t.Parallel()
	plain := resized(t, 4000, 3000, false)
	bounds := image.Config{ColorModel: color.YCbCrModel, Width: 4000, Height: 3000}
	if got := memoryOfJPEG(plain, bounds); got != 4000*3000*3/2 {
		t.Errorf("an ordinary JPEG needs %d bytes", got)
	}
	for name, file := range map[string][]byte{
		"behind a restart mark": append([]byte{0xFF, 0xD8, 0xFF, 0xD0}, plain[2:]...),
		"behind blanks":         append([]byte{0xFF, 0xD8, 0xFF, 0x00}, plain[2:]...),
		"behind the end":        append([]byte{0xFF, 0xD8, 0xFF, 0xDA, 0, 2}, plain[2:]...),
		"nowhere":               {0xFF, 0xD8, 0xFF},
	} {
		if got := memoryOfJPEG(file, bounds); got != 4000*3000*28 {
			t.Errorf("%s: %d bytes", name, got)
		}
	}
}

// allocated is how much run takes from the heap, in bytes. Its test must not run
// beside others.
func allocated(run func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

//nolint:paralleltest // it counts what the whole process allocates
func TestMakingAPictureNeedsNoMoreThanIsSaid(t *testing.T) {
	// Hardly narrowed, and tall: the worst for a filter.
	bounds := image.Rect(0, 0, 1650, 1700)
	deep, plain := image.NewNRGBA64(bounds), image.NewRGBA(bounds)
	for name, upload := range map[string][]byte{"a deep PNG": asPNG(t, deep), "a JPEG": asJPEG(t, plain)} {
		kind := sniff(upload)
		measured, err := kind.measure(bytes.NewReader(upload))
		if err != nil {
			t.Fatal(err)
		}
		said := kind.memory(upload, measured) + 2*rgba*largest(measured)
		// The smaller sizes, the encoders' tables and the files themselves.
		const besides = 8 << 20
		got := allocated(func() {
			_, err = New().Make(t.Context(), upload, false)
		})
		if err != nil || got > said+besides {
			t.Errorf("%s: %d bytes, said to be %d, %v", name, got, said, err)
		}
	}
}

func TestALongLineIsTurnedAway(t *testing.T) {
	t.Parallel()
	encoder := New()
	if !encoder.line.TryAcquire(inLine) {
		t.Fatal("somebody waits already")
	}
	_, err := encoder.Make(t.Context(), asPNG(t, flag(20, 20)), false)
	if apperr.CodeOf(err) != apperr.ResourceExhausted {
		t.Errorf("behind %d others: %v", inLine, err)
	}
	encoder.line.Release(inLine)
	_, err = encoder.Make(t.Context(), asPNG(t, flag(20, 20)), false)
	if err != nil {
		t.Error(err)
	}
}

// Each pixel is the average of the area under it, whatever the sizes are.
func TestScalingAverages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		width, height := rapid.IntRange(1, 12).Draw(r, "width"), rapid.IntRange(1, 12).Draw(r, "height")
		w, h := rapid.IntRange(1, width).Draw(r, "w"), rapid.IntRange(1, height).Draw(r, "h")
		from := image.NewRGBA(image.Rect(0, 0, width, height))
		for i := range from.Pix {
			from.Pix[i] = 255
			if i%4 != 3 {
				from.Pix[i] = rapid.Byte().Draw(r, "colour")
			}
		}
		scaled := scale(from, image.Rect(0, 0, w, h), false)
		// A pixel as large as those of both pictures, w × h times in each of from.
		for y := range h {
			for x := range w {
				for c := range 4 {
					sum := 0
					for v := y * height; v < (y+1)*height; v++ {
						for u := x * width; u < (x+1)*width; u++ {
							sum += int(from.Pix[from.PixOffset(u/w, v/h)+c])
						}
					}
					got, want := int(scaled.Pix[scaled.PixOffset(x, y)+c]), (sum+width*height/2)/(width*height)
					if got != want {
						r.Fatalf("%d × %d to %d × %d: channel %d at %d, %d is %d, want %d", width, height, w, h, c, x, y, got, want)
					}
				}
			}
		}
	})
}
