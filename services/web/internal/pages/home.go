package pages

import (
	"context"
	"net/http"
	"time"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/web/internal/view"
)

// readTimeout bounds a question that a page waits for.
const readTimeout = 5 * time.Second

func (s *Site) listAppeals(ctx context.Context) (*fundraiserv1.ListAppealsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return s.fundraisers.ListAppeals(ctx, &fundraiserv1.ListAppealsRequest{})
}

// home shows every appeal that takes gifts, an emergency first.
func (s *Site) home(r *http.Request) (_ view.Page, whole bool, err error) {
	all, err := s.listAppeals(r.Context())
	if err != nil {
		return nil, false, err
	}
	page := &view.Home{Frame: view.Frame{
		Title:     s.front.Texts(r.Context()).Say("home.appeals"),
		Canonical: s.front.Absolute("/"),
		AtHome:    true,
		Site:      homeSite(all),
	}}
	names := map[string]string{}
	if organizations := all.GetOrganizations(); len(organizations) > 0 {
		page.Title = organizations[0].GetName()
		page.Mission = organizations[0].GetMission()
		page.Description = organizations[0].GetMission()
		// Whose appeal it is needs saying only where it could be another's.
		if len(organizations) > 1 {
			for _, o := range organizations {
				names[o.GetOrganizationId()] = o.GetName()
				page.About = append(page.About, site(o))
			}
		}
	}
	for i, appeal := range all.GetAppeals() {
		card, err := card(appeal, names[appeal.GetOrganizationId()])
		if err != nil {
			return nil, false, err
		}
		if i == 0 && appeal.GetKind() == fundraiserv1.AppealKind_APPEAL_KIND_CRISIS {
			page.Crisis = &card
			continue
		}
		page.Appeals = append(page.Appeals, card)
	}
	return page, true, nil
}
