package staff

import (
	"context"
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/web/internal/front"
)

//go:embed templates words
var embedded embed.FS

// Templates draw the desk's pages.
func Templates() fs.FS { return part("templates") }

// Words are the desk's texts.
func Words() fs.FS { return part("words") }

func part(folder string) fs.FS {
	sub, err := fs.Sub(embedded, folder)
	if err != nil {
		// Only a malformed path can fail, and folders are constants.
		panic(err)
	}
	return sub
}

// People knows who is and was of the staff.
type People interface {
	// StaffAddresses are mail addresses by id.
	StaffAddresses(ctx context.Context) (map[string]string, error)
}

// Deps is what the desk works with.
type Deps struct {
	Front  *front.Front
	People People
	Conn   grpc.ClientConnInterface
}

// Desk answers requests of the staff. It is safe for concurrent use.
type Desk struct {
	front     *front.Front
	people    People
	catalogue fundraiserv1.CatalogueServiceClient
	parking   feedv1.ParkingServiceClient
}

// New makes the desk.
func New(deps Deps) *Desk {
	return &Desk{
		front:     deps.Front,
		people:    deps.People,
		catalogue: fundraiserv1.NewCatalogueServiceClient(deps.Conn),
		parking:   feedv1.NewParkingServiceClient(deps.Conn),
	}
}

// Addresses of the desk.
const (
	overviewPath     = "/staff/"
	organizationPath = "/staff/organization"
	logoPath         = "/staff/organization/logo"
	appealsPath      = "/staff/appeals"
	newAppealPath    = "/staff/appeals/new"
	fundsPath        = "/staff/funds"
	newFundPath      = "/staff/funds/new"
	moderationPath   = "/staff/moderation"
	parkedPath       = "/staff/parked"
	changesPath      = "/staff/changes"
)

// PeoplePath is where staff are let in and out, by who knows sessions.
const PeoplePath = "/staff/people"

// Routes are its addresses. All of the staff may look; who may send is said for
// each, and by the services once more.
func (d *Desk) Routes() []front.Route {
	route := func(pattern string, get, post func(*visit), senders front.Access) front.Route {
		r := front.Route{Pattern: pattern, Privacy: front.Personal, Access: front.Viewers, PostAccess: senders}
		if get != nil {
			r.Get = d.at(get)
		}
		if post != nil {
			r.Post = d.at(post)
		}
		return r
	}
	return []front.Route{
		route(overviewPath+"{$}", d.overview, nil, 0),
		route(changesPath, d.changes, nil, 0),
		route(organizationPath, d.organization, d.saveOrganization, front.Admins),
		route(logoPath, nil, d.saveLogo, front.Admins),
		route(appealsPath, d.appeals, nil, 0),
		route(newAppealPath, d.newAppeal, d.saveAppeal, front.Admins),
		route(appealsPath+"/{id}", d.appeal, d.saveAppeal, front.Admins),
		route(appealsPath+"/{id}/state", nil, d.changeAppealState, front.Admins),
		route(fundsPath, d.funds, nil, 0),
		route(newFundPath, d.newFund, d.saveFund, front.Admins),
		route(fundsPath+"/{id}", d.fund, d.saveFund, front.Admins),
		route(moderationPath, d.moderation, nil, 0),
		route(moderationPath+"/{id}", nil, d.takeDown, front.Admins),
		route(parkedPath, d.parked, nil, 0),
		route(parkedPath+"/{id}/retry", nil, d.retry, front.Accountants),
	}
}
