// Package document draws receipts as PDF files of A4 pages.
//
// One page holds what a receipt says; a long address or name makes it flow on to
// a second one, and nothing is cut off. In a language that is written from right
// to left the whole page is mirrored, while numbers and addresses of pages stay
// as they are read.
package document

import (
	"fmt"
	"image/color"
	"strings"

	"rsc.io/qr"

	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

// Printer draws with the fonts there are. It is safe for concurrent use.
type Printer struct{ fonts *typeset.Fonts }

// New returns a printer.
func New(fonts *typeset.Fonts) *Printer { return &Printer{fonts: fonts} }

// RefreshFonts finds fonts that were installed since the last time.
func (p *Printer) RefreshFonts() { p.fonts.Refresh() }

// Print draws the sheet. With characters that no font covers it draws nothing
// and names their scripts.
func (p *Printer) Print(sheet app.Sheet) (file []byte, missing []string, err error) {
	missing = p.fonts.Missing(said(sheet))
	if len(missing) > 0 {
		return nil, missing, nil
	}
	code, err := qr.Encode(sheet.VerifyLink, qr.M)
	if err != nil {
		return nil, nil, fmt.Errorf("make QR code: %w", err)
	}
	f := &flow{
		fonts: p.fonts, rightToLeft: sheet.RightToLeft, language: sheet.Language,
		document: p.fonts.NewDocument(typeset.Info{
			Title: sheet.Title + " " + sheet.Number.Value, Author: sheet.Organization, Subject: sheet.Number.Value,
			Language: sheet.Language, Created: sheet.Created,
		}),
	}
	f.turn()
	f.head(sheet)
	f.body(sheet)
	f.check(sheet, code)
	f.numberPages(sheet)
	file, err = f.document.Encode()
	if err != nil {
		return nil, nil, fmt.Errorf("write file: %w", err)
	}
	return file, nil, nil
}

// said is everything that the sheet says.
func said(s app.Sheet) string {
	parts := append([]string{s.Title, s.Stamp, s.Organization, s.Statement, s.Verify, s.VerifyAddress, s.Page}, s.Imprint...)
	rows := append(append([]app.Row{s.Number, s.Issued, s.Donor, s.Columns, s.Total, s.Code}, s.Amounts...), s.Facts...)
	for _, row := range rows {
		parts = append(parts, row.Label, row.Value)
	}
	return strings.Join(parts, "\n")
}

// Colours. All text has a contrast of more than 4.5 to 1 on white.
func ink() color.RGBA    { return color.RGBA{R: 0x1b, G: 0x27, B: 0x33, A: 0xff} }
func soft() color.RGBA   { return color.RGBA{R: 0x56, G: 0x62, B: 0x6d, A: 0xff} }
func accent() color.RGBA { return color.RGBA{R: 0x0b, G: 0x5d, B: 0x7a, A: 0xff} }
func alarm() color.RGBA  { return color.RGBA{R: 0xa6, G: 0x1b, B: 0x1b, A: 0xff} }
func hair() color.RGBA   { return color.RGBA{R: 0xcf, G: 0xd6, B: 0xdc, A: 0xff} }

// head is who issued it, and under which number.
func (f *flow) head(s app.Sheet) {
	const side = 165.0
	top := f.y
	for _, row := range []app.Row{s.Number, s.Issued} {
		f.put(f.set(row.Label, look{size: 8.5, colour: soft()}, side, atEnd), width-side, side)
		f.put(f.set(row.Value, look{size: 11, bold: true, colour: ink()}, side, atEnd), width-side, side)
		f.y += 5
	}
	below := f.y
	f.y = top
	f.put(f.set(s.Organization, look{size: 16, bold: true, colour: accent()}, width-side-20, atStart), 0, width-side-20)
	f.y += 3
	for _, line := range s.Imprint {
		f.put(f.set(line, look{size: 9, colour: soft(), auto: true}, width-side-20, atStart), 0, width-side-20)
	}
	if len(f.pages) == 1 {
		f.y = max(f.y, below)
	}
	f.y += 16
	f.rule(1.5, accent())
	f.y += 26
}

// body is what was given.
func (f *flow) body(s app.Sheet) {
	if s.Stamp != "" {
		f.put(f.set(s.Stamp, look{size: 17, bold: true, colour: alarm()}, width, atStart), 0, width)
		f.y += 12
	}
	f.put(f.set(s.Title, look{size: 23, bold: true, colour: ink()}, width, atStart), 0, width)
	f.y += 16
	f.put(f.set(s.Donor.Label, look{size: 9, colour: soft()}, width, atStart), 0, width)
	f.put(f.set(s.Donor.Value, look{size: 15, bold: true, colour: ink(), auto: true}, width, atStart), 0, width)
	f.y += 24

	f.pair(s.Columns, look{size: 9, colour: soft()})
	f.y += 4
	f.rule(0.75, hair())
	for _, row := range s.Amounts {
		f.y += 7
		f.pair(row, look{size: 11, colour: ink()})
		f.y += 7
		f.rule(0.75, hair())
	}
	f.y += 9
	f.pair(s.Total, look{size: 14, bold: true, colour: ink()})
	f.y += 9
	f.rule(1.5, accent())
	f.y += 24

	for _, row := range s.Facts {
		f.put(f.set(row.Label, look{size: 9, colour: soft()}, width, atStart), 0, width)
		f.put(f.set(row.Value, look{size: 11, colour: ink(), auto: true}, width, atStart), 0, width)
		f.y += 9
	}
	f.y += 9
	f.put(f.set(s.Statement, look{size: 10.5, colour: ink()}, width, atStart), 0, width)
	f.y += 26
}

// check is how anybody finds out whether it is in force.
func (f *flow) check(s app.Sheet, code *qr.Code) {
	const size, gap = 92.0, 18.0
	column := width - size - gap
	how := f.set(s.Verify, look{size: 9, colour: soft()}, column, atStart)
	address := f.set(s.VerifyAddress, look{size: 9.5, colour: accent(), leftToRight: true}, column, atStart)
	label := f.set(s.Code.Label, look{size: 9, colour: soft()}, column, atStart)
	value := f.set(s.Code.Value, look{size: 14, bold: true, colour: ink(), leftToRight: true}, column, atStart)
	f.room(max(size, how.Height()+address.Height()+label.Height()+value.Height()+8))

	top := f.y
	f.square(code, 0, size)
	f.put(how, size+gap, column)
	at := f.y
	f.put(address, size+gap, column)
	f.page().Link(typeset.Box{X: f.left(size+gap, column), Y: at, Width: column, Height: address.Height()}, s.VerifyLink)
	f.y += 8
	f.put(label, size+gap, column)
	f.put(value, size+gap, column)
	f.y = max(f.y, top+size)
}
