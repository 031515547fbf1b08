package account

import "github.com/almoner/almoner/services/web/internal/view"

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
