package pages

import (
	"net/http"

	"github.com/almoner/almoner/services/web/internal/story"
	"github.com/almoner/almoner/services/web/internal/view"
)

// fundraiser shows a supporter's page.
func (s *Site) fundraiser(r *http.Request) (_ view.Page, whole bool, err error) {
	found, err := s.shownFundraiser(r.Context(), r.PathValue("slug"))
	if err != nil {
		return nil, false, err
	}
	page, err := s.fundraiserPage(r, found)
	if err != nil {
		return nil, false, err
	}
	page.Gifts, err = s.gifts(r.Context(), found, page.DonateURL)
	return page, !page.Gifts.Nameless, err
}

// fundraiserPage is the page without its gifts.
func (s *Site) fundraiserPage(r *http.Request, found target) (*view.Fundraiser, error) {
	progress, err := found.progress(found.totals())
	if err != nil {
		return nil, err
	}
	spoken := s.front.Texts(r.Context())
	return &view.Fundraiser{
		Frame: view.Frame{
			Title:       found.page.GetTitle(),
			Description: spoken.Say("page.by", "Owner", found.page.GetOwnerName(), "Appeal", found.appeal.GetTitle()),
			Canonical:   s.front.Absolute(found.path()),
			Image:       s.front.Absolute(found.path() + "/og.png"),
			Site:        site(found.organization),
		},
		Heading:      found.page.GetTitle(),
		Owner:        found.page.GetOwnerName(),
		Story:        story.HTML(found.page.GetStoryMarkdown()),
		Photo:        photo(found.page.GetPhoto()),
		Appeal:       view.Link{Label: found.appeal.GetTitle(), URL: appealPath(found.appeal.GetSlug())},
		Organization: found.organization.GetName(),
		Closed:       found.closed(),
		Paused:       found.paused(),
		DonateURL:    found.donatePath(shareCode(r)),
		Progress:     progress,
		Live:         found.live(),
		Share:        s.share(r.Context(), "share.text", found),
		StartURL:     found.startPath(),
	}, nil
}
