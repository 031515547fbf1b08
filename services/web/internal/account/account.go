// Package account is the supporter's desk: signing in, starting a page in three
// steps, and looking after it.
//
// It promises that nothing that was typed is lost to an error; that "there is
// none" and "it is not yours" look alike; that what cannot be undone is asked for
// twice; and that signing in says the same to everybody, whether an address is
// known or not. It stores nothing itself: pages and accounts are the fundraiser
// service's, sessions are session's.
package account

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/pages"
	"github.com/almoner/almoner/services/web/internal/session"
	"github.com/almoner/almoner/services/web/internal/view"
)

//go:embed templates/*.html words/*.json
var embedded embed.FS

// Templates are the pages of the desk.
func Templates() fs.FS { return part("templates") }

// Words are its texts.
func Words() fs.FS { return part("words") }

func part(folder string) fs.FS {
	sub, err := fs.Sub(embedded, folder)
	if err != nil {
		// Only a malformed path can fail, and folders are constants.
		panic(err)
	}
	return sub
}

// Config is what the desk must be told.
type Config struct {
	BaseURL string // absolute address of the site
	From    string // address that sign-in mails come from; empty: sign-in@ the site's host
	// Development does not count what this machine itself does.
	Development bool
}

// Deps is what it works with; all fields are needed.
type Deps struct {
	Front    *front.Front
	Site     *pages.Site // draws pages as everybody sees them
	Sessions *session.Sessions
	Mail     mail.Carrier
	Conn     grpc.ClientConnInterface
	Logger   *slog.Logger
}

// Desk answers requests. It is safe for concurrent use.
type Desk struct {
	front       *front.Front
	site        *pages.Site
	sessions    *session.Sessions
	mail        mail.Carrier
	from        string
	development bool
	supporters  fundraiserv1.SupporterServiceClient
	fundraisers fundraiserv1.FundraiserServiceClient
	donations   donationv1.DonationServiceClient
	letters     *letters
	logger      *slog.Logger
}

// New makes the desk.
func New(cfg Config, deps Deps) (*Desk, error) {
	if deps.Mail == nil {
		return nil, errors.New("nothing takes the mails that sign people in")
	}
	from := cfg.From
	if from == "" {
		var err error
		from, err = mail.AddressAt(cfg.BaseURL, "sign-in")
		if err != nil {
			return nil, err
		}
	}
	written, err := newLetters()
	if err != nil {
		return nil, err
	}
	return &Desk{
		front: deps.Front, site: deps.Site, sessions: deps.Sessions, mail: deps.Mail, from: from, development: cfg.Development,
		supporters:  fundraiserv1.NewSupporterServiceClient(deps.Conn),
		fundraisers: fundraiserv1.NewFundraiserServiceClient(deps.Conn),
		donations:   donationv1.NewDonationServiceClient(deps.Conn),
		letters:     written, logger: deps.Logger,
	}, nil
}

// readTimeout is for questions to other services: a page that takes longer is
// reloaded anyway.
const readTimeout = 5 * time.Second

// say is a text in the reader's language.
func (d *Desk) say(r *http.Request, key string, values ...any) string {
	return d.front.Texts(r.Context()).Say("account."+key, values...)
}

// frame is what every page of the desk has around it. Without the organization's
// name it is drawn all the same.
func (d *Desk) frame(r *http.Request, title string) view.Frame {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	frame := view.Frame{Title: title, Private: true, Styles: []string{"account.css"}}
	answer, err := d.fundraisers.ListAppeals(ctx, &fundraiserv1.ListAppealsRequest{})
	if err == nil && len(answer.GetOrganizations()) > 0 {
		frame.Site = siteOf(answer.GetOrganizations()[0]) // the home organization comes first
	}
	return frame
}

func siteOf(o *fundraiserv1.Organization) view.Site {
	return view.Site{Name: o.GetName(), LegalName: o.GetLegalName(), Registration: o.GetRegistration(), Contact: o.GetContactEmail(), Logo: pages.Photo(o.GetLogo())}
}

// client is the network address that attempts are counted by. In development the
// machine itself is not counted: tests come from there.
func (d *Desk) client(r *http.Request) string {
	text := front.ClientAddress(r.Context())
	address, err := netip.ParseAddr(text)
	if err == nil && d.development && address.IsLoopback() {
		return ""
	}
	return text
}

// as makes questions speak for a supporter who has just signed in; everywhere else
// the front does it.
func as(ctx context.Context, supporterID string) context.Context {
	return rpc.WithPerson(ctx, rpc.Person{ID: supporterID, Roles: []string{"supporter"}})
}

// seeOther sends the browser on after something was done.
func seeOther(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, path, http.StatusSeeOther) //nolint:gosec // a path of our own
}
