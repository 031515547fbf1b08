package document_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/document"
)

var printer = sync.OnceValue(func() *document.Printer {
	fonts, err := typeset.New(typeset.Config{})
	if err != nil {
		panic(err)
	}
	return document.New(fonts)
})

func english(donor string) app.Sheet {
	return app.Sheet{
		Language: "en", Title: "Receipt for a gift", Organization: "Refuge Aid Association",
		Imprint: []string{"12 Harbour Street", "1204 Geneva", "CHE-123.456.789", "gifts@refuge.example"},
		Number:  app.Row{Label: "Receipt number", Value: "REFUGE-2026-000123"},
		Issued:  app.Row{Label: "Date of issue", Value: "4 November 2026"},
		Donor:   app.Row{Label: "Received from", Value: donor},
		Columns: app.Row{Label: "Description", Value: "Amount"},
		Amounts: []app.Row{{Label: "Gift", Value: "€100.00"}, {Label: "Added to cover the payment fee", Value: "€3.30"}},
		Total:   app.Row{Label: "Total received", Value: "€103.30"},
		Facts: []app.Row{
			{Label: "Date of the gift", Value: "3 November 2026"}, {Label: "Fund", Value: "Water in the camps"},
			{Label: "Payment reference", Value: "pi_3OxyzABCDEF"},
		},
		Statement: "This receipt confirms that your gift was received. It makes no statement about tax.",
		Verify:    "Anyone who holds this receipt can check that it is in force:", VerifyAddress: "https://give.example.org/verify/REFUGE-2026-000123",
		VerifyLink: "https://give.example.org/verify/REFUGE-2026-000123?c=K7M2Q9XZ4T",
		Code:       app.Row{Label: "Check code", Value: "K7M2Q-9XZ4T"},
		Page:       "Page %d of %d", Created: time.Date(2026, 11, 4, 9, 30, 0, 0, time.UTC),
	}
}

func arabic() app.Sheet {
	s := english("محمد بن عبد السلام الأحمدي")
	s.Language, s.RightToLeft, s.Title, s.Organization = "ar", true, "إيصال تبرع", "جمعية إغاثة اللاجئين"
	s.Number.Label, s.Issued = "رقم الإيصال", app.Row{Label: "تاريخ الإصدار", Value: "4 نوفمبر 2026"}
	s.Amounts = []app.Row{{Label: "التبرع", Value: "\u200f1,234.56\u00a0US$"}}
	s.Total = app.Row{Label: "المجموع المستلم", Value: "\u200f1,234.56\u00a0US$"}
	s.Facts = []app.Row{{Label: "الصندوق", Value: "المياه في المخيمات"}, {Label: "مرجع الدفع", Value: "pi_3OxyzABCDEF"}}
	return s
}

func draw(t *testing.T, s app.Sheet) string {
	t.Helper()
	file, missing, err := printer().Print(s)
	if err != nil || len(missing) > 0 {
		t.Fatalf("print: missing %q, %v", missing, err)
	}
	path := filepath.Join(t.TempDir(), "receipt.pdf")
	err = os.WriteFile(path, file, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), testkit.Program(t, name, "REQUIRE_PDF_TOOLS"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
	return string(said)
}

// plain is text without what only steers its direction and look.
func plain(text string) string {
	return norm.NFKC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, text))
}

func TestOthersReadWhatTheReceiptSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sheet app.Sheet
		want  []string
	}{
		"English":                      {english("Amina Diallo"), []string{"Refuge Aid Association", "Amina Diallo", "REFUGE-2026-000123", "€103.30", "€3.30", "4 November 2026", "K7M2Q-9XZ4T", "pi_3OxyzABCDEF"}},
		"Arabic":                       {arabic(), []string{"جمعية إغاثة اللاجئين", "محمد بن عبد السلام الأحمدي", "REFUGE-2026-000123", "1,234.56", "المياه في المخيمات"}},
		"a name in another script":     {english("أمينة الديالو"), []string{"أمينة الديالو", "REFUGE-2026-000123", "€103.30"}},
		"a name with marks and joints": {english("Ấn Độ-O’Brien (née Ødegård)"), []string{"Ấn Độ-O’Brien (née Ødegård)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := draw(t, c.sheet)
			read := plain(output(t, "pdftotext", "-layout", path, "-"))
			for _, want := range c.want {
				if !strings.Contains(read, plain(want)) {
					t.Errorf("%q is not in the text:\n%s", want, read)
				}
			}
			if said := output(t, "qpdf", "--check", path); !strings.Contains(said, "No syntax or stream encoding errors found") {
				t.Errorf("qpdf: %s", said)
			}
			for _, row := range strings.Split(strings.TrimSpace(output(t, "pdffonts", path)), "\n")[2:] {
				if !strings.Contains(row, "yes yes yes") {
					t.Errorf("not embedded, reduced and readable: %s", row)
				}
			}
			info := output(t, "pdfinfo", path)
			if !strings.Contains(info, "REFUGE-2026-000123") || !strings.Contains(info, c.sheet.Organization) || !strings.Contains(info, "Pages:           1\n") {
				t.Errorf("information:\n%s", info)
			}
			if strings.Contains(info, c.sheet.Donor.Value) {
				t.Error("the file's information names the donor")
			}
		})
	}
}

func TestALongAddressFlowsOnAndNothingIsLost(t *testing.T) {
	t.Parallel()
	s := english(strings.TrimSpace(strings.Repeat("Wolfeschlegelsteinhausenbergerdorff ", 4)[:120]))
	for _, floor := range []string{"first", "second", "third"} {
		s.Imprint = append(s.Imprint, slices.Repeat([]string{"the " + floor + " floor of a house with an unusually long address, in the yard"}, 12)...)
	}
	path := draw(t, s)
	if info := output(t, "pdfinfo", path); !strings.Contains(info, "Pages:           2\n") {
		t.Errorf("information:\n%s", info)
	}
	read := plain(output(t, "pdftotext", "-layout", path, "-"))
	for _, want := range []string{"the third floor", "Page 2 of 2", "€103.30", "K7M2Q-9XZ4T", "Wolfeschlegelsteinhausenbergerdorff"} {
		if !strings.Contains(read, want) {
			t.Errorf("%q is not in the text:\n%s", want, read)
		}
	}
	if strings.Count(read, "Wolfeschlegelsteinhausenbergerdorff") != 3 {
		t.Errorf("the name is not whole:\n%s", read)
	}
}

func TestWhatNoFontCoversIsNotDrawn(t *testing.T) {
	t.Parallel()
	for _, place := range []func(*app.Sheet){
		func(s *app.Sheet) { s.Donor.Value = "សុខា" },
		func(s *app.Sheet) { s.Organization = "សុខា" },
		func(s *app.Sheet) { s.Facts[1].Value = "សុខា" },
		func(s *app.Sheet) { s.Imprint[0] = "សុខា" },
	} {
		s := english("Amina Diallo")
		place(&s)
		file, missing, err := printer().Print(s)
		if err != nil || file != nil || !slices.Equal(missing, []string{"Khmer"}) {
			t.Errorf("%d bytes, missing %q, %v", len(file), missing, err)
		}
	}
}

// Any name is drawn or waits; none brings the worker down.
func TestAnyNameIsDrawnOrWaits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := english(rapid.String().Draw(t, "donor"))
		s.RightToLeft = rapid.Bool().Draw(t, "right to left")
		file, missing, err := printer().Print(s)
		if err != nil {
			t.Fatal(err)
		}
		if (len(missing) == 0) != bytes.HasPrefix(file, []byte("%PDF-")) {
			t.Fatalf("%d bytes, missing %q", len(file), missing)
		}
	})
}
