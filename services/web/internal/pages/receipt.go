package pages

import (
	"context"
	"fmt"
	"net/http"
	"time"

	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

// receipt shows the receipt to whoever has its address.
func (s *Site) receipt(w http.ResponseWriter, r *http.Request) {
	number, token := r.PathValue("number"), r.PathValue("token")
	if !isWord(number, 64, lower+upper+digits+"-_") || !isWord(token, 256, lower+upper+digits+"-_") {
		s.front.Unknown(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	document, err := s.receipts.GetReceipt(ctx, &receiptv1.GetReceiptRequest{Number: number, Token: token})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page, err := receiptPage(document, s.front.Texts(r.Context()))
	if err != nil {
		s.fail(w, r, fmt.Errorf("show receipt: %w", err))
		return
	}
	s.front.Show(w, r, http.StatusOK, &page)
}

// receiptPage shows the document as it was issued, amounts included: nothing
// on a receipt is computed again.
func receiptPage(d *receiptv1.GetReceiptResponse, spoken *texts.Texts) (view.Receipt, error) {
	page := view.Receipt{
		Frame:  view.Frame{Title: spoken.Say("receipt.heading", "Number", d.GetNumber()), Private: true},
		Number: d.GetNumber(),
		Organization: view.Site{
			LegalName:    d.GetOrganizationLegalName(),
			Registration: d.GetOrganizationRegistration(),
			Contact:      d.GetOrganizationContact(),
		},
		Address:    d.GetOrganizationAddress(),
		DonorName:  d.GetDonorName(),
		DonorEmail: d.GetDonorEmail(),
		Fund:       d.GetFundName(),
		Reference:  d.GetPaymentReference(),
	}
	page.Site = page.Organization
	page.Site.Name = d.GetOrganizationLegalName()

	var err error
	page.Gift, err = amount(d.GetGift())
	if err != nil {
		return view.Receipt{}, err
	}
	page.Total, err = amount(d.GetTotal())
	if err != nil {
		return view.Receipt{}, err
	}
	page.Cover = money.Amount{Currency: page.Gift.Currency}
	if d.GetCover() != nil {
		page.Cover, err = amount(d.GetCover())
		if err != nil {
			return view.Receipt{}, err
		}
	}
	page.ReceivedOn, err = time.Parse(time.DateOnly, d.GetReceivedOn())
	if err != nil {
		return view.Receipt{}, fmt.Errorf("date of the gift: %w", err)
	}
	page.IssuedOn, err = time.Parse(time.DateOnly, d.GetIssuedOn())
	if err != nil {
		return view.Receipt{}, fmt.Errorf("date of issue: %w", err)
	}
	return page, nil
}
