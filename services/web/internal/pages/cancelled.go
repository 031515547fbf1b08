package pages

import (
	"context"
	"fmt"
	"net/http"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

// cancelled shows the form again to a donor who left Stripe's page without
// paying, with everything that was typed and the same intent, so that changing
// one's mind never makes two gifts.
func (s *Site) cancelled(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !isID(id) {
		s.front.Unknown(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	kept, err := s.donations.GetCheckoutForm(ctx, &donationv1.GetCheckoutFormRequest{DonationId: id})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if kept.GetState() == donationv1.State_STATE_SUCCEEDED || kept.GetState() == donationv1.State_STATE_PROCESSING {
		s.alreadyPaid(w, r, id, kept)
		return
	}

	found, err := s.find(r.Context(), kept.GetAppealSlug(), kept.GetFundraiserSlug())
	t, ok := s.openTerms(w, r, found, err)
	if !ok {
		return
	}
	gift, err := amount(kept.GetGift())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	in := input{
		intent:     kept.GetIntentId(),
		amount:     money.Typed(gift),
		fund:       kept.GetFundCode(),
		name:       kept.GetName(),
		email:      kept.GetEmail(),
		visibility: word(kept.GetVisibility()),
		message:    kept.GetMessage(),
		share:      kept.GetShareCode(),
	}
	if kept.GetFrequency() == donationv1.Frequency_FREQUENCY_MONTHLY {
		in.frequency = monthly
	}
	if kept.GetCoverFees() {
		in.cover = "1"
	}
	s.showForm(w, r, http.StatusOK, found, view.Donate{Form: in.draw(t, found, nil), FromStripe: true})
}

// word is the form's word for a visibility. One that is not said is shown as
// anonymous everywhere, so it is offered as that.
func word(v donationv1.Visibility) string {
	switch v {
	case donationv1.Visibility_VISIBILITY_PUBLIC:
		return "public"
	case donationv1.Visibility_VISIBILITY_FIRST_NAME:
		return "first_name"
	default:
		return "anonymous"
	}
}

// alreadyPaid answers a donor who used the way back after paying.
func (s *Site) alreadyPaid(w http.ResponseWriter, r *http.Request, id string, kept *donationv1.GetCheckoutFormResponse) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := s.donations.GetDonation(ctx, &donationv1.GetDonationRequest{DonationId: id})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := view.AlreadyPaid{
		Frame:      view.Frame{Title: s.front.Texts(ctx).Say("paid.title"), Private: true},
		Processing: kept.GetState() == donationv1.State_STATE_PROCESSING,
	}
	_, _, page.Total, err = amounts(answer.GetDonation())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if page.Processing {
		page.Title = s.front.Texts(ctx).Say("thanks.title.processing")
	}
	page.Target.URL = appealPath(kept.GetAppealSlug())
	found, err := s.find(r.Context(), kept.GetAppealSlug(), kept.GetFundraiserSlug())
	if err == nil {
		page.Site = site(found.organization)
		page.Target = view.Link{Label: found.title(), URL: found.path()}
	}
	s.front.Show(w, r, http.StatusOK, &page)
}

// amounts are the gift, its cover and both together.
func amounts(d *donationv1.Donation) (gift, cover, total money.Amount, err error) {
	gift, err = amount(d.GetGift())
	if err != nil {
		return gift, cover, total, fmt.Errorf("gift: %w", err)
	}
	cover, err = amount(d.GetCover())
	if err != nil {
		return gift, cover, total, fmt.Errorf("cover: %w", err)
	}
	if d.GetCover() == nil {
		cover.Currency = gift.Currency
	}
	total, err = gift.Add(cover)
	if err != nil {
		return gift, cover, total, fmt.Errorf("gift and cover: %w", err)
	}
	return gift, cover, total, nil
}
