package app

import (
	_ "embed"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"strings"
	texttemplate "text/template"
	"unicode"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

var (
	//go:embed letter.txt.tmpl
	textSource string
	//go:embed letter.html.tmpl
	htmlSource string
)

// letterWriter turns receipts into letters and sheets. It is safe for concurrent use.
type letterWriter struct {
	base  *url.URL
	links *domain.LinkSigner
	codes *domain.CheckCodes
	text  *texttemplate.Template
	html  *htmltemplate.Template
}

func newLetterWriter(base *url.URL, links *domain.LinkSigner, codes *domain.CheckCodes) (*letterWriter, error) {
	text, err := texttemplate.New("letter.txt").Parse(textSource)
	if err != nil {
		return nil, fmt.Errorf("parse text of letters: %w", err)
	}
	html, err := htmltemplate.New("letter.html").Parse(htmlSource)
	if err != nil {
		return nil, fmt.Errorf("parse HTML of letters: %w", err)
	}
	return &letterWriter{base: base, links: links, codes: codes, text: text, html: html}, nil
}

// page is what both templates show.
type page struct {
	texts
	Greeting, Thanks string
	Rows             []Row
	Link             string
	Imprint          []string // who signs: a line each
}

// Methods for the templates, which see no unexported fields.

func (p page) Language() string  { return p.language }
func (p page) Direction() string { return p.direction }
func (p page) Open() string      { return p.open }
func (p page) Note() string      { return p.note }

// write composes the letter for a receipt. The same receipt always gives the
// same letter.
func (w *letterWriter) write(r domain.Receipt) (Letter, error) {
	d, in := r.Document, textsIn(r.Document.Language)
	organization, donor := oneLine(d.OrganizationLegalName), oneLine(d.DonorName)
	p := page{
		texts:    in,
		Greeting: fmt.Sprintf(in.greeting, donor),
		Thanks:   fmt.Sprintf(in.thanks, organization),
		Link:     w.link(r),
	}
	if r.Replaces != (domain.Number{}) {
		p.Thanks = fmt.Sprintf(in.replacement, organization, r.Replaces)
	}
	return w.fill(r, p, letterID(r), in.subject)
}

// writeVoid composes the notice that a receipt is void, in the receipt's language.
func (w *letterWriter) writeVoid(r domain.Receipt) (Letter, error) {
	d, in := r.Document, textsIn(r.Document.Language)
	p := page{
		texts:    in,
		Greeting: fmt.Sprintf(in.greeting, oneLine(d.DonorName)),
		Thanks:   fmt.Sprintf(in.voided, oneLine(d.OrganizationLegalName)),
		Link:     w.link(r),
	}
	p.note = in.voidNote
	return w.fill(r, p, letterID(r)+"-void", in.voidSubject)
}

// fill puts a page about a receipt into the templates.
func (w *letterWriter) fill(r domain.Receipt, p page, id, subject string) (Letter, error) {
	d, in := r.Document, p.texts
	organization, donor := oneLine(d.OrganizationLegalName), oneLine(d.DonorName)
	var err error
	p.Rows, err = rows(r, in)
	if err != nil {
		return Letter{}, err
	}
	p.Imprint = append([]string{organization}, imprint(d)...)

	var text, html strings.Builder
	err = w.text.Execute(&text, p)
	if err != nil {
		return Letter{}, fmt.Errorf("fill text: %w", err)
	}
	err = w.html.Execute(&html, p)
	if err != nil {
		return Letter{}, fmt.Errorf("fill HTML: %w", err)
	}
	return Letter{
		ID:            id,
		SenderName:    short(organization),
		RecipientName: short(donor),
		Recipient:     d.DonorEmail,
		Language:      in.language,
		Subject:       fmt.Sprintf(subject, r.Number, short(organization)),
		Text:          text.String(),
		HTML:          html.String(),
	}, nil
}

// rows lists what the receipt says, in the order of the document.
func rows(r domain.Receipt, in texts) ([]Row, error) {
	d := r.Document
	received, issued, err := days(d)
	if err != nil {
		return nil, err
	}
	list := []Row{{in.number, r.Number.String()}}
	if r.Replaces != (domain.Number{}) {
		list = append(list, Row{in.replaces, r.Replaces.String()})
	}
	list = append(list, []Row{
		{in.donor, oneLine(d.DonorName)},
		{in.amount, money.Format(d.Total, in.language)},
	}...)
	if d.Monthly {
		list = append(list, Row{in.description, in.monthlyGift})
	}
	if !d.Cover.IsZero() {
		list = append(list, Row{in.cover, money.Format(d.Cover, in.language)})
	}
	return append(list,
		Row{in.received, in.date(received)},
		Row{in.issued, in.date(issued)},
		Row{in.fund, oneLine(d.FundName)},
		Row{in.payment, d.PaymentReference},
	), nil
}

// link is the receipt's address. Number and token need no escaping.
func (w *letterWriter) link(r domain.Receipt) string {
	number := r.Number.String()
	return w.base.JoinPath("receipts", number, w.links.Token(number, r.Version)).String()
}

// letterID names the letter by what it carries, so that sending it again after
// a crash can be told from sending another.
func letterID(r domain.Receipt) string {
	return fmt.Sprintf("receipt-%s-%d", r.Number, r.Version)
}

// short cuts a name to what belongs into a header. The letter and the receipt
// show all of it.
func short(name string) string {
	const longest = 80
	runes := []rune(name)
	if len(runes) <= longest {
		return name
	}
	return strings.TrimSpace(string(runes[:longest-1])) + "…"
}

// oneLine is a name as it may stand in a letter: without line breaks, which
// would start a header or a paragraph of the donor's own, and without the
// controls that turn the text after them around. Joiners stay: several scripts
// need them.
func oneLine(name string) string {
	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, name)
	return strings.Join(strings.Fields(visible), " ")
}
