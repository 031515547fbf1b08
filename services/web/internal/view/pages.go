package view

import (
	"html/template"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// Frame is what every page has around its content.
type Frame struct {
	Title       string // of the document, without the site's name
	Description string // one sentence for search engines and shared links
	Canonical   string // absolute address for shared links; empty where a page is private
	Private     bool   // search engines must not keep it
	AtHome      bool   // the site's name is the page's heading
	Site        Site
	Image       string // absolute address of the picture of shared links; empty for none
	// Styles and Scripts are assets beyond those that every page has, by name.
	Styles    []string
	Scripts   []string
	Languages []LanguageLink // this page in each language; set when it is shown
	Person    *Person        // who is signed in; set when it is shown
}

// Around is the frame itself, for whoever draws pages of all kinds.
func (f *Frame) Around() *Frame { return f }

// Person is who is signed in, by the ways that are open to them.
type Person struct{ Supporter, Staff bool }

// LanguageLink is a page in another language.
type LanguageLink struct {
	Tag       string
	Name      string // in the language itself
	URL       string
	Current   bool
	Alternate string // its absolute address, for pages that search engines list
}

// Site is the organization as the masthead and the colophon show it. All of it
// may be empty: a page that says what is out of order must not need what is.
type Site struct {
	Name         string
	LegalName    string
	Registration string
	Contact      string // e-mail address
	Logo         *Photo // nil for none
}

// Photo is a picture that is there in several widths.
type Photo struct {
	URL     string          // of the largest
	Sources template.Srcset // of all of them
	Alt     string          // what it shows
	Width   int32           // of the largest, so that nothing jumps when it arrives
	Height  int32
}

// Link is a way to another page.
type Link struct {
	Label string
	URL   string
}

// Home is the front page.
type Home struct {
	Frame
	Crisis  *Card // shown first and large; nil when there is no emergency
	Appeals []Card
	Mission string
	About   []Site // all organizations, when there are several
}

// Card is an appeal in a list.
type Card struct {
	Title        string
	Summary      string
	URL          string
	DonateURL    string
	Organization string // empty when the site has only one
	Progress     Progress
}

// Progress is how far an appeal or a page has come.
type Progress struct {
	Raised money.Amount
	Gifts  int64
	Goal   money.Amount // zero for none
	Count  *CountGoal   // nil for none
	// Processing is what banks still have in hand: not raised yet.
	Processing money.Amount
}

// Live is where a page's totals are told as they change.
type Live struct {
	URL  string
	AsOf int64 // position at which what the page shows is true
}

// CountGoal is a goal in things other than money.
type CountGoal struct {
	Unit   string       // what is counted, in the plural: "people resettled"
	Wanted int64        // the goal
	Funded int64        // whole ones that the gifts so far pay for
	Cost   money.Amount // pays for one; zero when nobody can say
}

// Gift is a line of a list of gifts.
type Gift struct {
	Name    string // empty when it is not to be shown or cannot be
	Hidden  bool   // the donor chose not to be named
	Message string
	Amount  money.Amount
	At      time.Time // in the organization's time zone
}

// Gifts is a list of the newest gifts.
type Gifts struct {
	List      []Gift
	Nameless  bool // names could not be fetched just now
	TimeZone  string
	DonateURL string // for the invitation where there are none; empty when closed
}

// Appeal is an appeal's page.
type Appeal struct {
	Frame
	Kicker       string // what sort of appeal it is; empty for a standing one
	Urgent       bool   // an emergency
	Heading      string
	Summary      string
	Story        template.HTML // made safe
	Organization string
	Closed       bool
	DonateURL    string
	Progress     Progress
	Live         Live
	Gifts        Gifts
	Fundraisers  []FundraiserCard
	Share        Share
	StartURL     string // where one starts a page for it; empty when closed
}

// FundraiserCard is a supporter's page in a list.
type FundraiserCard struct {
	Title    string
	Owner    string
	URL      string
	Progress Progress
}

// Fundraiser is a supporter's page.
type Fundraiser struct {
	Frame
	Heading      string
	Owner        string
	Story        template.HTML // made safe
	Photo        *Photo        // nil for none
	Appeal       Link
	Organization string
	Closed       bool
	Paused       bool // closed, and its owner may open it again
	DonateURL    string
	Progress     Progress
	Live         Live
	Gifts        Gifts
	Share        Share
	StartURL     string        // where one starts a page of one's own; empty when the appeal is closed
	Preview      *PreviewLinks // for its owner alone; nil when it is the real one
}

// PreviewLinks are where the owner of a page that is previewed goes on.
type PreviewLinks struct {
	Change string
	Keep   string // where who has not signed in makes it theirs; empty when it is
}

// Embedded is a supporter's page as a card inside another site's page.
type Embedded struct {
	Frame
	Heading  string
	Owner    string
	Appeal   string
	URL      string // absolute, and credited to the card
	Closed   bool
	Progress Progress
}

// Donate is the form, drawn fresh or with what was wrong.
type Donate struct {
	Frame
	Heading    string
	Back       Link   // the appeal or page that is given to
	Owner      string // the supporter, for a gift through a page
	Form       Form
	Notice     *Notice
	FromStripe bool // the donor came back without paying
}

// Notice is a message about the whole form.
type Notice struct {
	Heading string
	Text    string
}

// Outcome is what the thanks page can truthfully say.
type Outcome string

// The outcomes of a donor's way through Stripe's page.
const (
	Confirming Outcome = "confirming" // nobody has said yet whether it is paid
	Paid       Outcome = "paid"
	Processing Outcome = "processing" // a bank is at it, for days
	Expired    Outcome = "expired"
	Failed     Outcome = "failed"
	Replaced   Outcome = "replaced" // the donor submitted something else instead
	Returned   Outcome = "returned" // it was paid, and all of it has gone back since
)

// Thanks is the page after Stripe's.
type Thanks struct {
	Frame
	Outcome    Outcome
	Waiting    bool // the page asks again by itself
	Declined   bool // a card was refused; nothing more is said about why
	Debit      bool // a bank was asked, which answers after days
	Monthly    bool // the first instalment of a monthly gift
	Gift       money.Amount
	Cover      money.Amount
	Total      money.Amount
	Back       money.Amount // of a paid gift, what has gone back since
	Target     Link         // what was given to
	FormURL    string       // the form again, values kept
	CheckURL   string       // this page, asked once more
	ReceiptURL string       // empty until there is a receipt
	Share      Share
	StartURL   string // where one starts a page for the same appeal
}

// AlreadyPaid is shown instead of the form to a donor who left Stripe's page
// after paying: paying twice is never offered.
type AlreadyPaid struct {
	Frame
	Processing bool
	Total      money.Amount
	Target     Link
}

// Receipt is the receipt as a page to print.
type Receipt struct {
	Frame
	Number       string
	Organization Site
	Address      []string
	DonorName    string
	DonorEmail   string
	Gift         money.Amount
	Cover        money.Amount
	Total        money.Amount
	Fund         string
	ReceivedOn   time.Time
	IssuedOn     time.Time
	Reference    string
	CheckCode    string
	PDF          string // address of the file; empty while there is none
	Ended        string // void or replaced; empty while it is in force
	EndedOn      time.Time
	After        Link     // the receipt in its place; the zero Link for none
	Replaces     string   // number of the one before it
	Monthly      bool     // of an instalment of a monthly gift
	WaitsFor     []string // scripts that the file waits for a font for
}

// Unwritten is the scripts that the file waits for, in one line.
func (r Receipt) Unwritten() string { return strings.Join(r.WaitsFor, ", ") }

// Verify is the page at which whoever holds a receipt checks it.
type Verify struct {
	Frame
	Number string // as typed
	Code   string // likewise
	Answer string // "in_force", "void", "replaced", "not_found" or "too_many"; empty before anything was asked

	Organization string
	IssuedOn     time.Time
	EndedOn      time.Time // zero while it is in force
	After        string    // number of the receipt in its place
}

// MailList is the list of mails that a development instance did not send.
type MailList struct {
	Frame
	Mails []MailLine
}

// MailLine is a mail in that list.
type MailLine struct {
	URL     string
	Subject string
	To      string
	At      time.Time
}

// Mail is one such mail, to read.
type Mail struct {
	Frame
	Subject string
	To      string
	At      time.Time
	Text    []Piece
	RawURL  string
}

// Piece is a part of a text; with a URL it is a link.
type Piece struct {
	Text string
	URL  string
}

// Problem says what is wrong and shows a way on.
type Problem struct {
	Frame
	Heading string
	Text    []string
	Ways    []Link
	Open    []Link // appeals that take gifts
	Retry   *Retry // a form that was sent and could not be looked at
}

// Retry sends a form again as it was.
type Retry struct {
	Action string
	Values []Value
}

// Value is a field of a form that was sent.
type Value struct {
	Name  string
	Value string
}

func (*Home) Template() string        { return "home" }
func (*Appeal) Template() string      { return "appeal" }
func (*Fundraiser) Template() string  { return "fundraiser" }
func (*Embedded) Template() string    { return "embedded" }
func (*Donate) Template() string      { return "donate" }
func (*Thanks) Template() string      { return "thanks" }
func (*AlreadyPaid) Template() string { return "already_paid" }
func (*Receipt) Template() string     { return "receipt" }
func (*Verify) Template() string      { return "verify" }
func (*MailList) Template() string    { return "mail_list" }
func (*Mail) Template() string        { return "mail" }
func (*Problem) Template() string     { return "problem" }
