package app

import (
	"fmt"
	"net/url"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// Sheet is what the document of a receipt says, in words of its language. A
// printer arranges it and adds nothing. It holds personal data.
type Sheet struct {
	Language    string // BCP 47
	RightToLeft bool

	Title        string
	Organization string
	Imprint      []string // address, registration, contact: a line each
	Number       Row
	Issued       Row
	Donor        Row

	Columns Row   // headings of the amounts
	Amounts []Row // what the total is made of
	Total   Row

	Facts     []Row // date of the gift, fund, payment reference
	Statement string

	Verify        string // how it is checked
	VerifyAddress string // where, as it is typed
	VerifyLink    string // where, with the code: for the QR code
	Code          Row

	Stamp   string // that it is not in force any more; empty while it is
	Page    string // format of "page 1 of 2"
	Created time.Time
}

// Row is a label and what stands beside it.
type Row struct{ Label, Value string }

// sheet composes the document of a receipt. The same receipt always gives the
// same sheet.
func (w *letterWriter) sheet(r domain.Receipt) (Sheet, error) {
	d, in := r.Document, textsIn(r.Document.Language)
	received, issued, err := days(d)
	if err != nil {
		return Sheet{}, err
	}
	number := r.Number.String()
	code := w.codes.Code(number, r.Version)
	address := w.base.JoinPath("verify", number)
	link := *address
	link.RawQuery = url.Values{"c": {code}}.Encode()
	sheet := Sheet{
		Language:     in.language,
		RightToLeft:  in.direction == "rtl",
		Title:        in.title,
		Organization: oneLine(d.OrganizationLegalName),
		Imprint:      imprint(d),
		Number:       Row{in.number, number},
		Issued:       Row{in.issued, in.date(issued)},
		Donor:        Row{in.donor, oneLine(d.DonorName)},
		Columns:      Row{in.description, in.amount},
		Total:        Row{in.total, money.Format(d.Total, in.language)},
		Facts: []Row{
			{in.received, in.date(received)},
			{in.fund, oneLine(d.FundName)},
			{in.payment, d.PaymentReference},
		},
		Statement:     in.note,
		Verify:        in.verify,
		VerifyAddress: address.String(),
		VerifyLink:    link.String(),
		Code:          Row{in.code, domain.SpacedCode(code)},
		Page:          in.page,
		Created:       r.IssuedAt,
	}
	what := in.gift
	if d.Monthly {
		what = in.monthlyGift
	}
	if !d.Gift.IsZero() {
		sheet.Amounts = append(sheet.Amounts, Row{what, money.Format(d.Gift, in.language)})
	}
	if r.Replaces != (domain.Number{}) {
		sheet.Facts = append(sheet.Facts, Row{in.replaces, r.Replaces.String()})
	}
	if !d.Cover.IsZero() {
		sheet.Amounts = append(sheet.Amounts, Row{in.coverAlone, money.Format(d.Cover, in.language)})
	}
	return sheet, nil
}

// stampedSheet is the document of a receipt that is not in force any more.
func (w *letterWriter) stampedSheet(s domain.Standing) (Sheet, error) {
	sheet, err := w.sheet(s.Receipt)
	if err != nil {
		return Sheet{}, err
	}
	in := textsIn(s.Document.Language)
	sheet.Stamp = in.void
	if s.ReplacedBy != (domain.Number{}) {
		sheet.Stamp = fmt.Sprintf(in.replacedBy, s.ReplacedBy)
	}
	return sheet, nil
}

// days reads the dates of a document.
func days(d domain.Document) (received, issued time.Time, err error) {
	received, err = time.Parse(time.DateOnly, d.ReceivedOn)
	if err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("read date of the gift: %w", err)
	}
	issued, err = time.Parse(time.DateOnly, d.IssuedOn)
	if err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("read date of issue: %w", err)
	}
	return received, issued, nil
}

// imprint is who issued a document, but for the name: a line each.
func imprint(d domain.Document) []string {
	var lines []string
	for _, line := range append(append([]string{}, d.OrganizationAddress...), d.OrganizationRegistration, d.OrganizationContact) {
		line = oneLine(line)
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
