package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// VerifyReceipt returns the receipt with that number to whoever knows the code
// that stands on it. A wrong code and a number never given get the same answer.
func (a *App) VerifyReceipt(ctx context.Context, number, code string) (domain.Standing, error) {
	receipt, err := a.receipt(ctx, tidy(number))
	if err != nil {
		return domain.Standing{}, err
	}
	if !a.codes.Verify(code, receipt.Number.String(), receipt.Version) {
		return domain.Standing{}, notFound()
	}
	return receipt, nil
}

// FindReceipt returns the receipt with that number, and its link, for staff.
func (a *App) FindReceipt(ctx context.Context, number string) (domain.Standing, string, error) {
	receipt, err := a.receipt(ctx, tidy(number))
	if err != nil {
		return domain.Standing{}, "", err
	}
	return receipt, a.links.Token(receipt.Number.String(), receipt.Version), nil
}

// tidy is a number as it was meant by somebody who typed it.
func tidy(number string) string { return strings.ToUpper(strings.TrimSpace(number)) }

// receipt reads one receipt with what became of it.
func (a *App) receipt(ctx context.Context, number string) (domain.Standing, error) {
	parsed, ok := domain.ParseNumber(number)
	if !ok {
		return domain.Standing{}, notFound()
	}
	var receipt domain.Standing
	err := a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		found, err := r.Receipt(ctx, parsed)
		if err != nil {
			return err
		}
		receipt, err = r.ReceiptStanding(ctx, found)
		return err
	})
	if errors.Is(err, ErrNoReceipt) {
		return domain.Standing{}, notFound()
	}
	if err != nil {
		return domain.Standing{}, fmt.Errorf("read receipt: %w", err)
	}
	return receipt, nil
}

// GetPDF returns the file to whoever has the receipt's link.
func (a *App) GetPDF(ctx context.Context, number, token string) (PDF, error) {
	shown, err := a.GetReceipt(ctx, number, token)
	if err != nil {
		return PDF{}, err
	}
	if shown.State() != domain.InForce {
		return a.stamped(ctx, shown)
	}
	var file PDF
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		file, err = r.PDF(ctx, shown.Number)
		return err
	})
	switch {
	case errors.Is(err, ErrNoPDF) && len(shown.Drawing.WaitsFor) > 0:
		return PDF{}, waitsForFont(shown.Drawing.WaitsFor)
	case errors.Is(err, ErrNoPDF):
		return PDF{}, apperr.New(apperr.FailedPrecondition, "PDF_NOT_READY", "The PDF is not drawn yet.")
	case err != nil:
		return PDF{}, fmt.Errorf("read PDF: %w", err)
	}
	return file, nil
}

// stamped draws a receipt that is not in force any more, so that the file says so.
// It is drawn each time: it is asked for rarely, and what it says of the receipt
// after it may change.
func (a *App) stamped(ctx context.Context, shown Shown) (PDF, error) {
	sheet, err := a.letters.stampedSheet(shown.Standing)
	if err != nil {
		return PDF{}, fmt.Errorf("write %s: %w", shown.Number, err)
	}
	content, missing, err := a.print(ctx, shown.Number, sheet)
	if err != nil {
		return PDF{}, fmt.Errorf("draw %s: %w", shown.Number, err)
	}
	if len(missing) > 0 {
		return PDF{}, waitsForFont(missing)
	}
	digest := sha256.Sum256(content)
	return PDF{Number: shown.Number, SHA256: hex.EncodeToString(digest[:]), Content: content, DrawnAt: a.now()}, nil
}

func waitsForFont(scripts []string) error {
	return apperr.New(apperr.FailedPrecondition, "PDF_WAITS_FOR_FONT", "The PDF waits for a font for "+strings.Join(scripts, ", ")+".")
}
