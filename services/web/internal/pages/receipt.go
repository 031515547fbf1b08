package pages

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

// receipt shows the receipt to whoever has its address.
func (s *Site) receipt(w http.ResponseWriter, r *http.Request) {
	number := r.PathValue("number")
	token, isFile := strings.CutSuffix(r.PathValue("token"), ".pdf")
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
	// A document keeps the language that it was issued in.
	r = s.front.InLanguage(r, document.GetLanguage())
	if isFile {
		s.receiptFile(w, r, document, token)
		return
	}
	page, err := receiptPage(document, token, s.front.Texts(r.Context()))
	if err != nil {
		s.fail(w, r, fmt.Errorf("show receipt: %w", err))
		return
	}
	s.front.Show(w, r, http.StatusOK, &page)
}

// receiptFile hands out the PDF, or says what it waits for.
func (s *Site) receiptFile(w http.ResponseWriter, r *http.Request, d *receiptv1.GetReceiptResponse, token string) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	file, err := s.receipts.GetReceiptPDF(ctx, &receiptv1.GetReceiptPDFRequest{Number: d.GetNumber(), Token: token})
	if apperr.CodeOf(err) == apperr.FailedPrecondition {
		s.noFile(w, r, d, token)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/pdf")
	header.Set("Content-Disposition", `attachment; filename="`+d.GetNumber()+`.pdf"`)
	header.Set("Content-Length", strconv.Itoa(len(file.GetPdf())))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(file.GetPdf()) // the reader has gone; there is nobody to tell
	}
}

// noFile says why there is no PDF yet.
func (s *Site) noFile(w http.ResponseWriter, r *http.Request, d *receiptv1.GetReceiptResponse, token string) {
	words := s.front.Texts(r.Context())
	reason := words.Say("receipt.pdf.soon")
	if len(d.GetPdfWaitsFor()) > 0 {
		reason = words.Say("receipt.pdf.waits", "Scripts", strings.Join(d.GetPdfWaitsFor(), ", "))
	}
	page := view.Problem{
		Frame:   view.Frame{Title: words.Say("receipt.pdf.none"), Private: true},
		Heading: words.Say("receipt.pdf.none"),
		Text:    []string{reason},
		Ways:    []view.Link{{Label: words.Say("receipt.back"), URL: receiptPath(d.GetNumber(), token)}},
	}
	s.front.Show(w, r, http.StatusConflict, &page)
}

func receiptPath(number, token string) string { return "/receipts/" + number + "/" + token }

// receiptPage shows the document as it was issued, amounts included: nothing
// on a receipt is computed again.
func receiptPage(d *receiptv1.GetReceiptResponse, token string, spoken *texts.Texts) (view.Receipt, error) {
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
		CheckCode:  d.GetCheckCode(),
		WaitsFor:   d.GetPdfWaitsFor(),
	}
	page.Replaces, page.Monthly = d.GetReplaces(), d.GetMonthly()
	switch d.GetState() {
	case receiptv1.ReceiptState_RECEIPT_STATE_VOID:
		page.Ended = "void"
	case receiptv1.ReceiptState_RECEIPT_STATE_REPLACED:
		page.Ended = "replaced"
	case receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE, receiptv1.ReceiptState_RECEIPT_STATE_UNSPECIFIED:
	}
	if page.Ended != "" {
		page.EndedOn = dayOf(d.GetEndedAt())
	}
	if d.GetReplacedBy() != "" && d.GetReplacedByToken() != "" {
		page.After = view.Link{Label: d.GetReplacedBy(), URL: receiptPath(d.GetReplacedBy(), d.GetReplacedByToken())}
	}
	if d.GetPdfReady() {
		page.PDF = receiptPath(d.GetNumber(), token) + ".pdf"
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
