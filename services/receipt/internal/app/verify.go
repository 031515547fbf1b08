package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// VerifyReceipt returns the receipt with that number to whoever knows the code
// that stands on it. A wrong code and a number never given get the same answer.
// A receipt that exists is in force.
func (a *App) VerifyReceipt(ctx context.Context, number, code string) (domain.Receipt, error) {
	receipt, err := a.receipt(ctx, tidy(number))
	if err != nil {
		return domain.Receipt{}, err
	}
	if !a.codes.Verify(code, receipt.Number.String(), receipt.Version) {
		return domain.Receipt{}, notFound()
	}
	return receipt, nil
}

// FindReceipt returns the receipt with that number, and its link, for staff.
func (a *App) FindReceipt(ctx context.Context, number string) (domain.Receipt, string, error) {
	receipt, err := a.receipt(ctx, tidy(number))
	if err != nil {
		return domain.Receipt{}, "", err
	}
	return receipt, a.links.Token(receipt.Number.String(), receipt.Version), nil
}

// tidy is a number as it was meant by somebody who typed it.
func tidy(number string) string { return strings.ToUpper(strings.TrimSpace(number)) }

// receipt reads one receipt.
func (a *App) receipt(ctx context.Context, number string) (domain.Receipt, error) {
	parsed, ok := domain.ParseNumber(number)
	if !ok {
		return domain.Receipt{}, notFound()
	}
	var receipt domain.Receipt
	err := a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		receipt, err = r.Receipt(ctx, parsed)
		return err
	})
	if errors.Is(err, ErrNoReceipt) {
		return domain.Receipt{}, notFound()
	}
	if err != nil {
		return domain.Receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	return receipt, nil
}

// GetPDF returns the file to whoever has the receipt's link.
func (a *App) GetPDF(ctx context.Context, number, token string) (PDF, error) {
	shown, err := a.GetReceipt(ctx, number, token)
	if err != nil {
		return PDF{}, err
	}
	var file PDF
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		file, err = r.PDF(ctx, shown.Receipt.Number)
		return err
	})
	switch {
	case errors.Is(err, ErrNoPDF) && len(shown.Drawing.WaitsFor) > 0:
		return PDF{}, apperr.New(apperr.FailedPrecondition, "PDF_WAITS_FOR_FONT",
			"The PDF waits for a font for "+strings.Join(shown.Drawing.WaitsFor, ", ")+".")
	case errors.Is(err, ErrNoPDF):
		return PDF{}, apperr.New(apperr.FailedPrecondition, "PDF_NOT_READY", "The PDF is not drawn yet.")
	case err != nil:
		return PDF{}, fmt.Errorf("read PDF: %w", err)
	}
	return file, nil
}
