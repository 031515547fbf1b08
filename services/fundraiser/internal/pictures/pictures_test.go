package pictures

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"sync"
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
)

// The smallest lossless and lossy pictures; the standard library writes no WebP.
const (
	webpLossless = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
	webpLossy    = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
)

func unbase64(t testing.TB, text string) []byte {
	t.Helper()
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// flag is red over blue on the left and green over white on the right, so that
// every turn of it looks different.
func flag(w, h int) *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 0, 0, 255}
			switch {
			case x >= w/2 && y >= h/2:
				c = color.RGBA{255, 255, 255, 255}
			case x >= w/2:
				c = color.RGBA{0, 255, 0, 255}
			case y >= h/2:
				c = color.RGBA{0, 0, 255, 255}
			}
			picture.SetRGBA(x, y, c)
		}
	}
	return picture
}

func asJPEG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: 95})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	err := png.Encode(&b, picture)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif is a block as a phone writes it: how it was held, who owns it, and in a
// directory of its own where it was.
func exif(order binary.AppendByteOrder, held uint16) []byte {
	block := []byte("II*\x00")
	if order.String() == "BigEndian" {
		block = []byte("MM\x00*")
	}
	entry := func(tag, kind uint16, count, value uint32) {
		block = order.AppendUint16(block, tag)
		block = order.AppendUint16(block, kind)
		block = order.AppendUint32(block, count)
		if kind == 3 {
			block = order.AppendUint16(order.AppendUint16(block, uint16(value)), 0)
			return
		}
		block = order.AppendUint32(block, value)
	}
	const artist = "Salma Haddad, Quay 1\x00"
	block = order.AppendUint32(block, 8)
	block = order.AppendUint16(block, 3)
	entry(0x0112, 3, 1, uint32(held))
	entry(0x013B, 2, uint32(len(artist)), 8+2+3*12+4)
	entry(0x8825, 4, 1, 8+2+3*12+4+uint32(len(artist)))
	block = order.AppendUint32(block, 0)
	block = append(block, artist...)
	block = order.AppendUint16(block, 1)
	entry(0x0002, 5, 3, uint32(len(block))+12+4) // latitude
	block = order.AppendUint32(block, 0)
	for _, part := range []uint32{52, 1, 22, 1, 1213, 100} {
		block = order.AppendUint32(block, part)
	}
	return append(block, "52.3702 N"...)
}

func withExif(t testing.TB, file, block []byte) []byte {
	t.Helper()
	switch sniff(file).name {
	case "jpeg":
		segment := append([]byte(exifMark), block...)
		out := append([]byte{0xFF, 0xD8, 0xFF, 0xE1}, binary.BigEndian.AppendUint16(nil, uint16(2+len(segment)))...)
		return append(append(out, segment...), file[2:]...)
	case "png":
		chunk := binary.BigEndian.AppendUint32(nil, uint32(len(block)))
		chunk = append(append(chunk, "eXIf"...), block...)
		chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
		const header = 8 + 12 + 13 // signature and the first chunk
		return bytes.Join([][]byte{file[:header], chunk, file[header:]}, nil)
	}
	out := append(bytes.Clone(file), "EXIF"...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(block)))
	return append(out, block...)
}

func show(t testing.TB, content []byte) image.Image {
	t.Helper()
	picture, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// near compares as eyes do: JPEG keeps no exact colours.
func near(got color.Color, want color.RGBA) bool {
	r, g, b, a := got.RGBA()
	off := func(got uint32, want uint8) bool { return max(int(got>>8), int(want))-min(int(got>>8), int(want)) > 40 }
	return !off(r, want.R) && !off(g, want.G) && !off(b, want.B) && !off(a, want.A)
}

func TestPictureComesInThreeSizes(t *testing.T) {
	t.Parallel()
	made, err := New().Make(t.Context(), asJPEG(t, flag(2000, 1500)), false)
	if err != nil {
		t.Fatal(err)
	}
	if made.ContentType != "image/jpeg" || made.Width != 1600 || made.Height != 1200 || len(made.Sizes) != 3 {
		t.Fatalf("%s, %d × %d, %d sizes", made.ContentType, made.Width, made.Height, len(made.Sizes))
	}
	for i, want := range []image.Point{{1600, 1200}, {800, 600}, {400, 300}} {
		picture := show(t, made.Sizes[i].Content)
		if made.Sizes[i].Width != want.X || picture.Bounds().Size() != want {
			t.Errorf("size %d is %v", i, picture.Bounds())
		}
		if !near(picture.At(10, 10), color.RGBA{255, 0, 0, 255}) || !near(picture.At(want.X-10, 10), color.RGBA{0, 255, 0, 255}) {
			t.Errorf("size %d has other colours", i)
		}
	}
}

func TestPictureIsNeverMadeLarger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		width int
		want  []int
	}{
		"small":          {300, []int{300}},
		"exactly a size": {800, []int{800, 400}},
		"between":        {1000, []int{1000, 800, 400}},
	} {
		made, err := New().Make(t.Context(), asPNG(t, flag(c.width, c.width)), false)
		if err != nil {
			t.Fatal(err)
		}
		for i, size := range made.Sizes {
			if len(made.Sizes) != len(c.want) || size.Width != c.want[i] || made.Width != c.want[0] {
				t.Errorf("%s: width %d", name, size.Width)
			}
		}
	}
}

// Held in any of the eight ways, the picture stands upright; and where it was
// taken, and by whom, is not in it.
func TestPictureIsUprightAndSaysNothingOfItsOwner(t *testing.T) {
	t.Parallel()
	for _, file := range []func(testing.TB, image.Image) []byte{asJPEG, asPNG} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			for held := turn(1); held <= 8; held++ {
				// What the sensor saw: the flag, turned the other way.
				seen := flag(120, 80)
				switch held {
				case 6:
					seen = turn(8).apply(seen)
				case 8:
					seen = turn(6).apply(seen)
				default:
					seen = held.apply(seen)
				}
				upload := withExif(t, file(t, seen), exif(order, uint16(held)))
				if !bytes.Contains(upload, []byte("52.3702 N")) {
					t.Fatal("the upload says nothing of where it was taken")
				}
				made, err := New().Make(t.Context(), upload, false)
				if err != nil {
					t.Fatal(err)
				}
				picture := show(t, made.Sizes[0].Content)
				if picture.Bounds().Size() != (image.Point{120, 80}) || made.Width != 120 || made.Height != 80 {
					t.Errorf("held %d: %v", held, picture.Bounds())
				}
				for at, want := range map[image.Point]color.RGBA{
					{20, 15}: {255, 0, 0, 255}, {100, 15}: {0, 255, 0, 255},
					{20, 65}: {0, 0, 255, 255}, {100, 65}: {255, 255, 255, 255},
				} {
					if !near(picture.At(at.X, at.Y), want) {
						t.Errorf("held %d: at %v is %v, want %v", held, at, picture.At(at.X, at.Y), want)
					}
				}
				for _, size := range made.Sizes {
					for _, trace := range []string{"Exif", "52.3702", "Haddad", "II*", "MM\x00*"} {
						if bytes.Contains(size.Content, []byte(trace)) {
							t.Errorf("held %d: the picture holds %q", held, trace)
						}
					}
				}
			}
		}
	}
}

func TestTransparencyIsKeptForLogosAndWhiteForPhotos(t *testing.T) {
	t.Parallel()
	logo := image.NewNRGBA(image.Rect(0, 0, 200, 100))
	for x := range 100 {
		for y := range 100 {
			logo.SetNRGBA(x, y, color.NRGBA{200, 0, 0, 255})
		}
	}
	upload := asPNG(t, logo)
	kept, err := New().Make(t.Context(), upload, true)
	if err != nil || kept.ContentType != "image/png" {
		t.Fatalf("%s, %v", kept.ContentType, err)
	}
	picture := show(t, kept.Sizes[0].Content)
	if !near(picture.At(150, 50), color.RGBA{}) || !near(picture.At(50, 50), color.RGBA{200, 0, 0, 255}) {
		t.Errorf("logo is %v and %v", picture.At(50, 50), picture.At(150, 50))
	}
	photo, err := New().Make(t.Context(), upload, false)
	if err != nil || photo.ContentType != "image/jpeg" {
		t.Fatalf("%s, %v", photo.ContentType, err)
	}
	if picture := show(t, photo.Sizes[0].Content); !near(picture.At(150, 50), color.RGBA{255, 255, 255, 255}) {
		t.Errorf("photo is %v where nothing was", picture.At(150, 50))
	}
	// A photograph for a logo has nothing to keep and stays small.
	plain, err := New().Make(t.Context(), asJPEG(t, flag(200, 100)), true)
	if err != nil || plain.ContentType != "image/jpeg" {
		t.Errorf("%s, %v", plain.ContentType, err)
	}
}

func TestWebPIsTaken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{webpLossless, webpLossy} {
		made, err := New().Make(t.Context(), unbase64(t, text), false)
		if err != nil || made.Width != 1 || len(made.Sizes) != 1 {
			t.Errorf("%+v, %v", made, err)
		}
	}
}

// header is a PNG that claims a size and has no pixels.
func header(w, h uint32) []byte {
	chunk := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	out = append(out, chunk...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	t.Parallel()
	photo := asJPEG(t, flag(400, 300))
	for name, c := range map[string]struct {
		upload []byte
		reason string
	}{
		"nothing":          {nil, "PICTURE_KIND"},
		"text":             {[]byte("Dear all, please find my photo attached."), "PICTURE_KIND"},
		"SVG":              {[]byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "PICTURE_KIND"},
		"GIF":              {[]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), "PICTURE_KIND"},
		"12 MB":            {append(bytes.Clone(photo), make([]byte, 12<<20)...), "PICTURE_TOO_LARGE"},
		"50,000 × 50,000":  {header(50_000, 50_000), "PICTURE_TOO_MANY_PIXELS"},
		"2³¹−1 by 2³¹−1":   {header(1<<31-1, 1<<31-1), "PICTURE_UNREADABLE"},
		"no width":         {header(0, 100), "PICTURE_UNREADABLE"},
		"a header alone":   {header(100, 100), "PICTURE_UNREADABLE"},
		"a line":           {header(10_000, 3), "PICTURE_TOO_NARROW"},
		"half of a JPEG":   {photo[:len(photo)/2], "PICTURE_UNREADABLE"},
		"a JPEG's begin":   {photo[:4], "PICTURE_UNREADABLE"},
		"half of a PNG":    {asPNG(t, flag(400, 300))[:200], "PICTURE_UNREADABLE"},
		"a WebP's begin":   {unbase64(t, webpLossy)[:20], "PICTURE_UNREADABLE"},
		"RIFF, but sound":  {[]byte("RIFF\x24\x00\x00\x00WAVEfmt "), "PICTURE_KIND"},
		"a script as JPEG": {append([]byte{0xFF, 0xD8, 0xFF}, "<script>alert(1)</script>"...), "PICTURE_UNREADABLE"},
	} {
		_, err := New().Make(t.Context(), c.upload, false)
		var fault *app.PictureFault
		if !errors.As(err, &fault) || fault.Reason != c.reason || fault.Message == "" {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
	}
}

// A second file hidden behind the picture does not come out again.
func TestWhatFollowsThePictureIsGone(t *testing.T) {
	t.Parallel()
	upload := append(asJPEG(t, flag(200, 100)), "<html><script>steal()</script>"...)
	made, err := New().Make(t.Context(), upload, false)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(made.Sizes[0].Content), "script") {
		t.Error("the picture carries a page")
	}
}

func TestFewAreDecodedAtATimeAndWaitingCanEnd(t *testing.T) {
	t.Parallel()
	encoder := New()
	if !encoder.memory.TryAcquire(mostMemory) {
		t.Fatal("somebody decodes already")
	}
	given, giveUp := context.WithCancel(t.Context())
	giveUp()
	_, err := encoder.Make(given, asPNG(t, flag(20, 20)), false)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up waiting got %v", err)
	}
	var uploads sync.WaitGroup
	for range 6 {
		uploads.Go(func() {
			_, err := encoder.Make(t.Context(), asPNG(t, flag(20, 20)), false)
			if err != nil {
				t.Error(err)
			}
		})
	}
	encoder.memory.Release(mostMemory)
	uploads.Wait()
	if !encoder.memory.TryAcquire(mostMemory) {
		t.Error("a place was not given back")
	}
}

func FuzzMake(f *testing.F) {
	f.Add(asJPEG(f, flag(16, 12)))
	f.Add(asPNG(f, flag(16, 12)))
	f.Add(unbase64(f, webpLossless))
	f.Add(unbase64(f, webpLossy))
	f.Add(withExif(f, asJPEG(f, flag(16, 12)), exif(binary.BigEndian, 6)))
	f.Add(header(50_000, 50_000))
	encoder := New()
	f.Fuzz(func(t *testing.T, upload []byte) {
		made, err := encoder.Make(t.Context(), upload, len(upload)%2 == 0)
		var fault *app.PictureFault
		if err != nil {
			if !errors.As(err, &fault) {
				t.Errorf("%v", err)
			}
			return
		}
		for _, size := range made.Sizes {
			if show(t, size.Content).Bounds().Dx() != size.Width || size.Width > 1600 {
				t.Errorf("a size is not what it says")
			}
		}
	})
}

func FuzzOrientation(f *testing.F) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		block := exif(order, 6)
		f.Add(block)
		f.Add(block[:20])
		f.Add(withExif(f, asJPEG(f, flag(8, 8)), block))
		f.Add(withExif(f, asPNG(f, flag(8, 8)), block))
		f.Add(withExif(f, unbase64(f, webpLossy), block))
	}
	f.Add([]byte("II*\x00\xff\xff\xff\xff"))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\xff\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, format := range []string{"jpeg", "png", "webp"} {
			if held := orientation(format, file); held < 1 || held > 8 {
				t.Errorf("%s: %d", format, held)
			}
		}
		if held := orientationIn(file); held < 1 || held > 8 {
			t.Errorf("%d", held)
		}
	})
}

func TestOrientationIsFoundInEveryFormat(t *testing.T) {
	t.Parallel()
	for _, file := range [][]byte{asJPEG(t, flag(8, 8)), asPNG(t, flag(8, 8)), unbase64(t, webpLossy), unbase64(t, webpLossless)} {
		name := sniff(file).name
		if held := orientation(name, withExif(t, file, exif(binary.BigEndian, 7))); held != 7 {
			t.Errorf("%s: held %d", name, held)
		}
		if held := orientation(name, file); held != upright {
			t.Errorf("%s without a word about it: %d", name, held)
		}
	}
}
