package account

import (
	"time"

	"github.com/almoner/almoner/services/web/internal/staff"
	"github.com/almoner/almoner/services/web/internal/view"
)

// SignIn asks for an address.
type SignIn struct {
	view.Frame
	Form     view.Inputs
	SignedIn string // where somebody who has signed in already can go on; empty for who has not
	Draft    bool   // to keep a page that was begun
}

// Sent says that a mail is on its way, if it is.
type Sent struct{ view.Frame }

// Link is opened from the mail. It does nothing until its button is pressed:
// programs that look into mails open links too.
type Link struct {
	view.Frame
	Form  view.Inputs
	Other bool // not the browser that asked
}

// DeadLink says that a link does not work, and where there is a new one.
type DeadLink struct{ view.Frame }

// SignOut asks for the button.
type SignOut struct {
	view.Frame
	SignedIn bool
}

func (*SignIn) Template() string   { return "sign_in" }
func (*Sent) Template() string     { return "sign_in_sent" }
func (*Link) Template() string     { return "sign_in_link" }
func (*DeadLink) Template() string { return "sign_in_dead" }
func (*SignOut) Template() string  { return "sign_out" }

// Start is the first step: what to raise money for.
type Start struct {
	view.Frame
	Appeals []Choice
}

// Choice is one of the appeals.
type Choice struct{ Title, Summary, URL string }

// Write is the form of a page, new or old.
type Write struct {
	view.Frame
	Form   view.Inputs
	Appeal view.Link
	Photo  *view.Photo // kept already; nil for none
	Step   bool        // it is the second of three
	Back   string      // the desk of an old page
}

// Overview is all pages of a supporter.
type Overview struct {
	view.Frame
	Pages []Line
}

// Line is one of them.
type Line struct {
	Title, Appeal, URL, State string
	Progress                  view.Progress
}

// Own is the desk of one page.
type Own struct {
	view.Frame
	Heading  string
	State    string // its name
	About    string // what it means
	Reason   string // what staff said when they took it down
	Public   string // the page; empty while only its owner sees it
	Edit     string // empty when it cannot be changed
	Preview  string
	Buttons  []Button
	Progress view.Progress
	Gifts    view.Gifts
	Share    *view.Share // while it takes gifts
}

// Button does something with the page.
type Button struct {
	Label string
	URL   string
	Asks  bool // opens a page that asks first
	Quiet bool
}

// Confirm asks before something is done.
type Confirm struct {
	view.Frame
	Heading string
	Text    string
	Form    view.Inputs
	Back    string
}

// Settings are the account's.
type Settings struct {
	view.Frame
	Email string
	Form  view.Inputs
	Saved bool
}

// People is who may sign in as staff.
type People struct {
	staff.Frame
	Members []Person
	Changes []Changed
	Form    view.Inputs
}

// Person is one of them.
type Person struct {
	Email, Roles, URL string
	Configured        bool
}

// Changed is something an admin did.
type Changed struct {
	At              time.Time
	By, Whom, Roles string
}

// OnePerson is the form of one of the staff.
type OnePerson struct {
	staff.Frame
	Email string
	Form  view.Inputs
}

func (*Start) Template() string     { return "start" }
func (*Write) Template() string     { return "write" }
func (*Overview) Template() string  { return "account" }
func (*Own) Template() string       { return "own" }
func (*Confirm) Template() string   { return "confirm" }
func (*Settings) Template() string  { return "settings" }
func (*People) Template() string    { return "people" }
func (*OnePerson) Template() string { return "person" }
