package pages

import (
	"context"
	"net/http"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/story"
	"github.com/almoner/almoner/services/web/internal/view"
)

// namesTimeout is short: names are an ornament of the list of gifts, and the
// page must not wait for them when the donation service is away.
const namesTimeout = time.Second

// appeal shows what one can give to.
func (s *Site) appeal(r *http.Request) (_ view.Page, whole bool, err error) {
	found, err := s.shownAppeal(r.Context(), r.PathValue("slug"))
	if err != nil {
		return nil, false, err
	}
	progress, err := found.progress(found.totals())
	if err != nil {
		return nil, false, err
	}
	spoken := s.front.Texts(r.Context())
	page := &view.Appeal{
		Frame: view.Frame{
			Title:       found.appeal.GetTitle(),
			Description: found.appeal.GetSummary(),
			Canonical:   s.front.Absolute(found.path()),
			Site:        site(found.organization),
		},
		Kicker:       kicker(found.appeal.GetKind(), spoken),
		Urgent:       found.appeal.GetKind() == fundraiserv1.AppealKind_APPEAL_KIND_CRISIS,
		Heading:      found.appeal.GetTitle(),
		Summary:      found.appeal.GetSummary(),
		Story:        story.HTML(found.appeal.GetStoryMarkdown()),
		Organization: found.organization.GetName(),
		Closed:       found.closed(),
		DonateURL:    found.donatePath(shareCode(r)),
		Progress:     progress,
		Live:         found.live(),
		Share:        s.share(r.Context(), "share.text", found),
		StartURL:     found.startPath(),
	}
	for _, f := range found.pages {
		card, err := fundraiserCard(f, found.appeal.GetCurrency())
		if err != nil {
			return nil, false, err
		}
		page.Fundraisers = append(page.Fundraisers, card)
	}
	page.Gifts, err = s.gifts(r.Context(), found, page.DonateURL)
	return page, !page.Gifts.Nameless, err
}

func fundraiserCard(f *fundraiserv1.Fundraiser, currency string) (view.FundraiserCard, error) {
	progress, err := progress(currency, f.GetTotals(), f.GetGoalMinor())
	if err != nil {
		return view.FundraiserCard{}, err
	}
	return view.FundraiserCard{
		Title:    f.GetTitle(),
		Owner:    f.GetOwnerName(),
		URL:      fundraiserPath(f.GetSlug()),
		Progress: progress,
	}, nil
}

// gifts is the list of newest gifts with the names that may be shown. Without
// the donation service the gifts are listed all the same, only nameless.
func (s *Site) gifts(ctx context.Context, found target, donateURL string) (view.Gifts, error) {
	location := zone(found.organization)
	gifts := view.Gifts{TimeZone: location.String()}
	if !found.closed() {
		gifts.DonateURL = donateURL
	}
	if len(found.recent) == 0 {
		return gifts, nil
	}

	names, err := s.names(ctx, found.recent)
	gifts.Nameless = err != nil
	for _, gift := range found.recent {
		cur, err := money.ParseCurrency(gift.GetCurrency())
		if err != nil {
			return view.Gifts{}, err
		}
		shown := names[gift.GetDonationId()]
		gifts.List = append(gifts.List, view.Gift{
			Name:    shown.GetName(),
			Message: shown.GetMessage(),
			Hidden:  !named(gift.GetVisibility()),
			Amount:  money.Amount{Minor: gift.GetGiftMinor() - gift.GetReturnedMinor(), Currency: cur},
			At:      time.UnixMicro(gift.GetPaidAt()).In(location),
		})
	}
	return gifts, nil
}

// named reports whether the donor agreed to be named; what is not said means no.
func named(v donationv1.Visibility) bool {
	return v == donationv1.Visibility_VISIBILITY_PUBLIC || v == donationv1.Visibility_VISIBILITY_FIRST_NAME
}

// names asks only for the gifts whose donors agreed to be named, so that no
// mistake elsewhere can show the others.
func (s *Site) names(ctx context.Context, gifts []*fundraiserv1.Gift) (map[string]*donationv1.PublicGift, error) {
	var ids []string
	for _, gift := range gifts {
		if named(gift.GetVisibility()) {
			ids = append(ids, gift.GetDonationId())
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	answer, err := s.donations.PublicGifts(ctx, &donationv1.PublicGiftsRequest{DonationIds: ids})
	if err != nil {
		s.logger.WarnContext(ctx, "list of gifts has no names", "error", err)
		return nil, err
	}
	found := map[string]*donationv1.PublicGift{}
	for _, gift := range answer.GetGifts() {
		found[gift.GetDonationId()] = gift
	}
	return found, nil
}
