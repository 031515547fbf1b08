package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/view"
)

// The thanks page asks again by itself, less and less often, and stops: a page
// left open overnight must not ask all night. The header does it, because a
// page without script has nothing else and a meta element would be the same
// with worse manners.

// confirmDelays are the seconds until each further look at a payment that is
// not confirmed.
var confirmDelays = []int{1, 2, 2, 3, 3, 5, 5, 8, 8, 13, 13, 20, 20}

// receiptDelays are those for a receipt, which is usually there before the
// donor is.
var receiptDelays = []int{2, 3, 5}

func thanksPath(donationID, sessionID string, attempt int) string {
	path := donationPath(donationID) + "/thanks?session_id=" + url.QueryEscape(sessionID)
	if attempt > 0 {
		path += "&n=" + strconv.Itoa(attempt)
	}
	return path
}

func donationPath(id string) string { return "/donations/" + id }

// byCard is Stripe's word for a payment that is known at once to have gone through.
const byCard = "card"

// outcomes says what each state of a donation means on the thanks page. A
// donation that is not known to be paid is never thanked for.
var outcomes = map[donationv1.State]view.Outcome{
	donationv1.State_STATE_CREATED:       view.Confirming,
	donationv1.State_STATE_CHECKOUT_OPEN: view.Confirming,
	donationv1.State_STATE_PROCESSING:    view.Processing,
	donationv1.State_STATE_SUCCEEDED:     view.Paid,
	donationv1.State_STATE_EXPIRED:       view.Expired,
	donationv1.State_STATE_FAILED:        view.Failed,
	donationv1.State_STATE_ABANDONED:     view.Replaced,
}

// thanks says what is known of the payment. It only reads, so it can be loaded
// again as often as anybody likes.
func (s *Site) thanks(w http.ResponseWriter, r *http.Request) {
	id, session := r.PathValue("id"), r.URL.Query().Get("session_id")
	if !isID(id) || !isWord(session, 200, lower+upper+digits+"_-") {
		s.front.Unknown(w, r)
		return
	}
	attempt, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || attempt < 0 {
		attempt = 0
	}

	ctx, cancel := context.WithTimeout(r.Context(), checkoutTimeout)
	defer cancel()
	answer, err := s.donations.ConfirmDonation(ctx, &donationv1.ConfirmDonationRequest{DonationId: id, SessionId: session})
	if unanswered(err) {
		s.thanksLater(w, r, err, id, session, attempt)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	donation := answer.GetDonation()
	page, err := s.thanksPage(r.Context(), donation)
	if err != nil {
		s.fail(w, r, err)
		return
	}

	delays := []int(nil)
	switch {
	case page.Outcome == view.Confirming:
		delays = confirmDelays
	case page.Outcome == view.Paid && page.ReceiptURL == "":
		delays = receiptDelays
	}
	page.Waiting = lookAgain(w, delays, id, session, attempt)
	page.CheckURL = thanksPath(id, session, 0)
	s.front.Show(w, r, http.StatusOK, &page)
}

// lookAgain makes the browser load the page again after the attempt's delay,
// and reports whether it will.
func lookAgain(w http.ResponseWriter, delays []int, id, session string, attempt int) bool {
	if attempt >= len(delays) {
		return false
	}
	w.Header().Set("Refresh", strconv.Itoa(delays[attempt])+"; url="+thanksPath(id, session, attempt+1))
	return true
}

// thanksLater reassures a donor who may just have paid while the donation
// service is away. The money is Stripe's word, and it will be asked for.
func (s *Site) thanksLater(w http.ResponseWriter, r *http.Request, err error, id, session string, attempt int) {
	status, _ := s.front.Judge(r, err)
	lookAgain(w, confirmDelays, id, session, attempt)
	spoken := s.front.Texts(r.Context())
	s.front.Show(w, r, status, &view.Problem{
		Frame:   view.Frame{Title: spoken.Say("thanks.later.heading"), Private: true},
		Heading: spoken.Say("thanks.later.heading"),
		Text:    []string{spoken.Say("thanks.later.safe"), spoken.Say("thanks.later.once")},
		Ways:    []view.Link{{Label: spoken.Say("way.look_again"), URL: thanksPath(id, session, 0)}},
	})
}

func (s *Site) thanksPage(ctx context.Context, d *donationv1.Donation) (view.Thanks, error) {
	page := view.Thanks{
		Outcome:  outcomes[d.GetState()],
		Declined: d.GetDeclineCode() != "",
		Debit:    d.GetPaymentMethod() != "" && d.GetPaymentMethod() != byCard,
		Monthly:  d.GetRecurringPlanId() != "",
		FormURL:  donationPath(d.GetDonationId()) + "/cancelled",
	}
	if page.Outcome == "" {
		page.Outcome = view.Confirming
	}
	var err error
	page.Gift, page.Cover, page.Total, err = amounts(d)
	if err != nil {
		return view.Thanks{}, err
	}
	page.Back, err = amount(d.GetReturned())
	if err != nil {
		return view.Thanks{}, fmt.Errorf("returned: %w", err)
	}
	if page.Outcome == view.Paid && page.Back.Minor > 0 && page.Back.Minor >= page.Total.Minor {
		page.Outcome = view.Returned
	}
	page.Frame = view.Frame{Title: s.front.Texts(ctx).Say("thanks.title." + string(page.Outcome)), Private: true}
	if page.Outcome == view.Confirming && page.Declined {
		page.Title = s.front.Texts(ctx).Say("thanks.title.declined")
	}

	// What was given to is an ornament here: without it the page is still true.
	found, err := s.find(ctx, d.GetAppealSlug(), d.GetFundraiserSlug())
	if err == nil {
		page.Site = site(found.organization)
		page.Target = view.Link{Label: found.title(), URL: found.path()}
		if !found.closed() {
			page.Share = s.share(ctx, "share.text_given", found)
			page.StartURL = found.startPath()
		}
	}
	if page.Outcome == view.Paid {
		page.ReceiptURL = s.receiptURL(ctx, d.GetDonationId())
	}
	return page, nil
}

// receiptURL is the receipt's address, empty until there is one or while it
// cannot be asked for.
func (s *Site) receiptURL(ctx context.Context, donationID string) string {
	ctx, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	link, err := s.receiptLink(ctx, donationID)
	if err != nil {
		s.logger.WarnContext(ctx, "thanks page has no receipt link", "error", err)
	}
	return link.URL
}

// receiptLink leads to a gift's newest receipt, by its number; the zero Link while
// there is none.
func (s *Site) receiptLink(ctx context.Context, donationID string) (view.Link, error) {
	found, err := s.receipts.GetReceiptLink(ctx, &receiptv1.GetReceiptLinkRequest{DonationId: donationID})
	if apperr.CodeOf(err) == apperr.NotFound {
		return view.Link{}, nil
	}
	if err != nil {
		return view.Link{}, err
	}
	return view.Link{
		Label: found.GetNumber(),
		URL:   "/receipts/" + url.PathEscape(found.GetNumber()) + "/" + url.PathEscape(found.GetToken()),
	}, nil
}
