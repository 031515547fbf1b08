package pages

import (
	"net/http"

	"github.com/almoner/almoner/services/web/internal/view"
)

// fundraiser shows a supporter's page.
func (s *Site) fundraiser(w http.ResponseWriter, r *http.Request) {
	found, err := s.fundraiserTarget(r.Context(), r.PathValue("slug"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	progress, err := progress(found.appeal.GetCurrency(), found.page.GetTotals(), found.page.GetGoalMinor())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := view.Fundraiser{
		Frame: view.Frame{
			Title:       found.page.GetTitle(),
			Description: "A page by " + found.page.GetOwnerName() + ", raising money for " + found.appeal.GetTitle(),
			Canonical:   s.front.Absolute(found.path()),
			Site:        site(found.organization),
		},
		Heading:      found.page.GetTitle(),
		Owner:        found.page.GetOwnerName(),
		Story:        paragraphs(found.page.GetStoryMarkdown()),
		Appeal:       view.Link{Label: found.appeal.GetTitle(), URL: appealPath(found.appeal.GetSlug())},
		Organization: found.organization.GetName(),
		Closed:       found.closed(),
		DonateURL:    found.donatePath(shareCode(r)),
		Progress:     progress,
		Share:        view.ShareLinks(found.title(), s.front.Absolute(found.path())),
	}
	page.Gifts, err = s.gifts(r.Context(), found, page.DonateURL)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.front.Show(w, r, http.StatusOK, &page)
}
