package pages

import (
	"net/http"

	"google.golang.org/protobuf/proto"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Preview is a page as everybody would see it if it were published, for nobody but
// who writes it.
func (s *Site) Preview(r *http.Request, organization *fundraiserv1.Organization, own *fundraiserv1.OwnFundraiser, links view.PreviewLinks) (view.Page, error) {
	found := target{organization: organization, appeal: own.GetAppeal(), page: own.GetFundraiser()}
	if found.page.GetState() == fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT {
		open, ok := proto.Clone(found.page).(*fundraiserv1.Fundraiser)
		if ok {
			open.Closed = false
			found.page = open
		}
	}
	page, err := s.fundraiserPage(r, found)
	if err != nil {
		return nil, err
	}
	page.Frame = view.Frame{Title: page.Title, Private: true, Site: page.Site}
	// Its button shows how it looks; there is nothing to give to yet.
	page.Preview, page.DonateURL, page.StartURL = &links, "#main", ""
	page.Gifts, err = s.gifts(r.Context(), found, page.DonateURL)
	return page, err
}

// Own is what a page's owner is shown of it beside what the owner wrote.
type Own struct {
	Progress view.Progress
	Gifts    view.Gifts
	Share    view.Share
	Path     string // of the page that everybody sees
}

// Own puts it together; recent are the page's newest gifts.
func (s *Site) Own(r *http.Request, organization *fundraiserv1.Organization, own *fundraiserv1.OwnFundraiser, recent []*fundraiserv1.Gift) (Own, error) {
	found := target{organization: organization, appeal: own.GetAppeal(), page: own.GetFundraiser(), recent: recent}
	progress, err := found.progress(found.totals())
	if err != nil {
		return Own{}, err
	}
	gifts, err := s.gifts(r.Context(), found, "")
	if err != nil {
		return Own{}, err
	}
	return Own{Progress: progress, Gifts: gifts, Share: s.share(r.Context(), "share.text", found), Path: found.path()}, nil
}

// Photo is a picture with the addresses of its sizes, nil for none.
func Photo(image *fundraiserv1.Image) *view.Photo { return photo(image) }
