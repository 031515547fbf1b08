package typeset_test

import (
	"bytes"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/internal/testkit"
)

func fonts(t testing.TB, cfg typeset.Config) *typeset.Fonts {
	t.Helper()
	f, err := typeset.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func ink() color.RGBA { return color.RGBA{R: 20, G: 30, B: 40, A: 255} }

func TestMissingNamesScriptsInWords(t *testing.T) {
	t.Parallel()
	f := fonts(t, typeset.Config{})
	for text, want := range map[string][]string{
		"Marie-Hélène Łukaszewicz": nil,
		"Олександра Ґудзь":         nil,
		"Ελευθερία":                nil,
		"محمد بن عبد الله":         nil,
		"دانیال آذربایجانی":        nil,
		"שירה לוי":                 nil,
		"Արամ Խաչատրյան":           nil,
		"შოთა რუსთაველი":           nil,
		"Nguyễn Thị Ánh":           nil,
		"O’Neill — “Café” № 5 €":   nil,
		"សុខា":                     {"Khmer"},
		"山田 さくら":                   {"Han", "Hiragana"},
		"Amira 🫶🏽 សុខា":            {"Khmer", "emoji"},
		"private \uE000":           {"private characters"},
		"one\ttwo\r\nthree\u202F4": nil,
		"Ali\u200C\u200Fn":         nil,
		"":                         nil,
	} {
		missing := f.Missing(text)
		if !slices.Equal(missing, want) {
			t.Errorf("missing of %q: %q, want %q", text, missing, want)
		}
	}
}

func TestAFontInstalledLaterIsFoundAfterARefresh(t *testing.T) {
	t.Parallel()
	// given: a directory with a file that only calls itself a font
	dir := t.TempDir()
	var log bytes.Buffer
	write(t, filepath.Join(dir, "broken.ttf"), []byte("not a font at all"))
	write(t, filepath.Join(dir, "cut.otf"), testkit.Font('ក', 'ៜ')[:700])
	f := fonts(t, typeset.Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if missing := f.Missing("សុខា"); !slices.Equal(missing, []string{"Khmer"}) {
		t.Fatalf("missing before: %q", missing)
	}
	for _, file := range []string{"broken.ttf", "cut.otf"} {
		if !strings.Contains(log.String(), file) {
			t.Errorf("the log does not name %s: %s", file, &log)
		}
	}
	// when: the operator installs one
	write(t, filepath.Join(dir, "more", "Khmer.ttf"), testkit.Font('ក', 'ៜ'))
	if missing := f.Missing("សុខា"); !slices.Equal(missing, []string{"Khmer"}) {
		t.Errorf("missing without a refresh: %q", missing)
	}
	f.Refresh()
	// then: it is used
	if missing := f.Missing("សុខា"); len(missing) != 0 {
		t.Errorf("missing after: %q\n%s", missing, &log)
	}
	block := f.Set("សុខា", typeset.Paragraph{Style: typeset.Style{Size: 12, Color: ink()}})
	if block.Width() < 20 {
		t.Errorf("four letters are %.1f wide", block.Width())
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	err = os.WriteFile(path, content, 0o600)
	if err != nil {
		t.Fatal(err)
	}
}

func TestArabicIsJoined(t *testing.T) {
	t.Parallel()
	f := fonts(t, typeset.Config{})
	width := func(text string) float64 {
		return f.Set(text, typeset.Paragraph{Style: typeset.Style{Size: 100}}).Width()
	}
	// Joined letters are narrower than each by itself; the joiner in between
	// that parts them makes them stand alone again.
	joined, apart := width("بيت"), width("ب\u200Cي\u200Cت")
	if joined >= apart {
		t.Errorf("joined %.1f, apart %.1f", joined, apart)
	}
	// Lam and alef are one sign.
	if width("لا") >= width("ل\u200Cا") {
		t.Error("lam and alef are drawn as two letters")
	}
}

func TestLinesAreBrokenAndNothingIsLost(t *testing.T) {
	t.Parallel()
	f := fonts(t, typeset.Config{})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab -éЖمحמ😀\u0301\u200D字\n"), unicode.Latin, unicode.Arabic, unicode.Devanagari), 0, 60, -1).Draw(t, "text")
		width := rapid.Float64Range(5, 300).Draw(t, "width")
		p := typeset.Paragraph{Style: typeset.Style{Size: 10}, Width: width, Direction: typeset.Direction(rapid.IntRange(0, 2).Draw(t, "direction"))}
		block := f.Set(text, p)
		if block.Lines() < 1+strings.Count(text, "\n") {
			t.Fatalf("%d lines of %q", block.Lines(), text)
		}
		// One letter may be wider than a very narrow column; no more than one.
		if width > 40 && block.Width() > width+0.01 {
			t.Fatalf("%q is %.2f wide in a column of %.2f", text, block.Width(), width)
		}
		short := f.Set(text, typeset.Paragraph{Style: p.Style, Width: width, MaxLines: 1})
		if short.Lines() != 1 || width > 40 && short.Width() > width+0.01 {
			t.Fatalf("shortened: %d lines, %.2f wide", short.Lines(), short.Width())
		}
	})
}

func FuzzSetAndDraw(f *testing.F) {
	all := fonts(f, typeset.Config{})
	for _, seed := range []string{"Amira", "محمد (12) x", "\u202E\u2067abc", "á̂̃", "\xff\xfe", "👩‍👩‍👧 🇫🇷", "\u0000\u0085\u2029", "क्षत्रिय"} {
		f.Add(seed, 40.0)
	}
	f.Fuzz(func(t *testing.T, text string, width float64) {
		if len(text) > 500 || width != width || width > 1e6 {
			return
		}
		block := all.Set(text, typeset.Paragraph{Style: typeset.Style{Size: 9, Color: ink()}, Width: width})
		document := all.NewDocument(typeset.Info{Title: text})
		document.AddPage(typeset.A4Width, typeset.A4Height).Text(block, 10, 10)
		_, err := document.Encode()
		if err != nil {
			t.Fatal(err)
		}
		err = all.NewPicture(40, 20, color.White).Text(block, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestPictureShowsTextWhereItStands(t *testing.T) {
	t.Parallel()
	f := fonts(t, typeset.Config{})
	picture := f.NewPicture(400, 100, color.White)
	picture.Fill(0, 90, 400, 10, color.RGBA{R: 200, A: 255})
	err := picture.Text(f.Set("مياه نظيفة", typeset.Paragraph{
		Style: typeset.Style{Size: 32, Color: ink()}, Width: 380, Align: typeset.Right, Direction: typeset.RightToLeft,
	}), 10, 10)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	err = picture.EncodePNG(&file)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := png.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	dark := func(from, to int) (count int) {
		for x := from; x < to; x++ {
			for y := range 90 {
				r, _, _, _ := shown.At(x, y).RGBA()
				if r < 0x8000 {
					count++
				}
			}
		}
		return count
	}
	if dark(0, 200) != 0 || dark(200, 390) < 300 || dark(391, 400) != 0 {
		t.Errorf("ink on the left %d, on the right %d, in the margin %d", dark(0, 200), dark(200, 390), dark(391, 400))
	}
	r, g, _, _ := shown.At(5, 95).RGBA()
	if r>>8 != 200 || g != 0 {
		t.Errorf("the bar is %d %d", r>>8, g>>8)
	}
}

func document(t testing.TB, f *typeset.Fonts, texts ...string) []byte {
	t.Helper()
	d := f.NewDocument(typeset.Info{
		Title: "Квитанция", Author: "Almoner (Refuge) \\ Co", Subject: "REFUGE-2026-000123", Language: "fr",
		Created: time.Date(2026, 4, 1, 9, 30, 0, 0, time.UTC),
	})
	page := d.AddPage(typeset.A4Width, typeset.A4Height)
	y := 40.0
	for i, text := range texts {
		block := f.Set(text, typeset.Paragraph{Style: typeset.Style{Size: 14, Bold: i%2 == 1, Color: ink()}, Width: 480})
		page.Text(block, 40, y)
		y += block.Height() + 8
	}
	page.Link(typeset.Box{X: 40, Y: 40, Width: 100, Height: 20}, "https://example.org/(a)?b=c")
	file, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheSameDocumentHasTheSameBytes(t *testing.T) {
	t.Parallel()
	first := document(t, fonts(t, typeset.Config{}), "Amira", "محمد")
	second := document(t, fonts(t, typeset.Config{}), "Amira", "محمد")
	if !bytes.Equal(first, second) {
		t.Error("two drawings of one document differ")
	}
}

func TestDocumentsAreSoundAndCanBeRead(t *testing.T) {
	t.Parallel()
	texts := []string{
		"Marie-Hélène Łukaszewicz", "Жанна Дарк", "عبد السلام بن محمد", "שירה לוי", "Nguyễn Thị Ánh", "Հայկ Արամ", "office (fi)", "é̂lan",
	}
	file := filepath.Join(t.TempDir(), "a.pdf")
	write(t, file, document(t, fonts(t, typeset.Config{}), texts...))

	said := output(t, "qpdf", "--check", file)
	if !strings.Contains(said, "No syntax or stream encoding errors found") {
		t.Errorf("qpdf: %s", said)
	}
	for _, row := range strings.Split(strings.TrimSpace(output(t, "pdffonts", file)), "\n")[2:] {
		if !strings.Contains(row, "yes yes yes") {
			t.Errorf("not embedded, reduced and readable: %s", row)
		}
	}
	read := norm.NFKC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, output(t, "pdftotext", "-layout", file, "-")))
	for _, text := range texts {
		if !strings.Contains(read, norm.NFKC.String(text)) {
			t.Errorf("%q is not in the document's text:\n%s", text, read)
		}
	}
	info := output(t, "pdfinfo", file)
	for _, want := range []string{"Квитанция", "REFUGE-2026-000123", `Almoner (Refuge) \ Co`, "A4"} {
		if !strings.Contains(info, want) {
			t.Errorf("%q is not in the document's information:\n%s", want, info)
		}
	}
}

// output runs a program that reads our file with somebody else's eyes.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), testkit.Program(t, name, "REQUIRE_PDF_TOOLS"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
	return string(said)
}

// Given thousands of names drawn in between, then the same text is the same file:
// what is kept of one document changes nothing on another.
func TestWhatWasDrawnBeforeChangesNothing(t *testing.T) {
	t.Parallel()
	f := fonts(t, typeset.Config{})
	draw := func() []byte {
		document := f.NewDocument(typeset.Info{Title: "Receipt", Created: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)})
		page := document.AddPage(300, 200)
		page.Text(f.Set("Thank you, مريم Ångström, for 1 200,00 €", typeset.Paragraph{Width: 120, Style: typeset.Style{Size: 11, Color: ink()}}), 10, 10)
		file, err := document.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	alone := draw()
	for i := range 3000 {
		f.Set("donor"+strconv.Itoa(i), typeset.Paragraph{Style: typeset.Style{Size: 11}})
	}
	if !bytes.Equal(draw(), alone) {
		t.Error("the same text is another file after others were drawn")
	}
}
